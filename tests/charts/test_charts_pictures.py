"""Pictures: of bounded size and width, with a text for those who cannot see them; and the notebook output."""

from __future__ import annotations

import base64
import io
import json
import re

import altair as alt
import pandas as pd
import pytest
import vl_convert
from made_tables import factor, measures, pattern, recommendation
from PIL import Image

from memory_pipeline import charts
from memory_pipeline.charts.pictures import alternative_text, svg_of
from memory_pipeline.charts.theme import finish

OLDEST_VEGALITE = "5.8"
"""The oldest that can be tried here; JupyterLab 4.6 draws with 5.6."""


def crowded():
    """Every chart at its fullest: five years, sixty of everything, long names."""
    name = "A Very Long Name Indeed, of a Company that Makes Installers"
    history = pd.concat(
        [
            measures([0.7, 0.8] * 30, start="2021-01-01"),
            measures([0.1, 0.2] * 30, start="2021-01-01", measure="prior_knowledge"),
            *(
                measures(
                    [0.7, 0.8] * 30, start="2021-01-01", attempts=60, column="vendor", value=f"{name} {i}"
                )
                for i in range(30)
            ),
        ]
    )
    patterns = [pattern({"application_vendor": f"{name} {i}"}, i / 100 - 0.3) for i in range(60)]
    factors = [factor("silent_switch", f"{name} {i}", "/qn", i / 100 - 0.3) for i in range(60)]
    advice = [
        recommendation({"application_vendor": f"{name} {i}"}, {"silent_switch": name * 3, "b": i}, 0.8)
        for i in range(60)
    ]
    return {
        "success": charts.success_over_time(history, events={name: "2023-01-01"}),
        "lines": charts.success_over_time(history, segment_column="vendor"),
        "panels": charts.success_by_segment(history),
        "explorer": charts.explore_success(history),
        "skill": charts.prior_knowledge(history),
        "patterns": charts.pattern_effects(pd.DataFrame(patterns)),
        "factors": charts.factor_effects(pd.DataFrame(factors)),
        "recommendations": charts.recommendation_rates(pd.DataFrame(advice)),
        "nothing": charts.success_over_time(pd.DataFrame()),
    }


CROWDED = crowded()


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x0c", "\ufffe", "\uffff", "\x85", "\u202e"])
def test_names_that_xml_does_not_allow_are_drawn(character: str) -> None:
    chart = charts.pattern_effects(pd.DataFrame([pattern({f"vendor{character}": f"a{character}b"}, 0.2)]))
    with Image.open(io.BytesIO(charts.to_png(chart))) as image:
        assert image.size[0] > 100
    assert "</svg>" in charts.to_svg(chart)


def test_what_xml_does_not_allow_is_replaced_and_nothing_else() -> None:
    spec = {"mark": "bar", "data": {"values": [{}]}, "title": "\x1b\ud800\ufffe é\tb"}
    assert ">\ufffd\ufffd\ufffd é" in svg_of(json.dumps(spec))


@pytest.mark.parametrize("name", CROWDED)
def test_a_crowded_chart_stays_small_and_readable_at_900_pixels(name):
    text = charts.to_markdown_png(CROWDED[name])
    assert len(text) < 150_000
    picture = base64.b64decode(re.fullmatch(r"!\[[^\]]+\]\(data:image/png;base64,([\w+/=]+)\)", text)[1])
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "PNG"
        assert image.width <= 1.5 * 900
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("name", CROWDED)
def test_the_vegalite_of_older_notebooks_understands_every_chart(name):
    compiled = vl_convert.vegalite_to_vega(CROWDED[name].to_dict(), vl_version=OLDEST_VEGALITE)
    assert compiled["marks"]


@pytest.mark.parametrize("name", CROWDED)
def test_a_chart_carries_aggregates_alone(name):
    # 30 vendors and 60 months are 1,860 aggregated rows, of which the explorer holds a few copies.
    assert len(json.dumps(CROWDED[name].to_dict())) < (4_000_000 if name == "explorer" else 600_000)


def test_a_smaller_bound_makes_a_smaller_picture():
    chart = charts.success_over_time(measures([0.7, 0.8] * 9))
    usual = charts.to_png(chart)
    bound = len(usual) // 2
    small = charts.to_png(chart, max_bytes=bound)
    assert len(small) <= bound
    assert Image.open(io.BytesIO(small)).width < Image.open(io.BytesIO(usual)).width


def test_an_impossible_bound_names_size_and_remedy():
    with pytest.raises(
        ValueError, match=r"the chart takes [\d,]+ bytes at scale 0.5, .*max_bytes=100; draw fewer"
    ):
        charts.to_png(charts.success_over_time(pd.DataFrame()), max_bytes=100)


def test_the_alternative_text_is_the_message_and_cannot_leave_its_brackets():
    chart = finish(alt.Chart(pd.DataFrame({"a": [1]})).mark_point(), "rose](http://x) [70%] `before` <b>")
    assert alternative_text(chart) == "rosehttp://x 70% before b"
    assert alternative_text(alt.Chart(pd.DataFrame({"a": [1]})).mark_point()) == "chart"


def test_drawing_leaves_the_look_of_other_charts_alone():
    plain = alt.Chart(pd.DataFrame({"a": [1]})).mark_point()
    before = plain.to_dict()["config"]
    charts.to_png(charts.success_over_time(measures([0.7] * 3)))
    assert plain.to_dict()["config"] == before
    assert alt.theme.active == "default"


def test_notebooks_get_a_chart_that_needs_no_internet_and_a_picture():
    used = alt.renderers.active
    try:
        charts.show_in_notebooks()
        bundle = charts.success_over_time(measures([0.7] * 3))._repr_mimebundle_()
    finally:
        alt.renderers.enable(used)
    assert set(bundle) == {"application/vnd.vegalite.v5+json", "image/png"}
    spec = bundle["application/vnd.vegalite.v5+json"]
    assert spec["$schema"].endswith("/v5.json")
    assert not re.search(r"https?://(?!vega\.github\.io/schema)", json.dumps(spec))
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
