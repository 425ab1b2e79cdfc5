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
MONTH = "(month)"
_MOST_MONTHS = 36


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

    def pattern_by_level(self, pattern: Mapping[str, Any]) -> pd.DataFrame:
        """Compare the attempts inside a pattern with the others, by month and at each level of the context.

        Parameters
        ----------
        pattern
            A pattern as `pattern` returns it.

        Returns
        -------
        DataFrame
            As `analysis.factors.by_context.differences_by_level`, about the pattern's target; the rows of the
            column `MONTH` in the order of time.

        Raises
        ------
        FileNotFoundError
            When nothing was analysed yet: the message says to run a rebuild.
        """
        from memory_pipeline.analysis.factors.by_context import (  # noqa: PLC0415 - needs scipy
            BY_CONTEXT_COLUMNS,
            differences_by_level,
        )
        from memory_pipeline.rebuild.evidence import read_evidence  # noqa: PLC0415 - needs scipy

        evidence, _ = read_evidence(self.frames)
        counts, conditions = evidence.grouped(pattern["target"]), pattern["conditions"]
        if not set(conditions) <= set(counts.columns):  # another rebuild counted other columns
            return pd.DataFrame(columns=list(BY_CONTEXT_COLUMNS))
        inside = counts.where(conditions)
        context = [one for one in self.frames.parts(OUTCOME_FEATURES)[1]["context"] if one not in conditions]
        tables = [differences_by_level(counts, inside, ~inside, columns=context)]
        if evidence.period is not None and counts.period is not None:
            months = counts.with_column(MONTH, evidence.codes(evidence.period)[1], counts.period)
            by_month = differences_by_level(months, inside, ~inside, columns=[MONTH], most=_MOST_MONTHS)
            tables.insert(0, by_month.sort_values("level"))
        found = [one for one in tables if len(one)]
        return pd.concat(found, ignore_index=True) if found else tables[0]

    def factors_of_pattern(self, identity: str) -> pd.DataFrame:
        """Read the factors that say the same as a pattern, everything else being equal; see `factors`."""
        factors = self.factors(include_all=True)
        says_so = factors["implementation_details"].map(lambda one: identity in one["patterns"])
        return factors[says_so.astype(bool)].reset_index(drop=True)

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
