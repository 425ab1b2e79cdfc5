"""The HTTP interface: a module for each thing that is asked, thin over the memory."""

from memory_pipeline.server.api import advice, audit, decisions, health, jobs, metrics, quarantine, reports

ROUTERS = (
    health.router,
    metrics.router,
    advice.router,
    reports.router,
    decisions.router,
    quarantine.router,
    jobs.router,
    audit.router,
)
"""Every router of the HTTP interface, in the order in which addresses are tried."""
