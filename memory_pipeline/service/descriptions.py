"""Read how an application is described, and which of its columns and values the memory does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.features.levels import level_name
from memory_pipeline.analysis.features.unknown_values import describe_unknown_value, nearest_known
from memory_pipeline.analysis.names import MISSING, OTHER
from memory_pipeline.analysis.spellings import spelling_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memory_pipeline.analysis.features.encoding import Encoding
    from memory_pipeline.analysis.recommendations import Policy

LONGEST_VALUE = 500
"""Characters of a described value."""
MOST_ELEMENTS = 100
"""Elements of a described list."""


@dataclass(frozen=True)
class DescriptionProblem:
    """What is wrong with one column of a description.

    Attributes
    ----------
    column, value
        What was described; the value as text, shortened.
    remedy
        What to describe instead.
    nearest
        The nearest known name, where there is one.
    """

    column: str
    value: str
    remedy: str
    nearest: str | None = None


class DescriptionError(ValueError):
    """A description that cannot be used.

    Parameters
    ----------
    message
        What is wrong and what to do.
    problems
        What is wrong with each column.
    """

    def __init__(self, message: str, problems: tuple[DescriptionProblem, ...]) -> None:
        super().__init__(message)
        self.problems = problems


@dataclass(frozen=True)
class Description:
    """A description as it is answered.

    Attributes
    ----------
    columns
        The value of each column; another spelling of a known one, or a name that counts as it, is that one.
    notes
        Sentences about what was taken otherwise than it was written, and what is not known.
    """

    columns: dict[str, Any]
    notes: tuple[str, ...] = ()


class KnownValues:
    """The columns and values that a policy distinguishes, of the context or of approaches.

    Parameters
    ----------
    columns
        The columns.
    encoding
        How their values become categories.
    constants
        Source columns that had one value only, and that value.
    names
        Names that count as a known value, as `Contexts.names`.
    """

    def __init__(
        self,
        columns: Iterable[str],
        encoding: Encoding,
        constants: Mapping[str, tuple[str, ...]] | None = None,
        names: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.columns = tuple(columns)
        codes = {column: code.levels for column, code in encoding.codes.items() if code.kind != "bins"}
        self._known_values: dict[str, tuple[str, ...]] = codes | dict(constants or {})
        self._folded = {
            column: {
                **(names or {}).get(column, {}),
                **{spelling_key(level): level for level in reversed(levels)},
            }
            for column, levels in self._known_values.items()
        }

    @classmethod
    def of_context(cls, policy: Policy) -> KnownValues:
        """Return those of the context of a policy."""
        contexts = policy.contexts
        return cls(policy.context, contexts.encoding, contexts.constants, contexts.names)

    @classmethod
    def of_approaches(cls, policy: Policy) -> KnownValues:
        """Return those of the approaches of a policy."""
        return cls(policy.approach, policy.approach_encoding)

    def read(self, described: Mapping[str, Any]) -> Description:
        """Read the columns of a description.

        Raises
        ------
        DescriptionError
            When a column does not exist, or a value cannot be stored.
        """
        unknown = [column for column in described if column not in self.columns]
        if unknown:
            raise self._unknown_columns({column: described[column] for column in unknown})
        return self.read_known(described)

    def read_known(self, described: Mapping[str, Any]) -> Description:
        """Read a description as `read` does; a column that does not exist is left out, and noted."""
        values: dict[str, Any] = {}
        notes: list[str] = []
        for column, value in described.items():
            _check_value(column, value)
            if column in self._folded:
                values[column] = self._known(column, value, notes)
            elif column in self.columns:
                values[column] = value
            else:
                close = nearest_known(column, self.columns)
                nearest = f"; the nearest known name is {close[0]!r}" if close else ""
                notes.append(f"No attempt has {column!r}, so it was left out{nearest}.")
        return Description(columns=values, notes=tuple(notes))

    def unknown(self, column: str, value: Any) -> list[str]:
        """Return those of a described value, or of the elements of a list, that are not known, as text.

        Nothing where the column has no known values, as one of numbers, or does not exist.
        """
        if isinstance(value, (list, tuple)):
            return [text for one in value for text in self.unknown(column, one)]
        text = level_name(value).strip()
        levels = self._folded.get(column)
        if levels is None or value is None or spelling_key(text) in levels or text in {MISSING, OTHER}:
            return []
        return [text]

    def _known(self, column: str, value: Any, notes: list[str]) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._known(column, one, notes) for one in value]
        if value is None:
            return None
        levels = self._folded[column]
        text = level_name(value).strip()
        known = levels.get(spelling_key(text))
        if known is None:
            if text not in {MISSING, OTHER}:
                notes.append(describe_unknown_value(column, text, self._known_values[column]))
            return value
        if known == text or text in self._known_values[column]:
            return value if text == level_name(value) else text
        notes.append(f"{column} {text!r} was taken as {known!r}, {_why_taken(text, known)}.")
        return known

    def _unknown_columns(self, unknown: Mapping[str, Any]) -> DescriptionError:
        listed = ", ".join(sorted(self.columns))
        problems = []
        for column, value in unknown.items():
            close = next(iter(nearest_known(column, self.columns)), None)
            remedy = f"did you mean {close!r}?" if close else f"describe the application by {listed}"
            problems.append(DescriptionProblem(column, str(value)[:200], remedy, close))
        return DescriptionError(
            f"the memory knows nothing about {', '.join(sorted(unknown))}; "
            f"describe the application by {listed}",
            tuple(problems),
        )


def _why_taken(text: str, known: str) -> str:
    """Return why a described value stands for a known one, as the end of a sentence."""
    if text.casefold() == known.casefold():
        return "which differs in case only"
    return "which is spelled so" if spelling_key(text) == spelling_key(known) else "as which it counts"


def _check_value(column: str, value: Any) -> None:
    """Refuse what the database cannot hold or nobody describes.

    Raises
    ------
    DescriptionError
        When the value is an object, too long, or holds a character that text cannot hold.
    """
    if isinstance(value, (list, tuple)):
        if len(value) > MOST_ELEMENTS:
            raise _unusable(column, f"{len(value)} elements", f"name at most {MOST_ELEMENTS}")
        for one in value:
            if isinstance(one, (list, tuple)):
                raise _unusable(column, one, "a list holds texts, numbers and truth values")
            _check_value(column, one)
        return
    if value is not None and not isinstance(value, (str, int, float)) and not hasattr(value, "item"):
        raise _unusable(column, value, "send a text, a number, true or false, or a list of these")
    text = str(value)
    if len(text) > LONGEST_VALUE:
        raise _unusable(column, text, f"send at most {LONGEST_VALUE} characters")
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise _unusable(column, text, "leave out characters that are not text")


def _unusable(column: str, value: Any, remedy: str) -> DescriptionError:
    shown = repr(value)[:200]
    return DescriptionError(
        f"{column} is {shown}, which cannot be used; {remedy}",
        (DescriptionProblem(column, shown, remedy),),
    )
