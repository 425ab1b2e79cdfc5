"""How much quicker features and evidence are after few new outcomes than a full computation.

    MEMORY_HOME=... python benchmarks/incremental.py [--new 100] [--repeats 5]

The new outcomes are copies of stored ones: the newest, and in a second measurement ones of all months. They
are removed at the end. Features and evidence are written to a temporary folder; those of the memory stay.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from typing import TYPE_CHECKING

from sqlalchemy import text

from memory_pipeline.rebuild.evidence import read_evidence, update_evidence
from memory_pipeline.rebuild.features import update_features
from memory_pipeline.settings import Settings
from memory_pipeline.store import open_store
from memory_pipeline.store.frames import FrameStore
from memory_pipeline.store.session import Session

if TYPE_CHECKING:
    from memory_pipeline.store import Store

_SOURCE = "benchmarks/incremental.py"
_ORDERS = {"the newest month": "occurred_at desc, id", "all months": "md5(id)"}


def timed(store: Store, frames: FrameStore, settings: Settings) -> tuple[float, float, str]:
    """Update once; return the seconds for features and evidence, and what was counted."""
    start = time.perf_counter()
    session = Session(settings, store, frames)
    update_features(session)
    middle = time.perf_counter()
    said = str(update_evidence(session).progress)
    return middle - start, time.perf_counter() - middle, said


def add_copies(store: Store, count: int, order: str) -> None:
    """Store copies of outcomes under new ids."""
    with store.transaction() as connection:
        names = list(
            connection.scalars(
                text(
                    "select column_name from information_schema.columns where table_name = "
                    "'packaging_outcomes' and column_name not in ('id', 'source', 'source_record_id')"
                )
            )
        )
        listed = ", ".join(names)
        connection.execute(
            text(
                f"insert into packaging_outcomes (id, source, source_record_id, {listed}) "  # noqa: S608
                f"select 'copy of ' || id, :source, id, {listed} from packaging_outcomes "
                f"where source <> :source order by {order} limit :count"
            ),
            {"source": _SOURCE, "count": count},
        )


def remove_copies(store: Store) -> None:
    """Remove what `add_copies` stored."""
    with store.transaction() as connection:
        connection.execute(text("delete from packaging_outcomes where source = :source"), {"source": _SOURCE})


def main() -> None:
    """Print seconds (median over the repeats) and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--new", type=int, default=100, help="new outcomes")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    settings = Settings()
    store = open_store(settings)
    remove_copies(store)
    print("wall-clock seconds, the median of the repeats")
    print("| new outcomes in | from nothing, s | after them, s | ratio | counted again |")
    print("| --- | ---: | ---: | ---: | --- |")
    for where, order in _ORDERS.items():
        whole, part, said = [], [], ""
        for _ in range(chosen.repeats):
            with tempfile.TemporaryDirectory() as folder:
                frames = FrameStore(folder)
                whole.append(timed(store, frames, settings)[:2])
                add_copies(store, chosen.new, order)
                *seconds, said = timed(store, frames, settings)
                part.append(seconds)
                with tempfile.TemporaryDirectory() as other:
                    again = FrameStore(other)
                    timed(store, again, settings)
                    same = read_evidence(frames)[0].to_rows().equals(read_evidence(again)[0].to_rows())
                    if not same:
                        raise RuntimeError("the evidence is not what a rebuild from nothing gives")
            remove_copies(store)
        before, after = (statistics.median(map(sum, one)) for one in (whole, part))
        print(f"| {where} | {before:.2f} | {after:.2f} | {before / after:.1f} | {said} |")
        for name, one in (("from nothing", whole), ("after", part)):
            halves = [statistics.median(values) for values in zip(*one, strict=True)]
            print(f"  {name}: features {halves[0]:.2f} s, evidence {halves[1]:.2f} s")
    store.close()


if __name__ == "__main__":
    main()
