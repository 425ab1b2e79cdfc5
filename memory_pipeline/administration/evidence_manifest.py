"""What a file of evidence says about itself, checked field by field.

The file is a zip of two members: `manifest.json`, and `evidence.parquet` with the collapsed rows.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from memory_pipeline.analysis.names import INTERNAL, STATUSES

FORMAT = 1
"""Version of the form; an import reads this one."""
MANIFEST, ROWS = "manifest.json", "evidence.parquet"
_LABEL_PARTS = 3
SourceId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Count = Annotated[int, Field(ge=0)]


class Code(BaseModel):
    """How a column became categories (`analysis.features.encoding.ColumnCode`)."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["categories", "bins", "elements"]
    levels: list[str]
    edges: list[float] = []
    columns: list[Name] = []

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.kind == "bins" and (
            len(self.levels) != len(self.edges) + 1 or any(low >= high for low, high in pairwise(self.edges))
        ):
            raise ValueError("bins need ascending edges, and one level more than there are edges")
        if self.kind == "elements" and len(self.levels) != len(self.columns):
            raise ValueError("elements need as many columns as levels")
        return self


class Suppression(BaseModel):
    """What suppression cost (`analysis.evidence.suppression.Suppressed`)."""

    rare_cells: Count
    attempts_changed: Count
    attempts_left_out: Count
    columns_changed: dict[str, Count]


class EvidenceManifest(BaseModel):
    """What a file of evidence holds.

    Attributes
    ----------
    format, version
        `FORMAT` and the version of memory-pipeline of its writer.
    source
        Id of the memory; the same in each of its exports.
    made_at
        When it was written.
    k
        Fewest units of each combination of values.
    unit
        Name of the column of the units.
    has_names
        Whether units have their names; otherwise pseudonyms.
    conditions, outcomes, encoding
        What the columns of the rows are.
    months
        First and last month.
    rows, attempts, units
        How many are in the file.
    suppressed
        What suppression cost.
    sha256
        Of `evidence.parquet`.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    version: str
    source: SourceId
    made_at: AwareDatetime
    k: Annotated[int, Field(ge=1)]
    unit: Name
    has_names: bool
    conditions: list[Name]
    outcomes: list[Name]
    encoding: dict[str, Code]
    months: tuple[str, str]
    rows: Annotated[int, Field(ge=1)]
    attempts: Annotated[int, Field(ge=1)]
    units: Annotated[int, Field(ge=1)]
    suppressed: Suppression
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    @model_validator(mode="after")
    def _names_are_usable(self) -> Self:
        for name in (*self.conditions, *self.encoding):
            if name.startswith(INTERNAL):
                raise ValueError(f"the name {name!r} begins with U+001F, which marks the analysis's own")
        if len(set(self.conditions)) < len(self.conditions) or len(set(self.outcomes)) < len(self.outcomes):
            raise ValueError("a condition or an outcome is listed twice")
        for label in self.outcomes:
            parts = label.split(";")
            if len(parts) != _LABEL_PARTS or parts[0] not in STATUSES:
                raise ValueError(
                    f"the outcome {label!r} is not `status;reason;intervention` with a status of "
                    f"{', '.join(STATUSES)}"
                )
        return self


def is_period(text: Any) -> bool:
    """Return whether a period is a month, such as 2025-03."""
    return isinstance(text, str) and re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text) is not None
