"""Evidence that one memory exports and another imports: together they find what one memory of both finds."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from made_history import APPLICATIONS, outcome_rows
from sqlalchemy import insert, text

from memory_pipeline.administration.evidence_export import write_evidence
from memory_pipeline.administration.evidence_import import (
    import_evidence,
    list_evidence,
    read_evidence_file,
    withdraw_evidence,
)
from memory_pipeline.administration.evidence_manifest import MANIFEST, ROWS
from memory_pipeline.rebuild.evidence import read_evidence, update_evidence
from memory_pipeline.rebuild.features import update_features
from memory_pipeline.rebuild.imported_evidence import with_imported
from memory_pipeline.rebuild.patterns import update_patterns
from memory_pipeline.store.frames import FrameStore
from memory_pipeline.store.models import PackagingOutcome
from memory_pipeline.store.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

CONDITION = "condition: "


@pytest.fixture
def at(settings: Settings, store: Store, tmp_path: Path) -> Callable[[str, Sequence[int], int], Session]:
    """Store attempts of some applications alone and count them: `at(place, applications, count)`.

    Each place has frames of its own; the tables are emptied before.
    """

    def make(place: str, applications: Sequence[int], count: int = 1200) -> Session:
        session = Session(settings, store, FrameStore(str(tmp_path / place)))
        rows = [
            row
            for number, row in enumerate(outcome_rows(count))
            if number % APPLICATIONS in set(applications)
        ]
        with store.transaction() as connection:
            connection.execute(text("truncate packaging_outcomes, pattern_identifications cascade"))
            connection.execute(insert(PackagingOutcome), rows)
        update_features(session)
        update_evidence(session)
        return session

    return make


def found_by(session: Session) -> pd.DataFrame:
    kept = update_patterns(session).kept
    if kept.empty:
        return pd.DataFrame({"name": []})
    return kept.assign(name=kept["conditions"].map(str)).sort_values(["target", "name"], ignore_index=True)


def counts_of(session: Session) -> pd.DataFrame:
    """Return the rows that patterns are searched in, without the names of the units."""
    rows = with_imported(session.frames, *read_evidence(session.frames)).to_rows().drop(columns="unit")
    rows = rows.astype({name: str for name in rows if not name.startswith("attempts: ")})
    return rows.sort_values(list(rows.columns), ignore_index=True)


def change(path: Path, content: dict[str, bytes], target: Path) -> Path:
    """Write a copy of a zip file with other members."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, content.get(name, old.read(name)))
    return target


def test_what_is_merged_equals_what_is_pooled(at: Callable[..., Session], tmp_path: Path) -> None:
    theirs = at("theirs", range(20, 40))
    write_evidence(theirs, tmp_path / "theirs.zip", k=1)
    whole = at("pooled", range(40))
    pooled, counts = found_by(whole), counts_of(whole)
    ours = at("ours", range(20))
    alone = found_by(ours)
    imported = import_evidence(ours, tmp_path / "theirs.zip")
    merged = found_by(ours)

    assert len(pooled) > 0
    pd.testing.assert_frame_equal(counts_of(ours), counts)
    exact = ["target", "name", "sample_size", "units", "tier", "turns", "stratified_by"]
    pd.testing.assert_frame_equal(merged[exact], pooled[exact])
    same = ["rate", "base_rate", "risk_difference", "lift"]
    pd.testing.assert_frame_equal(merged[same], pooled[same], rtol=1e-9)
    # Two sources have strata of time each, so the tests and intervals differ a little.
    pd.testing.assert_frame_equal(merged[["ci_low", "ci_high"]], pooled[["ci_low", "ci_high"]], atol=0.005)
    assert (np.log(merged["p_value"]) / np.log(pooled["p_value"])).between(0.8, 1.25).all()
    # Where applications are 20 of 40 each, half of a pattern that all of them have is foreign.
    strongest = merged[merged["name"] == "{'is_quiet': 'no'}"].iloc[0]
    assert strongest["foreign_units"] == imported.units == 20
    assert 0 < strongest["foreign_attempts"] < strongest["sample_size"]
    assert strongest["sentence"].endswith("attempts of 20 units were counted elsewhere.")
    assert alone[alone["name"] == strongest["name"]]["units"].item() == 20

    withdraw_evidence(ours, imported.source)
    pd.testing.assert_frame_equal(found_by(ours), alone)
    assert "foreign_attempts" not in alone


def test_two_find_together_what_neither_finds_alone(at: Callable[..., Session], tmp_path: Path) -> None:
    few = 90
    theirs = at("theirs", range(20, 40), few)
    assert found_by(theirs).empty
    write_evidence(theirs, tmp_path / "theirs.zip", k=1, columns=["is_quiet"])
    ours = at("ours", range(20), few)
    assert found_by(ours).empty
    import_evidence(ours, tmp_path / "theirs.zip")
    assert list(found_by(ours)["name"]) == ["{'is_quiet': 'yes'}"]


