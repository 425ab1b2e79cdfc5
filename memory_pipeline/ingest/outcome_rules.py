"""The parts of the mapping language that say what a person did, and what a command line says."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from memory_pipeline.ingest.commands import SETTINGS
from memory_pipeline.ingest.file_rules import Category, Columns, Strict


class InterventionRule(Strict):
    """A person's intervention: `kind` where `when` is filled, true or above zero, or those of `column`."""

    kind: Category | None = None
    when: str | None = None
    column: str | None = None
    description: str | None = None
    minutes: str | None = None

    @model_validator(mode="after")
    def _is_one_form(self) -> Self:
        if (self.kind is None) != (self.when is None) or (self.kind is None) == (self.column is None):
            raise ValueError("write `kind` and `when`, or `column` alone")
        return self


HAS_READABLE_COMMAND = "has_readable_command"
"""Context key that is false where the command line of a row could not be read."""
COMMAND_ACTION = "command_action"
"""Context key of what a command does, where that is not an installation."""


class CommandColumn(Strict):
    """A column with command lines, and which of the settings in them are taken; by default all."""

    column: str
    settings: Columns = SETTINGS

    @model_validator(mode="after")
    def _settings_are_known(self) -> Self:
        unknown = [name for name in self.settings if name not in SETTINGS]
        if unknown:
            raise ValueError(f"a command gives no setting {unknown[0]!r}; it gives: {', '.join(SETTINGS)}")
        return self


class FeedbackColumns(Strict):
    """Columns of a person's judgement."""

    rating: str | None = None
    comment: str | None = None
