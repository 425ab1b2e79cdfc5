"""Packaging command lines as what they say: application, installer type and the settings that were chosen.

Reads text, runs nothing, and imports the standard library alone, so that a hook can start with it.
"""

from memory_pipeline.ingest.commands.lexer import MAX_LENGTH, CommandTooLongError
from memory_pipeline.ingest.commands.parse import parse_command, parse_commands
from memory_pipeline.ingest.commands.parsed import SETTINGS, ParsedCommand

__all__ = [
    "MAX_LENGTH",
    "SETTINGS",
    "CommandTooLongError",
    "ParsedCommand",
    "parse_command",
    "parse_commands",
]
