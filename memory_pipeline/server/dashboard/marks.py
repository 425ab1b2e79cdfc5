"""Small pictures inside tables: an estimate with its interval on a common scale, as SVG without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from memory_pipeline.server.dashboard.words import is_number

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH, _HEIGHT, _MARGIN = 160, 22, 6
_SVG = Markup(
    '<svg class="interval {kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
    'role="img" aria-label="{label}">{zero}'
    '<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="11" y2="11"/>'
    '<circle class="estimate" cx="{at:.1f}" cy="11" r="4.5"/></svg>'
)
_ZERO = Markup('<line class="zero" x1="{at:.1f}" x2="{at:.1f}" y1="1" y2="21"/>')
_BAR = Markup(
    '<svg class="bar" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
    'aria-label="{label}"><rect class="whole" x="0" y="5" width="{width}" height="12"/>'
    '<rect class="part" x="0" y="5" width="{at:.1f}" height="12"/></svg>'
)


BOUNDS = ("ci_low", "ci_high")
"""What the ends of an interval are called in a row."""


def scale_of(bounds: Iterable[float]) -> float:
    """Return the end of a common scale of differences: what the widest interval needs, in tenths."""
    widest = max(map(abs, bounds), default=0.1)
    return max(0.1, min(1.0, -(-10 * widest // 1) / 10))


def bar_mark(share: float | None, label: str = "") -> Markup:
    """Draw a share as a bar.

    Parameters
    ----------
    share
        Between 0 and 1; None draws nothing.
    label
        What a screen reader says.
    """
    if share is None or not is_number(share):
        return Markup("")
    inside = min(max(share, 0.0), 1.0)
    return _BAR.format(width=_WIDTH, height=_HEIGHT, label=label, at=inside * _WIDTH)


def interval_mark(
    low: float | None,
    value: float | None,
    high: float | None,
    least: float = -1.0,
    most: float = 1.0,
    label: str = "",
) -> Markup:
    """Draw an estimate with its interval.

    Parameters
    ----------
    low, value, high
        The interval and the estimate; where one of the bounds is not known, only the estimate is drawn.
    least, most
        Ends of the scale; what lies beyond is drawn at the end.
    label
        What a screen reader says.
    """
    if not is_number(value):
        return Markup("")

    def place(number: float) -> float:
        inside = min(max(number, least), most)
        return _MARGIN + (inside - least) / (most - least) * (_WIDTH - 2 * _MARGIN)

    bounds = (low, high) if is_number(low) and is_number(high) else (value, value)
    kind = "above" if bounds[0] > 0 else "below" if bounds[1] < 0 else "unsure"  # type: ignore[operator]
    return _SVG.format(
        kind=kind if least < 0 else "level",
        width=_WIDTH,
        height=_HEIGHT,
        label=label,
        zero=_ZERO.format(at=place(0.0)) if least < 0 < most else "",
        low=place(bounds[0]),  # type: ignore[arg-type]
        high=place(bounds[1]),  # type: ignore[arg-type]
        at=place(value),  # type: ignore[arg-type]
    )
