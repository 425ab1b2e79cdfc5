"""Keep a memory for years: backup and restore, export and import, forgetting, and what is kept how long.

What belongs here: what administrators ask for, without a door. What does not: what rebuilds find.
"""
