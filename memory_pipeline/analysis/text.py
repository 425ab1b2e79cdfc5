"""How a setting, a condition, a count or a percentage is written, for sentences everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.names import MISSING, NO, YES, split_element_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_LABEL_LENGTH = 60


def condition_text(conditions: Mapping[str, str]) -> str:
    """Write conditions as words: `installer type is msi and transform is yes`."""
    return " and ".join(f"{plain_name(column)} {_value_text(value)}" for column, value in conditions.items())


def plain_name(column: str) -> str:
    """Return a column as words: `installer type`."""
    return column.replace("_", " ")


def _value_text(value: str) -> str:
    return "is not recorded" if value == MISSING else f"is {value}"


def signed_points(points: float) -> str:
    """Write percentage points with their sign, whole: `+9`."""
    return f"{points:+.0f}".replace("-", "−")  # noqa: RUF001 - a minus sign, as in all sentences


def signed(value: float, digits: int = 0) -> str:
    """Write a number with its sign, a real minus sign; what rounds to zero has none: `+5`, `0`."""
    text = f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return text if float(f"{value:.{digits}f}") != 0 else text[1:]


def unit_plural(unit: str) -> str:
    """Return the plural name of units: `applications`."""
    name = plain_name(unit.removesuffix("_name"))
    return name if name.endswith("s") else f"{name}s"


def percent(share: float) -> str:
    """Write a share as a whole percentage: `87%`."""
    return f"{share:.0%}".replace("-0%", "0%").replace("-", "−")  # noqa: RUF001 - a minus sign


def confidence_text(confidence: float) -> str:
    """Write a probability so that close ones can be told apart: `0.9993`, and `>0.9999` above that."""
    return ">0.9999" if confidence > 0.9999 else f"{confidence:.4f}"  # noqa: PLR2004 - the finest that is told


def name_factor(column: str, value: str) -> str:
    """Write a setting and its value: `detection_method = file`, `prerequisites includes vc_redist`."""
    source, element = split_element_column(column)
    if element and value in {YES, NO}:
        return f"{source} {'includes' if value == YES else 'without'} {element}"
    return f"{column} = {value}"


def name_settings(settings: Mapping[str, str]) -> str:
    """Write one or several settings with their values: `wrapper = psadt and detection = file`."""
    return " and ".join(name_factor(column, value) for column, value in settings.items())


def name_comparison(settings: Mapping[str, str], reference: Mapping[str, str]) -> str:
    """Write which settings are compared with which: `wrapper = psadt instead of none`."""
    others = [
        value if name_factor(column, value) == f"{column} = {value}" else name_factor(column, value)
        for column, value in reference.items()
    ]
    return f"{name_settings(settings)} instead of {' and '.join(others)}"


def count_units(count: int, unit: str) -> str:
    """Write a number of units with their name: `120 applications`."""
    noun = unit.removesuffix("_name").replace("_", " ")
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}{'' if noun.endswith('s') else 's'}"


def attempts_behind(sample_size: int, in_context: int | None) -> str:
    """Write on how many attempts advice rests: `221 attempts behind it, 40 with it in this very context`."""
    text = f"{sample_size:,} attempts behind it"
    return text if in_context is None else f"{text}, {in_context:,} with it in this very context"


def points_text(points: float, *, signed: bool = False) -> str:
    """Write percentage points: rounded to whole points from ten on, with one decimal below."""
    digits = 0 if abs(points) >= 9.95 else 1  # noqa: PLR2004 - what rounds to ten
    text = f"{points:+.{digits}f}" if signed else f"{points:.{digits}f}"
    return text.removesuffix(".0").replace("-", "−")  # noqa: RUF001 - a minus sign


def listed(names: Sequence[str]) -> str:
    """Join names with commas and a final `and`.

    >>> listed(["R", "SQL", "Git"])
    'R, SQL and Git'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def lower_first(text: str) -> str:
    """Return a text with its first letter in lower case."""
    return text[0].lower() + text[1:]


def list_labels(names: Sequence[str]) -> str:
    """Join labels with commas and a final `and`; long labels are shortened."""
    return listed([cut(name) for name in names])


def cut(name: str) -> str:
    """Shorten a label of more than 60 characters at the end of a word."""
    return name if len(name) <= _LABEL_LENGTH else name[:_LABEL_LENGTH].rsplit(" ", 1)[0] + " …"


def describe_approach(approach: Mapping[str, Any]) -> str:
    """Write an approach as words: `switches = /qn, wrapper = yes`."""
    if not approach:
        return "no setting stated"
    return ", ".join(
        f"{column} not set" if value is None else f"{column} = {setting_text(value)}"
        for column, value in approach.items()
    )


def setting_text(value: Any) -> str:
    """Write the value of a setting as words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " + ".join(map(setting_text, value)) or "none"
    return str(value)
