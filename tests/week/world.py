"""The week: events that a server brings by its clock, what follows them, and what goes wrong."""

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from blueattr.errors import BlueattrError, ExitCode
from blueattr.notify.condition import Condition
from blueattr.notify.told_record import WATCH_RECORD, read_lines
from blueattr.panel.query import last_event
from blueattr.runs.history.record import RECORD, read_entries
from blueattr.runs.publish import faults, latest
from blueattr.store.database import Store
from blueattr.synth import SynthSpec, write_file
from blueattr.watch.writing import writer_of
from support.clock_file import ClockFile
from support.events_builder import Event
from support.watch_page import free_port
from week.processes import Unit, page_metrics, start, until
from week.receiver import WeekReceiver
from week.server import WeekServer
from week.told import Expected, RunSeen

__all__ = ["FAULTS", "World"]


TICKS = 4
"""An hour has so many."""

HOUR = timedelta(hours=1)
SHORT = frozenset({
    "kill follower", "kill watch", "kill run", "kill all", "interrupt follower",
    "interrupt watch", "kill page", "pause follower", "number anew", "full disk of a run",
})  # fmt: skip
LONG = frozenset({
    "full disk of the follower", "full disk of the watch", "clock ahead", "clock behind",
    "server gone", "receiver down",
})  # fmt: skip
FAULTS = (*sorted(SHORT), *sorted(LONG), "events lost")
"""What goes wrong."""


CONDITIONS = (
    Condition("share", "mythos", tier="top", above=8, at_most_every=timedelta(hours=6)),
    Condition("share", "mythos", tier="tail", below=60),
    Condition("share", "mythos", tier="middle", changed_by=2),
    Condition("share", "mythos", tier="tail", above=70, at_most_every=timedelta(days=1)),
    Condition("total", "mythos", changed_by=5, at_most_every=timedelta(hours=2)),
    Condition("total", "mythos", above=60),
    Condition("agents", "mythos", changed_by=40),
    Condition("involved", "mythos", above=100),
    Condition("participants", "mythos", above=8),
    Condition("participants", "mythos", below=6, at_most_every=timedelta(hours=3)),
    Condition("new-accounts", "mythos", above=0.5),
)
_SETTINGS = """\
db = "store.duckdb"
sources = []
[report]
topic = ["mythos"]
indicator = ["heat"]
window = "2d"
sizes = [20]
seeds = 2
[output]
format = ["json"]
[ping]
url = "{url}/ping/"
fine = 0
[metrics]
file = "week.prom"
[notify]
on = ["gap", "failure", "source-down", "report", "change-point"]
webhook = "{url}/hook"
"""


