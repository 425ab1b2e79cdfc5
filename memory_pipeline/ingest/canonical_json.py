"""Write a record as canonical JSON, and compute its hash and its identity."""

from __future__ import annotations

import json
import math
import re
from datetime import date
from decimal import Decimal
from hashlib import blake2b, sha1
from typing import Any, NamedTuple
from uuid import UUID

from memory_pipeline.ingest.errors import refuse
from memory_pipeline.ingest.field_rules import check_characters, escape_controls

RECORDS = UUID("5f0e2c53-6c3c-5e0b-9a54-7d6f0b1f2a11")
"""Namespace of the ids of stored records (RFC 9562, version 5)."""

# Values are copied level by level before they are encoded, so that none contains itself.
canonical_text = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode
"""Write a value as canonical JSON."""
_NUL = "\\u0000"
_MAY_HOLD_CONTROLS = re.compile(r"\\u00|\\[bf]|[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")
"""What canonical JSON with control characters holds; now and then other JSON does too."""


class Encoded(NamedTuple):
    """A record as canonical JSON (sorted keys, no spaces) and the hash of it (BLAKE2b, 128 bits, hex)."""

    json: str
    hash: str


def record_id_of(source: str, source_record_id: str) -> str:
    r"""Compute the id of a stored record: the UUID version 5 of its source and its id there.

    Examples
    --------
    >>> import uuid
    >>> record_id_of("intune", "42") == str(uuid.uuid5(RECORDS, "intune\x1f42"))
    True
    """
    # As `uuid.uuid5` makes it, without its object, in a third of the time.
    name = f"{source}\x1f{source_record_id}".encode()
    digest = sha1(RECORDS.bytes + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def content_record_id(content_hash: str, occurrence: int) -> str:
    """Return the id of a record without one in its source: its content's hash and its number among equals."""
    return f"content:{content_hash}:{occurrence}"


def encode_normal(normal: dict[str, Any]) -> Encoded:
    """Encode a record in normal form; control characters in its texts become visible (`escape_controls`).

    Raises
    ------
    RecordRefusedError
        When a text holds what the database cannot store: a NUL or half of a surrogate pair.
    """
    text = canonical_text(normal)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        _refuse_unstorable("", normal)
        raise
    if _NUL in text:
        _refuse_unstorable("", normal)
    if _MAY_HOLD_CONTROLS.search(text) is not None:
        text = canonical_text(escape_controls(normal))
        data = text.encode()
    return Encoded(text, _digest(data))


def encoded_text(text: str) -> Encoded:
    """Return canonical JSON that was put together of parts of `encode_normal`, with its hash."""
    return Encoded(text, _digest(text.encode()))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def encode_raw(record: Any, kind: str) -> Encoded:
    """Encode any record for quarantine, whatever is wrong with it.

    What JSON or the database cannot hold is written as text: times in ISO 8601, non-finite numbers and
    unknown types as Python shows them, NUL and surrogates escaped.
    """
    try:
        text = canonical_text(_storable(record))
    except RecursionError:
        text = '{"(record)":"nested too deeply to be kept"}'
    return Encoded(text, _digest(f"{kind}\x1f{text}".encode()))


def _refuse_unstorable(field: str, value: Any) -> None:
    """Raise for the text that cannot be stored; an escaped backslash before `u0000` can be."""
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_unstorable(f"{field}.{key}" if field else key, item)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(field, item)
    elif isinstance(value, str):
        if "\x00" in value:
            refuse(field, value, f"{field} holds a NUL character; remove it")
        try:
            value.encode()
        except UnicodeEncodeError:
            check_characters(field, value)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(value)
    if isinstance(value, dict):
        return {str(_storable(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return _storable(_unusual(value))


def _unusual(value: Any) -> Any:
    """Convert a value of a type that JSON lacks to one that it has."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value.tolist() if hasattr(value, "tolist") else repr(value)
