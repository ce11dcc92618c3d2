"""The key of an archive: it is sent to the archive, and seen nowhere else."""

import json
import logging
import multiprocessing
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import SourceError, UsageError
from blueattr.provenance import Window
from blueattr.sources.archive.key import KEY, ArchiveKey
from blueattr.sources.archive.source import ArchiveSource
from support import archive_child
from support.archive_server import ArchiveServer, Asked, Fault
from support.archive_world import EVENTS, SECRET, fill, filled_archive, kept, read, source
from support.events_builder import (
    at,
)
from support.store_content import content, expected


@pytest.fixture
def guarded() -> Iterator[ArchiveServer]:
    with filled_archive(SECRET) as running:
        yield running


@pytest.mark.slow
def test_the_key_is_sent_and_seen_nowhere_else(
    guarded: ArchiveServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(KEY, f" {SECRET}\n")
    caplog.set_level(logging.DEBUG)
    key = ArchiveKey.from_environment()
    assert key is not None
    told: list[str] = []
    guarded.density = 0.9
    guarded.segments = guarded.segments[:2]
    seen: set[str] = set()

    def script(asked: Asked) -> Fault | None:
        what = f"{asked.method}{asked.params}{asked.headers.get('range')}"
        if what in seen:
            return None
        seen.add(what)
        return [Fault("status", 503, SECRET.encode()), Fault("close"), Fault("cut")][len(seen) % 3]

    guarded.script = script
    db = tmp_path / "store.duckdb"
    reading = source(
        guarded, Window(at(9), at(500)), key=key, on_wait=lambda _seconds, why: told.append(why)
    )
    archive_child.ingest(db, reading)
    assert content(db) == expected(kept(EVENTS[9:48]))
    assert {a.method for a in guarded.asked} == {
        "listSegments", "planSnapshot", "getSegment", "getBlock",
    }  # fmt: skip
    assert set(guarded.faults) == {"status", "close", "cut"}
    for asked in guarded.asked:
        # On every call of the archive's, once, and in no other place.
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        assert asked.raw.count(SECRET.encode()) == 1
    assert told
    assert "authorization" not in caplog.text.lower()
    assert "getBlock" in caplog.text
    for text in (
        *told, caplog.text, *capfd.readouterr(), repr(key), str(key), f"{key:}", repr(reading),
        str(vars(reading)), reading.name, reading.fingerprint, *reading.remarks,
    ):  # fmt: skip
        assert SECRET not in text
    for path in tmp_path.iterdir():
        assert SECRET.encode() not in path.read_bytes()
    with pytest.raises(TypeError, match="not stored"):
        multiprocessing.reduction.ForkingPickler.dumps(key)


def test_errors_name_the_variable_and_never_the_key(guarded: ArchiveServer) -> None:
    for key, words in [
        (None, f"set {KEY} in the environment"),
        (ArchiveKey("wrong"), f"does not accept the key in {KEY}"),
    ]:
        with pytest.raises(SourceError, match=words) as caught:
            read(source(guarded, key=key))
        assert "wrong" not in str(caught.value)
    letters = "abcdefghijkl"
    guarded.key = letters
    for fault in (
        Fault("status", 403, letters.encode()),
        Fault("status", 400, json.dumps({"error": letters, "message": letters}).encode()),
        Fault("status", 418, headers={"Location": letters}),
        Fault("headers", headers={"Content-Encoding": letters}),
        Fault("headers", headers={"Content-Length": letters}),
        Fault("garbage", body=json.dumps({letters: letters, "segments": letters}).encode()),
    ):
        guarded.script = lambda _asked, fault=fault: fault  # type: ignore[misc]
        with pytest.raises(SourceError) as caught:
            read(source(guarded, key=ArchiveKey(letters)))
        error: BaseException | None = caught.value
        while error is not None:
            if error.__suppress_context__ and error is not caught.value:
                break
            assert letters not in str(error)
            error = error.__cause__
        assert guarded.faults[fault.what] >= 1
    for bad in ("two words", "line\nbreak", "lett\u00e9r", "\x00", ""):
        with pytest.raises(UsageError, match=KEY) as refused:
            ArchiveKey(bad)
        assert not bad or bad not in str(refused.value)


def test_no_key_where_the_variable_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    assert ArchiveKey.from_environment() is None
    monkeypatch.setenv(KEY, " ")
    assert ArchiveKey.from_environment() is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_follows_no_redirect(guarded: ArchiveServer, status: int) -> None:
    with ArchiveServer().running() as other:
        fill(other)
        fault = Fault("status", status, headers={"Location": f"{other.url}/xrpc/x"})
        guarded.script = lambda asked: fault if asked.fetches else None
        with pytest.raises(SourceError, match=r"redirects to another address"):
            read(source(guarded, key=ArchiveKey(SECRET)))
        assert guarded.faults["status"] >= 1
        assert other.asked == []


def test_the_key_is_not_sent_in_plain_text_over_a_network(
    guarded: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(guarded.url.rpartition(":")[2])
    found = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        known = host in ("archive.example", b"archive.example")
        return found("127.0.0.1" if known else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    url = f"http://archive.example:{port}"
    with pytest.raises(UsageError, match="not encrypted"):
        ArchiveSource(url, key=ArchiveKey(SECRET))
    with pytest.raises(SourceError, match=f"key in {KEY} is not sent in plain text"):
        read(ArchiveSource(url, key=ArchiveKey(SECRET), insecure=True))
    assert guarded.asked
    assert all(SECRET.encode() not in asked.raw for asked in guarded.asked)


def test_no_proxy_stands_between_this_machine_and_itself(
    guarded: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ArchiveServer().running() as proxy:
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        read(source(guarded, key=ArchiveKey(SECRET)))
        assert proxy.asked == []
