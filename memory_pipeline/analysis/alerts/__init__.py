"""Tests whose false-alarm rate over a year holds however often somebody looks."""
