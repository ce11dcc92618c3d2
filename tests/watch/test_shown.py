"""The command in a terminal and as a server: it ends when it is told to, with its exit code."""

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueattr.cli.watching import face
from blueattr.errors import UsageError
from blueattr.watch import faces
from blueattr.watch.guard import PageAddress
from support.cli_world import BLUEATTR, write_store
from support.watch_page import asked, free_port


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("shown") / "world.duckdb")


class Typed:
    """A program in a terminal of 80 by 24."""

    def __init__(self, *command: str) -> None:
        self._own, theirs = pty.openpty()
        size = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [BLUEATTR, *command], stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, **size},
        )  # fmt: skip
        os.close(theirs)
        self.shown = b""

    def until(self, words: bytes) -> None:
        ended = time.monotonic() + 90
        while words not in self.shown:
            assert time.monotonic() < ended, self.shown[-2000:]
            if select.select([self._own], [], [], 0.1)[0]:
                self.shown += os.read(self._own, 1 << 16)

    def press(self, key: bytes) -> None:
        os.write(self._own, key)

    def end(self) -> int:
        ended = time.monotonic() + 90
        while self.process.poll() is None:
            assert time.monotonic() < ended, self.shown[-2000:]
            if select.select([self._own], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._own, 1 << 16)
                except OSError:
                    break
        return self.process.wait(30)


@pytest.fixture
def typed(store: Path) -> Iterator[list[Typed]]:
    made: list[Typed] = []
    yield made
    for one in made:
        one.process.kill()
        one.process.wait()
        os.close(one._own)


def _watch(store: Path, *more: str) -> list[str]:
    return [
        "watch",
        "--topic",
        "all",
        "--db",
        str(store),
        "--replay",
        "3600x",
        "--keep-bots",
        *more,
    ]


@pytest.mark.slow
def test_in_a_terminal_it_is_the_app_which_q_ends(store: Path, typed: list[Typed]) -> None:
    one = Typed(*_watch(store))
    typed.append(one)
    one.until(b"accounts")
    one.until(b"replays the store")
    one.press(b"q")
    assert one.end() == 0
    assert b"Traceback" not in one.shown
    assert b"\x1b[?1049l" in one.shown
    assert b"nanobind" not in one.shown


@pytest.mark.slow
def test_plain_in_a_terminal_is_a_screen_which_a_signal_ends(
    store: Path, typed: list[Typed]
) -> None:
    one = Typed(*_watch(store, "--plain"))
    typed.append(one)
    one.until(b"replays the store")
    one.process.send_signal(signal.SIGTERM)
    assert one.end() == 0
    assert b"Traceback" not in one.shown


@pytest.mark.slow
def test_a_page_is_served_until_a_signal_ends_it(store: Path) -> None:
    page = PageAddress("127.0.0.1", free_port())
    command = [str(BLUEATTR), *_watch(store, "--serve", f"127.0.0.1:{page.port}")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"blueattr: the page is at {page.url}\n"
        stream = asked(page, "/events", until=b'"involved"')
        assert b"Who carries" in stream.body
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(60) == 0
    assert rest == "blueattr: stopping\n"


@pytest.mark.slow
def test_what_is_shown_to_its_end_leaves_nothing_open(store: Path) -> None:
    """What is open when the interpreter ends would be complained of on stderr."""
    command = [str(BLUEATTR), *_watch(store)]
    command[command.index("3600x")] = "1000000x"
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2026-" in done.stdout


def test_two_ways_to_show_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="--plain and --serve are different ways to show"):
        face(None, plain=True, serve="127.0.0.1:8765")
    with pytest.raises(UsageError, match="--format and --plain are different ways to show"):
        face("jsonl", plain=True, serve=None)


def test_an_address_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLUEATTR_SERVE_TOKEN", raising=False)
    for address, said in (("8765", "is not a host and a port"),
                          ("0.0.0.0:8765", "can be reached from other machines")):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            face(None, plain=False, serve=address)


def test_a_face_whose_extra_is_absent_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faces, "find_spec", lambda _: None)
    monkeypatch.setattr("blueattr.cli.watching._is_terminal", lambda: True)
    with pytest.raises(UsageError, match=r"blueattr\[tui\]"):
        face(None, plain=False, serve=None)
    with pytest.raises(UsageError, match=r"blueattr\[serve\]"):
        face(None, plain=False, serve="127.0.0.1:8765")
    for plain, form in ((True, None), (False, "jsonl")):
        assert callable(face(form, plain=plain, serve=None))
    monkeypatch.setattr("blueattr.cli.watching._is_terminal", lambda: False)
    assert callable(face(None, plain=False, serve=None))
