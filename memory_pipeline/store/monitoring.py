"""Count what tells whether the memory is worth its keep: effort, reasons of failure, and use, by month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from memory_pipeline.store.database import Store

MONTH, ADVICE, SINCE_ADVICE = "month", "advice", "since_advice"
"""What effort can be grouped by."""
_GROUPS = {
    MONTH: "to_char(o.occurred_at at time zone 'UTC', 'YYYY-MM')",
    ADVICE: (
        "case when o.recommendation_id is null then 'not advised' when s.withheld then 'advice withheld' "
        "when o.recommendation_followed then 'followed' when not o.recommendation_followed "
        "then 'not followed' else 'did not say' end"
    ),
    SINCE_ADVICE: (
        "case when o.occurred_at < (select coalesce(min(served_at), 'infinity') from served_recommendations) "
        "then 'before the first advice' else 'since the first advice' end"
    ),
}
_EFFORT = """
with attempts as (
    select {group} as grouped, jsonb_array_length(
        case when jsonb_typeof(o.manual_interventions) = 'array' then o.manual_interventions else '[]' end
    ) > 0 as by_hand,
    coalesce({duration_seconds}, 60 * {duration_minutes}, {duration_ms} / 1000) as seconds,
    {retries} as retries
    from packaging_outcomes as o left join served_recommendations as s on s.id = o.recommendation_id
)
select grouped as "group", count(*) as attempts, count(seconds) as durations,
    percentile_cont(0.25) within group (order by seconds) as seconds_quarter,
    percentile_cont(0.5) within group (order by seconds) as seconds_median,
    percentile_cont(0.75) within group (order by seconds) as seconds_three_quarters,
    count(retries) as retries_recorded, count(*) filter (where retries > 0) as retried,
    count(*) filter (where by_hand) as interventions
from attempts group by grouped order by grouped
"""
_REASONS = """
with counted as (
    select to_char(occurred_at at time zone 'UTC', 'YYYY-MM') as month,
        failure_reasons->0->>'reason' as reason, count(*) as attempts
    from packaging_outcomes where outcome_status <> 'success' group by 1, 2
), ranked as (
    select month, reason, attempts, cast(sum(attempts) over (partition by month) as bigint) as unsuccessful,
        row_number() over (partition by month order by attempts desc, reason) as place
    from counted
)
select month, reason, attempts, unsuccessful from ranked where place <= :most order by month, place
"""
_ANSWERS = """
with reports as (
    select recommendation_id as id, bool_or(recommendation_followed) as followed
    from packaging_outcomes where recommendation_id is not null group by recommendation_id
)
select to_char(s.served_at at time zone 'UTC', 'YYYY-MM') as month, count(*) as answers,
    count(*) filter (where s.withheld) as withheld,
    count(*) filter (
        where jsonb_typeof(coalesce(s.recommended_approach, 'null')) = 'null'
    ) as without_approach,
    count(r.id) as reported, count(*) filter (where r.followed is not null and not s.withheld) as said,
    count(*) filter (where r.followed and not s.withheld) as followed
from served_recommendations as s left join reports as r on r.id = s.id group by 1 order by 1
"""
_DOORS = """
with reports as (
    select recommendation_id as id, bool_or(recommendation_followed) as followed
    from packaging_outcomes where recommendation_id is not null group by recommendation_id
)
select coalesce(s.door, 'not known') as door, s.asked_by, count(*) as answers,
    count(*) filter (where s.withheld) as withheld, count(r.id) as reported,
    count(*) filter (where r.followed is not null and not s.withheld) as said,
    count(*) filter (where r.followed and not s.withheld) as followed,
    percentile_cont(0.5) within group (order by s.seconds) as seconds_median,
    percentile_cont(0.95) within group (order by s.seconds) as seconds_p95,
    max(s.served_at) as newest
