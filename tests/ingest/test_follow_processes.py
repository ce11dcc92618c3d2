"""Following as a process: killed, interrupted, out of disk, beside readers and other writers."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import ExitCode
from blueattr.ingest import follow
from blueattr.ingest.pace import Pace
from blueattr.sources import find
from blueattr.sources.timing import Timing
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support import crash, stream_child
from support.archive_server import ArchiveServer
from support.cli_world import BLUEATTR, run
from support.events_builder import at, micros, post
from support.forked import processes
from support.live_world import (
    PROTOCOLS,
    Run,
    end_of,
    gaps_of,
    hurried,
    seed,
    spans_of,
    story,
    streams_of,
)
from support.store_content import content, expected
from support.stream_server import Fault, StreamServer, in_turn

EVENTS = story(40)
# Only the last is fresh.
NOW = end_of(EVENTS) + 9.5
FROM = "2026-04-30T23:59:55Z"


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with StreamServer(EVENTS).running() as running:
        running.use_dictionary(7)
        yield running


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


def target(server: StreamServer, protocol: str = "v2") -> tuple[list[str], list[str]]:
    if protocol == "v2":
        return ["jetstream"], [server.url]
    return [f"{server.url}/subscribe" if protocol == "v1" else server.url], []


def child(what: Callable[..., None], *arguments: Any) -> int:
    process = processes.Process(target=what, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def finished(db: Path, server: StreamServer, protocol: str = "v2") -> None:
    """Follow to the end, and compare with what a run without interruption gives."""
    assert Run(end_of(EVENTS)).follow(db, streams_of(protocol, server)).outcome == "live"
    assert content(db) == expected(EVENTS)
    assert gaps_of(db) == ()
    assert [gap for spans in spans_of(db).values() for _, _, gap in spans] == [""]


def seen(db: Path) -> int:
    """How many of the events are in the store; a reader may come before the next run."""
    if not db.exists():
        return 0
    with Store.open(db) as store:
        position = store.frame("analysis/upkeep/sources")["position"].to_list()
    return int(position[0]) if position else 0


def added_once_subscribed(server: StreamServer, event: dict[str, Any]) -> None:
    deadline = time.monotonic() + 60
    while not any(asked.subscribed for asked in server.asked) and time.monotonic() < deadline:
        time.sleep(0.01)
    server.add(event)


# --- killed --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "points"),
    [
        pytest.param("v2", crash.QUICK, id="v2"),
        pytest.param("v2", crash.OTHERS, id="v2 others"),
        pytest.param("v1", crash.QUICK, id="v1"),
        pytest.param("firehose", crash.QUICK, id="firehose"),
    ],
)
def test_killed_at_each_point_of_a_commit(
    protocol: str, points: tuple[str, ...], server: StreamServer, tmp_path: Path
) -> None:
    reached = []
    for point in points:
        db = tmp_path / f"{point}.duckdb"
        Writer(db).close()
        if protocol == "firehose":
            # A relay is taken up at its end: the store has to know it.
            server.replace([])
            seed(db, protocol, server, EVENTS)
            server.add(*EVENTS[1:])
        code = child(stream_child.killed_at, point, db, *target(server, protocol), NOW)
        assert code == -signal.SIGKILL
        reached.append(seen(db))
        if protocol == "v2":
            # What was committed is the fold of the events up to the position, no more, no less.
            assert content(db) == expected(EVENTS[: seen(db)])
        finished(db, server, protocol)
    assert 0 < reached[0] < reached[-1]


@pytest.mark.parametrize(
    ("protocol", "times"),
    [pytest.param(p, 8, marks=pytest.mark.slow) for p in PROTOCOLS],
)
def test_killed_again_and_again_while_events_come(
    protocol: str, times: int, server: StreamServer, db: Path
) -> None:
    rng = random.Random(11)  # noqa: S311 - arbitrary moments
    later = [
        post("later", f"p{k}", f"text {k}", rev=1000 + k, time=at(100 + k)) for k in range(300)
    ]
    if protocol == "firehose":
        # A relay is taken up at its end; the store has to know it.
        server.replace([])
        seeding = threading.Thread(target=added_once_subscribed, args=(server, EVENTS[0]))
        seeding.start()
        assert child(stream_child.follow, db, *target(server, protocol), end_of(EVENTS[:1])) == 0
        seeding.join()
        assert seen(db)
        server.add(*EVENTS[1:])
    done = threading.Event()

    def feed() -> None:
        for event in later:
            server.add(event)
            if done.wait(0.01):
                server.add(*later[later.index(event) + 1 :])
                return

    feeder = threading.Thread(target=feed)
    feeder.start()
    fired = 0
    # The clock is ahead of the last event, so that none ends by itself.
    for _ in range(times):
        code = child(
            stream_child.killed_after, rng.uniform(0.02, 0.7), db, *target(server, protocol), 2e9
        )
        fired += code == -signal.SIGKILL
    done.set()
    feeder.join()
    assert fired == times
    every = EVENTS + later
    now = end_of(every) + 0.5
    assert child(stream_child.follow, db, *target(server, protocol), now) == 0
    # Fresh is what is ten seconds old: once more, for the last ones.
    server.add(post("end", "fin", rev=9999, time=at(600)))
    every.append(post("end", "fin", rev=9999, time=at(600)))
    assert child(stream_child.follow, db, *target(server, protocol), end_of(every)) == 0
    found, wanted = content(db), expected(every)
    assert {
        key: value for key, value in found.records.items() if wanted.records[key] != value
    } == {}
    assert found == wanted
    assert gaps_of(db) == ()


# --- a full disk ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_full_disk_is_an_error_and_the_next_run_resumes(
    server: StreamServer, tmp_path: Path
) -> None:
    codes = []
    for size in (0, 600_000):
        db = tmp_path / f"{size}.duckdb"
        codes.append(child(stream_child.full_disk, size, db, *target(server), NOW))
        finished(db, server)
    assert set(codes) <= {0, 7}
    assert codes.count(7) >= 1


@pytest.mark.slow
def test_a_small_disk_of_its_own_is_full(server: StreamServer, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], capture_output=True,
        check=False,
    )  # fmt: skip
    if mount.returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        db = disk / "store.duckdb"
        filling = disk / "filling"
        Writer(db).close()
        left = os.statvfs(disk)
        filling.write_bytes(bytes(left.f_bavail * left.f_bsize - 100_000))
        assert child(stream_child.full_disk, None, db, *target(server), NOW) == 7
        filling.unlink()
        finished(db, server)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


# --- signals, readers and writers ----------------------------------------------------------------


@pytest.fixture
def started(
    server: StreamServer, db: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start the program on the server, and wait until it has been sent everything."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> "subprocess.Popen[bytes]":
        command = [str(BLUEATTR), "ingest", *target(server)[0], "--host", server.url, "--from",
                   FROM, "--db", str(db), *options]  # fmt: skip
        program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        begun.append(program)
        deadline = time.monotonic() + 60
        while not (server.subscriptions() and server.subscriptions()[-1].sent == len(server.log)):
            assert program.poll() is None, program.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # What was sent is handed on half a second later.
        time.sleep(1.2)
        return program

    yield start
    for program in begun:
        program.kill()
        program.communicate()


def ended(program: "subprocess.Popen[bytes]") -> tuple[int, str, str]:
    out, err = program.communicate(timeout=60)
    return program.returncode, out.decode(), err.decode()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(
    number: signal.Signals, started: Callable[..., Any], db: Path, server: StreamServer
) -> None:
    program = started()
    program.send_signal(number)
    code, out, err = ended(program)
    assert code == 0, err
    assert "what was received is being kept" in err
    assert "Followed until it was stopped" in out
    # Whatever it had been handed is there, as a prefix, and the rest comes next time.
    assert content(db) == expected(EVENTS[: seen(db)])
    assert seen(db) == len(EVENTS)
    finished(db, server)


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(started: Callable[..., Any], db: Path) -> None:
    program = started()
    with Store.open(db):
        # The commit waits for this reader.
        program.send_signal(signal.SIGINT)
        time.sleep(0.7)
        assert program.poll() is None
        before = time.monotonic()
        program.send_signal(signal.SIGINT)
        code, _, err = ended(program)
        assert time.monotonic() - before < 10
    assert code == ExitCode.INTERRUPTED
    assert "interrupted" in err


@pytest.mark.slow
def test_beside_it_readers_read_and_writers_end_with_5(
    started: Callable[..., Any], db: Path, server: StreamServer
) -> None:
    program = started()
    status = run("status", "--db", db, "--format", "json")
    assert status.code == 0
    second = run("ingest", *target(server)[0], "--host", server.url, "--db", db)
    assert second.code == ExitCode.STORE_BUSY
    assert f"process {program.pid} is writing to" in second.stderr
    assert program.poll() is None
    program.send_signal(signal.SIGINT)
    assert ended(program)[0] == 0
    assert content(db) == expected(EVENTS)


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command hand messages on at once, find a quiet stream live sooner, and run in May."""
    found, pace, timing = find.find_streams, Pace(quiet=1.5), Timing(now=lambda: NOW)
    monkeypatch.setattr(
        find, "find_streams", lambda *given, **named: hurried(found(*given, **named))
    )
    monkeypatch.setattr(follow, "follow", partial(follow.follow, pace=pace, timing=timing))


