"""The loop closes: an agent asks, acts and reports, and verification sees whether advice helped."""

from __future__ import annotations

import anyio
import pytest
from mcp_processes import http_client, running_http
from quick_rebuilds import leave_out_looks

from memory_pipeline.memory import Memory
from memory_pipeline.store.access import create_token


def test_what_agents_report_is_verified(kept_sample, tmp_path):
    with kept_sample.copy(tmp_path / "home") as (settings, store):
        token = create_token(store, "packaging-agent", "report")
        with Memory(settings, store) as memory:
            assert memory.advised_outcomes().empty
            reported = ask_act_report(settings, tmp_path, token)
            advised = memory.advised_outcomes()
            assert set(advised["recommendation_id"]) == set(reported)
            with pytest.MonkeyPatch.context() as patch:
                leave_out_looks(patch)
                memory.rebuild()
            (row,) = memory.advice_verifications().head(1).to_dict("records")
            assert row["followed"] == sum(reported.values())
            assert memory.is_rebuilt()


def ask_act_report(settings, folder, token, attempts=12):
    """Ask for advice, act on it (two of three times as advised), and report; returns id to followed."""
    reported = {}

    async def main(address):
        async with http_client(address, token) as client:
            for number in range(attempts):
                asked = await client.call_tool("get_advice", {"context": {"installer_type": "msi"}})
                advice = asked.structured_content
                is_followed = number % 3 != 0
                approach = advice["approach"] if is_followed else {"close_processes": "no"}
                done = await client.call_tool(
                    "report_outcome",
                    {
                        "application_name": f"Ledger {number}",
                        "installer_type": "msi",
                        "outcome_status": "success" if is_followed else "failure",
                        "approach": approach,
                        "recommendation_id": advice["recommendation_id"],
                        "recommendation_followed": is_followed,
                    },
                )
                assert done.structured_content["notes"] == [], done
                reported[advice["recommendation_id"]] = is_followed

    with running_http(settings, folder) as address:
        anyio.run(main, address)
    return reported
