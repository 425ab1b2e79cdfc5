"""What was known before the attempts: how many a context has, and where a factor can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.features.levels import level_name
from memory_pipeline.service.findings import FindingService
from memory_pipeline.store.frames import OUTCOME_EVIDENCE, OUTCOME_FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COUNTED = "attempts: "
_SUCCESS = "success;"


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
        counts, unit = self._counts()
        settings, reference = details["settings"], details["reference_settings"]
        if not {*settings, *reference} <= set(counts.columns):  # another rebuild counted other columns
            return pd.DataFrame(columns=list(BY_CONTEXT_COLUMNS))
        context = self.frames.parts(OUTCOME_FEATURES)[1]["context"]
        return differences_by_context(counts, settings, reference, context=context, unit=unit)

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
        counts, _ = self._counts()
        tables: dict[tuple[str, ...], dict[Any, int]] = {}
        found: list[int | None] = []
        for context in contexts:
            columns = tuple(sorted(context))
            if not columns or not set(columns) <= set(counts.columns):
                found.append(None if columns else int(counts["n"].sum()))
                continue
            if columns not in tables:
                keys = [counts[column].astype(str) for column in columns]
                tables[columns] = counts["n"].groupby(keys).sum().to_dict()
            levels = [level_name(context[column]) for column in columns]
            found.append(int(tables[columns].get(levels[0] if len(levels) == 1 else tuple(levels), 0)))
        return found

    def _counts(self) -> tuple[pd.DataFrame, str]:
        """Read the counted combinations with `n` attempts and `k` successes, and the unit's name."""
        counts, info = self.frames.read(OUTCOME_EVIDENCE)
        counted = [f"{_COUNTED}{label}" for label in info["outcomes"]]
        succeeded = [name for name in counted if name.startswith(_COUNTED + _SUCCESS)]
        totals = {"n": counts[counted].sum(axis=1), "k": counts[succeeded].sum(axis=1)}
        return counts.drop(columns=counted).assign(**totals), info["unit"]
