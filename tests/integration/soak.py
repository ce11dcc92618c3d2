"""Follow a real Jetstream while it and blueattr are killed at random; then compare with the truth.

Run it with ``make soak``, or ``PYTHONPATH=tests python -m integration.soak --minutes 10``.

The network is Jetstream's own simulator. The truth is twofold and shares no code with blueattr:
all that Jetstream then streams, folded event by event; and the records in the repositories that
the network hands out.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from integration import commands, truth
from integration.dropping import Dropping
from integration.install import missing
from integration.servers import Jetstream, Network
from support.events_builder import FOLLOW, POST, REPOST
from support.interrupts import heed_interrupts
from support.store_content import Content, content

__all__ = ["Soak"]


COLLECTIONS = {"post": POST, "repost": REPOST, "follow": FOLLOW}
# A server that is killed numbers its last block anew: 4,096 events, and what it was down for.
SLACK = timedelta(minutes=3)
# Messages that a connection lets through: fewer, often, than are replayed after a reconnect.
LETS_THROUGH = (1500, 5000)
SHORT = "2s"
_NOT_BEGUN = "Fatal Python error: init_import_site"
# Seconds that a busy machine may need to end a run.
PATIENCE = 150


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass
class Soak:
    """One run.

    Parameters
    ----------
    folder
        Where everything is kept.
    seconds
        How long things are broken for.
    pause
        Shortest and longest wait between two faults, in seconds; blueattr commits every ten.
    seed
        What is broken when.
    tell
        Told what happens.
    """

    folder: Path
    seconds: float
    pause: tuple[float, float]
    seed: int
    commits: float = 200
    accounts: int = 1000
    tell: Callable[[str], None] = say
    faults: Counter[str] = field(default_factory=Counter)
    # What comes first, so that a short run has both.
    due: list[str] = field(default_factory=lambda: ["kill jetstream", "kill blueattr"])

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - repeatable faults
        self.db = self.folder / "soak.duckdb"
        self.network = Network(self.folder / "network", self.accounts, self.commits)
        self.jetstream = Jetstream(self.folder / "jetstream", self.network.url, self.network.url)
        lengths = random.Random(self.seed + 1)  # noqa: S311 - repeatable lengths
        self.way = Dropping(self.jetstream.socket_url, lambda: lengths.randint(*LETS_THROUGH))
        self.lives = self.fruitful = self.started = 0
        self.following: subprocess.Popen[bytes] | None = None
        self.began = time.monotonic()

    @property
    def log(self) -> Path:
        """What every blueattr said on stderr."""
        return self.folder / "blueattr.log"

    @property
    def reconnects(self) -> int:
        """How often blueattr said that it connects again."""
        return self.said.count("connecting again")

    @property
    def said(self) -> str:
        """What it said; nothing where the servers did not even begin."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def run(self) -> Content:
        """Break things for a while; return what the store then holds, which is the truth.

        Raises
        ------
        AssertionError
            It is not, or blueattr ended by itself.
        """
        with self.network, self.jetstream, self.way.running():
            self.begin()
            self.began = time.monotonic()
            try:
                while time.monotonic() < self.began + self.seconds:
                    time.sleep(self.chance.uniform(*self.pause))
                    self.alive()
                    self.fault()
                self.network.quieten()
                self.tell(f"{self.clock()} the network falls silent")
                truth.settle()
                self.alive()
                self.interrupt()
            finally:
                if self.following is not None:
                    self.following.kill()
                    self.following.wait()
            commands.ingest(self.db, *self.source, "--until-live", expect=None)
            self.faults["drop a connection"] = self.way.dropped
            return self.compare()

    # --- blueattr --------------------------------------------------------------------------------

    @property
    def source(self) -> tuple[object, ...]:
        return ("jetstream", "--host", self.way.url)

    def begin(self) -> None:
        self.lives += 1
        self.started = time.time_ns()
        # Said each time: a run that was killed before it wrote anything has left no cursor.
        first = ("--from", commands.EVER)
        with self.log.open("ab") as log:
            self.following = commands.start(
                "ingest", *self.source, *first, "--db", self.db, stdout=log, stderr=log
            )

    def alive(self) -> None:
        assert self.following is not None
        code = self.following.poll()
        assert code is None, f"blueattr ended by itself with {code}:\n{self.tail()}"

    def interrupt(self) -> None:
        assert self.following is not None
        self.following.send_signal(signal.SIGINT)
        # By the signal itself, where it had not yet begun.
        self.ended(self.following, (0, 9, 130, -signal.SIGINT), "when asked to")

    def ended(
        self, process: "subprocess.Popen[bytes]", accepted: tuple[int, ...], when: str
    ) -> None:
        """Wait until a blueattr ends, with one of these codes."""
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            # It writes down where each of its threads is.
            process.send_signal(signal.SIGABRT)
            process.wait()
            raise AssertionError(f"blueattr does not end {when}:\n{self.tail()}") from None
        if code == 1 and _NOT_BEGUN in self.tail():
            # A signal that comes while Python itself begins never reaches blueattr.
            return
        assert code in accepted, f"blueattr ended {when} with {code}:\n{self.tail()}"

    def kill(self) -> None:
        assert self.following is not None
        self.following.kill()
        self.following.wait()
        self.fruitful += self.changed()

    def run_shortly(self) -> None:
        """Follow for so short a time that a replay may not end in it."""
        before = self.db.stat().st_mtime_ns if self.db.exists() else 0
        with self.log.open("ab") as log:
            run = commands.start(
                "ingest", *self.source, "--from", commands.EVER, "--for", SHORT, "--db", self.db,
                stdout=log, stderr=log,
            )  # fmt: skip
        # It ends with 8 where the machine is so busy that nothing came in time.
        self.ended(run, (0, 8, 9), f"after {SHORT}")
        self.faults["short run"] += 1
        after = self.db.stat().st_mtime_ns if self.db.exists() else 0
        self.faults["short run that wrote"] += after > before

    def changed(self) -> bool:
        """Whether the store was written to since blueattr was last started."""
        return self.db.exists() and self.db.stat().st_mtime_ns > self.started

    def tail(self) -> str:
        return self.said[-3000:]

    # --- what is broken --------------------------------------------------------------------------

    def clock(self) -> str:
        return f"{time.monotonic() - self.began:6.1f} s"

    def fault(self) -> None:
        """Break one thing, or two at once."""
        down = self.chance.choice((0.0, self.chance.uniform(0, 4)))
        drawn = self.chance.choices(
            ("kill blueattr", "kill jetstream", "kill both", "stop jetstream",
             "interrupt blueattr", "pause blueattr", "pause jetstream", "run shortly"),
            weights=(6, 6, 3, 1, 2, 1, 1, 4),
        )[0]  # fmt: skip
        what = self.due.pop() if self.due else drawn
        self.faults[what] += 1
        self.tell(f"{self.clock()} {what}, {down:.1f} s")
        assert self.following is not None
        verb, _, whom = what.partition(" ")
        if what == "run shortly":
            self.interrupt()
            for _ in range(self.chance.randint(1, 3)):
                self.run_shortly()
            self.begin()
            return
        if verb == "pause":
            process = self.following if whom == "blueattr" else self.jetstream.process
            assert process is not None
            process.send_signal(signal.SIGSTOP)
            time.sleep(2 * down)
            process.send_signal(signal.SIGCONT)
            return
        if what == "interrupt blueattr":
            self.interrupt()
        elif whom in ("blueattr", "both"):
            self.kill()
        if whom in ("jetstream", "both"):
            (self.jetstream.kill if verb == "kill" else self.jetstream.stop)()
        time.sleep(down)
        if whom in ("jetstream", "both"):
            self.jetstream.start()
        if whom in ("blueattr", "both"):
            self.begin()

    # --- what is true ----------------------------------------------------------------------------

    def compare(self) -> Content:
        """Hold the store against both truths.

        The repositories are the network itself: where the store equals them and yet differs from
        what Jetstream streams, it is Jetstream that lost or kept something.
        """
        self.assert_as_in_repositories()
        events = truth.jetstream_v2(self.jetstream.socket_url)
        self.tell(f"{self.clock()} Jetstream streams {len(events):,} events in all")
        held = truth.assert_same_but_for_times(self.db, events, SLACK, at_least=1000)
        gaps = commands.status(self.db)["gaps"]
        assert gaps == [], gaps
        return held

    def assert_as_in_repositories(self) -> None:
        there = truth.repositories(self.network.url)
        self.tell(f"{self.clock()} the repositories have {len(there):,} records")
        here = {
            (did, COLLECTIONS[kind], rkey): row
            for (kind, did, rkey), row in content(self.db).records.items()
            if not row[1]
        }
        kept = {key: record for key, record in there.items() if key[1] in COLLECTIONS.values()}
        lacking, extra = kept.keys() - here.keys(), here.keys() - kept.keys()
        assert not lacking, f"{len(lacking)} records of the repositories lacking: {[*lacking][:3]}"
        assert not extra, (
            f"{len(extra)} records too many: {[(key, here[key]) for key in [*extra][:3]]}"
        )
        texts = {key: row[7] for key, row in here.items() if key[1] == POST}
        assert texts == {key: kept[key]["text"] for key in texts}


def main() -> int:
    """Run for some minutes and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--keep", type=Path, help="keep everything in this folder")
    arguments = parser.parse_args()
    heed_interrupts()
    reason = missing()
    if reason is not None:
        say(f"cannot run: {reason}")
        return 2
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        folder = arguments.keep or Path(scratch)
        soak = Soak(folder, 60 * arguments.minutes, (1, 20), arguments.seed)
        say(f"seed {soak.seed}; {arguments.minutes:g} minutes")
        try:
            held = soak.run()
        except AssertionError as error:
            say(f"{soak.clock()} NOT THE TRUTH: {error}")
            return 1
        finally:
            for what, count in sorted(soak.faults.items()):
                say(f"{count:4} x {what}")
            say(f"{soak.reconnects} reconnects")
        say(f"blueattr ran {soak.lives} times and wrote to the store in {soak.fruitful} of them")
        say(
            f"the store equals the truth: {len(held.records):,} records of "
            f"{len(held.accounts):,} accounts, nothing lost and nothing twice"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
