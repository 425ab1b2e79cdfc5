"""Write charts as pictures, and show them in notebooks."""

from __future__ import annotations

import base64
import io
import json
import re
from typing import TYPE_CHECKING, Any

import altair as alt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.charts.theme import Chart

MAX_PNG_BYTES = 110_000
"""Largest picture: as a data URL it stays below 150 kB in the event log."""
_COLOURS = 128
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SMALLEST_SCALE = 0.5
_SHRINK = 0.8
_VEGALITE_IN_JUPYTERLAB = "application/vnd.vegalite.v5+json"


def to_png(chart: Chart, *, scale: float = 1.5, max_bytes: int = MAX_PNG_BYTES) -> bytes:
    """Draw a chart as PNG.

    Parameters
    ----------
    chart
        Any chart of this package, or of Altair.
    scale
        Pixels per pixel of the chart; reduced where the picture would be larger than `max_bytes`.
    max_bytes
        Largest size of the result.

    Raises
    ------
    ValueError
        When the picture is too large even at half its size.
    """
    return png_of(json.dumps(chart.to_dict()), scale=scale, max_bytes=max_bytes)


def png_of(spec: str, *, scale: float = 1.5, max_bytes: int = MAX_PNG_BYTES) -> bytes:
    """Draw a Vega-Lite specification as PNG; parameters and errors are those of `to_png`."""
    while True:
        picture = _draw(spec, scale)
        if len(picture) <= max_bytes:
            return picture
        if scale <= _SMALLEST_SCALE:
            raise ValueError(
                f"the chart takes {len(picture):,} bytes at scale {scale:.2g}, more than "
                f"max_bytes={max_bytes:,}; draw fewer rows, or allow more bytes"
            )
        scale = max(_SMALLEST_SCALE, scale * _SHRINK)


def to_svg(chart: Chart) -> str:
    """Draw a chart as SVG.

    Raises
    ------
    ValueError
        When the chart cannot be drawn.
    """
    return svg_of(json.dumps(chart.to_dict()))


def svg_of(spec: str) -> str:
    """Draw a Vega-Lite specification as SVG; raises as `to_svg`."""
    import vl_convert  # noqa: PLC0415 - starts a JavaScript engine

    drawn: str = vl_convert.vegalite_to_svg(_drawable(spec), allowed_base_urls=[])
    return drawn


def _drawable(spec: str) -> str:
    """Return a specification whose texts hold characters of XML alone: with others, drawing ends the process.

    They become U+FFFD, the replacement character.
    """
    return json.dumps(_with_xml_texts(json.loads(spec)))


def _with_xml_texts(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {_with_xml_texts(key): _with_xml_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_xml_texts(item) for item in value]
    return value


def to_markdown_png(chart: Chart, *, scale: float = 1.5) -> str:
    """Write a chart as a Markdown image that contains its picture; the title is the alternative text."""
    spec = chart.to_dict()  # Slow, so once for both the picture and its text.
    encoded = base64.b64encode(png_of(json.dumps(spec), scale=scale)).decode("ascii")
    return f"![{_title_text(spec)}](data:image/png;base64,{encoded})"


def alternative_text(chart: Chart) -> str:
    """Return a chart's title as plain text that cannot end a Markdown image."""
    return _title_text(chart.to_dict())


def _title_text(spec: Mapping[str, Any]) -> str:
    title = spec.get("title", {})
    text = title.get("text", "") if isinstance(title, dict) else title
    flat = " ".join(text) if isinstance(text, list) else str(text)
    return re.sub(r"[^\w\s.,:;%+\-−/]", "", flat).strip() or "chart"  # noqa: RUF001 - a minus sign


def show_in_notebooks() -> None:
    """Make notebooks draw charts without the internet.

    JupyterLab has a Vega-Lite of its own; Altair's usual output fetches one from a public server instead.
    The chart is given to it, together with a picture for readers that cannot draw (a printed or exported
    notebook).
    """
    alt.renderers.register("memory_pipeline", _notebook_bundle)
    alt.renderers.enable("memory_pipeline")


def _notebook_bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    own = {**spec, "$schema": "https://vega.github.io/schema/vega-lite/v5.json"}
    picture = base64.b64encode(_draw(json.dumps(spec), scale=1.5)).decode("ascii")
    return {_VEGALITE_IN_JUPYTERLAB: own, "image/png": picture}


def _draw(spec: str, scale: float) -> bytes:
    """Draw a specification; with a palette, the picture is a sixth as large and looks the same."""
    import vl_convert  # noqa: PLC0415 - starts a JavaScript engine
    from PIL import Image  # noqa: PLC0415

    drawn = vl_convert.vegalite_to_png(_drawable(spec), scale=scale, allowed_base_urls=[])
    with Image.open(io.BytesIO(drawn)) as image:
        flat = image.convert("RGB").quantize(
            _COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
    result = io.BytesIO()
    flat.save(result, "PNG", optimize=True)
    return result.getvalue()
