"""The HTTP interface: a module for each thing that is asked, thin over the memory."""

from memory_pipeline.server.api import health

ROUTERS = (health.router,)
"""Every router of the HTTP interface, in the order in which addresses are tried."""