def ingest(server: StreamServer, db: Path, *options: object, protocol: str = "v2") -> Any:
    sources, hosts = target(server, protocol)
    given = [word for host in hosts for word in ("--host", host)]
    return run("ingest", *sources, *given, "--db", db, *options)


@pytest.mark.slow
def test_until_live_ends_with_0(quick: None, server: StreamServer, db: Path) -> None:
    done = ingest(server, db, "--from", FROM, "--until-live", "--format", "json")
    assert (done.code, done.json["outcome"], done.json["gaps"]) == (0, "live", [])
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_for_ends_with_0(quick: None, server: StreamServer, db: Path) -> None:
    done = ingest(server, db, "--from", FROM, "--for", "1s")
    assert done.code == 0
    assert "Followed until the time was up; the newest event is" in done.text
    assert content(db) == expected(EVENTS)


def test_unreachable_ends_with_8(quick: None, db: Path) -> None:
    with StreamServer().running() as gone:
        pass
    done = ingest(gone, db, "--for", "1s")
    assert done.code == ExitCode.SOURCE
    assert gone.instance in done.stderr
    assert "what was received is kept" in done.stderr


def test_refused_ends_with_8(quick: None, server: StreamServer, db: Path) -> None:
    server.script = lambda asked: Fault("refuse", status=404)
    done = ingest(server, db)
    assert (done.code, done.stdout) == (ExitCode.SOURCE, b"")
    assert "refuses the request: HTTP 404" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["v2", "v1"])
