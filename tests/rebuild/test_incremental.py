"""After any changes of the outcomes, what is read and counted for them only equals what all of it gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from made_history import outcome_rows
from pandas.testing import assert_frame_equal
from sqlalchemy import delete, insert, text, update

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.features.same_names import fold_names, rename
from memory_pipeline.analysis.names import OUTCOME, PERIOD
from memory_pipeline.rebuild.evidence import read_encoding, read_evidence, update_evidence
from memory_pipeline.rebuild.features import update_features
from memory_pipeline.rebuild.flat_outcomes import OutcomeKeys, keys_by_month, read_flat
from memory_pipeline.rebuild.months import snapshot
from memory_pipeline.rebuild.names import month_names, name_rules
from memory_pipeline.store.frames import OUTCOME_FEATURES, FrameStore
from memory_pipeline.store.models import PackagingOutcome
from memory_pipeline.store.names import decide_names
from memory_pipeline.store.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

START = datetime(2025, 11, 20, tzinfo=UTC)


def rebuild_both(store: Store, frames: FrameStore, settings: Settings) -> tuple[str, str]:
    """Update features and evidence; return what each says of how much it worked on."""
    session = Session(settings, store, frames)
    features, evidence = update_features(session), update_evidence(session)
    return str(features.progress), str(evidence.progress)


def check_equals_everything(store: Store, frames: FrameStore, settings: Settings) -> None:
    """Compare what is kept with all outcomes read, encoded and counted at once."""
    with snapshot(store) as connection:
        keys = OutcomeKeys.union(keys_by_month(connection).values())
        recorded = read_flat(connection, keys)
        rules = name_rules(connection, settings, keys)
    whole = rename(recorded, fold_names(month_names(recorded, keys), rules))
    features, info = frames.read(OUTCOME_FEATURES)
    lists = [column for column in whole if whole[column].dtype == object]
    for column in lists:  # Parquet gives arrays
        features[column] = [None if one is None else list(one) for one in features[column]]
    assert_frame_equal(features, whole)
    assert (info["approach"], info["context"]) == (list(keys.approach), list(keys.context))

    encoded = encode(
        whole,
        [column for column in (*keys.context, *keys.approach) if column != settings.unit],
        min_count=min(10, settings.min_sample_size),
        unit=settings.unit,
        min_units=2,
    )
    frame = encoded.frame.assign(
        **{
            OUTCOME: outcome_labels(whole),
            settings.unit: whole[settings.unit],
            PERIOD: whole["occurred_at"].dt.strftime("%Y-%m"),
        }
    )
    expected = count_evidence(
        frame, conditions=list(encoded.frame), outcome=OUTCOME, unit=settings.unit, period=PERIOD
    )
    evidence, encoding = read_evidence(frames)
    assert encoding == read_encoding(frames) == encoded.encoding
    assert (evidence.keys, evidence.outcomes) == (expected.keys, expected.outcomes)
    assert_frame_equal(evidence.to_rows(), expected.to_rows())


VALUES = {
    "context": st.fixed_dictionaries(
        {}, optional={"team": st.sampled_from(["a", "A", "b", "c"]), "size": st.integers(0, 40)}
    ),
    "approach_details": st.fixed_dictionaries(
        {},
        optional={
            "wrapper": st.sampled_from(["x", "X", "y", None]),
            "is_signed": st.booleans(),
            "size": st.integers(0, 3),
            "tags": st.lists(st.sampled_from(["t", "u", "v"]), max_size=2),
            "seldom": st.sampled_from([1, "one"]),
        },
    ),
    "outcome_status": st.sampled_from(["success", "failure", "partial"]),
    "failure_reasons": st.sampled_from([None, [{"reason": "r"}], [{"reason": "s"}]]),
    "occurred_at": st.integers(0, 120).map(lambda days: START + timedelta(days=days)),
    "application_name": st.sampled_from(["p", "P", "q", "r 1.2", "R 1.3 (x64)"]),
}
ROW = st.fixed_dictionaries(VALUES)
CHANGE = st.sampled_from(sorted(VALUES)).flatmap(lambda name: VALUES[name].map(lambda value: {name: value}))
STEP = st.one_of(
    st.tuples(st.just("insert"), st.lists(ROW, min_size=1, max_size=8)),
    st.tuples(st.just("update"), st.integers(0, 1000), CHANGE),
    st.tuples(st.just("delete"), st.integers(0, 1000)),
    st.tuples(
        st.just("decide"),
        st.sampled_from(["same", "different"]),
        st.sampled_from([("application_name", "p", "q"), ("team", "b", "a"), ("wrapper", "X", "x")]),
    ),
    st.tuples(st.just("nothing")),
)


def carry_out(store: Store, step: tuple[Any, ...], ids: list[str]) -> None:
    table = PackagingOutcome
    if step[0] == "decide":
        decide_names(store, *step[2], decision=step[1], by="a person")
        return
    with store.transaction() as connection:
        if step[0] == "insert":
            template = outcome_rows(1)[0]
            first = len(ids)
            names = [f"o{first + n}" for n in range(len(step[1]))]
            rows = [
                {**template, **row, "id": name, "source_record_id": name}
                for name, row in zip(names, step[1], strict=True)
            ]
            connection.execute(insert(table), rows)
            ids += names
        elif step[0] in {"update", "delete"} and ids:
            one = ids[step[1] % len(ids)]
            # A correction by hand: neither `content_hash` nor `updated_at` tells of it.
            change = delete(table) if step[0] == "delete" else update(table).values(step[2])
            connection.execute(change.where(table.id == one))


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    first=st.lists(ROW, min_size=5, max_size=30),
    steps=st.lists(st.lists(STEP, min_size=1, max_size=3), min_size=1, max_size=4),
)
def test_any_changes_give_what_a_rebuild_from_nothing_gives(
    store: Store,
    settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
    first: list[dict[str, Any]],
    steps: list[list[tuple[Any, ...]]],
) -> None:
    chosen = settings.model_copy(update={"min_sample_size": 3, "min_units": 2})
    frames = FrameStore(str(tmp_path_factory.mktemp("frames")))
    ids: list[str] = []
    with store.transaction() as connection:
        connection.execute(text("truncate packaging_outcomes, name_decisions"))
    for batch in [[("insert", first)], *steps]:
        for step in batch:
            carry_out(store, step, ids)
        rebuild_both(store, frames, chosen)
        check_equals_everything(store, frames, chosen)


@pytest.fixture
def frames(tmp_path: Path) -> FrameStore:
    return FrameStore(str(tmp_path / "frames"))


def add(store: Store, rows: list[dict[str, Any]]) -> None:
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), rows)


def test_only_the_months_that_changed_are_read_and_counted(
    store: Store, settings: Settings, frames: FrameStore
) -> None:
    add(store, outcome_rows(300))  # nine hours apart: January to April 2025
    assert rebuild_both(store, frames, settings) == (
        "4 of 4 months, 300 of 300 attempts (the first time)",
        "4 of 4 months, 300 of 300 attempts (the first time)",
    )
    assert rebuild_both(store, frames, settings) == ("0 of 4 months, 0 of 300 attempts",) * 2
    before, _ = frames.parts(OUTCOME_FEATURES)

    [late] = outcome_rows(1, first=300, occurred_at=datetime(2025, 2, 3, tzinfo=UTC))
    add(store, [late])
    february = before["2025-02"].rows + 1
    assert rebuild_both(store, frames, settings) == (f"1 of 4 months, {february} of 301 attempts",) * 2
    after, _ = frames.parts(OUTCOME_FEATURES)
    assert {month for month in after if after[month].file != before[month].file} == {"2025-02"}

    with store.transaction() as connection:  # from one month to another: both change
        connection.execute(
            text("update packaging_outcomes set occurred_at = '2025-03-05Z' where id = 'attempt-300'")
        )
    read = before["2025-02"].rows + before["2025-03"].rows + 1
    assert rebuild_both(store, frames, settings) == (f"2 of 4 months, {read} of 301 attempts",) * 2
    check_equals_everything(store, frames, settings)

    with store.transaction() as connection:  # a whole month goes: nothing is to be read
        connection.execute(text("delete from packaging_outcomes where occurred_at >= '2025-04-01Z'"))
    rows = 301 - before["2025-04"].rows
    assert rebuild_both(store, frames, settings)[0] == f"0 of 3 months, 0 of {rows} attempts"
    check_equals_everything(store, frames, settings)


def test_values_that_are_told_apart_from_now_on_are_counted_anew_where_they_occur(
    store: Store, settings: Settings, frames: FrameStore
) -> None:
    rows = outcome_rows(300)
    for row in rows[:8]:  # all in January, too few to be a level
        row["application_vendor"] = "rare"
    add(store, rows)
    rebuild_both(store, frames, settings)
    march = datetime(2025, 3, 20, tzinfo=UTC)
    add(store, outcome_rows(10, first=300, application_vendor="rare", occurred_at=march))
    parts, _ = frames.parts(OUTCOME_FEATURES)
    read, counted = rebuild_both(store, frames, settings)
    new, old = parts["2025-03"].rows + 10, parts["2025-01"].rows
    assert read == f"1 of 4 months, {new} of 310 attempts"
    assert counted == (
        f"2 of 4 months, {new + old} of 310 attempts (1 because values are told apart otherwise)"
    )
    check_equals_everything(store, frames, settings)


def test_new_columns_settings_and_code_start_from_nothing(
    store: Store, settings: Settings, frames: FrameStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, outcome_rows(200))
    rebuild_both(store, frames, settings)
    vendors = settings.model_copy(update={"unit": "application_vendor"})
    read, counted = rebuild_both(store, frames, vendors)
    assert read.startswith("0 of 3 months")
    assert counted == "3 of 3 months, 200 of 200 attempts (the code, the unit or the columns changed)"
    check_equals_everything(store, frames, vendors)

    [row] = outcome_rows(1, first=200)
    add(store, [row | {"context": {"never_seen": "x"}}])
    read, _ = rebuild_both(store, frames, vendors)
    assert read == "3 of 3 months, 201 of 201 attempts (the columns changed)"
    check_equals_everything(store, frames, vendors)

    monkeypatch.setattr("memory_pipeline.rebuild.features.code_version", lambda *_: "another")
    assert rebuild_both(store, frames, vendors)[0].endswith("(the code is new)")
    check_equals_everything(store, frames, vendors)


def test_a_memory_that_is_emptied_has_empty_features_and_evidence(
    store: Store, settings: Settings, frames: FrameStore
) -> None:
    for rows in ([], outcome_rows(60), []):
        with store.transaction() as connection:
            connection.execute(text("truncate packaging_outcomes"))
        if rows:
            add(store, rows)
        rebuild_both(store, frames, settings)
        features, _ = frames.read(OUTCOME_FEATURES)
        evidence, _ = read_evidence(frames)
        assert len(features) == int(evidence.n.sum()) == len(rows)
        assert "application_name" in features


def test_frames_in_another_place_than_a_folder(store: Store, settings: Settings) -> None:
    frames = FrameStore("memory://incremental")
    add(store, outcome_rows(120))
    rebuild_both(store, frames, settings)
    add(store, outcome_rows(5, first=120))
    rebuild_both(store, frames, settings)
    check_equals_everything(store, frames, settings)
    parts, _ = frames.parts(OUTCOME_FEATURES)
    kept = [path.rpartition("/")[2] for path in frames.filesystem.glob(f"{frames.root}/{OUTCOME_FEATURES}.*")]
    assert sorted(kept) == sorted([*(part.file for part in parts.values()), f"{OUTCOME_FEATURES}.parts.json"])


def test_a_killed_rebuild_leaves_the_old_features_whole_and_no_files_for_ever(
    store: Store, settings: Settings, frames: FrameStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, outcome_rows(120))
    rebuild_both(store, frames, settings)
    before, _ = frames.read(OUTCOME_FEATURES)
    add(store, outcome_rows(30, first=120))

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FrameStore, "set_parts", killed)
        with pytest.raises(KeyboardInterrupt):
            update_features(Session(settings, store, frames))
    assert_frame_equal(frames.read(OUTCOME_FEATURES)[0], before)
    update_features(Session(settings, store, frames))
    with monkeypatch.context() as patch:  # the values are there, the counts are not
        patch.setattr("memory_pipeline.rebuild.evidence._update_counts", killed)
        with pytest.raises(KeyboardInterrupt):
            update_evidence(Session(settings, store, frames))
    rebuild_both(store, frames, settings)
    check_equals_everything(store, frames, settings)
    parts, _ = frames.parts(OUTCOME_FEATURES)
    assert len(frames.filesystem.glob(f"{frames.root}/{OUTCOME_FEATURES}.*.parquet")) == len(parts)


def test_a_reader_that_is_overtaken_by_a_rebuild_reads_the_new_parts(
    store: Store, settings: Settings, frames: FrameStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, outcome_rows(60))
    rebuild_both(store, frames, settings)
    add(store, outcome_rows(5, first=60))
    listed = frames.parts
    overtaken: list[int] = []

    def parts(name: str) -> Any:
        found = listed(name)
        if not overtaken:
            overtaken.append(1)
            update_features(Session(settings, store, FrameStore(frames.root)))
        return found

    monkeypatch.setattr(frames, "parts", parts)
    assert len(frames.read(OUTCOME_FEATURES)[0]) == 65


def test_months_whose_names_are_read_otherwise_are_written_anew(
    store: Store, settings: Settings, frames: FrameStore
) -> None:
    rows = outcome_rows(300)
    for row in rows[:8]:  # all in January
        row["application_vendor"] = "Contoso Ltd"
    for row in rows[-8:]:  # all in April
        row["application_vendor"] = "Contoso"
    add(store, rows)
    rebuild_both(store, frames, settings)
    january = frames.parts(OUTCOME_FEATURES)[0]["2025-01"].rows
    decide_names(store, "application_vendor", "Contoso Ltd", "Contoso", decision="same", by="a person")
    read, counted = rebuild_both(store, frames, settings)
    assert read == f"1 of 4 months, {january} of 300 attempts (1 because names are read otherwise)"
    # April too, where the vendor now has enough attempts to be a level.
    assert counted.startswith("2 of 4 months")
    check_equals_everything(store, frames, settings)
    assert "Contoso Ltd" not in set(frames.read(OUTCOME_FEATURES)[0]["application_vendor"])

    decide_names(store, "application_vendor", "Contoso Ltd", "Contoso", decision="reset", by="a person")
    assert rebuild_both(store, frames, settings)[0] == read
    check_equals_everything(store, frames, settings)
    assert "Contoso Ltd" in set(frames.read(OUTCOME_FEATURES)[0]["application_vendor"])
