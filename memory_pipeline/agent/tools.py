"""How are the tools described to the model: their names, descriptions and strict schemas?

Strict schemas cannot express lengths, free objects or recursion, so the predicate has two levels here: all of
its parts hold, each "one of these labels" or its negation. Everything else is checked by code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.store.models import MEMBER_PATTERN_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Mapping

ANALYSIS, SAVE = "get_community_profile_analysis", "save_pattern"


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "description": description}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _number(description: str) -> dict[str, Any]:
    return {"type": "integer", "description": description}


_LABEL = {"field": _text("Field, as in the analysis."), "label": _text("Label, as in the analysis.")}
_PART = _object(
    {
        "any": _list(
            _object(_LABEL), "Labels of which a member carries at least one; a single one is usual."
        ),
        "negate": {"type": "boolean", "description": "True: the member carries none of them."},
    }
)
_PREDICATE = _object({"all": _list(_PART, "Parts that all hold for each member of the pattern.")})

TOOLS: tuple[dict[str, Any], ...] = (
    {
        "name": ANALYSIS,
        "description": "Read what the community is like in aggregate: labels with the number of members "
        "who carry them, pairs of labels that go together beyond chance, and the patterns stored already. "
        "Names no member. Long lists come in pages.",
        "strict": True,
        "input_schema": _object(
            {
                "fields": _list({"type": "string"}, "Only these fields; empty for all of them."),
                "page": _number("Page of the lists, from 1."),
            }
        ),
    },
    {
        "name": SAVE,
        "description": "Save a new pattern, or tell a stored one better. Code recomputes its "
        "members from the predicate and refuses, with the reason, what the data do not bear out: other "
        "counts than the predicate gives, groups that are too small, links no stronger than chance, parts "
        "that add nothing, and patterns that are stored already.",
        "strict": True,
        "input_schema": _object(
            {
                "name": _text("Short, unique name."),
                "improves": _text("Name of the stored pattern that this tells better; empty for a new one."),
                "description": _text("What the pattern reveals and what could be done with it; no figures."),
                "category": {"type": "string", "enum": list(MEMBER_PATTERN_CATEGORIES)},
                "predicate": _PREDICATE
                | {
                    "description": "Whom the pattern is about; 2 to 6 labels in all. Empty with `improves`: "
                    "the stored pattern's own."
                },
                "member_count": _number(
                    "Members that the predicate holds for; 0 where the analysis does not tell."
                ),
                "related_member_ids": _list({"type": "integer"}, "Leave empty: they are recomputed."),
                "evidence": _list(
                    _object({**_LABEL, "members": _number("Members who carry it, as in the analysis.")}),
                    "The figures of the analysis that led to the pattern.",
                ),
                "question_prompts": _list({"type": "string"}, "Two or three questions to members."),
            }
        ),
    },
)
