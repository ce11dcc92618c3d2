"""Start, stop, kill and pause the real servers, each a process of its own on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from integration.install import HERE, HOME

__all__ = ["Jetstream", "Network", "Pds", "Plc", "Relay", "Server", "free_port"]


READY_SECONDS = 90.0
STOP_SECONDS = 20.0


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, accepted: tuple[int, ...] = (200,)) -> bool:
    """Whether a GET of a loopback URL is answered with one of these statuses."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - loopback, http
            return response.status in accepted
    except urllib.error.HTTPError as error:
        return error.code in accepted
    except OSError:
        return False


class Server:
    """A process that listens on one port of loopback and keeps its data in one folder.

    Parameters
    ----------
    folder
        Its data and its log; both outlive the process, so that it can be started again.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        """The same for websockets."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it wrote on stdout and stderr since its first start."""
        return self.folder / "log"

    def command(self) -> list[str]:
        """Return the command that runs it."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    def launch(self) -> None:
        """Start the process and return at once."""
        assert self.process is None or self.process.poll() is not None
        # Its environment is named: no proxy, no exporter of traces, no key of anybody.
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, cwd=self.folder, env=environment
            )

    def start(self) -> None:
        """Start the process and wait until it serves."""
        self.launch()
        self.wait_until(self.ready, "it does not serve")

    def wait_until(self, done: Callable[[], bool], otherwise: str) -> None:
        """Wait for something that happens while the process runs."""
        deadline = time.monotonic() + READY_SECONDS
        while not done():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-3000:]
                raise AssertionError(f"{type(self).__name__}: {otherwise}\n{tail}")
            time.sleep(0.05)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word: ``kill -9``."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop the process from running; its connections stay."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process run again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def strangers(self) -> set[str]:
        """Addresses beyond loopback that it is connected to or listens on (Linux only)."""
        if self.process is None or not sys.platform.startswith("linux"):
            return set()
        inodes = set()
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                target = str(entry.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
        found = set()
        for name in ("tcp", "tcp6", "udp", "udp6"):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[9] not in inodes:
                    continue
                # 0A is a listening socket: what counts is where it listens.
                address = fields[1 if fields[3] == "0A" else 2].split(":")[0]
                if not _is_loopback(address):
                    found.add(f"{name} {address}")
        return found

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.resume()
        self.kill()


def _is_loopback(address: str) -> bool:
    # As the kernel prints them: groups of four bytes, the lowest byte first.
    return address in {
        "0100007F",
        "00000000000000000000000001000000",
        "0000000000000000FFFF00000100007F",
    }


class Network(Server):
    """Jetstream's simulator of the network: PLC, PDS and relay on one port, with steady traffic.

    Parameters
    ----------
    folder
        Its data.
    accounts
        How many there are; Jetstream fetches about sixty of them a second.
    commits
        Mean commits a second.
    records
        How many records each account begins with.
    """

    def __init__(
        self, folder: Path, accounts: int = 200, commits: float = 200, records: int = 5
    ) -> None:
        super().__init__(folder)
        self.accounts = accounts
        self.commits = commits
        self.records = records

    def command(self) -> list[str]:
        return [
            str(HOME / "bin" / "simulator"), "serve", "--addr", f"127.0.0.1:{self.port}",
            "--data-dir", str(self.folder / "kept"), "--accounts", str(self.accounts),
            "--initial-records-per-account", str(self.records),
            "--commits-per-sec", str(self.commits), "--firehose-history", "1000000",
        ]  # fmt: skip

    def ready(self) -> bool:
        return answers(f"{self.url}/xrpc/com.atproto.sync.listHosts")

    def quieten(self) -> None:
        """Start it again without traffic; once this returns, nothing new will come."""
        self.stop()
        self.commits = 1e-6
        self.start()


class Jetstream(Server):
    """A Jetstream v2 server on a relay.

    Parameters
    ----------
    folder
        Its data.
    relay, plc
        URLs of what it reads.
    small
        The build whose blocks and segments are small, so that there are many.
    options
        Further options of ``jetstream serve``.
    """

    def __init__(
        self, folder: Path, relay: str, plc: str, *options: str, small: bool = False
    ) -> None:
        super().__init__(folder)
        self.relay = relay
        self.plc = plc
        self.options = options
        self.small = small
        self.metrics = free_port()

    def command(self) -> list[str]:
        binary = "jetstream-small" if self.small else "jetstream"
        return [
            str(HOME / "bin" / binary), "serve", "--addr", f"127.0.0.1:{self.port}",
            "--debug-addr", f"127.0.0.1:{self.metrics}",
            "--data-dir", str(self.folder / "kept"), "--relay-url", self.relay,
            "--plc-url", self.plc, "--compaction-interval", "0", *self.options,
        ]  # fmt: skip

    def subscribers(self) -> int:
        """How many follow its streams right now."""
        url = f"http://127.0.0.1:{self.metrics}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            lines = response.read().decode().splitlines()
        return sum(
            int(float(line.rsplit(" ", 1)[1]))
            for line in lines
            if line.startswith("jetstream_subscribe_subscribers{")
        )

    def ready(self) -> bool:
        # 503 while it fetches the repositories. 426 asks for a websocket: it is there.
        return answers(f"{self.url}/subscribe", (426,))


class _Node(Server):
    def role(self) -> list[str]:
        raise NotImplementedError

    def command(self) -> list[str]:
        return ["node", str(HERE / "pds.mjs"), str(HOME), *self.role()]


class Plc(_Node):
    """A PLC directory that keeps its data in memory: it is not to be stopped."""

    def role(self) -> list[str]:
        return ["plc", str(self.port)]

    def ready(self) -> bool:
        return answers(f"{self.url}/_health")


class Pds(_Node):
    """A personal data server; accounts are made on it with :class:`~integration.accounts`."""

    def __init__(self, folder: Path, plc: str) -> None:
        super().__init__(folder)
        self.plc = plc

    def role(self) -> list[str]:
        return ["pds", str(self.port), str(self.folder / "kept"), self.plc]

    def ready(self) -> bool:
        return answers(f"{self.url}/xrpc/_health")


class Relay(_Node):
    """What a relay and a PLC directory of today add to a PDS, so that Jetstream can follow it."""

    def __init__(self, folder: Path, pds: str, plc: str) -> None:
        super().__init__(folder)
        self.pds = pds
        self.plc = plc

    def role(self) -> list[str]:
        return ["relay", str(self.port), self.pds, self.plc]

    def ready(self) -> bool:
        return answers(f"{self.url}/xrpc/com.atproto.sync.listHosts")
