"""What pages need is there before anybody asks: the charts, and the library that draws them."""

from __future__ import annotations

import gzip
from threading import Event

import pytest

from memory_pipeline.server.dashboard import ahead
from memory_pipeline.server.dashboard.static_files import vega_bundle
from memory_pipeline.server.pictures import KINDS, Pictures


def test_charts_are_drawn_once_and_then_at_hand(memory, monkeypatch):
    monkeypatch.setattr(ahead, "CHARTS", (("success_over_time", {}), ("drift", {})))
    monkeypatch.setattr(ahead, "BY_SEGMENT", ())
    pictures = Pictures()
    ahead.draw_ahead(memory, pictures, Event())
    kind = KINDS["drift"]
    monkeypatch.setitem(KINDS, "drift", kind.__class__("never drawn again", kind.rests_on, pytest.fail))
    assert b"$schema" in pictures.draw(memory, "drift", {}, "json", kind.version(memory))


def test_nothing_is_drawn_once_it_is_over(memory, monkeypatch):
    monkeypatch.setattr(ahead, "CHARTS", (("drift", {}), ("success_over_time", {})))
    monkeypatch.setattr(KINDS["success_over_time"].__class__, "version", lambda *_: "1")
    drawn = []
    monkeypatch.setattr(Pictures, "draw", lambda _self, _memory, kind, *_: drawn.append(kind))
    over = Event()
    over.set()
    ahead.draw_ahead(memory, Pictures(), over)
    assert drawn == ["drift"]


def test_the_library_of_charts_is_made_once(tmp_path, monkeypatch):
    script = gzip.decompress(vega_bundle(tmp_path / "cache"))
    assert b"vegaEmbed" in script
    assert len(list((tmp_path / "cache").iterdir())) == 1
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("it was made again"))
    assert gzip.decompress(vega_bundle(tmp_path / "cache")) == script