@dataclass
class World:
    """One run of it.

    Parameters
    ----------
    folder
        Empty.
    hours
        How long it takes.
    seed
        Of network, numbers and faults.
    agents
        Of the synthetic network.
    tell
        Takes what happens.
    """

    folder: Path
    hours: int
    seed: int
    agents: int = 400
    tell: Callable[[str], None] = lambda _: None
    fired: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    losses: list[tuple[Event, list[Event], Event]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - repeatable faults
        self.db, self.reports = self.folder / "store.duckdb", self.folder / "reports"
        self.clock_path = self.folder / "clock"
        self.clock = ClockFile(self.clock_path)
        self.server = WeekServer(random.Random(self.seed + 1))  # noqa: S311 - repeatable
        self.receiver = WeekReceiver(random.Random(self.seed + 2))  # noqa: S311 - repeatable
        codes = {ExitCode.OK, ExitCode.GAPS}
        self.follower = Unit("follower", frozenset(map(int, codes)))
        # Where the follower ends just before it begins, nobody writes to the store.
        self.watch = Unit("watch", frozenset({int(ExitCode.OK), int(ExitCode.SOURCE)}))
        self.page = Unit("page", self.watch.codes)
        self.expected = Expected(CONDITIONS)
        self.runs: list[RunSeen] = []
        self.wrongly = timedelta(0)
        self.ends_at: dict[str, int] = {}
        self.hour = 0
        self.lasted = [1.0]
        self.again: list[str] = []
        self.of_runs: list[str] = []
        self.to_lose = 0
        self._last_start = self._shown = self.page_port = 0

    # --- the course -------------------------------------------------------------------------------

    def run(self) -> None:
        """Play it, to the end where all is well again."""
        self.events = self._events()
        self.at = datetime.fromtimestamp(self.events[0]["time_us"] // 3_600_000_000 * 3600, UTC)
        with ExitStack() as stack:
            stack.enter_context(self.receiver.running())
            stack.enter_context(self.server.running())
            self._configure()
            try:
                self._play()
            finally:
                for unit in (self.page, self.watch, self.follower):
                    unit.kill()

    def _play(self) -> None:
        dealt = self._deal()
        self._tick(0)  # so that there is a first event, before which nothing is missing
        assert until(self._has_caught_up), "the follower does not begin"
        for hour in range(self.hours):
            self.hour = hour
            for name in [one for one, end in self.ends_at.items() if end <= self.hour]:
                if "full disk" in name and not self._full(name):
                    self.ends_at[name] += 1  # as while nothing came that it could write
                    continue
                del self.ends_at[name]
                self._end(name)
            due = dealt.get(self.hour, [])
            for name in due:
                if name in LONG and not self._begin(name):
                    dealt.setdefault(hour + 1, []).append(name)
            short = {name: self.chance.randrange(TICKS) for name in due if name in SHORT}
            for tick in range(TICKS):
                self._tick(1)
                todo, self.again = self.again, []
                todo += [name for name, when in short.items() if when == tick and "run" not in name]
                for name in todo:
                    self._strike(name)
                self._keep_up()
            self.to_lose += due.count("events lost")
            if self.to_lose and self._lose():
                self.to_lose -= 1
            if not {"server gone", "full disk of the follower"} & self.ends_at.keys():
                until(self._has_caught_up, 0.0 if self.wrongly else 5.0)
            self.of_runs += [name for name in due if name in SHORT and "run" in name]
            self._run_hourly(self.of_runs.pop(0) if self.of_runs else "")
        for name in list(self.ends_at):
            self._end(name)
        self.receiver.often = 0.0
        # A disk that is full ends who writes to it.
        for name in sorted(LONG):
            if "full disk" in name:
                self.fired[name] = self._full(name)
        # What the watch shows last is of a watch that begins when all is there.
        self._settle()

    def _deal(self) -> dict[int, list[str]]:
        """Deal each fault once a day to some hour; the last two hours of all are quiet."""
        dealt: dict[int, list[str]] = {}
        for day in range(0, self.hours, 24):
            hours = list(range(day + 2, min(day + 24, self.hours - 3)))
            for name in FAULTS:
                times = 3 if name.startswith("kill") else 1
                for _ in range(times if len(hours) > 12 else 1):
                    dealt.setdefault(self.chance.choice(hours), []).append(name)
        return dealt

    def _tick(self, quarters: int) -> None:
        """Let time pass, and the server bring what happened."""
        self.at += quarters * HOUR / TICKS
        self.clock.set(self.at + self.wrongly)
        upto = (self.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        if not quarters:
            upto = self.events[0]["time_us"]
        come = [event for event in self.events if event["time_us"] <= upto]
        self.events = self.events[len(come) :]
        self.server.bring(come)
        self._keep_up()
        time.sleep(0.1)

    def _events(self) -> list[Event]:
        path = self.folder / "all.jsonl"
        days = -(-self.hours // 24)
        spec = SynthSpec(
            agents=self.agents, days=days, seed=self.seed, like_fraction=0.0, topic_share=0.5
        )
        write_file(spec, path)
        events = [json.loads(line) for line in path.read_bytes().splitlines()]
        path.unlink()
        return sorted(events, key=lambda event: event["time_us"])

    def _configure(self) -> None:
        text = _SETTINGS.format(url=self.receiver.url)
        for one in CONDITIONS:
            every = one.at_most_every
            given = {
                "measure": one.measure, "tier": one.tier or None, "above": one.above,
                "below": one.below, "changed_by": one.changed_by,
                "at_most_every": every and f"{every // HOUR}h",
            }  # fmt: skip
            text += "[[notify.when]]\n"
            text += "".join(f"{k} = {json.dumps(v)}\n" for k, v in given.items() if v is not None)
        (self.folder / "blueattr.toml").write_text(text)
        os.environ["BLUEATTR_WEBHOOK_SECRET"] = self.receiver.secret

    # --- what runs --------------------------------------------------------------------------------

    def _start(self, unit: Unit, *words: object) -> None:
        output = self.folder / f"{unit.name}.out"
        unit.began(start(self.clock_path, self.folder, output, [*words], unit.size))

    def _keep_up(self) -> None:
        """Start again what has ended, as systemd would."""
        for unit in (self.follower, self.watch, self.page):
            if unit.process is not None and not unit.is_up:
                unit.ended(self.folder / f"{unit.name}.out")
        if self.follower.process is None:
            self._start(
                self.follower, "ingest", "jetstream", "--host", self.server.url, "--quiet",
                "--from", self.at.strftime("%Y-%m-%d"), "--db", self.db,
            )  # fmt: skip
        elif self.watch.process is None and self.db.exists() and self._is_writing():
            self._start(
                self.watch, "watch", "--topic", "mythos", "--notify", "blueattr.toml",
                "--format", "jsonl",
            )  # fmt: skip
        elif self.page.process is None and self.db.exists() and self._is_writing():
            self.page_port = free_port()
            self._start(
                self.page, "watch", "--topic", "mythos", "--db", self.db,
                "--serve", f"127.0.0.1:{self.page_port}",
            )  # fmt: skip

    def _is_writing(self) -> bool:
        return self.follower.is_up and writer_of(self.db) == self.follower.process.pid

    def _run_hourly(self, fault: str) -> None:
        entries = self._entries(RECORD)
        size = None
        if fault == "full disk of a run":
            # So that it fills up anywhere from before the record to the list of runs.
            record = (self.reports / RECORD).stat().st_size if self.reports.exists() else 0
            size = self.chance.choice(
                (0, record, record + (1 << 16), self.chance.randrange(1 << 17))
            )
        output = self.folder / "run.out"
        begin = time.monotonic()
        process = start(self.clock_path, self.folder, output, ["run"], size)
        if fault == "kill run":
            process.join(self.chance.uniform(0.1, 1.0) * min(self.lasted))
            process.kill()
        process.join(600)
        code = process.exitcode
        assert code is not None, "a run does not end"
        was_killed = code == -signal.SIGKILL
        if fault:
            fired = was_killed or code in {6, 7}
            self.fired[fault] += fired
            if not fired:
                self.of_runs.append(fault)
        else:
            self.lasted.append(time.monotonic() - begin)
        self.codes[code] += 1
        said = output.with_suffix(".err").read_text(errors="replace")
        allowed = {0, 9, 10} | ({-signal.SIGKILL} if fault == "kill run" else set())
        allowed |= {6, 7} if size is not None else set()
        allowed |= {int(ExitCode.NO_ANSWER)} if self.hour < 4 else set()  # nobody yet
        assert code in allowed, f"a run ended with {code}:\n{said[-3000:]}"
        assert "Traceback" not in said, said[-5000:]
        added = self._entries(RECORD)[len(entries) :]
        link = self.reports / "latest"
        if link.is_symlink() and faults(link):
            self.wrong.append(f"{self.at}: the latest report is not whole: {faults(link)}")
        manifest = latest(self.reports) if link.is_symlink() else None
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        seen = RunSeen(now, code, not was_killed and size is None, added, manifest)
        self._check_run(seen)
        self.runs.append(seen)
        self.expected.see(seen)

    def _check_run(self, seen: RunSeen) -> None:
        """Compare what a run noted with how it ended."""
        ends = [one for one in seen.entries if one["what"] == "end"]
        starts = [one for one in seen.entries if one["what"] == "start"]
        if seen.is_whole:
            made = bool(ends) and ends[0]["report"]
            if len(ends) != 1 or ends[0]["exit_code"] != seen.code or len(starts) != 1:
                self.wrong.append(f"{self.at}: a run that ended with {seen.code} noted {ends}")
            elif (seen.code in {0, 9}) != bool(made):
                self.wrong.append(f"{self.at}: a run ended with {seen.code}, its report is {made}")
        elif starts and seen.code in {6, 7} and not ends:
            self.wrong.append(f"{self.at}: a run that failed with {seen.code} noted no end")

    def _entries(self, name: str) -> list[dict[str, Any]]:
        return read_entries(self.reports) if name == RECORD else read_lines(self.reports / name)

    def told_entries(self) -> list[dict[str, Any]]:
        """Return the lines of both records."""
        return [*self._entries(RECORD), *self._entries(WATCH_RECORD)]

    # --- what goes wrong --------------------------------------------------------------------------

    def _strike(self, name: str) -> None:
        self.tell(f"{self.at:%d %H:%M} {name}")
        match name:
            case "kill follower":
                done = self.follower.kill()
            case "kill watch":
                done = self.watch.kill()
            case "kill page":
                done = self.page.kill()
            case "kill all":
                done = self.follower.kill() & self.watch.kill()
            case "interrupt follower":
                done = self._interrupt(self.follower)
            case "interrupt watch":
                done = self._interrupt(self.watch)
            case "pause follower":
                done = self.follower.signal(signal.SIGSTOP)
                time.sleep(0.2)
                if done:
                    os.kill(self.follower.process.pid, signal.SIGCONT)
            case _:
                done = self.server.number_anew(self.chance.randint(5, 60))
        self.fired[name] += done
        if not done:  # who is down already, for a disk that is full, has its turn later
            self.again.append(name)

    def _interrupt(self, unit: Unit) -> bool:
        if not unit.signal(self.chance.choice((signal.SIGTERM, signal.SIGINT)), 0, 9, 130):
            return False
        unit.wait()
        return True

    def _begin(self, name: str) -> bool:
        """Begin a fault that lasts; return whether it could."""
        if name in self.ends_at or (name.startswith("clock") and self.wrongly):
            return False
        self.ends_at[name] = self.hour + self.chance.randint(1, 4)
        self.tell(f"{self.at:%d %H:%M} {name}, until hour {self.ends_at[name]}")
        hours = self.chance.choice((2, 7, 30, 24 * 40))
        match name:
            case "full disk of the follower":
                self.follower.limit(self.db.stat().st_size // 2)
            case "full disk of the watch":
                self.watch.limit(0)
            case "clock ahead":
                self.wrongly = hours * HOUR
            case "clock behind":
                self.wrongly = -hours * HOUR
            case "server gone":
                self.server.go(self.chance.choice(("refuses", "resets", "hangs", "stalls")))
            case "receiver down":
                self.receiver.is_down = True
        if "disk" not in name:
            self.fired[name] += 1
        return True

    def _end(self, name: str) -> None:
        self.tell(f"{self.at:%d %H:%M} no more: {name}")
        match name:
            case "full disk of the follower":
                self.follower.limit(None)
            case "full disk of the watch":
                self.watch.limit(None)
            case "server gone":
                self.server.go("")
            case "receiver down":
                self.receiver.is_down = False
            case _:
                self.wrongly = timedelta(0)
                self.clock.set(self.at)

    def _full(self, name: str) -> int:
        """Return how often a full disk ended who wrote to it."""
        self._keep_up()
        unit = self.follower if name.endswith("follower") else self.watch
        return unit.ends[6] + unit.ends[7]

    def _lose(self) -> bool:
        """Let the server be gone for hours, and come back without what happened meanwhile."""
        if self.wrongly or {"server gone", "full disk of the follower"} & self.ends_at.keys():
            return False
        assert until(self._has_caught_up), f"{self.at}: the follower does not catch up"
        before = self.server.log[-1][1]
        count = len(self.server.log)
        self.server.go("refuses")
        for _ in range(self.chance.randint(2, 3 * TICKS)):
            self._tick(1)
        lost = [event for _, event in self.server.log[count:]]
        self.server.absence = "refuses"
        self._tick(1)
        after = [event for _, event in self.server.log[count + len(lost) :]]
        if not lost or not after:
            self.server.go("")
            return False
        self.server.forget(len(after))
        self.server.go("")
        self.tell(f"{self.at:%d %H:%M} {len(lost)} events lost")
        self.losses.append((before, lost, after[0]))
        self.fired["events lost"] += 1
        assert until(self._has_caught_up), f"{self.at}: not after a loss"
        return True

    # --- the end ----------------------------------------------------------------------------------

    def _has_caught_up(self) -> bool:
        self._keep_up()
        if not self.server.subscriptions() or not self.db.exists():
            return False
        return self.position() >= self.server.last_wanted()

    def _shows_the_last_event(self) -> bool:
        """Tell whether a picture was made of the store as it is, after which nothing came."""
        self._keep_up()
        if not self.watch.is_up:
            return False
        with Store.open(self.db) as store:
            last = last_event(store)
        # A watch that began since then has seen the last commit, whatever its newest event.
        if self._last_start != self.watch.starts:
            self._last_start, self._shown = self.watch.starts, self._pictures()
        return last is not None and self._pictures() > self._shown + 1

    def _page_shows_it(self) -> bool:
        """Tell whether the page has the number that the watch has of the store as it is."""
        self._keep_up()
        last = json.loads((self.folder / "watch.out").read_bytes().split(b"\n")[-2])
        return bool(page_metrics(self.page_port).get("blueattr_watch_indicator") == last["total"])

    def _pictures(self) -> int:
        return (self.folder / "watch.out").read_bytes().count(b"\n")

    def position(self) -> int:
        """Return the last number that the store knows of its server."""
        try:
            with Store.open(self.db) as store:
                rows = store._connection.execute("SELECT max(position) FROM source").fetchall()
        except (BlueattrError, duckdb.Error):
            return -1
        return int(rows[0][0] or 0)

    def _settle(self) -> None:
        """Let all catch up; then a last run looks at all there is."""
        assert until(self._has_caught_up), (
            f"the follower is at {self.position()}, the server at {self.server.last_wanted()}:\n"
            + (self.folder / "follower.err").read_text()[-3000:]
        )
        for _ in range(2):
            self._tick(1)
            assert until(self._has_caught_up)
            self._run_hourly("")
        self._interrupt(self.watch)
        assert until(self._shows_the_last_event), "the watch does not show the last event"
        assert until(self._page_shows_it), f"the page shows {page_metrics(self.page_port)}"
