"""Which values of a setting are compared with which (contrasts)?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statsmodels.stats.multitest import multipletests

from memory_pipeline.analysis.names import MISSING, OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.models.g_computation import Effect


@dataclass(frozen=True)
class PairOfSettings:
    """Two settings that interact.

    Attributes
    ----------
    settings, reference
        Both values, and both references, by column.
    interaction
        Effect of both together less the sum of the effects of each alone.
    p_value
        Of the hypothesis of no interaction: the larger of those on the scales of rates and of log-odds.
    """

    settings: Mapping[str, str]
    reference: Mapping[str, str]
    interaction: Effect
    p_value: float


@dataclass
class Comparison:
    """One value of a setting against its usual alternative, and the estimates about it.

    Attributes
    ----------
    column, value, reference
        The setting, the value and the value that it is compared with.
    is_mirrored
        Whether the comparison of the alternative is the same one with the sides exchanged.
    chosen, population
        Cells with the value, and with either, shape (cells,).
    together_with
        Columns that it cannot be separated from.
    is_within_units
        Whether attempts of the same unit are compared, so that constant properties of the unit cannot
        confound.
    effect
        None where it is not estimable.
    applicability
        Levels of a context column at which the effect holds, where it differs between levels.
    overlap
        Share of the attempts in comparable contexts (`factors.overlap.comparable_share`).
    is_comparable
        Whether there are such attempts (`factors.overlap.LEAST`); otherwise there is no effect.
    together
        For a pair of settings: both values and both references by column, and their interaction
        (`factors.interactions`).
    """

    column: str
    value: str
    reference: str
    is_mirrored: bool
    chosen: NDArray[np.bool_]
    population: NDArray[np.bool_]
    together_with: list[str] = field(default_factory=list)
    is_within_units: bool = False
    effect: Effect | None = None
    applicability: dict[str, list[str]] = field(default_factory=dict)
    overlap: float = 0.0
    is_comparable: bool = True
    together: PairOfSettings | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The values compared, by column."""
        return {self.column: self.value} if self.together is None else dict(self.together.settings)

    @property
    def reference_settings(self) -> dict[str, str]:
        """The values that they are compared with, by column."""
        return {self.column: self.reference} if self.together is None else dict(self.together.reference)

    @property
    def others(self) -> NDArray[np.bool_]:
        """Cells with the reference, shape (cells,)."""
        return self.population & ~self.chosen


def list_comparisons(cells: GroupedCounts, column: str) -> list[Comparison]:
    """List the comparisons of a setting: each stated value with the most frequent other one.

    A missing value is the alternative only where there is no other value. Rare values (`(other)`) are not
    compared.
    """
    counts = cells.attempts_per_level(column)
    stated = sorted(
        (level for level in counts if level not in {MISSING, OTHER}),
        key=lambda level: (-counts[level], level),
    )
    found = []
    for value in stated:
        others = [level for level in stated if level != value] or [MISSING] * (MISSING in counts)
        if others:
            chosen = cells.is_at(column, value)
            found.append(
                Comparison(
                    column=column,
                    value=value,
                    reference=others[0],
                    # The alternative of every other value is the most frequent one, so that the row of
                    # its alternative has the same comparison.
                    is_mirrored=len(stated) > 1 and value == stated[0],
                    chosen=chosen,
                    population=chosen | cells.is_at(column, others[0]),
                )
            )
    return found


def q_values_of(comparisons: Sequence[Comparison]) -> list[float]:
    """Compute q-values over all comparisons (Benjamini and Yekutieli 2001), each counted once.

    Mirrored comparisons, and those of columns under two names, are the same comparison. The q-value of a
    comparison without an effect is 1.
    """
    rows_of: dict[bytes, list[int]] = {}
    for i, one in enumerate(comparisons):
        if one.effect is not None:
            sides = sorted((one.chosen.tobytes(), one.others.tobytes()))
            rows_of.setdefault(b"".join(sides), []).append(i)
    q_values = [1.0] * len(comparisons)
    effects = [comparisons[rows[0]].effect for rows in rows_of.values()]
    p_values = [effect.p_value for effect in effects if effect is not None]
    if p_values:
        adjusted = multipletests(p_values, method="fdr_by")[1]
        for rows, q in zip(rows_of.values(), adjusted, strict=True):
            for row in rows:
                q_values[row] = float(q)
    return q_values
