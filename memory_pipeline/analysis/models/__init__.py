"""Regression models on grouped counts: what a condition changes, everything else being equal."""
