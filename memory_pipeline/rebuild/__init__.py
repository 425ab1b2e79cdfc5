"""What a rebuild does, without Dagster: one module a step, `steps` their order, `run` all of them.

Each step reads and writes a `store.session.Session` and returns what the doors want to show of it.
"""

from memory_pipeline.rebuild.report import RebuildError, RebuildReport, StepEvent
from memory_pipeline.rebuild.run import rebuild

__all__ = ["RebuildError", "RebuildReport", "StepEvent", "rebuild"]
