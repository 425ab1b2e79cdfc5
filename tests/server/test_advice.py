"""Advice over HTTP: what is answered, what is logged, and what is refused with which remedy."""

from __future__ import annotations

import json

import pytest

from memory_pipeline.server.schemas.advice import (
    ApproachCheckAnswer,
    ContextPage,
    RecommendationAnswer,
    ServedRecord,
)
from memory_pipeline.service.records import to_json

ADVICE = "/api/memory/recommendations"
CHECK = "/api/memory/approaches/check"
MSI = {"context": {"installer_type": "msi"}}


def without_id(answer):
    return {name: value for name, value in answer.items() if name != "recommendation_id"}


def test_advice_is_that_of_the_memory(server, memory):
    full = server.post(ADVICE, params={"detail": "full"}, json=MSI)
    assert full.status_code == 200
    assert full.headers["cache-control"] == "no-store"
    alone = json.loads(to_json(memory.recommend(MSI["context"]).to_dict()))
    assert without_id(full.json()) == without_id(alone)
    brief = server.post(ADVICE, json=MSI).json()
    del alone["advice"]["candidates"]
    assert without_id(brief) == without_id(alone)


def test_a_query_describes_as_a_body_does(server):
    by_query = server.get(ADVICE, params={"installer_type": "msi", "architecture": "x64"}).json()
    by_body = server.post(ADVICE, json={"context": {"installer_type": "msi", "architecture": "x64"}}).json()
    assert without_id(by_query) == without_id(by_body)


@pytest.mark.parametrize("detail", ["brief", "full"])
def test_answers_are_as_their_model_says(server, detail):
    answer = server.post(ADVICE, params={"detail": detail}, json=MSI).json()
    parsed = RecommendationAnswer.model_validate(answer)
    assert set(answer["advice"]) == set(type(parsed.advice).model_fields) - (
        {"candidates"} if detail == "brief" else set()
    )
    served = server.get(f"{ADVICE}/{answer['recommendation_id']}", params={"detail": detail}).json()
    record = ServedRecord.model_validate(served)
    assert record.recommended_approach == answer["advice"]["recommended_approach"]
    assert ("candidates" in served) is (detail == "full")
    check = server.post(CHECK, json=MSI | {"approach": {"wrapper": "psadt"}}).json()
    ApproachCheckAnswer.model_validate(check)
    assert set(check) == set(ApproachCheckAnswer.model_fields)


def test_looking_is_not_logged(server):
    look = server.post(ADVICE, params={"look": "true"}, json=MSI).json()
    assert look["recommendation_id"] is None
    assert look["advice"]["recommended_approach"]


def test_the_table_of_contexts_comes_in_pages(server, memory):
    table = memory.recommendations()
    found, cursor = [], None
    while True:
        page = server.get(ADVICE, params={"limit": 7} | ({"cursor": cursor} if cursor else {})).json()
        ContextPage.model_validate(page)
        assert page["total"] == len(table)
        found += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == table["id"].tolist()


def test_a_value_in_another_case_is_taken_as_the_known_one(server):
    answer = server.post(ADVICE, json={"context": {"installer_type": "MSI"}}).json()
    assert answer["advice"]["context"] == {"installer_type": "msi"}
    assert answer["notes"] == ["installer_type 'MSI' was taken as 'msi', which differs in case only."]
    unknown = server.post(ADVICE, json={"context": {"installer_type": "msx"}}).json()
    assert "the nearest known: 'msix', 'msi'" in unknown["notes"][0]


@pytest.mark.parametrize(
    ("path", "body", "field", "remedy"),
    [
        (ADVICE, {"context": {"instaler_type": "msi"}}, "body.context.instaler_type", "did you mean"),
        (ADVICE, {"context": {"installer_type": {"a": 1}}}, "body.context.installer_type", "send"),
        (ADVICE, {"contxt": {}}, "body.contxt", "this field is not known; leave it out"),
        (CHECK, {"context": {}, "approach": {}}, "body.approach", "send at least 1 entries"),
        (CHECK, {"context": {}}, "body.approach", "it is required"),
        (CHECK, {"context": {"zz": "a"}, "approach": {"wrapper": "x"}}, "body.context.zz", "describe the"),
        (CHECK, {"approach": {"wrapper": "a\0"}}, "body.approach.wrapper", "send it without"),
    ],
)
def test_what_cannot_be_used_is_a_problem_with_a_remedy(server, path, body, field, remedy):
    answer = server.post(path, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert any(one["field"].startswith(field) for one in errors)
    assert remedy in " ".join(one["remedy"] for one in errors)


@pytest.mark.parametrize("query", ["detail=short", "limit=0", "cursor=%20", "colour=red", "cursor=W10"])
def test_a_query_that_cannot_be_used_is_a_problem(server, query):
    answer = server.get(f"{ADVICE}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("query.")


def test_an_answer_that_was_not_served_is_not_found(server):
    answer = server.get(f"{ADVICE}/nothing")
    assert answer.status_code == 404
    assert "no answer was served under the id 'nothing'" in answer.json()["detail"]


def test_an_answer_that_cannot_be_logged_is_not_given(server, memory, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    server.post(ADVICE, json=MSI)
    monkeypatch.setattr(memory.serving._journal, "append", full)
    answer = server.post(ADVICE, json=MSI)
    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["detail"]
    assert "free some space under MEMORY_HOME" in answer.json()["detail"]
