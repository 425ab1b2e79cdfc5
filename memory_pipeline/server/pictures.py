"""The charts that can be asked for: what each is drawn from, and drawings kept until that changes."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.server.spans import wanted_change
from memory_pipeline.service.kept import KeptValues
from memory_pipeline.service.progress import current_month

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memory_pipeline.memory import Memory

MEDIA = {"json": "application/json", "png": "image/png", "svg": "image/svg+xml"}
"""Forms of a chart: the name in `format=`, and the media type."""
MOST_FINDINGS = 100
"""Most findings that one chart draws."""
_LARGEST_PNG = 2_000_000
_KEPT = 128


@dataclass(frozen=True)
class Kind:
    """A kind of chart.

    Attributes
    ----------
    title
        What it shows.
    rests_on
        What it is drawn from, as parts of `Memory.version`.
    build
        Returns the chart, by a memory and the parameters that were given.
    parameters
        Names of the parameters that it takes.
    is_of_today
        Whether it depends on the month that is not over too.
    """

    title: str
    rests_on: tuple[str, ...]
    build: Callable[[Memory, Mapping[str, Any]], Any]
    parameters: tuple[str, ...] = ()
    is_of_today: bool = False

    def version(self, memory: Memory) -> str:
        """Return a text that changes with what the chart shows."""
        version = memory.version(*self.rests_on)
        return f"{version} {current_month()}" if self.is_of_today else version


def _of_measures(name: str) -> Callable[[Memory, Mapping[str, Any]], Any]:
    def build(memory: Memory, parameters: Mapping[str, Any]) -> Any:
        return _builder(name)(memory.learning(), **parameters)

    return build


def _builder(name: str) -> Callable[..., Any]:
    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair

    builder: Callable[..., Any] = getattr(charts, name)
    return builder


def _calibration(memory: Memory, _: Mapping[str, Any]) -> Any:
    info = memory.predictability().attrs
    bins = pd.DataFrame(info["calibration"])
    return _builder("calibration")(bins, info["summary"])


def _success(memory: Memory, parameters: Mapping[str, Any]) -> Any:
    events = memory.learning_events()
    return _builder("success_over_time")(memory.learning(), marks=events, **parameters)


def _change(memory: Memory, parameters: Mapping[str, Any]) -> Any:
    explanation = memory.explain_change(**wanted_change(dict(parameters)))
    told = {name: value for name, value in parameters.items() if name == "limit"}
    return _builder("change_contributors")(explanation, **told)


SPAN_MEANINGS = {
    "from": "first month of the later span, such as 2026-06",
    "to": "its last month",
    "before_from": "first month of the earlier span",
    "before_to": "its last month",
    "columns": "columns that are to explain the change, with commas between",
}
KINDS = {
    "success_over_time": Kind(
        "Share of success by month, whether and since when it changed, and what happened meanwhile",
        ("learning", "patterns", "members"),  # the decisions that are marked are part of the last two
        _success,
        ("segment_column",),
    ),
    "brush_success": Kind(
        "Share of success by month, and of each part in the months that a reader drags over",
        ("learning",),
        _of_measures("brush_success"),
        ("segment_column",),
    ),
    "success_by_segment": Kind(
        "Share of success by month, a panel for each value of a column",
        ("learning",),
        _of_measures("success_by_segment"),
        ("segment_column",),
    ),
    "explore_success": Kind(
        "Share of success by month with a menu of every segment",
        ("learning",),
        _of_measures("explore_success"),
    ),
    "prior_knowledge": Kind(
        "How well each month is predicted from the months before",
        ("learning",),
        _of_measures("prior_knowledge"),
    ),
    "advice_coverage": Kind(
        "Share of each month's attempts for which there was advice",
        ("learning",),
        _of_measures("advice_coverage"),
    ),
    "advice_gain": Kind(
        "What following the advice changed, by month and by rebuild",
        ("learning", "verification"),
        lambda memory, _: _builder("advice_gain")(memory.learning(), memory.advice_verifications()),
    ),
    "drift": Kind(
        "Detected changes of the world that were in force in each month",
        ("learning",),
        _of_measures("drift"),
    ),
    "finding_replication": Kind(
        "Share of findings that held in the quarter after they were made",
        ("learning",),
        _of_measures("finding_replication"),
    ),
    "pattern_effects": Kind(
        "How much more or less often the attempts of each pattern end in its target",
        ("patterns",),
        lambda memory, parameters: _builder("pattern_effects")(memory.patterns(), **parameters),
        ("limit",),
    ),
    "factor_effects": Kind(
        "What each setting changes, everything else being equal",
        ("factors",),
        lambda memory, parameters: _builder("factor_effects")(memory.factors(include_all=True), **parameters),
        ("limit",),
    ),
    "recommendation_rates": Kind(
        "What to expect of the advised approach in each context",
        ("recommendations",),
        lambda memory, parameters: _builder("recommendation_rates")(memory.recommendations(), **parameters),
        ("limit",),
    ),
    "association_map": Kind(
        "How strongly conditions go together",
        ("associations",),
        lambda memory, _: _builder("association_map")(memory.associations(include_all=True)),
    ),
    "calibration": Kind("Whether predicted chances came true", ("predictability",), _calibration),
    "change_contributors": Kind(
        "Why success changed between two spans: other cases, or other results of the same cases",
        ("features",),
        _change,
        ("limit", *SPAN_MEANINGS),
        is_of_today=True,
    ),
}
"""The kinds of charts, by name."""
MEANINGS = {
    "segment_column": "column that splits the history",
    "limit": f"most findings drawn, 1 to {MOST_FINDINGS}",
    **SPAN_MEANINGS,
}


def segment_columns(memory: Memory) -> list[str]:
    """Return the columns by which the success rate is kept."""
    measures = memory.learning("success_rate")
    return sorted(set(measures["segment_column"]) - {""})


class Pictures:
    """Draws charts, and keeps the drawings until what they show changes."""

    def __init__(self) -> None:
        self._kept = KeptValues(_KEPT)
        self._drawing = Lock()

    def draw(
        self, memory: Memory, kind: str, parameters: Mapping[str, Any], form: str, version: str
    ) -> bytes:
        """Return a chart in a form.

        Parameters
        ----------
        memory
            What is drawn.
        kind
            One of `KINDS`.
        parameters
            What the chart is told.
        form
            One of `MEDIA`.
        version
            The version of what it rests on.

        Raises
        ------
        FileNotFoundError
            When nothing was analysed yet.
        ValueError
            When the chart cannot be drawn so.
        """
        asked = (kind, tuple(sorted(parameters.items())))

        def spec_of_kind() -> bytes:
            built: str = KINDS[kind].build(memory, parameters).to_json(indent=None)
            return built.encode()

        def drawn() -> bytes:
            spec: bytes = self._kept.get((*asked, "json"), version, spec_of_kind)
            return spec if form == "json" else _draw(spec.decode(), form)

        def drawn_once() -> bytes:
            # One at a time: the others wait for what it draws, or for the processor anyway.
            with self._drawing:
                picture: bytes = self._kept.get((*asked, form), version, drawn)
            return picture

        kept: bytes = self._kept.get((*asked, form), version, drawn_once)
        return kept


def _draw(spec: str, form: str) -> bytes:
    from memory_pipeline.charts.pictures import png_of, svg_of  # noqa: PLC0415 - imports Altair

    return png_of(spec, max_bytes=_LARGEST_PNG) if form == "png" else svg_of(spec).encode()
