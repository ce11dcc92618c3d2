"""Every bound of every measure is told when it is crossed, once, by runs and by watches."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueattr.notify.condition import MEASURES, Condition
from blueattr.notify.notice import Notification
from blueattr.notify.teller import Teller
from blueattr.notify.told import read_told
from blueattr.runs.telling import tell as runs_tell
from blueattr.watch.picture import Picture
from blueattr.watch.teller import WatchTeller, WhoIsTold
from support.watch_pictures import CHOICE, picture

T0 = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOPICS = ("mythos", "election")
TIERS = ("top", "middle", "tail")
WHAT: list[dict[str, Any]] = [
    *({"measure": "share", "tier": tier} for tier in TIERS),
    {"measure": "share", "group": "en"},
    {"measure": "total", "indicator": "heat"},
    *({"measure": measure} for measure in MEASURES if measure != "share"),
]
# Of both sides of each bound, and exactly at it.
_DRAWN = random.Random(3)  # noqa: S311 - the same each time
LEVELS = [_DRAWN.choice((1.0, 2.0, 2.5, 3.0, 4.5)) for _ in range(40)]

Values = dict[tuple[str, ...], float]


def conditions(every: timedelta | None) -> list[Condition]:
    bounds: list[dict[str, Any]] = [{"above": 2.0}, {"below": 2.5}, {"changed_by": 1.5}]
    return [
        Condition(topic=topic, at_most_every=every, **what, **bound)
        for topic, what, bound in product(TOPICS, WHAT, bounds)
    ]


def of_what(one: Condition) -> tuple[str, ...]:
    """What it is about; of a total that names no indicator, the first one of the report."""
    return one.topic, one.measure, one.tier, one.group


def values_of(hour: int) -> Values:
    """What each measure is: they are not crossed together."""
    kinds = sorted({of_what(one) for one in conditions(None)})
    return {kind: LEVELS[(hour + 3 * place) % 40] for place, kind in enumerate(kinds)}


def wanted(one: Condition, hours: int) -> list[int]:
    """Return in which hours a bound is to be told, as docs/recipes/notify.md has it."""
    found: list[int] = []
    was_beyond, since = False, None
    for hour in range(hours):
        value = values_of(hour)[of_what(one)]
        since = value if since is None else since
        beyond = (one.above is not None and value > one.above) or (
            one.below is not None and value < one.below
        )
        if one.changed_by is not None:
            beyond, was_beyond = abs(value - since) >= one.changed_by, False
        is_soon = one.at_most_every and found and (hour - found[-1]) * HOUR < one.at_most_every
        if beyond and not was_beyond and not is_soon:
            found.append(hour)
            since, was_beyond = value, True
        elif not beyond:
            was_beyond = False
    return found


class Record:
    """Lines of a record, and what was sent when."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sent: list[tuple[int, dict[str, Any]]] = []

    def teller(self, hour: int) -> Teller:
        """Return that of a process which knows what is in the record, and nothing else."""

        def note(what: str, /, **fields: Any) -> None:
            self.lines.append(json.dumps({"what": what, **fields}))

        def send(notice: Notification, _: Sequence[str]) -> None:
            self.sent.append((hour, dict(notice.data)))

        told = read_told([json.loads(one) for one in self.lines])
        return Teller(["hook"], told, note, send, T0 + hour * HOUR)

    def hours(self, one: Condition) -> list[int]:
        return [
            hour
            for hour, data in self.sent
            if of_what(one) == tuple(data[name] for name in ("topic", "measure", "tier", "group"))
            and (data["indicator"], data["bound"]) == (one.indicator, one.bound)
        ]


def told_by_runs(set_: list[Condition], hours: int) -> Record:
    record = Record()
    telling = cast("Any", SimpleNamespace(kinds=(), conditions=set_))
    for hour in range(hours):
        values = values_of(hour)
        measured = {one.key: values[of_what(one)] for one in set_}
        runs_tell._tell_report(record.teller(hour), telling, {"run": "r", "measured": measured})
    return record


def told_by_watches(set_: list[Condition], hours: int) -> Record:
    record = Record()
    who = WhoIsTold([], (), set_, Path("watch.jsonl"), Path("runs.jsonl"))
    tellers: list[WatchTeller] = []
    for hour in range(hours):
        for place, topic in enumerate(TOPICS):
            choice = replace(CHOICE, topic=topic, by="lang")
            if hour % 5 == 0:  # it was killed, and is started again
                tellers[place : place + 1] = [WatchTeller(who, choice, Path("x.duckdb"))]
            values = values_of(hour)
            teller = tellers[place]
            teller._ask_at = float("inf")  # what only the store knows
            teller._asked = {
                name: values[topic, name, "", ""] for name in ("participants", "new-accounts")
            }
            teller.see(cast("Any", None), cast("Any", None), shown(topic, values))
            for _ in range(2):  # the next look may see the same picture
                teller._tell(record.teller(hour))
    return record


def shown(topic: str, values: Values) -> Picture:
    def value(measure: str, tier: str = "", group: str = "") -> float:
        return values[topic, measure, tier, group]

    base = picture(0, replace(CHOICE, topic=topic, by="lang"))
    tiers = [
        replace(tier, share=value("share", tier=tier.tier) / 100) for tier in base.tiers
    ]  # fmt: skip
    groups = [replace(one, share=value("share", group="en") / 100) for one in base.groups[:1]]
    total = value("total")
    return replace(
        base, total=total, n_agents=cast("int", value("agents")),
        n_involved=cast("int", value("involved")), tiers=tuple(tiers), groups=tuple(groups),
    )  # fmt: skip


def cases() -> Iterator[Any]:
    for every in (None, timedelta(hours=4)):
        for by in (told_by_runs, told_by_watches):
            yield pytest.param(by, every, id=f"{by.__name__}-{every}")


@pytest.mark.few(1)
@pytest.mark.parametrize(("told", "every"), [*cases()])
def test_each_bound_of_each_measure_is_told_when_it_is_crossed_and_once(
    told: Any, every: timedelta | None
) -> None:
    set_ = conditions(every)
    assert {one.measure for one in set_} == MEASURES.keys()
    hours = 20
    record = told(set_, hours)
    for one in set_:
        due = wanted(one, hours)
        assert 1 <= len(due) < 0.8 * hours, one
        assert record.hours(one) == due, one
    assert len(record.sent) == sum(len(wanted(one, hours)) for one in set_)
