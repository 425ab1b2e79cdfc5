"""What is Claude asked to do: the system prompt (`prompt.md`) and the task?"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from memory_pipeline.agent.untrusted_text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.settings import Settings

LEAST_PATTERNS, MOST_PATTERNS = 5, 10
FOCUS_AREAS, FOCUS_CHARACTERS = 10, 100


def system_prompt(settings: Settings) -> str:
    """Return `prompt.md` with the community's name and description filled in."""
    template = (files(__package__) / "prompt.md").read_text(encoding="utf-8")
    values = {
        "{community_name}": settings.community_name,
        "{community_description}": settings.community_description,
        "{least}": str(LEAST_PATTERNS),
        "{most}": str(MOST_PATTERNS),
    }
    for mark, value in values.items():
        template = template.replace(mark, value)
    return template


def checked_focus(focus_areas: Sequence[str] | None) -> tuple[str, ...]:
    """Return the focus areas without hidden characters, repetitions and empty ones.

    Raises
    ------
    ValueError
        When there are too many, or one is too long.
    """
    if isinstance(focus_areas, str):
        focus_areas = [focus_areas]
    cleaned = (clean(one, FOCUS_CHARACTERS + 1) for one in focus_areas or ())
    areas = tuple(dict.fromkeys(one for one in cleaned if one))
    if len(areas) > FOCUS_AREAS:
        raise ValueError(f"focus_areas names {len(areas)} areas; name at most {FOCUS_AREAS}")
    long = next((one for one in areas if len(one) > FOCUS_CHARACTERS), None)
    if long is not None:
        raise ValueError(f"the focus {long[:30]!r}… is longer than {FOCUS_CHARACTERS} characters; shorten it")
    return areas


def task(focus_areas: Sequence[str]) -> str:
    """Write the task; the focus areas are quoted as JSON, since a person typed them."""
    words = "Look for patterns among the members and save those that are worth acting on."
    if focus_areas:
        listed = json.dumps(list(focus_areas), ensure_ascii=False)
        words += f" Look for patterns that have to do with these areas first: {listed}"
    return words


NUDGE = (
    "You have proposed no pattern. Read the analysis with get_community_profile_analysis and save what is "
    "worth it with save_pattern; if there is nothing, say so without a tool call."
)
CUT_OFF = (
    "Your last answer was cut off at its greatest length and was dropped. Be brief: one call of save_pattern "
    "at a time, without thinking it all through beforehand."
)
