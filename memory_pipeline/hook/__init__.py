"""Hooks of coding agents: ask the memory before a packaging command runs, and report how it ended.

Starts with the standard library alone (`python -m memory_pipeline.hook pre`), and never stands in the way:
when the memory is slow, broken or away, the command runs as if there were no hook.
"""