def test_a_gap_ends_with_9_and_reports_say_so(
    protocol: str, quick: None, server: StreamServer, db: Path
) -> None:
    server.replace([])
    server.add(*EVENTS[:20])
    assert ingest(server, db, "--from", FROM, "--until-live", protocol=protocol).code == 0
    server.replace([])
    server.add(*EVENTS)
    server.floor = 35
    done = ingest(server, db, "--until-live", "--format", "json", protocol=protocol)
    assert done.code == ExitCode.GAPS
    (gap,) = done.json["gaps"]
    assert content(db) == expected(EVENTS[:20] + EVENTS[34:])
    status = run("status", "--db", db)
    assert gap in status.text
    assert "2026-05-01T00:00:19Z to 2026-05-01T00:00:34Z" in status.text
    panel = run("panel", "--db", db, "--format", "json", "--from", "2026-05-01", "--to",
                "2026-05-02")  # fmt: skip
    reasons = [found["reason"] for found in panel.json["gaps"]]
    assert gap in reasons


@pytest.mark.slow
def test_the_key_stays_where_it_belongs(
    quick: None, server: StreamServer, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "a-key-that-nobody-sees"
    monkeypatch.setenv("BLUEATTR_JETSTREAM_KEY", key)
    archive = ArchiveServer(key=key)
    archive.seal(EVENTS[:32], blocks=4)
    server.archive = archive
    server.replace([])
    server.add(*EVENTS[:20])
    server.script = in_turn(None)
    outputs = [ingest(server, db, "--from", FROM, "--until-live")]
    server.replace([])
    server.add(*EVENTS)
    server.floor = 30
    # Left alone, it is a gap.
    copy = db.with_name("copy.duckdb")
    copy.write_bytes(db.read_bytes())
    outputs.append(ingest(server, copy, "--until-live", "--no-fill"))
    assert outputs[-1].code == ExitCode.GAPS
    assert archive.asked == []
    outputs.append(ingest(server, db, "--until-live"))
    assert outputs[-1].code == 0, outputs[-1].stderr
    assert "fetching from the archive" in outputs[-1].stderr
    assert content(db) == expected(EVENTS)
    assert gaps_of(db) == ()
    assert archive.asked
    assert all(asked.headers["authorization"] == f"Bearer {key}" for asked in archive.asked)
    assert len(server.subscriptions()) >= 4
    for asked in server.asked:
        if asked.kind != "other":
            assert key.encode() not in asked.raw
    for output in outputs:
        assert key not in output.text + output.stderr
    for file in db.parent.iterdir():
        assert key.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "address", ["ws://192.0.2.1", "http://192.0.2.1", "ws://localhost.example.org"]
)
def test_plain_text_needs_a_word(quick: None, address: str, db: Path) -> None:
    for asked in (["jetstream", "--host", address], [address], [f"{address}/subscribe"]):
        done = run("ingest", *asked, "--db", db)
        assert done.code == ExitCode.USAGE
        assert "not encrypted" in done.stderr
    assert not db.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "address", ["wss://exa mple.org", "wss://exa\nmple.org", "wss://[::1", "wss://:443",
                "wss://a.example:99999", "wss://\u202eevil.example", "wss://" + "a" * 70 + ".org"],
    ids=ascii,
)  # fmt: skip
def test_addresses_that_are_none_end_in_a_sentence(quick: None, address: str, db: Path) -> None:
    for asked in (["jetstream", "--host", address], [address]):
        done = run("ingest", *asked, "--db", db, "--for", "1s")
        assert done.code in (ExitCode.USAGE, ExitCode.SOURCE)
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_log_says_what_happens(quick: None, server: StreamServer, db: Path) -> None:
    server.script = in_turn(Fault("close", after=9, code=1001, reason="\x1b[2J\u202e"))
    done = ingest(server, db, "--from", FROM, "--until-live")
    assert done.code == 0
    assert f"{server.instance}: the server closed the connection (code 1001" in done.stderr
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr
    assert "1 reconnect." in done.text
    silent = ingest(server, db, "--until-live", "--quiet")
    assert silent.stderr == ""
    assert server.subscriptions()[-1].cursor is not None
    assert micros(at(0)) > 0
