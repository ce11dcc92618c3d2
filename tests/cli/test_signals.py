"""Ctrl-C and SIGTERM when nobody reads stderr any more: what a stream received is kept."""

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from blueattr.cli.signals import interrupting, stopping
from blueattr.errors import ExitCode
from support.cli_world import BLUEATTR
from support.interrupts import heed_interrupts
from support.live_world import story
from support.store_content import content, expected
from support.stream_server import StreamServer

EVENTS = story(12)
FROM = "2026-04-30T23:59:55Z"
# One handler serves both: the quick tests send only SIGINT.
EITHER = pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with StreamServer(EVENTS).running() as running:
        yield running


@pytest.fixture
def start(
    server: StreamServer, tmp_path: Path
) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start a command, by a shell where redirections are given, and wait until it has it all."""
    begun: list[subprocess.Popen[bytes]] = []

    def run(
        *words: object, redirect: str = "", out: int = subprocess.PIPE, err: int | None = None
    ) -> "subprocess.Popen[bytes]":
        command = ["sh", "-c", f'exec "$@" {redirect}', "sh", str(BLUEATTR), *map(str, words)]
        program = subprocess.Popen(command, stdout=out, stderr=err, cwd=tmp_path)
        begun.append(program)
        deadline = time.monotonic() + 60
        while not (server.subscriptions() and server.subscriptions()[-1].sent == len(EVENTS)):
            assert program.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        settle(program)
        return program

    yield run
    for program in begun:
        program.kill()
        program.communicate()


def processor_ticks(program: "subprocess.Popen[bytes]") -> int:
    fields = Path(f"/proc/{program.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def settle(program: "subprocess.Popen[bytes]") -> None:
    """Wait until it has decoded what it received, and waits for more."""
    deadline = time.monotonic() + 60
    while True:
        # What was sent is handed on half a second later.
        before = processor_ticks(program)
        time.sleep(0.7)
        if processor_ticks(program) - before < 5:
            return
        assert time.monotonic() < deadline


def ingest(server: StreamServer) -> list[str]:
    return ["ingest", "jetstream", "--host", server.url, "--from", FROM, "--db", "s.duckdb"]


def files_of(program: "subprocess.Popen[bytes]") -> dict[int, str]:
    """What the open files of a process are, by number."""
    found = {}
    for entry in Path(f"/proc/{program.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found[int(entry.name)] = str(entry.readlink())
    return found


@pytest.mark.slow
@EITHER
def test_a_signal_with_stderr_closed_keeps_what_was_received(
    number: signal.Signals, start: Callable[..., "subprocess.Popen[bytes]"],
    server: StreamServer, tmp_path: Path,
) -> None:  # fmt: skip
    program = start(*ingest(server), redirect="2>&-")
    # Otherwise the next file that is opened is number 2, and what is written to stderr is in it.
    assert files_of(program)[2] == "/dev/null"
    program.send_signal(number)
    out, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    assert b"Followed until it was stopped" in out
    assert content(tmp_path / "s.duckdb") == expected(EVENTS)


@pytest.mark.slow
@EITHER
def test_a_signal_with_stderr_broken_keeps_what_was_received(
    number: signal.Signals, start: Callable[..., "subprocess.Popen[bytes]"],
    server: StreamServer, tmp_path: Path,
) -> None:  # fmt: skip
    reader, writer = os.pipe()
    program = start(*ingest(server), err=writer)
    os.close(writer)
    os.close(reader)
    program.send_signal(number)
    out, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    assert b"Followed until it was stopped" in out
    assert content(tmp_path / "s.duckdb") == expected(EVENTS)


@pytest.mark.slow
@EITHER
def test_a_signal_that_ends_tee_too_keeps_what_was_received(
    number: signal.Signals, start: Callable[..., "subprocess.Popen[bytes]"],
    server: StreamServer, tmp_path: Path,
) -> None:  # fmt: skip
    """``blueattr ingest 2>&1 | tee log``: Ctrl-C reaches both."""
    reader, writer = os.pipe()
    program = start(*ingest(server), redirect="2>&1", out=writer)
    os.close(writer)
    os.close(reader)
    program.send_signal(number)
    program.wait(timeout=60)
    assert program.returncode == ExitCode.OUTPUT, "the report could not be written"
    assert content(tmp_path / "s.duckdb") == expected(EVENTS)


@pytest.mark.slow
@EITHER
def test_a_signal_after_the_terminal_is_gone_keeps_what_was_received(
    number: signal.Signals,
    start: Callable[..., "subprocess.Popen[bytes]"],
    server: StreamServer,
    tmp_path: Path,
) -> None:
    """The line of progress is drawn on it four times a second."""
    terminal, drawn_on = pty.openpty()
    program = start(*ingest(server), err=drawn_on)
    os.close(drawn_on)
    drawn = b""
    while b"events/s" not in drawn:
        drawn += os.read(terminal, 1 << 16)
    os.close(terminal)
    time.sleep(0.6)
    program.send_signal(number)
    out, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    assert b"Followed until it was stopped" in out
    assert content(tmp_path / "s.duckdb") == expected(EVENTS)


# --- a closed terminal ---------------------------------------------------------------------------


def test_a_terminal_that_closes_stops_a_command_however_many_signals_it_sends() -> None:
    with stopping("stopping") as stop:
        for _ in range(2):
            signal.raise_signal(signal.SIGHUP)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


@pytest.fixture
def sent_twice() -> Iterator[Callable[[signal.Signals], None]]:
    """Send a signal twice before the main thread can take note of the first."""

    def send(number: signal.Signals) -> None:
        def twice() -> None:
            for _ in range(2):
                signal.pthread_kill(threading.get_ident(), number)

        sender = threading.Thread(target=twice)
        sender.start()
        sender.join()

    before = sys.getswitchinterval()
    sys.setswitchinterval(60.0)
    yield send
    sys.setswitchinterval(before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_counts_although_python_takes_both_for_one(
    number: signal.Signals, sent_twice: Callable[[signal.Signals], None]
) -> None:
    with stopping("stopping") as stop:
        with pytest.raises(KeyboardInterrupt):
            sent_twice(number)
        assert stop.is_set()


def test_a_terminal_that_closes_may_send_its_signals_at_once(
    sent_twice: Callable[[signal.Signals], None],
) -> None:
    with stopping("stopping") as stop:
        sent_twice(signal.SIGHUP)
        assert stop.is_set()
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_a_process_interrupts_a_command_that_keeps_its_answers(
    number: signal.Signals,
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interrupting():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_a_command_under_nohup_is_not_stopped_by_a_terminal_that_closes() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping("stopping") as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


# --- the tests themselves ------------------------------------------------------------------------


def test_tests_run_in_the_background_of_a_script_can_still_interrupt_what_they_start() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        heed_interrupts()
        child = subprocess.run(["sh", "-c", "kill -INT $$"], check=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert child.returncode == -signal.SIGINT
