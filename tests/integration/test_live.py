"""Following while things happen: coming back, being too late, and what a gap is."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from integration import truth
from integration.commands import EVER, KEY, ingest, run, start, status
from integration.conftest import sealed_segments
from integration.servers import Jetstream, Network
from support.events_builder import Event
from support.store_content import content

pytestmark = pytest.mark.integration


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with Network(tmp_path / "network", commits=800) as network:
        yield network


def seq(event: Event) -> int:
    found: int = event["payload"]["seq"] if "payload" in event else event["seq"]
    return found


def test_following_stopping_and_coming_back(network: Network, tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    with Jetstream(tmp_path / "jetstream", network.url, network.url) as jetstream:
        host = ("jetstream", "--host", jetstream.socket_url)
        ingest(db, *host, "--from", EVER, "--for", "4s", expect=None)
        first = len(content(db).records)
        # Ctrl-C, while events come.
        following = start("ingest", *host, "--db", db, stderr=PIPE)
        truth.until(lambda: jetstream.subscribers() == 1)
        time.sleep(2)
        following.send_signal(signal.SIGINT)
        _, told = following.communicate(timeout=60)
        assert following.returncode == 0, told
        second = len(content(db).records)
        # The server goes for an update, and comes back.
        following = start("ingest", *host, "--db", db, stderr=PIPE)
        truth.until(lambda: jetstream.subscribers() == 1)
        jetstream.stop()
        jetstream.start()
        truth.until(lambda: jetstream.subscribers() == 1)
        network.quieten()
        truth.settle()
        following.send_signal(signal.SIGTERM)
        _, told = following.communicate(timeout=60)
        assert following.returncode == 0, told
        third = len(content(db).records)
        ingest(db, *host, "--until-live")
        truth.assert_same(db, truth.jetstream_v2(jetstream.socket_url))
    assert 0 < first < second < third
    assert [gap for gap in status(db)["gaps"] if gap["start"] > EVER] == []


def test_a_server_that_finds_us_too_slow(tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    # Whoever is a thousand events behind when it has read eight thousand is cut off.
    impatient = (
        "--subscribe-slow-window", "1ms", "--subscribe-slow-min-rate", "1e9",
        "--subscribe-read-batch", "4096",
    )  # fmt: skip
    with (
        Network(tmp_path / "network", records=80, commits=1) as network,
        Jetstream(
            tmp_path / "jetstream", network.url, network.url, *impatient, small=True
        ) as jetstream,
    ):
        network.pause()
        truth.settle()
        assert truth.archive_segments(jetstream.url)[-1]["maxSeq"] > 14_000
        done = run(
            "ingest", "jetstream", "--host", jetstream.socket_url, "--from", EVER, "--until-live",
            "--db", db, expect=None,
        )  # fmt: skip
        assert "ConsumerTooSlow" in done.stderr
        jetstream.stop()
        jetstream.options = ()
        jetstream.start()
        truth.assert_same(db, truth.jetstream_v2(jetstream.socket_url), at_least=5000)


def too_late(jetstream: Jetstream, network: Network, db: Path, *stream: object) -> list[Event]:
    """Follow for a while, then stay away until the server no longer replays all of the rest.

    Returns everything that happened, as versions 2 tells it.
    """
    truth.until(lambda: sealed_segments(jetstream) >= 2)
    network.pause()
    ingest(db, *stream, "--from", EVER, "--until-live", expect=None)
    jetstream.stop()
    # From here on it looks back for one second: to its newest sealed segment.
    jetstream.options = ("--cursor-lookback", "1s")
    jetstream.start()
    already = sealed_segments(jetstream)
    network.resume()
    truth.until(lambda: sealed_segments(jetstream) >= already + 4)
    network.pause()
    truth.settle()
    sealed = truth.archive_events(jetstream.url)
    return sealed + truth.jetstream_v2(jetstream.socket_url, seq(sealed[-1]) + 1)


def seen_before(db: Path, events: list[Event]) -> int:
    """Sequence number of the last event that a store has seen."""
    (source,) = status(db)["sources"]
    last = truth.micros(source["last_event"])
    return max(seq(event) for event in events if moment(event) <= last)


def floor(jetstream: Jetstream) -> int:
    """Sequence number from which a server replays that looks back one second."""
    return int([s for s in truth.archive_segments(jetstream.url) if s["eventCount"]][-1]["minSeq"])


def moment(event: Event) -> int:
    """Server time of an event of either shape, in unix microseconds."""
    return int(event["time_us"]) if "time_us" in event else truth.micros(event["payload"]["time"])


@pytest.mark.parametrize("version", [1, 2])
def test_what_a_server_no_longer_replays_is_a_gap(
    network: Network, tmp_path: Path, version: int
) -> None:
    db = tmp_path / "a.duckdb"
    with Jetstream(tmp_path / "jetstream", network.url, network.url, small=True) as jetstream:
        address = jetstream.socket_url
        stream = [f"{address}/subscribe"] if version == 1 else ["jetstream", "--host", address]
        events = too_late(jetstream, network, db, *stream)
        last, first = seen_before(db, events), floor(jetstream)
        missed = [event for event in events if last < seq(event) < first]
        assert len(missed) > 500
        done = ingest(db, *stream, "--until-live", expect=9)
        assert len(done["gaps"]) == 1
    truth.assert_same(db, [e for e in events if seq(e) <= last or seq(e) >= first], at_least=1000)
    gap = status(db)["gaps"][-1]
    # A commit's events have one time, and may lie on both sides of where a segment begins.
    assert truth.micros(gap["start"]) <= min(map(moment, missed))
    assert max(map(moment, missed)) <= truth.micros(gap["end"])


def test_what_a_server_no_longer_replays_comes_from_its_archive(
    network: Network, tmp_path: Path
) -> None:
    db = tmp_path / "a.duckdb"
    with Jetstream(tmp_path / "jetstream", network.url, network.url, small=True) as jetstream:
        stream = ("jetstream", "--host", jetstream.socket_url)
        events = too_late(jetstream, network, db, *stream)
        last, first = seen_before(db, events), floor(jetstream)
        assert sum(last < seq(event) < first for event in events) > 500
        done = ingest(db, *stream, "--until-live", env=KEY)
        assert done["gaps"] == []
    truth.assert_same(db, events, at_least=1000)
    assert any(source["kind"] == "archive" for source in status(db)["sources"])
