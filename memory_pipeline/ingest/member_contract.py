"""Check one member against its contract and return its normal form.

Sets are stored sorted and without repetitions, so that the same set is the same content.
"""

from __future__ import annotations

from typing import Any

from memory_pipeline.ingest.errors import refuse
from memory_pipeline.ingest.field_rules import (
    MAX_NAME,
    boolean_of,
    check_characters,
    dict_of,
    list_of,
    name_of,
    settings_of,
    text_of,
    without_directions,
)

MEMBER_FIELDS = frozenset(
    {
        "name",
        "skills",
        "interests",
        "other_sets",
        "attributes",
        "profile_text",
        "is_visible",
        "source",
        "source_record_id",
    }
)
"""Every field that a member in the project's own form may have."""

MAX_PROFILE = 100_000
"""Characters of a member's free text."""


def normal_member(record: dict[str, Any]) -> dict[str, Any]:
    """Check a member and return its normal form.

    Parameters
    ----------
    record
        Field to value, in the project's own form; structured fields may be JSON text, as in CSV.

    Returns
    -------
    dict
        The fields that hold something, except `source` and `source_record_id`, which are identity.

    Raises
    ------
    RecordRefusedError
        With the first field that breaks the contract.
    """
    get = record.get
    normal: dict[str, Any] = {
        "name": name_of("name", get("name")),
        "skills": _set_of("skills", get("skills")),
        "interests": _set_of("interests", get("interests")),
        "profile_text": text_of("profile_text", get("profile_text"), limit=MAX_PROFILE),
        "attributes": settings_of("attributes", get("attributes")),
    }
    sets = dict_of("other_sets", get("other_sets")) or {}
    checked = {key: _set_of(f"other_sets.{key}", items) for key, items in sets.items()}
    normal["other_sets"] = {key: items for key, items in checked.items() if items}
    for field in ("skills", "interests"):
        if field in sets:
            refuse(f"other_sets.{field}", None, f"{field} is a field of its own; move the entries there")
    visible = get("is_visible")
    if visible != "" and boolean_of("is_visible", visible) is False:
        normal["is_visible"] = False
    return {field: value for field, value in normal.items() if value or field == "is_visible"}


def _set_of(field: str, value: Any) -> list[str]:
    labels = set()
    for item in list_of(field, value) or ():
        if item is None:
            continue
        if type(item) is not str:
            refuse(field, item, f"{field} has to hold texts only; write each in quotes")
        # Labels are copied from pages that are written from right to left; the marks are not part of them.
        label = without_directions(item).strip()
        if len(label) > MAX_NAME:
            refuse(
                field, label, f"{field} has an entry of {len(label):,} characters; shorten it to {MAX_NAME}"
            )
        if not label.isprintable():
            check_characters(field, label)
        if label:
            labels.add(label)
    return sorted(labels)
