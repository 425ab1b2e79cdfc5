"""One process, one port: the HTTP interface, MCP, metrics and health of a memory.

What belongs here: how requests come in and answers go out. What an answer says is `service`'s.
"""
