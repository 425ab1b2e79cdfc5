"""Import jsonschema without the grammar of international web addresses, which takes a second to build.

Altair and Great Expectations import jsonschema, which imports `rfc3987_syntax` where that is installed
(JupyterLab brings it), for schemas with the format `iri`. Neither library has one. Import this module before
them.
"""

from __future__ import annotations

import sys

_GRAMMAR = "rfc3987_syntax"

if "jsonschema" not in sys.modules and _GRAMMAR not in sys.modules:
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # importing it fails, which jsonschema expects
    try:
        import jsonschema  # type: ignore[import-untyped]  # noqa: F401
    finally:
        del sys.modules[_GRAMMAR]
