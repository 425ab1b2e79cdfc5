"""Success factors: estimated from the features, with the patterns and past attempts behind each, stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.factors import estimate_factors
from memory_pipeline.analysis.factors.examples import find_cases, find_supporting
from memory_pipeline.rebuild.evidence import read_encoding
from memory_pipeline.rebuild.features import read_features
from memory_pipeline.rebuild.kept_results import KeptResults, features_fingerprint
from memory_pipeline.rebuild.rows import records
from memory_pipeline.store.decisions import read_nameable_patterns
from memory_pipeline.store.findings import save_factors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.store.session import Session

_COLUMNS = (
    "factor_name",
    "description",
    "effectiveness",
    "ci_low",
    "ci_high",
    "confidence",
    "sample_size",
    "units",
)


@dataclass(frozen=True)
class UpdatedFactors:
    """The factors.

    Attributes
    ----------
    factors
        Columns of `estimate_factors`, and `patterns` and `cases` (ids that each rests on).
    stored
        The same as rows of `success_factors`.
    is_reused
        Whether the estimates of an earlier rebuild were taken over, since nothing that they rest on changed.
    """

    factors: pd.DataFrame
    stored: list[dict[str, Any]]
    is_reused: bool = False

    @property
    def rows(self) -> int:
        """Comparisons that could be made."""
        return len(self.stored)


def update_factors(session: Session) -> UpdatedFactors:
    """Estimate what each setting changes against its usual alternative, and store it."""
    settings, features = session.settings, read_features(session)
    encoding = read_encoding(session.frames)
    columns: dict[str, Any] = {
        "approach": features.approach,
        "context": features.context,
        "unit": settings.unit,
    }
    rests_on = {
        **columns,
        "fdr": settings.false_discovery_rate,
        "features": features_fingerprint(session.frames),
        "encoding": encoding.to_dict(),
    }

    def estimate() -> pd.DataFrame:
        found = estimate_factors(
            features.frame, **columns, encoding=encoding, fdr=settings.false_discovery_rate
        )
        cases = find_cases(
            features.frame, found, approach=features.approach, unit=settings.unit, encoding=encoding
        )
        return found.assign(cases=pd.Series(cases, dtype=object))

    kept = KeptResults(session.frames)
    factors = kept.frame("factors", rests_on, estimate)
    patterns = read_nameable_patterns(session.store).sort_values("q_value", kind="stable")
    supporting = pd.Series(find_supporting(factors, patterns), dtype=object)
    factors = factors.assign(patterns=supporting, cases=factors.pop("cases"))
    rows = [factor_row(row) for row in records(factors)]
    save_factors(session.store, rows)
    return UpdatedFactors(factors, rows, is_reused=bool(kept.reused))


def factor_row(factor: Mapping[str, Any]) -> dict[str, Any]:
    """Return a factor as a row of `success_factors`; what has no column of its own goes into the details."""
    details = {key: value for key, value in factor.items() if key not in {*_COLUMNS, "applicability"}}
    return {
        **{key: factor[key] for key in _COLUMNS},
        "applicability_conditions": factor["applicability"],
        "implementation_details": details,
    }
