"""The store and files that tests of the command line share; they only read them."""

from pathlib import Path

import polars as pl
import pytest

from support.cli_world import PANEL, ok, write_events
from support.run_folder import SETTINGS, write


@pytest.fixture(scope="session")
def events_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_events(tmp_path_factory.mktemp("events") / "events.jsonl")


@pytest.fixture(scope="session")
def db(events_file: Path) -> Path:
    path = events_file.with_name("world.duckdb")
    ok("ingest", events_file, "--db", path)
    return path


@pytest.fixture(scope="session")
def panel_file(db: Path) -> Path:
    path = db.with_name("features.parquet")
    ok("features", "--topic", "mythos", "--db", db, "--out", path)
    assert len(pl.read_parquet(path)) == PANEL
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLUEATTR_DB", raising=False)
    return tmp_path


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with settings, and with a folder for files."""
    monkeypatch.chdir(tmp_path)
    for name in ("BLUEATTR_DB", "BLUEATTR_TOPICS", "BLUEATTR_CONFIG", "BLUEATTR_JETSTREAM_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "in").mkdir()
    write(SETTINGS)
    return tmp_path
