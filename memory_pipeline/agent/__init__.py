"""The pattern finder: Claude reads what a community is like, proposes patterns, and code checks each."""
