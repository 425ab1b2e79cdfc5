"""Data contracts: what a table or frame promises its readers, and whether it keeps the promise.

`contract` reads the files of `data_contracts/`, `evaluate` tests a frame against one with Great Expectations,
`check` reads what a contract is about and evaluates it. Nothing here knows Dagster.
"""
