"""The code location that `workspace.yaml` and `dg` load."""

from memory_pipeline.pipeline.build import build_definitions

defs = build_definitions()
