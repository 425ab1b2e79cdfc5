"""Find out what the values of a column say about what came of an attempt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import as_text, lookup_key
from memory_pipeline.ingest.guess.words import (
    ENDED,
    FALSE_WORDS,
    SUCCESS_QUESTIONS,
    TRUE_WORDS,
    fold,
    state_of,
)
from memory_pipeline.ingest.number_texts import parse_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_pipeline.ingest.guess.values import Column

SAID = "you said so"
"""Why a person's word counts; it is not a guess."""
MEANINGS = ("success", "failure", "partial", "skip")
CODES_OF_SUCCESS = ("0", "3010", "1641")
"""Exit codes of success; the last two ask for a restart."""

REASONS_OF_CODES = {
    "1602": "cancelled_by_user",
    "1603": "fatal_error",
    "1612": "source_missing",
    "1618": "another_installation_running",
    "1619": "package_not_opened",
    "1620": "invalid_package",
    "1624": "transform_failed",
    "1625": "forbidden_by_policy",
    "1638": "other_version_installed",
    "1639": "invalid_command_line",
}
"""Why an attempt failed, by the exit code of Windows Installer (Microsoft's list of its error codes)."""


@dataclass
class States:
    """What the values of a column mean.

    Parameters
    ----------
    column
        Its name.
    meanings
        Meaning of each value by the value as the file writes it.
    unknown
        Values whose meaning is not known, with the number of their rows.
    known_share
        Share of the filled cells whose meaning is known.
    is_code
        Whether the values are exit codes.
    """

    column: str
    meanings: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    known_share: float = 0.0
    is_code: bool = False

    @staticmethod
    def of_code(column: str) -> States:
        """Return the states that exit codes mean."""
        return States(column, dict.fromkeys(CODES_OF_SUCCESS, "success"), known_share=1.0, is_code=True)

    @property
    def has_both(self) -> bool:
        """Whether some values mean success, and some failure."""
        return {"success", "failure"} <= set(self.meanings.values())

    def is_usable(self, header: float) -> bool:
        """Return whether a column with this header score may be the status."""
        return (self.has_both and self.known_share * 2 >= 1) or header >= 2  # noqa: PLR2004 - a word of the role

    def of_records(self, records: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield the records whose status is known, with it."""
        known = {lookup_key(value): meaning for value, meaning in self.meanings.items()}
        for record in records:
            cell = record.get(self.column)
            if cell is None or isinstance(cell, list | dict):
                continue
            text = as_text(cell).strip()
            if self.is_code:
                try:
                    yield record, known.get(parse_code(text), "failure")
                except ValueError:
                    continue
            elif lookup_key(text) in known:
                yield record, known[lookup_key(text)]


def find_states(column: Column, meanings: dict[str, str]) -> States:
    """Find what the values of a column mean.

    Parameters
    ----------
    meanings
        What somebody has said of values, by the value.
    """
    said = {lookup_key(value): meaning for value, meaning in meanings.items()}
    is_question = fold(column.name) in SUCCESS_QUESTIONS
    has_failure = any(state_of(text) == "failure" for text in column.counts)
    states = States(column.name)
    known = 0
    seen: set[str] = set()
    for text, count in column.counts.most_common():
        meaning = said.get(lookup_key(text)) or _meaning(
            text, is_question=is_question, has_failure=has_failure
        )
        if meaning is None:
            states.unknown[text] += count
            continue
        known += count
        if lookup_key(text) not in seen:
            seen.add(lookup_key(text))
            states.meanings[text] = meaning
    states.known_share = known / column.filled if column.filled else 0.0
    return states


def _meaning(text: str, *, is_question: bool, has_failure: bool) -> str | None:
    word = fold(text)
    if is_question and (word in TRUE_WORDS or text == "1"):
        return "success"
    if is_question and (word in FALSE_WORDS or text == "0"):
        return "failure"
    if word in ENDED and not has_failure:
        return None
    return state_of(text)
