"""The HTTP interface: a module for each thing that is asked, thin over the memory."""

from memory_pipeline.server.api import advice, health

ROUTERS = (health.router, advice.router)
"""Every router of the HTTP interface, in the order in which addresses are tried."""
