"""Success factors: estimated from the features, with the patterns and past attempts behind each, stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.factors import estimate_factors
from memory_pipeline.analysis.factors.examples import find_cases, find_supporting
from memory_pipeline.rebuild.evidence import read_encoding
from memory_pipeline.rebuild.features import read_features
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
    """

    factors: pd.DataFrame
    stored: list[dict[str, Any]]

    @property
    def rows(self) -> int:
        """Comparisons that could be made."""
        return len(self.stored)


def update_factors(session: Session) -> UpdatedFactors:
    """Estimate what each setting changes against its usual alternative, and store it."""
    settings, features = session.settings, read_features(session)
    encoding = read_encoding(session.frames)
    factors = estimate_factors(
        features.frame,
        approach=features.approach,
        context=features.context,
        unit=settings.unit,
        encoding=encoding,
        fdr=settings.false_discovery_rate,
    )
    patterns = read_nameable_patterns(session.store).sort_values("q_value", kind="stable")
    cases = find_cases(
        features.frame, factors, approach=features.approach, unit=settings.unit, encoding=encoding
    )
    factors = factors.assign(
        patterns=pd.Series(find_supporting(factors, patterns), dtype=object),
        cases=pd.Series(cases, dtype=object),
    )
    rows = [factor_row(row) for row in records(factors)]
    save_factors(session.store, rows)
    return UpdatedFactors(factors, rows)


def factor_row(factor: Mapping[str, Any]) -> dict[str, Any]:
    """Return a factor as a row of `success_factors`; what has no column of its own goes into the details."""
    details = {key: value for key, value in factor.items() if key not in {*_COLUMNS, "applicability"}}
    return {
        **{key: factor[key] for key in _COLUMNS},
        "applicability_conditions": factor["applicability"],
        "implementation_details": details,
    }
