"""Who had to be told of what, by a plain recount of reports; and who was."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from blueattr.notify.condition import Condition
from week.receiver import Arrival

__all__ = ["Expected", "RunSeen", "gaps_told", "undelivered"]


Entry = dict[str, Any]
_SUCCESSES = {0, 9, 10}


@dataclass
class RunSeen:
    """What was seen of a run from outside.

    Parameters
    ----------
    now
        The time by the clock, which stood still meanwhile.
    code
        How it ended; negative where it was killed.
    is_whole
        Whether nothing kept it from telling: no kill, no full disk.
    entries
        What it added to the record.
    manifest
        The latest report when it had ended; None for none.
    """

    now: datetime
    code: int
    is_whole: bool
    entries: Sequence[Entry]
    manifest: Entry | None


@dataclass
class _Level:
    value: float
    is_met: bool = False
    told_at: datetime | None = None


@dataclass
class Expected:
    """The notices of the runs, recounted.

    Parameters
    ----------
    conditions
        The bounds.
    """

    conditions: Sequence[Condition]
    levels: dict[str, _Level] = field(default_factory=dict)
    reports: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)

    def see(self, run: RunSeen) -> None:
        """Compare what a run told with what it had to tell; note what differs in `wrong`."""
        told = Counter(_subject(one["notice"]) for one in _notices(run.entries))
        before = {key: _Level(**vars(level)) for key, level in self.levels.items()}
        wanted = Counter(self._wanted(run))
        self.checked.update(kind for kind, _ in told.elements())
        if run.is_whole:
            if told != wanted:
                self.wrong.append(f"{run.now}: told {told - wanted} too much, {wanted - told} not")
            return
        # How far it came nobody knows but its record; never is there more than there had to be.
        if told - wanted:
            self.wrong.append(f"{run.now}, cut short: told {told - wanted} too much")
        self.levels = before
        for entry in run.entries:
            for key, level in (entry.get("levels") or {}).items():
                at = level["told_at"]
                self.levels[key] = _Level(
                    level["value"], level["is_met"], None if at is None else _moment(at)
                )
        missing = {name for kind, name in wanted - told if kind == "report"}
        self.reports -= missing

    def _wanted(self, run: RunSeen) -> Iterable[tuple[str, str]]:
        failed = float(run.code not in _SUCCESSES)
        if self._crosses(Condition("failure", "", above=0.5), failed, run.now):
            yield "failure", ""
        if run.manifest is None:
            return
        name = run.manifest["run"]
        if name not in self.reports:
            self.reports.add(name)
            yield "report", name
        for one in self.conditions:
            value = run.manifest["measured"].get(one.key)
            if value is not None and self._crosses(one, value, run.now):
                yield "condition", f"{one.measure} {one.tier} {one.indicator} {one.bound}"

    def _crosses(self, bound: Condition, value: float, now: datetime) -> bool:
        """Tell whether a value has somebody told, as docs/recipes/notify.md says it."""
        key, every, change = bound.key, bound.at_most_every, bound.changed_by
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = _Level(value)
            if change is not None:
                return False
        told_at = level.told_at
        is_soon = every is not None and told_at is not None and told_at <= now < told_at + every
        if change is not None:
            if abs(value - level.value) < change or is_soon:
                return False
            self.levels[key] = _Level(value, told_at=now)
            return True
        is_beyond = bound.above is not None and value > bound.above
        is_beyond |= bound.below is not None and value < bound.below
        tells = is_beyond and not level.is_met and not is_soon
        is_met = is_beyond and (level.is_met or tells)
        self.levels[key] = _Level(value, is_met, now if tells else told_at)
        return tells


def _subject(notice: Entry) -> tuple[str, str]:
    data = notice["data"]
    match notice["kind"]:
        case "report":
            return "report", data["report"]
        case "condition":
            parts = data["measure"], data["tier"], data["indicator"], data["bound"]
            return "condition", "{} {} {} {}".format(*parts)
        case kind:
            return kind, ""


def _notices(entries: Iterable[Entry]) -> list[Entry]:
    """Those of gaps are looked at together with those of the watch."""
    found = [entry for entry in entries if entry["what"] == "notice"]
    return [entry for entry in found if entry["notice"]["kind"] != "gap"]


def gaps_told(entries: Iterable[Entry]) -> list[tuple[datetime, datetime]]:
    """Return the gaps of which runs and watches told, one for each time that it was told."""
    found = []
    for entry in entries:
        if entry["what"] == "notice" and entry["notice"]["kind"] == "gap":
            for gap in entry["notice"]["data"]["gaps"]:
                start, _, end = gap.split(": ")[0].split(" ")
                found.append((_moment(start), _moment(end)))
    return found


def undelivered(entries: Iterable[Entry], arrivals: dict[str, Arrival]) -> list[str]:
    """Return what is wrong with what came: taken twice, lost, or never noted.

    A notice may be lost where its sender was killed between noting and sending, or where it failed
    five times.
    """
    wrong = []
    state: dict[str, tuple[str, int]] = {}
    for entry in entries:
        match entry["what"]:
            case "notice":
                state[entry["notice"]["key"]] = "unknown", 0
            case "retry":
                state[entry["key"]] = "unknown", state[entry["key"]][1]
            case "delivery":
                failed = bool(entry["problem"])
                count = state[entry["key"]][1] + failed
                state[entry["key"]] = "open" if failed else "taken", count
    for key, arrival in arrivals.items():
        if arrival.taken > 1:
            wrong.append(f"{arrival.kind} was taken {arrival.taken} times: {arrival.data}")
        if key not in state:
            wrong.append(f"{arrival.kind} came, and is in no record: {arrival.data}")
    for key, (what, failures) in state.items():
        taken = key in arrivals and arrivals[key].taken
        if what == "taken" and not taken:
            wrong.append(f"{key} is noted as taken, and nobody took it")
        if what == "open" and taken:
            wrong.append(f"{key} was taken, and is noted as not")
        if what == "open" and failures < 5:
            wrong.append(f"{key} was not given again, after {failures} failures")
    return wrong


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
