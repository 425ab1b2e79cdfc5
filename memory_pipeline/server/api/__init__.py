"""The HTTP interface: a module for each thing that is asked, thin over the memory."""

from memory_pipeline.server.api import (
    advice,
    alerts,
    audit,
    charts,
    decisions,
    findings,
    health,
    jobs,
    learning,
    members,
    metrics,
    monitoring,
    names,
    outcomes,
    quarantine,
    reports,
    vocabulary,
)

ROUTERS = (
    health.router,
    metrics.router,
    advice.router,
    reports.router,
    outcomes.router,
    findings.router,
    decisions.router,
    learning.router,
    members.router,
    charts.router,
    vocabulary.router,
    quarantine.router,
    alerts.router,
    monitoring.router,
    names.router,
    jobs.router,
    audit.router,
)
"""Every router of the HTTP interface, in the order in which addresses are tried."""
