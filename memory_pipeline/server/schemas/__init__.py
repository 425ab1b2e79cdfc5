"""What answers look like: a model for each kind of row, with the meaning, unit and bounds of each field.

The documentation of the HTTP interface is made from them; rows are what the service returns, under the same
names.
"""