from served_recommendations as s left join reports as r on r.id = s.id
group by 1, 2 order by answers desc, 1, 2
"""
_SOURCES = """
select source, count(*) as attempts, count(recommendation_id) as advised,
    count(*) filter (where recommendation_id is not null and recommendation_followed) as followed,
    count(*) filter (where recommendation_id is not null and not recommendation_followed) as not_followed,
    max(occurred_at) as newest
from packaging_outcomes group by source order by attempts desc, source
"""
_VALUES = """
select d.key as "column", d.value, count(*) as answers, max(s.served_at) as last_asked
from served_recommendations as s, jsonb_each(s.context) as d
where s.served_at >= :since and jsonb_typeof(d.value) <> 'null'
group by d.key, d.value order by answers desc, d.key, cast(d.value as text) limit :most
"""


def count_effort(store: Store, by: str) -> pd.DataFrame:
    """Count how long attempts took, how many were retried, and how many needed a person.

    Durations are the metrics `duration_seconds`, `duration_minutes` or `duration_ms` of an attempt.

    Parameters
    ----------
    by
        `MONTH`, `ADVICE` (what became of the advice), or `SINCE_ADVICE` (before or since the first answer).

    Returns
    -------
    DataFrame
        `group`, `attempts`; `durations` (attempts that say how long they took), and of them the quartiles
        `seconds_quarter`, `seconds_median`, `seconds_three_quarters`; `retries_recorded`, `retried` and
        `interventions`, in attempts.
    """
    metrics = {
        name: f"case when jsonb_typeof(o.performance_metrics->'{name}') = 'number' "
        f"then cast(o.performance_metrics->>'{name}' as float8) end"
        for name in ("duration_seconds", "duration_minutes", "duration_ms", "retries")
    }
    return _read(store, _EFFORT.format(group=_GROUPS[by], **metrics))


def count_reasons(store: Store, *, most: int) -> pd.DataFrame:
    """Count the most frequent first reasons of attempts that did not succeed, by month.

    Returns
    -------
    DataFrame
        `month` (2026-06), `reason` (None: not recorded), `attempts` with it, and `unsuccessful` ones in all.
    """
    return _read(store, _REASONS, most=most)


def count_answers(store: Store) -> pd.DataFrame:
    """Count the answers of each month, and what became of them.

    Returns
    -------
    DataFrame
        `month`, `answers`, `withheld`, `without_approach`, `reported` (an attempt names the answer), and of
        those that were not withheld `said` (an attempt says whether it followed) and `followed`.
    """
    return _read(store, _ANSWERS)


def count_doors(store: Store) -> pd.DataFrame:
    """Count the answers by door and by who asked there, the most first, and how long they took.

    Returns
    -------
    DataFrame
        `door` (command, http, mcp, page, program, not known), `asked_by` (name of the token, or None),
        `answers`, `withheld`, `reported`, `said` and `followed` as in `count_answers`, `seconds_median` and
        `seconds_p95` until the answer was there, and `newest` (time of the newest answer).
    """
    return _read(store, _DOORS)


def count_sources(store: Store) -> pd.DataFrame:
    """Count the attempts of each source: how many name advice, and whether they followed it.

    Returns
    -------
    DataFrame
        `source`, `attempts`, `advised`, `followed`, `not_followed`, `newest` (time of the newest attempt).
    """
    return _read(store, _SOURCES)


def count_asked_values(store: Store, *, since: datetime, most: int) -> pd.DataFrame:
    """Count the values that answers were asked for, the most frequent first.

    Returns
    -------
    DataFrame
        `column`, `value` (as described: a text, a number, a list), `answers`, `last_asked`.
    """
    return _read(store, _VALUES, since=since, most=most)


def _read(store: Store, query: str, **values: Any) -> pd.DataFrame:
    with store.transaction() as connection:
        result = connection.execute(text(query), values)
        return pd.DataFrame(result.all(), columns=list(result.keys()))
