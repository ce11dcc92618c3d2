"""Jetstream v1, v2 and its archive: each way of reading the past gives the same store."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from integration import truth
from integration.commands import EVER, ingest, run, status
from integration.conftest import Past
from support.store_content import content, expected

# They share a network and its Jetstream.
pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("past")]


def times(past: Past, share: float) -> str:
    """A moment in the middle of things, as an option spells it."""
    moments = sorted(event["payload"]["time"] for event in past.events)
    return str(moments[int(share * len(moments))])


def test_the_servers_interfaces_agree(past: Past) -> None:
    kinds = {event["payload"].get("operation") for event in past.events}
    assert kinds == {"create", "update", "delete", None}
    assert expected(truth.jetstream_v1(past.jetstream.socket_url)) == expected(past.events)
    last = past.sealed[-1]["seq"]
    prefix = [event for event in past.events if event["payload"]["seq"] <= last]
    assert len(prefix) == len(past.sealed) < len(past.events)
    assert expected(past.sealed) == expected(prefix)


def test_jetstream_v2(past: Past, tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    ingest(
        db, "jetstream", "--host", past.jetstream.socket_url, "--from", EVER, "--until-live",
        expect=None,
    )  # fmt: skip
    truth.assert_same(db, past.events, at_least=2000)


def test_jetstream_v1(past: Past, tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    ingest(db, f"{past.jetstream.socket_url}/subscribe", "--from", EVER, "--until-live")
    truth.assert_same(db, past.events, at_least=2000)


def test_the_whole_archive_and_then_live_without_a_gap(past: Past, tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    host = ("--host", past.jetstream.socket_url)
    archive = ("archive", "--host", past.jetstream.url, "--from", EVER, "--to", "2099-01-01")
    ingest(db, *archive)
    truth.assert_same(db, past.sealed, at_least=2000)
    ingest(db, *archive)
    truth.assert_same(db, past.sealed)
    ingest(db, "jetstream", *host, "--until-live")
    truth.assert_same(db, past.events)
    assert status(db)["gaps"] == []
    # Once more, by way of version 1, changes nothing.
    before = content(db)
    ingest(db, f"{past.jetstream.socket_url}/subscribe", "--until-live")
    assert content(db) == before


def test_a_window_of_the_archive(past: Past, tmp_path: Path) -> None:
    start, end = times(past, 0.35), times(past, 0.55)
    inside = [event for event in past.events if start <= event["payload"]["time"] < end]
    db = tmp_path / "a.duckdb"
    ingest(db, "archive", "--host", past.jetstream.url, "--from", start, "--to", end)
    assert len(inside) > 500
    truth.assert_same(db, inside)


def test_windows_side_by_side_in_any_order_are_the_whole(past: Past, tmp_path: Path) -> None:
    cuts = [EVER, times(past, 0.2), times(past, 0.6), "2099-01-01"]
    windows = list(pairwise(cuts))
    db = tmp_path / "a.duckdb"
    for start, end in (windows[1], windows[0], windows[2]):
        ingest(db, "archive", "--host", past.jetstream.url, "--from", start, "--to", end)
    truth.assert_same(db, past.sealed, at_least=2000)
    assert status(db)["gaps"] == []


def test_a_window_that_the_archive_does_not_have(past: Past, tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    done = run(
        "ingest", "archive", "--host", past.jetstream.url, "--from", f"{later:%Y-%m-%d}",
        "--to", "2099-01-01", "--db", tmp_path / "a.duckdb", expect=8,
    )  # fmt: skip
    assert "holds" in done.stderr
