"""What became of served advice, from the stored attempts that name it to the verdict of a rebuild."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from made_history import START
from quick_rebuilds import leave_out

from memory_pipeline.memory import Memory
from memory_pipeline.rebuild import rebuild
from memory_pipeline.store.models import ServedRecommendation
from memory_pipeline.store.served import log_served
from memory_pipeline.store.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

SERVED = {
    "context": {"installer_type": "msi"},
    "candidates": [],
    "recommended_approach": {"is_quiet": True},
    "propensity": 1.0,
    "policy_version": "v",
}
FIRST_ADVICE = 200


def serve(store: Store, **more: object) -> str:
    """Log an answer that was given before the attempts with advice."""
    (identity,) = log_served(store, [{**SERVED, **more}])
    with store.transaction() as connection:
        connection.execute(
            ServedRecommendation.__table__.update()
            .where(ServedRecommendation.id == identity)
            .values(served_at=START + timedelta(hours=9 * FIRST_ADVICE - 1))
        )
    return identity


def test_a_rebuild_compares_what_was_served_with_what_was_withheld(
    settings: Settings, store: Store, add_outcomes: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    shown, withheld = serve(store), serve(store, withheld=True, control_share=0.3)
    without = serve(store, recommended_approach=None)
    add_outcomes(FIRST_ADVICE)
    add_outcomes(120, first=200, recommendation_id=shown, recommendation_followed=True)
    add_outcomes(80, first=320, recommendation_id=withheld)
    add_outcomes(20, first=400, recommendation_id=without)
    rebuild(open_session(settings, store), contracts=())
    with Memory.open(settings) as memory:
        [found] = memory.advice_verifications().to_dict("records")
        # Nothing but chance tells the two apart in this history, and none of it is said to help.
        assert (found["method"], found["followed"], found["control"]) == ("intention to treat", 120, 80)
        assert found["sufficient"]
        assert found["ci_low"] < 0 < found["ci_high"]
        assert (found["verdict"], found["conclusive"]) == ("may be chance", False)

        add_outcomes(500, first=420, recommendation_id=shown, outcome_status="success")
        rebuild(open_session(settings, store), contracts=())
        newest = memory.advice_verifications().iloc[0]
        assert len(memory.advice_verifications()) == 2
        assert (newest["verdict"], newest["conclusive"]) == ("helped", True)
        assert newest["ci_low"] > newest["anytime_low"] > 0

        gains = memory.learning("advice_gain")
        assert gains["sample_size"].is_monotonic_increasing
        last = gains.iloc[-1]
        assert (last["value"], last["ci_low"], last["ci_high"]) == tuple(
            newest[["gain", "ci_low", "ci_high"]]
        )
        assert last["details"]["reason"] == newest["reason"] in memory.learning_summary()["advice_gain"] + "."
