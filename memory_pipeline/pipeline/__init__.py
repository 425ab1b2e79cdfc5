"""Dagster alone: assets, contracts as checks, jobs, schedule, sensor, resources, and running them.

What an asset computes is in `analysis`, what it keeps is in `store`; here is only how the pieces hang
together and what the UI shows of them.
"""
