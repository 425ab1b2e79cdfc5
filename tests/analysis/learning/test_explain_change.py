"""Why did success change: the parts add up, nothing depends on an order, and what is planted is found.

The rates over many worlds are those of `benchmarks/explain_change.py`.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from error_rates import check_rate

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.learning.change_parts import change_parts
from memory_pipeline.analysis.learning.explain_change import explain_change
from memory_pipeline.analysis.learning.span_counts import group_totals, span_rows
from memory_pipeline.worlds.two_spans import CHANGED_VENDOR, CONDITIONS, two_spans

UNIT = "application_name"


def evidence_of(outcomes, conditions=CONDITIONS):
    counted = outcomes.assign(
        month=outcomes["occurred_at"].dt.strftime("%Y-%m"), outcome=outcome_labels(outcomes, "success")
    )
    return count_evidence(counted, conditions=conditions, outcome="outcome", unit=UNIT, period="month")


def explained(seed=0, *, columns=None, **planted):
    world = two_spans(seed, **planted)
    return world, explain_change(
        evidence_of(world.outcomes), before=world.before, after=world.after, columns=columns
    )


def attempts(table):
    """Build attempts from rows of month, value, unit, attempts and successes."""
    rows = [
        (month, value, f"{value}{unit}", "success" if one < wins else "failure")
        for month, value, unit, n, wins in table
        for one in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["occurred_at", "kind", UNIT, "outcome_status"])
    return frame.assign(occurred_at=pd.to_datetime(frame["occurred_at"] + "-10", utc=True))


def parts_of(evidence, before, after, columns, *, penalty):
    rows = span_rows(evidence, before, after, columns)
    return rows, change_parts(*group_totals(rows).whole, tuple(map(len, rows.levels)), penalty=penalty)


def test_one_column_alone_is_kitagawas_split():
    # Before: a 60 of 100 at 80%, b 40 of 100 at 50%: 68%. After: a 15 of 50 at 60%, b 35 of 50 at 40%: 46%.
    # Mix (Kitagawa 1955): (0.3 - 0.6) 0.70 + (0.7 - 0.4) 0.45 = -0.075.
    table = [("2026-01", "a", unit, 12, 10 if unit < 3 else 9) for unit in range(5)]
    table += [("2026-01", "b", unit, 8, 4) for unit in range(5)]
    table += [("2026-02", "a", unit, 3, 2 if unit < 4 else 1) for unit in range(5)]
    table += [("2026-02", "b", unit, 7, 3 if unit < 4 else 2) for unit in range(5)]
    result = explain_change(
        evidence_of(attempts(table), ["kind"]), before=("2026-01", "2026-01"), after=("2026-02", "2026-02")
    )
    assert result.total.change == pytest.approx(0.46 - 0.68)
    assert result.columns[0].alone.change == pytest.approx(-0.075)
    assert (result.before.units, result.after.attempts) == (10, 50)


def test_the_joint_split_agrees_with_least_squares():
    # Reference: statsmodels WLS with a dummy for the later span and every span weighted alike.
    world = two_spans(5, shift=3.0, fall=0.2)
    evidence = evidence_of(world.outcomes)
    _, parts = parts_of(evidence, world.before, world.after, CONDITIONS, penalty=1e-9)
    frame = world.outcomes
    is_after = frame["occurred_at"].dt.strftime("%Y-%m") >= world.after[0]
    design = pd.get_dummies(frame[list(CONDITIONS)], drop_first=True, dtype=float)
    weight = np.where(is_after, 1 / is_after.sum(), 1 / (~is_after).sum())
    wins = (frame["outcome_status"] == "success").astype(float)
    fit = sm.WLS(wins, sm.add_constant(design.assign(later=is_after.astype(float))), weights=weight).fit()
    shift = design[is_after].mean() - design[~is_after].mean()
    assert parts.mix == pytest.approx(float(shift @ fit.params[design.columns]), abs=1e-6)
    assert parts.rate == pytest.approx(float(fit.params["later"]), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_add_up(seed):
    _, result = explained(seed, shift=3.0, fall=0.3)
    assert result.mix.change + result.rate.change == pytest.approx(result.total.change)
    assert sum(one.jointly.change for one in result.columns) == pytest.approx(result.mix.change)
    for column in CONDITIONS:
        of_column = [one for one in result.contributors if one.column == column]
        rates = sum(one.change for one in of_column if one.kind == "rate")
        mix = sum(one.change for one in of_column if one.kind == "mix")
        jointly = next(one.jointly.change for one in result.columns if one.column == column)
        assert rates == pytest.approx(result.rate.change)
        assert mix == pytest.approx(jointly)
        assert sum(one.share_after for one in of_column if one.kind == "mix") == pytest.approx(1)


def test_exchanging_the_spans_changes_the_signs_and_nothing_else():
    world = two_spans(2, shift=3.0, fall=0.3)
    evidence = evidence_of(world.outcomes)
    forth = explain_change(evidence, before=world.before, after=world.after)
    back = explain_change(evidence, before=world.after, after=world.before)

    def changes(result, sign):
        by_value = {(one.kind, one.column, one.value): sign * one.change for one in result.contributors}
        by_column = {one.column: sign * one.jointly.change for one in result.columns}
        alone = {one.column: sign * one.alone.change for one in result.columns}
        parts = (result.total, result.mix, result.rate, result.same_units)
        return [sign * one.change for one in parts], by_value, by_column, alone

    for one, other in zip(changes(forth, 1), changes(back, -1), strict=True):
        assert one == pytest.approx(other)


def test_the_order_of_columns_and_attempts_changes_nothing():
    world = two_spans(4, shift=2.0)
    mixed = world.outcomes.sample(frac=1, random_state=0)
    one = explain_change(evidence_of(world.outcomes), before=world.before, after=world.after)
    other = explain_change(evidence_of(mixed, CONDITIONS[::-1]), before=world.before, after=world.after)
    assert one.mix.change == pytest.approx(other.mix.change)
    assert one.mix.ci_low == pytest.approx(other.mix.ci_low, abs=5e-3)
    assert {c.column: round(c.jointly.change, 9) for c in one.columns} == {
        c.column: round(c.jointly.change, 9) for c in other.columns
    }


def test_more_units_than_groups_give_the_same_estimate_and_about_the_same_interval():
    world = two_spans(1, applications=600, attempts=6_000, tail=3.0)
    evidence = evidence_of(world.outcomes)
    rows, parts = parts_of(evidence, world.before, world.after, CONDITIONS, penalty=0.001)
    totals = group_totals(rows)
    assert rows.units > 500
    assert len(totals.cross) == 200
    rates = world.outcomes["outcome_status"].eq("success")
    is_after = world.outcomes["occurred_at"].dt.strftime("%Y-%m") >= world.after[0]
    assert parts.total == pytest.approx(rates[is_after].mean() - rates[~is_after].mean())


def test_a_month_in_which_all_succeed_proves_nothing_yet():
    table = [("2026-01", "a", unit, 10, 8) for unit in range(12)]
    table += [("2026-02", "a", unit, 1, 1) for unit in range(6)]
    result = explain_change(evidence_of(attempts(table), ["kind"]))
    assert result.after.success_rate == 1
    assert not result.has_changed
    assert result.total.ci_low < 0 < result.total.ci_high


def test_too_few_units_are_inconclusive_and_said_to_be():
    table = [("2026-01", "a", unit, 50, 45) for unit in range(8)]
    table += [("2026-02", "a", unit, 50, 0) for unit in range(4)]
    result = explain_change(evidence_of(attempts(table), ["kind"]))
    assert not result.has_changed
    assert (result.total.ci_low, result.total.ci_high) == (-1, 1)
    assert result.sentences[1] == "Inconclusive: February 2026 has 4 applications, fewer than 5."


def test_without_conditions_everything_is_rates():
    _, result = explained(columns=[])
    assert result.columns == ()
    assert result.mix.change == 0
    assert result.rate.change == pytest.approx(result.total.change)


def test_a_value_of_few_units_is_counted_among_the_others():
    table = [("2026-01", "a", unit, 9, 8) for unit in range(8)]
    table += [("2026-01", "b", unit, 9, 4) for unit in range(8)]
    table += [("2026-01", "rare", unit, 9, 4) for unit in range(4)]
    table += [("2026-02", "a", unit, 9, 8) for unit in range(8)]
    result = explain_change(evidence_of(attempts(table), ["kind"]))
    assert {one.value for one in result.contributors} == {"a", "b", "(other)"}


def test_unknown_columns_are_refused_with_those_that_there_are():
    with pytest.raises(KeyError, match=r"no condition 'vendor'; use some of application_vendor, inst"):
        explained(columns=["vendor"])


def test_evidence_without_units_is_refused():
    frame = attempts([("2026-01", "a", 0, 5, 4)])
    frame["outcome"] = outcome_labels(frame, "success")
    with pytest.raises(ValueError, match="count it with `unit` and `period`"):
        explain_change(count_evidence(frame, conditions=["kind"], outcome="outcome"))


@pytest.mark.statistics
@pytest.mark.parametrize(
    "world",
    [
        {"applications": 60, "attempts": 1_500},
        {"applications": 60, "attempts": 1_500, "tail": 1.1, "correlation": 0.5},
        {"applications": 60, "attempts": 1_500, "correlation": 0.0, "has_spells": False},
    ],
)
def test_where_nothing_changed_hardly_anything_is_called_a_change(world):
    wrong = sum(explained(seed, **world)[1].has_changed for seed in range(200))
    check_rate(wrong, 200, stated=0.05, broken=0.15)


@pytest.mark.statistics
@pytest.mark.parametrize("planted", [{"shift": 3.0}, {"fall": 0.35}, {"shift": 3.0, "fall": 0.35}])
def test_intervals_of_the_parts_hold_together(planted):
    missed, errors = 0, []
    for seed in range(40):
        world, result = explained(seed, **planted, applications=200, attempts=4_000, tail=2.0)
        pairs = [(result.total, world.total), (result.mix, world.mix), (result.rate, world.rate)]
        missed += any(not part.ci_low <= truth <= part.ci_high for part, truth in pairs)
        errors.append([part.change - truth for part, truth in pairs])
    check_rate(missed, 40, stated=0.05, broken=0.35)
    assert np.abs(np.mean(errors, axis=0)).max() < 0.02


@pytest.mark.statistics
def test_a_planted_change_is_attributed_to_what_changed():
    size = {"applications": 800, "attempts": 20_000, "tail": 3.0}
    shifted = [explained(seed, shift=3.0, **size)[1] for seed in range(10)]
    fallen = [explained(seed, fall=0.45, **size)[1] for seed in range(10)]
    assert sum(one.mix.is_clear and one.mix.change < 0 for one in shifted) >= 9
    assert sum(one.rate.is_clear for one in shifted) <= 2
    assert sum(one.rate.is_clear and one.rate.change < 0 for one in fallen) >= 8
    assert sum(one.mix.is_clear for one in fallen) <= 2
    for one in shifted:
        assert one.columns[0].column == "application_vendor"
    named = [one.clear_contributors("rate") for one in fallen]
    assert sum(any(c.value == CHANGED_VENDOR for c in clear) for clear in named) >= 9
