"""Pure functions over frames and counts: what the evidence says.

Nothing in here knows Dagster, the database or a language model.
"""
