"""Values are kept by version, and no more of them than wanted."""

from __future__ import annotations

from memory_pipeline.service.kept import KeptValues


def test_a_value_is_read_once_for_each_version():
    kept, read = KeptValues(2), []

    def value():
        read.append(len(read))
        return read[-1]

    assert [kept.get("a", "1", value), kept.get("a", "1", value), kept.get("a", "2", value)] == [0, 0, 1]
    assert kept.find("a", "2") == 1
    assert kept.find("a", "1") is None
    assert kept.find("b", "2") is None


def test_what_was_asked_for_longest_ago_is_dropped():
    kept = KeptValues(2)
    for name in ("a", "b"):
        kept.get(name, "1", lambda name=name: name)
    kept.find("a", "1")
    kept.get("c", "1", lambda: "c")
    assert [kept.find(name, "1") for name in ("a", "b", "c")] == ["a", None, "c"]
