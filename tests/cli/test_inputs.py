"""Inputs that real collectors and tools make, small and made up: each is read, or named."""

import shutil
from pathlib import Path

import pytest

from support.cli_world import ok

INPUTS = Path(__file__).parents[1] / "inputs"


def ingested(*files: Path, db: Path) -> list[dict[str, object]]:
    done = ok("ingest", *files, "--db", db, "--format", "json").json
    assert done["failures"] == []
    found: list[dict[str, object]] = done["sources"]
    return found


@pytest.mark.parametrize(
    "name",
    [
        "07-zstd-long-window/ev.jsonl.zst",
        "09-not-lines-called-truncated/ev.jsonl.xz",
        "09-not-lines-called-truncated/pretty.json",
        "09-not-lines-called-truncated/utf16.jsonl",
        "10-json-array/array.json",
        "11-jetstream-of-2024/old.jsonl",
    ],
)
def test_eight_events_are_eight_events_whatever_their_form(name: str, here: Path) -> None:
    (source,) = ingested(INPUTS / name, db=here / "x.duckdb")
    assert (source["lines"], source["kept"], source["rejected"]) == (8, 8, {})
    status = ok("status", "--db", here / "x.duckdb", "--format", "json").json
    (day,) = status["days"]
    assert [day[kind] for kind in ("posts", "follows")] == [4, 4]


def test_upper_case_endings_of_a_folder_are_read(here: Path) -> None:
    events = INPUTS / "21-files-passed-over-in-a-folder" / "ev.jsonl"
    folder = here / "f"
    folder.mkdir()
    shutil.copy(events, folder / "A.JSONL")
    shutil.copy(events, folder / "b.jsonl")
    assert len(ingested(folder, db=here / "x.duckdb")) == 2
    (folder / "b.jsonl").unlink()
    assert len(ingested(folder, db=here / "y.duckdb")) == 1
