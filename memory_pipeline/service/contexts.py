"""What was known before the attempts: how many a context has, and where a factor can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.features.levels import level_name
from memory_pipeline.service.findings import FindingService
from memory_pipeline.store.frames import OUTCOME_FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts

SUCCESS = "success"


class ContextService(FindingService):
    """Questions about contexts."""

    def factor_by_context(self, factor: Mapping[str, Any]) -> pd.DataFrame:
        """Compare both sides of a factor at each level of the context, by what the last rebuild counted.

        Parameters
        ----------
        factor
            A factor as `factor` returns it.

        Returns
        -------
        DataFrame
            As `analysis.factors.by_context.differences_by_context`.

        Raises
        ------
        FileNotFoundError
            When nothing was analysed yet: the message says to run a rebuild.
        """
        from memory_pipeline.analysis.factors.by_context import (  # noqa: PLC0415 - needs scipy
            BY_CONTEXT_COLUMNS,
            differences_by_context,
        )

        details = factor["implementation_details"]
        counts = self._counts()
        settings, reference = details["settings"], details["reference_settings"]
        if not {*settings, *reference} <= set(counts.columns):  # another rebuild counted other columns
            return pd.DataFrame(columns=list(BY_CONTEXT_COLUMNS))
        context = self.frames.parts(OUTCOME_FEATURES)[1]["context"]
        return differences_by_context(counts, settings, reference, context=context)

    def attempts_in_contexts(self, contexts: Sequence[Mapping[str, Any]]) -> list[int | None]:
        """Count the attempts that contexts themselves have, by what the last rebuild counted.

        Parameters
        ----------
        contexts
            Encoded columns and levels, as `conditions` of recommendations.

        Returns
        -------
        list
            A number for each; None where the rebuild did not count by its columns.

        Raises
        ------
        FileNotFoundError
            When nothing was analysed yet: the message says to run a rebuild.
        """
        counts = self._counts()
        attempts = counts.n.astype(int)
        return [
            int(
                attempts[counts.where({column: level_name(level) for column, level in context.items()})].sum()
            )
            if set(context) <= set(counts.columns)
            else None
            for context in contexts
        ]

    def _counts(self) -> GroupedCounts:
        """Read the attempts and successes by condition and unit."""
        from memory_pipeline.rebuild.evidence import read_evidence  # noqa: PLC0415 - needs scipy

        return read_evidence(self.frames)[0].grouped(SUCCESS)
