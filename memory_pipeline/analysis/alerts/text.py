"""What an alarm says, in one sentence for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memory_pipeline.analysis.text import count_units, points_text, unit_plural

if TYPE_CHECKING:
    from memory_pipeline.analysis.alerts.watch import Sighting


def change_sentence(found: Sighting, *, unit: str, of: str = "") -> str:
    """Return that success changed in a span, against the year before it.

    Parameters
    ----------
    found
        The look that raised the alarm.
    unit
        Name of the unit's column.
    of
        What it is about, such as `installer type msi`; empty for all attempts.
    """
    which = f"Success of {of}" if of else "Success"
    moved = "fell" if found.difference < 0 else "rose"
    return (
        f"{which} {moved} by {_points(found)} in {_span(found)}, against the year before, "
        f"by {count_units(found.units, unit)} that have attempts in both."
    )


def gain_sentence(found: Sighting, *, unit: str, is_randomised: bool) -> str:
    """Return that attempts with advice ended otherwise than those without.

    Parameters
    ----------
    found
        The look that raised the alarm.
    unit
        Name of the unit's column.
    is_randomised
        Whether answers withheld at random are the comparison, else those that were not followed.
    """
    moved = "lower" if found.difference < 0 else "higher"
    compared = "where the answer was withheld at random" if is_randomised else "where it was not followed"
    return (
        f"Success with advice was {_points(found)} {moved} than {compared}, in "
        f"{_span(found)}, by {count_units(found.units, unit)} that have both."
    )


def pattern_sentence(found: Sighting, *, unit: str, description: str) -> str:
    """Return that the difference between the attempts of a pattern and the others went against it.

    Parameters
    ----------
    found
        The look that raised the alarm.
    unit
        Name of the unit's column.
    description
        The sentence of the pattern.
    """
    moved = "fell" if found.difference < 0 else "rose"
    return (
        f"A pattern no longer holds: {description.rstrip('.')}. Success there {moved} by "
        f"{_points(found)} against other attempts of the same {unit_plural(unit)}, in {_span(found)} and the "
        f"year before, by {count_units(found.units, unit)}: more than half of what the pattern said."
    )


def _points(found: Sighting) -> str:
    return f"{points_text(100 * abs(found.difference))} points"


def _span(found: Sighting) -> str:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=found.look.ends - 1)
    return f"the {found.look.ends - found.look.begins} days to {day:%Y-%m-%d}"
