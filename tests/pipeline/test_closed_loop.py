"""From advice to outcomes to the verdict: what is verified is what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kept_memories import small_sample
from quick_rebuilds import leave_out
from sqlalchemy import text

from memory_pipeline.contracts.contract import load_contracts
from memory_pipeline.contracts.evaluate import evaluate, parameters
from memory_pipeline.ingest import ingest_records
from memory_pipeline.memory import Memory
from memory_pipeline.pipeline.run import rebuild
from memory_pipeline.settings import Settings
from memory_pipeline.store.columns import read_columns
from memory_pipeline.worlds import Answer, continue_with_advice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from kept_memories import KeptMemory

    from memory_pipeline.store import Store


@pytest.fixture
def copied(kept_sample: KeptMemory, tmp_path: Path) -> Iterator[tuple[Settings, Store]]:
    """A rebuilt memory of a sample organisation, to go on with."""
    with kept_sample.copy(tmp_path / "copy") as copied:
        yield copied


@pytest.mark.statistics
def test_what_advice_changed_is_verified_in_a_closed_loop(
    copied: tuple[Settings, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`benchmarks/verification.py` has the coverage over many worlds."""
    leave_out(monkeypatch)
    settings, store = copied
    organisation = small_sample()
    with Memory.open(settings) as memory:

        def ask(contexts: Sequence[Mapping[str, Any]]) -> list[Answer]:
            answers = memory.recommend_all(contexts, control_share=0.4)
            return [Answer(str(one.recommendation_id), one.advice.recommended_approach) for one in answers]

        went_on = continue_with_advice(organisation, ask, attempts=1200)
        assert went_on.true_gain > 0.02
        assert 300 < went_on.without < 660
        ingest_records(store, "outcomes", went_on.outcomes, source="sample")
        before = memory.patterns()["updated_at"].max()
        report = rebuild(settings, store, only=("outcome_features", "advice_verification"))
        assert {one.step for one in report.steps if one.kind == "asset"} == {
            "outcome_features",
            "advice_verification",
        }
        # What was not asked for stays as it was, and waits for a rebuild.
        assert memory.patterns()["updated_at"].max() == before
        assert not memory.is_rebuilt()
        found = memory.advice_verifications().iloc[0]
        assert found["method"] == "intention to treat"
        assert len(memory.advised_outcomes()) > 1000
        margin = (found["ci_high"] - found["ci_low"]) / 2
        assert margin < 0.12
        # One interval in twenty misses; one and a half times as wide, one in three hundred does.
        assert abs(found["gain"] - went_on.true_gain) < 1.5 * margin

        # Whether advice was followed is asked of those who got any.
        given = went_on.followed + went_on.not_followed
        assert _whether_followed_is_known(store) == ("met", given, 0)
        with store.transaction() as connection:
            connection.execute(text("update packaging_outcomes set recommendation_followed = null"))
        assert _whether_followed_is_known(store) == ("violated", given, given)


def _whether_followed_is_known(store: Store) -> tuple[str, int | None, int | None]:
    (contract,) = [one for one in load_contracts() if one.name == "packaging_outcomes"]
    frame = read_columns(store, contract.name, contract.columns_read, contract.derived)
    (verdict,) = [
        one
        for one in evaluate(contract, frame, parameters(Settings()))
        if one.expectation.id == "followed_is_known_where_advised"
    ]
    return verdict.outcome, verdict.rows, verdict.violations


def test_many_answers_are_refused_as_one_is(rebuilt: Settings) -> None:
    with Memory.open(rebuilt) as memory:
        served = len(memory.advised_outcomes())
        with pytest.raises(ValueError, match="nothing about colour"):
            memory.recommend_all([{"installer_type": "msi"}, {"colour": "red"}])
        assert memory.recommend_all([]) == []
        assert len(memory.advised_outcomes()) == served