def test_what_leaves_has_no_name_and_no_rare_combination(at: Callable[..., Session], tmp_path: Path) -> None:
    session = at("ours", range(40))
    made = write_evidence(session, tmp_path / "first.zip")
    again = write_evidence(session, tmp_path / "again.zip", columns=["installer_type", "is_quiet"])
    named = write_evidence(session, tmp_path / "named.zip", k=1, with_names=True)
    _, rows = read_evidence_file(tmp_path / "first.zip")
    _, few = read_evidence_file(tmp_path / "again.zip")
    _, names = read_evidence_file(tmp_path / "named.zip")

    conditions = [column for column in rows if column.startswith(CONDITION)]
    assert rows.groupby(conditions, observed=True)["unit"].nunique().min() >= made.k == 5
    before = names.groupby([one for one in names if one.startswith(CONDITION)], observed=True)["unit"]
    assert before.nunique().min() < 5  # there was something to suppress
    assert made.suppressed.rare_cells == (before.nunique() < 5).sum()
    assert made.attempts + made.suppressed.attempts_left_out == named.attempts == 1200
    assert (
        made.suppressed.attempts_changed
        == rows.loc[
            (rows[conditions] == "(other)").any(axis=1), [one for one in rows if one.startswith("attempts: ")]
        ]
        .to_numpy()
        .sum()
    )
    # With two columns of six combinations nothing is rare: nothing is lost.
    assert (again.suppressed.attempts_changed, again.attempts, len(again.conditions)) == (0, 1200, 2)
    assert set(few["unit"]) == set(rows["unit"])  # pseudonyms are the same in each export
    assert set(names["unit"]) == {f"application {number}" for number in range(40)}
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        assert not any(b"application 1" in archive.read(name) for name in archive.namelist())
    assert made.source == again.source == named.source
    with pytest.raises(ValueError, match="would count twice"):
        import_evidence(session, tmp_path / "first.zip")
    with pytest.raises(KeyError, match="shoe_size"):
        write_evidence(session, tmp_path / "no.zip", columns=["shoe_size"])
    with pytest.raises(ValueError, match="fewer than 41 units"):
        write_evidence(session, tmp_path / "no.zip", k=41)


def test_what_is_damaged_older_or_counted_otherwise_is_refused(
    at: Callable[..., Session], tmp_path: Path
) -> None:
    theirs = at("theirs", range(20))
    write_evidence(theirs, tmp_path / "old.zip")
    file = tmp_path / "file.zip"
    made = write_evidence(theirs, file)
    ours = at("ours", range(20, 40))
    about = json.loads(made.model_dump_json())
    with zipfile.ZipFile(file) as archive:
        content = archive.read(ROWS)

    def with_manifest(**other: Any) -> dict[str, bytes]:
        return {MANIFEST: json.dumps(about | other).encode()}

    wrong = content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
    frame = pd.read_parquet(file_of(tmp_path, content))
    frame.loc[0, [one for one in frame if one.startswith("attempts: ")]] = -1
    negative = file_of(tmp_path, None, frame).read_bytes()
    for number, (members, message) in enumerate(
        (
            ({ROWS: wrong}, "SHA-256 differs"),
            ({ROWS: wrong} | with_manifest(sha256=sha(wrong)), "cannot be read"),
            ({ROWS: negative} | with_manifest(sha256=sha(negative)), "is not a count in every row"),
            (with_manifest(attempts=made.attempts + 1), "attempts, and manifest.json says"),
            (with_manifest(units=made.units + 1), "units, and manifest.json says"),
            (with_manifest(format=2), "has format 2, this version reads 1"),
            (with_manifest(source="../../x"), "manifest.json: source"),
            (with_manifest(outcomes=["won;;"]), "the outcome 'won;;' is not"),
            (with_manifest(unit="vendor"), "was counted by vendor, this memory counts by application_name"),
            ({MANIFEST: b"{"}, "is not JSON"),
        )
    ):
        with pytest.raises(ValueError, match=message):
            import_evidence(ours, change(file, members, tmp_path / f"damaged{number}.zip"))
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(ValueError, match="damaged or not a file of evidence"):
        import_evidence(ours, tmp_path / "text.zip")
    with pytest.raises(FileNotFoundError, match=r"none\.zip does not exist"):
        import_evidence(ours, tmp_path / "none.zip")
    assert list_evidence(ours) == []

    import_evidence(ours, file)
    import_evidence(ours, file)  # replaces itself
    assert list_evidence(ours) == [made]
    with pytest.raises(ValueError, match="to go back, withdraw that first"):
        import_evidence(ours, tmp_path / "old.zip")
    with pytest.raises(LookupError, match=f"there is {made.source}"):
        withdraw_evidence(ours, "0" * 12)
    ours.frames.remove_all()  # as when something is forgotten
    assert list_evidence(ours) == [made]


def file_of(folder: Path, content: bytes | None, frame: pd.DataFrame | None = None) -> Path:
    path = folder / "rows.parquet"
    if frame is not None:
        frame.to_parquet(path, index=False)
    else:
        path.write_bytes(content or b"")
    return path


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
