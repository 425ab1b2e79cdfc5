"""Reach a server of the memory from Python, on httpx alone, without what the memory computes with."""

from memory_pipeline.client.answers import ApproachCheck, Flushed, Job, Recommendation, ReportResult
from memory_pipeline.client.client import MemoryClient
from memory_pipeline.client.connection import MemoryProblem, MemoryUnreachable

__all__ = [
    "ApproachCheck",
    "Flushed",
    "Job",
    "MemoryClient",
    "MemoryProblem",
    "MemoryUnreachable",
    "Recommendation",
    "ReportResult",
]
