"""The HTTP interface: a module for each thing that is asked, thin over the memory."""

from memory_pipeline.server.api import charts, findings, health, learning, members, outcomes, vocabulary

ROUTERS = (
    health.router,
    outcomes.router,
    findings.router,
    learning.router,
    members.router,
    charts.router,
    vocabulary.router,
)
"""Every router of the HTTP interface, in the order in which addresses are tried."""
