"""A past window from the command line: what it would cost, and for which accounts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from support.archive_past import fill_past, past_events
from support.archive_server import ArchiveServer
from support.cli_world import ok, refused
from support.events_builder import did
from support.store_content import content, expected

WHEN = ("--from", "2026-03-01", "--to", "2026-05-20")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveServer]:
    monkeypatch.delenv("BLUEATTR_JETSTREAM_KEY", raising=False)
    with ArchiveServer().running() as running:
        fill_past(running)
        yield running


def inside(accounts: str) -> list[dict[str, object]]:
    """Events of the accounts in these weeks, which are all from before the archive began."""
    begin, end = 1_772_323_200_000_000, 1_779_235_200_000_000
    return [event for event in past_events(accounts) if begin <= event["time_us"] < end]


def test_what_would_be_fetched_is_said_and_not_fetched(
    server: ArchiveServer, tmp_path: Path
) -> None:
    db = tmp_path / "past.duckdb"
    command = ("ingest", "archive", "--host", server.url, *WHEN, "--db", db)
    text = ok(*command, "--dry-run").stdout.decode()
    assert "Nothing was fetched" in text
    assert "bootstrap" in text
    assert "witnessed" in text
    answer = ok(*command, "--dry-run", "--format", "json", "--max-bytes", "1KB")
    report = json.loads(answer.stdout)
    assert report["bytes"] == sum(stage["bytes"] for stage in report["stages"]) > 1000
    assert report["max_bytes"] == 1000
    assert not server.fetched()
    assert not db.exists()


def test_too_dear_ends_with_2_and_leaves_nothing(server: ArchiveServer, tmp_path: Path) -> None:
    db = tmp_path / "past.duckdb"
    command = ("ingest", "archive", "--host", server.url, *WHEN, "--db", db)
    refused(ExitCode.USAGE, *command, "--max-bytes", "2KB", says="--max-bytes permits 2.0 kB")
    assert not server.fetched()
    assert not db.exists()


@pytest.mark.slow
def test_of_some_accounts(server: ArchiveServer, tmp_path: Path) -> None:
    db, file = tmp_path / "past.duckdb", tmp_path / "accounts.csv"
    file.write_text(f"did,x\n{did('a')},1\n{did('d')},2\n")
    ok("ingest", "archive", "--host", server.url, *WHEN, "--db", db, "--accounts", file)
    assert len(inside("ad")) > 5
    assert content(db) == expected(inside("ad"))
