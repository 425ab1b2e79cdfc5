"""Pages for people, on the port of the interfaces for programs: what happened, was learned, and helps.

What belongs here: which questions a page asks of the memory, and how the answers look. What does not: any
rule, statistic or wording of a finding; these come from `service`, `analysis` and `charts`, as for every
other door.
"""

from memory_pipeline.server.dashboard.install import install

__all__ = ["install"]
