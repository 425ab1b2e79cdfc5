"""Tests, intervals and estimators on plain arrays: nothing here knows a column or an outcome."""
