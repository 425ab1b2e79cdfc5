"""Propose a mapping for a file that nobody has described: from the words of its header and from its values.

`sample` reads the file without a mapping, `values` finds out how cells are written, `roles` decides what a
column is, `propose` puts the mapping together, and `yaml_text` writes it with a comment on each guess.
`words` holds the vocabulary.
"""
