"""Did an approach fail before: what became of the attempts that took it in a context like this one.

The rule. Attempts with all of the named settings in the described context are compared with the others in
that context, each application counting once (the share of its attempts that succeeded), since attempts on one
application are not independent. With a 95% Wilson interval of the approach's rate over the applications:

- `failed_before`: the whole interval is below the rate of the others.
- `worked_before`: the whole interval is above that rate less 10 percentage points, so the approach is not
  clearly worse than what is done otherwise.
- `unknown`: neither, or the approach or the others were tried with fewer applications than
  `MEMORY_MIN_UNITS`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from memory_pipeline.analysis.text import condition_text, describe_approach, percent, setting_text
from memory_pipeline.service.descriptions import Description, KnownValues
from memory_pipeline.service.outcomes import find_cases
from memory_pipeline.service.serving_service import ServingService
from memory_pipeline.store.cases import AttemptCounts, count_attempts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.service.outcomes import Case

MARGIN = 0.10
"""How much less than the others an approach may succeed and still count as one that works."""
Verdict = Literal["failed_before", "worked_before", "unknown"]


@dataclass(frozen=True)
class ApproachCheck:
    """What became of an approach.

    Attributes
    ----------
    verdict
        `failed_before`, `worked_before` or `unknown`.
    sentence
        The verdict in words, with its counts.
    context, approach
        What was asked about, as it was read.
    attempts, successes, units
        Attempts with all of the settings in the context, those of them that succeeded, and the different
        applications among them.
    success_rate, ci_low, ci_high
        Their success rate, each application counting once, and its 95% interval.
    usual_rate, usual_units
        The same rate of the other attempts in the context, and their applications.
    cases
        Past attempts most like the approach: at most one that succeeded and one that did not, the one that
        the verdict speaks of first.
    notes
        What was taken otherwise than it was written, and what is not known.
    """

    verdict: Verdict
    sentence: str
    context: dict[str, Any]
    approach: dict[str, Any]
    attempts: int
    successes: int
    units: int
    success_rate: float
    ci_low: float
    ci_high: float
    usual_rate: float
    usual_units: int
    cases: tuple[Case, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain values."""
        return asdict(self)


class ApproachService(ServingService):
    """Questions about an approach that somebody is about to take."""

    def check_approach(self, context: Mapping[str, Any], approach: Mapping[str, Any]) -> ApproachCheck:
        """Check whether an approach failed before; the rule is in `service.approaches`.

        Parameters
        ----------
        context
            What is known about the application, as in `recommend`; empty for any.
        approach
            Settings that are about to be chosen, at least one.

        Raises
        ------
        DescriptionError
            When a context column does not exist, or a value cannot be used; it is a ValueError.
        ValueError
            When no setting is named.
        """
        if not approach:
            raise ValueError("approach is empty; name at least one setting, such as silent_switch")
        described, settings = self._read_both(context, approach)
        if not settings.columns:
            return _nothing_known(described, settings, approach)
        with_settings, others = count_attempts(self.store, described.columns, settings.columns)
        verdict = decide_verdict(with_settings, others, min_units=self.settings.min_units)
        low, high = interval_of(with_settings)
        cases = find_cases(self.store, described.columns, settings.columns, limit=1)
        if verdict == "failed_before":
            cases = cases[::-1]
        return ApproachCheck(
            verdict=verdict,
            sentence=explain_verdict(verdict, described.columns, settings.columns, with_settings, others),
            context=described.columns,
            approach=settings.columns,
            attempts=with_settings.attempts,
            successes=with_settings.successes,
            units=with_settings.units,
            success_rate=with_settings.rate,
            ci_low=low,
            ci_high=high,
            usual_rate=others.rate,
            usual_units=others.units,
            cases=tuple(one for one in cases if one.settings_agreeing),
            notes=described.notes + settings.notes,
        )

    def _read_both(
        self, context: Mapping[str, Any], approach: Mapping[str, Any]
    ) -> tuple[Description, Description]:
        try:
            policy = self.current_policy.read()
        except FileNotFoundError:  # Attempts are recorded before anything is learned of them.
            return Description(dict(context)), Description(dict(approach))
        known = KnownValues.of_context(policy), KnownValues.of_approaches(policy)
        return known[0].read(context), known[1].read_known(approach)


def _nothing_known(
    described: Description, settings: Description, approach: Mapping[str, Any]
) -> ApproachCheck:
    """Return the check of an approach of which no setting was ever recorded."""
    nothing = AttemptCounts()
    return ApproachCheck(
        verdict="unknown",
        sentence=explain_verdict("unknown", described.columns, approach, nothing, nothing),
        context=described.columns,
        approach={},
        attempts=0,
        successes=0,
        units=0,
        success_rate=0.0,
        ci_low=0.0,
        ci_high=1.0,
        usual_rate=0.0,
        usual_units=0,
        cases=(),
        notes=described.notes + settings.notes,
    )


def decide_verdict(approach: AttemptCounts, others: AttemptCounts, *, min_units: int) -> Verdict:
    """Decide by the rule of this module.

    Parameters
    ----------
    approach, others
        Attempts with the settings, and the other ones in the context.
    min_units
        Fewest applications that each of them needs.
    """
    if min(approach.units, others.units) < min_units:
        return "unknown"
    low, high = interval_of(approach)
    if high < others.rate:
        return "failed_before"
    return "worked_before" if low > others.rate - MARGIN else "unknown"


def interval_of(counts: AttemptCounts) -> tuple[float, float]:
    """Return the 95% interval (Wilson) of a success rate, each application counting once."""
    from memory_pipeline.analysis.stats.intervals import wilson_interval  # noqa: PLC0415 - half a second

    return wilson_interval(counts.rate * counts.units, counts.units)


def explain_verdict(
    verdict: Verdict,
    context: Mapping[str, Any],
    settings: Mapping[str, Any],
    approach: AttemptCounts,
    others: AttemptCounts,
) -> str:
    """Return the sentence of a verdict, with its counts."""
    what = describe_approach(settings)
    if context:
        what += " where " + condition_text({name: setting_text(value) for name, value in context.items()})
    if not approach.attempts:
        return f"Unknown: no attempt with {what} is recorded."
    low, high = interval_of(approach)
    counted = (
        f"{approach.successes:,} of {approach.attempts:,} attempts with {what} succeeded "
        f"({approach.units:,} applications; {percent(approach.rate)} by application, 95% interval "
        f"{percent(low)} to {percent(high)})"
    )
    usual = f"{percent(others.rate)} of the others do there ({others.units:,} applications)"
    if verdict == "failed_before":
        return f"It failed before: {counted}, while {usual}."
    if verdict == "worked_before":
        return f"It worked before: {counted}; {usual}."
    if not others.attempts:
        return f"Unknown: {counted}; there are no other attempts to compare them with."
    return f"Unknown: {counted}; {usual}; that is not enough to tell them apart."
