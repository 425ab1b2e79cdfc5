"""Who counts the months of a history: this process, or the workers of a Spark cluster.

Months do not overlap and counts add up, so nothing has to be moved between workers: each reads the features
of its months where they are kept, counts them with the code that this process uses, and writes the counts
beside them. What comes back is a manifest. Whoever counts, the evidence is the same to the byte.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.features.encoding import Encoding, encoded_columns
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.features.value_counts import value_table
from memory_pipeline.analysis.names import OUTCOME, PERIOD
from memory_pipeline.store.frames import COUNTED_MONTHS, FrameStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.store.frames import FramePart

BESIDE_ROWS = ("conditions", "outcomes", "unit", "period", "max_conditions")
"""What of evidence stands in the information beside its rows."""


class Collapser(Protocol):
    """Reads months of features and counts them."""

    def value_tables(
        self, parts: Sequence[FramePart], columns: Sequence[str], unit: str
    ) -> list[pd.DataFrame]:
        """Count how often each value of some columns occurs: of each part, `value_counts.value_table`."""
        ...

    def collapse(self, parts: Sequence[FramePart], unit: str, encoding: Encoding) -> Evidence:
        """Count the attempts of some parts, at least one, by month, unit, conditions and outcome."""
        ...

    def close(self) -> None:
        """End what was started to count."""
        ...


@dataclass(frozen=True)
class OwnProcess:
    """Counts in this process, on its threads."""

    frames: FrameStore

    def value_tables(
        self, parts: Sequence[FramePart], columns: Sequence[str], unit: str
    ) -> list[pd.DataFrame]:
        """Count how often each value of some columns occurs, one part after the other."""
        return [table_of(self.frames, part, columns, unit) for part in parts]

    def collapse(self, parts: Sequence[FramePart], unit: str, encoding: Encoding) -> Evidence:
        """Read the parts as one frame and count it."""
        return count_features(self.frames.read_parts(parts), unit, encoding)

    def close(self) -> None:
        """Do nothing: nothing was started."""


def table_of(frames: FrameStore, part: FramePart, columns: Sequence[str], unit: str) -> pd.DataFrame:
    """Count how often each value of some columns occurs in a part."""
    features = frames.read_parts([part], [*dict.fromkeys([unit, *columns])])
    return value_table(features, columns, unit)


def count_features(features: pd.DataFrame, unit: str, encoding: Encoding) -> Evidence:
    """Count flat attempts by month, unit, conditions and outcome."""
    beside = {
        OUTCOME: outcome_labels(features),
        unit: features[unit],
        PERIOD: _months(features["occurred_at"]),
    }
    frame = pd.concat([encoding.apply(features), pd.DataFrame(beside)], axis=1)
    return count_evidence(
        frame, conditions=encoded_columns(encoding), outcome=OUTCOME, unit=unit, period=PERIOD
    )


def _months(moments: pd.Series) -> pd.Categorical[Any]:
    """Return the month of each moment, UTC, as `YYYY-MM`."""
    months = moments.dt.tz_convert(None).to_numpy().astype("datetime64[M]")
    distinct, codes = np.unique(months.astype(np.int64), return_inverse=True)
    names = pd.Index([str(one) for one in distinct.astype("datetime64[M]")])
    return pd.Categorical.from_codes(codes, categories=names)


@dataclass(frozen=True)
class CountedPart:
    """What a worker says of a part that it counted.

    Attributes
    ----------
    name
        Name of the frame that its counts were written to.
    attempts, rows
        Attempts counted, and collapsed rows written.
    digest
        SHA-256 of the file.
    """

    name: str
    attempts: int
    rows: int
    digest: str


def name_counts(part: FramePart) -> str:
    """Return a new name for the counts of a part."""
    return f"{COUNTED_MONTHS}.{part.key}.{uuid.uuid4().hex}"


def count_part(storage: str, part: FramePart, name: str, unit: str, encoding: dict[str, Any]) -> CountedPart:
    """Count one part and write its counts under a name, as a worker does.

    Counting the same part again under the same name writes the same file again.
    """
    frames = FrameStore(storage)
    evidence = count_features(frames.read_parts([part]), unit, Encoding.from_dict(encoding))
    frames.write(name, evidence.to_rows(), {key: getattr(evidence, key) for key in BESIDE_ROWS})
    return CountedPart(name, int(evidence.n.sum()), len(evidence), frames_digest(frames, name))


def frames_digest(frames: FrameStore, name: str) -> str:
    """Compute the SHA-256 of the file of a frame that is kept whole."""
    return hashlib.sha256(frames.read_bytes(name)).hexdigest()


def read_counted(frames: FrameStore, part: FramePart, counted: CountedPart) -> Evidence:
    """Read what a worker counted, and check it against what it says.

    Raises
    ------
    RuntimeError
        When the file or the number of attempts is another.
    """
    if frames_digest(frames, counted.name) != counted.digest or counted.attempts != part.rows:
        msg = (
            f"the counts of {part.key} are not what a worker wrote: {counted.attempts:,} attempts of "
            f"{part.rows:,}; nothing was kept, rebuild again"
        )
        raise RuntimeError(msg)
    rows, about = frames.read(counted.name)
    return Evidence.from_rows(rows, **{key: about[key] for key in BESIDE_ROWS})


def merge_all(parts: Sequence[Evidence]) -> Evidence:
    """Add up evidence, at least one, in halves, so that each row is sorted few times."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return merge_all(parts[:middle]).merge(merge_all(parts[middle:]))
