"""/openapi.json says everything of what is read: each route, parameter and field, and every error."""

from __future__ import annotations

import pytest

READ = ("/api/memory/", "/api/v1/")


@pytest.fixture
def document(server):
    return server.get("/openapi.json").json()


def test_every_route_says_what_it_is_for(document):
    routes = {
        path: one["get"] for path, one in document["paths"].items() if path.startswith(READ) and "get" in one
    }
    assert len(routes) >= 20
    assert [path for path, one in routes.items() if not (one.get("summary") and one.get("description"))] == []
    told = [
        (path, one["name"])
        for path, route in routes.items()
        for one in route.get("parameters", ())
        if one["in"] == "query" and not one.get("description")
    ]
    assert told == []


def test_errors_are_problem_documents(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status in ("401", "403", "422", "429", "default"):
                assert set(operation["responses"][status]["content"]) == {"application/problem+json"}, path
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_field_of_a_row_is_described(document):
    schemas = document["components"]["schemas"]
    rows = (
        "Outcome",
        "Pattern",
        "Factor",
        "Association",
        "LearningPoint",
        "MemberPattern",
        "Question",
        "Impact",
    )
    untold = [
        (name, field)
        for name in rows
        for field, one in schemas[name]["properties"].items()
        if "description" not in one and "$ref" not in one
    ]
    assert untold == []
    assert schemas["Pattern"]["properties"]["confidence"]["maximum"] == 1
    assert "required" not in schemas["Outcome"]
    assert "advice" in schemas["OutcomeDetail"]["required"]
