"""The files that pages load: style, script, and the library that draws charts; none comes from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from functools import cache
from importlib import metadata, resources
from threading import Lock
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.server.dependencies import OpenedMemory
from memory_pipeline.server.problems import ProblemError

if TYPE_CHECKING:
    from pathlib import Path

router = APIRouter()

_MEDIA = {
    "style.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_VEGA = "vega.js"
_VEGA_LITE = "6.4"
"""The version of Vega-Lite that Altair's charts are written for."""
_YEAR = "public, max-age=31536000, immutable"
_BUNDLING = Lock()
_BUNDLE = """
import sys, vl_convert
sys.stdout.buffer.write(vl_convert.javascript_bundle(vl_version=sys.argv[1]).encode())
"""


@cache
def content_of(name: str) -> bytes:
    """Return a file of the package as it is sent."""
    return resources.files(__package__).joinpath("static", name).read_bytes()


@cache
def address_of(name: str) -> str:
    """Return the address of a file; it changes with the content, so that browsers may keep it."""
    mark = (
        f"{metadata.version('vl-convert-python')}-{_VEGA_LITE}".encode()
        if name == _VEGA
        else content_of(name)
    )
    return f"/static/{hashlib.blake2b(mark, digest_size=6).hexdigest()}/{name}"


def bundle_folder(home: Path) -> Path:
    """Return where the script of a memory's pages is kept."""
    return home / "cache"


def vega_bundle(folder: Path) -> bytes:
    """Return Vega, Vega-Lite and Vega-Embed as one compressed script, without any network.

    It is made by a process of its own: the library that makes it would stop every thread of this one for
    seconds.

    Parameters
    ----------
    folder
        Where the script is kept, so that it is made once.
    """
    path = folder / f"{address_of(_VEGA).split('/')[2]}-{_VEGA}.gz"
    with _BUNDLING:
        if not path.exists():
            made = subprocess.run(
                [sys.executable, "-c", _BUNDLE, _VEGA_LITE], check=True, stdout=subprocess.PIPE
            )
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(gzip.compress(made.stdout, 9, mtime=0))
            unfinished.replace(path)
    return path.read_bytes()


@router.get("/static/{mark}/{name}")
def static_file(mark: str, name: str, request: Request, memory: OpenedMemory) -> Response:
    """Return a file under an address that `address_of` wrote."""
    if name not in {*_MEDIA, _VEGA} or address_of(name) != f"/static/{mark}/{name}":
        raise ProblemError(404, "there is no such file; load the page again")
    headers = {"Cache-Control": _YEAR, "X-Content-Type-Options": "nosniff"}
    if name != _VEGA:
        return Response(content_of(name), media_type=_MEDIA[name], headers=headers)
    script = vega_bundle(bundle_folder(memory.settings.home))
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    else:
        script = gzip.decompress(script)
    return Response(script, media_type="text/javascript; charset=utf-8", headers=headers)
