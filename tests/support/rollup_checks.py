"""Histories of a few accounts, and a check that rollups say what the records say."""

import shutil
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import strategies as st

from blueattr.analysis.upkeep import status as inventory
from blueattr.decode.chunk import Chunk
from blueattr.panel.counts import WindowCounts
from blueattr.panel.features import COUNTS
from blueattr.panel.topics import Topic
from blueattr.provenance import Window
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.matching import Rule
from support.events_builder import (
    FOLLOW,
    REPOST,
    Event,
    account,
    at,
    delete,
    follow,
    lines,
    micros,
    post,
    quoting,
    repost,
    tid,
    uri,
)
from support.places import ROOT

__all__ = [
    "DAYS",
    "EARTH",
    "MYTHOS",
    "NO_ROLLUPS",
    "OTHER",
    "USUAL",
    "WHO",
    "WINDOWS",
    "answers",
    "append",
    "check",
    "check_status",
    "histories",
    "rows",
    "scratch",
]


MYTHOS = Topic("mythos", "", keywords=("mythos",)).rule
EARTH = Topic("earth", "", hashtags=("earth",), patterns=("terr[ae]",)).rule
OTHER = Topic("other", "", patterns=("oth.r",)).rule
WHO = ("ann", "bea", "cyd", "dot")
DAYS = 4
WINDOWS = (
    Window(at(days=0), at(days=DAYS)),
    Window(at(days=1), at(days=3)),
    Window(at(days=0.5), at(days=2.5)),
    Window(at(days=1.25), at(days=1.75)),
    Window(at(days=-3), at(days=3, seconds=1)),
)
USUAL: list[Event] = [
    # Accounts and keys as the network has them, which other kernels read.
    post("a" * 24, tid(900), "mythos", rev=900, time=at(days=1)),
    post("b" * 24, tid(901), parent=uri("a" * 24, tid(900)), rev=901, time=at(days=2)),
    post("b" * 24, tid(901), "again", parent=uri("a" * 24, tid(900)), rev=902,
         time=at(days=2), operation="update"),
    repost("c" * 24, tid(903), uri("a" * 24, tid(900)), rev=903, time=at(days=2)),
    repost("c" * 24, tid(904), uri("a" * 24, tid(900)), rev=904, time=at(days=1.5)),
    follow("c" * 24, tid(905), "b" * 24, rev=905, time=at(days=2)),
    follow("c" * 24, tid(906), "b" * 24, rev=906, time=at(days=1.25)),
    # Two of one revision: the content decides.
    post("d" * 24, tid(907), "one", parent=uri("a" * 24, tid(900)), rev=907, time=at(days=2)),
    post("d" * 24, tid(907), "two", parent=uri("b" * 24, tid(901)), rev=907, time=at(days=2)),
]  # fmt: skip
"""Events that other kernels read than those of `histories`, and pairs of which one counts."""
NO_ROLLUPS = (ROOT / "tests/store/no_rollups.sql").read_text(encoding="utf-8")


def append(writer: Writer, *events: Event) -> None:
    data = lines(*events)
    writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file")))


def rows(of: Store, query: str) -> list[tuple[Any, ...]]:
    return of._connection.execute(query).fetchall()


def scratch(db: Path) -> Path:
    """Copy a store without its rollups."""
    copy = db.with_name("scratch.duckdb")
    shutil.copy(db, copy)
    with Writer(copy) as writer, writer.transaction():
        writer._connection.execute(NO_ROLLUPS)
    return copy


EVENTS_BY_DAY = """
    SELECT
        event_time::DATE AS day, count(*) FILTER (kind = 'post'), count(*) FILTER (kind = 'reply'),
        count(*) FILTER (kind = 'repost'), count(*) FILTER (kind = 'follow'),
        count(DISTINCT account)
    FROM event
    GROUP BY day
    ORDER BY day
"""


def check_status(db: Path) -> None:
    """What is said of a store is what a plain count of its events says."""
    with Store.open(db) as opened:
        counted = rows(opened, EVENTS_BY_DAY)
        span = rows(opened, "SELECT min(event_time), max(event_time) FROM event")
        end = datetime.max  # noqa: DTZ901 - times of the store are in UTC, without a zone
        assert opened.frame("panel/span", until=end).rows() == span
    status = inventory.status(db)
    assert status.days.rows() == counted
    assert status.days.dtypes == [pl.Date, *[pl.Int64] * 5]
    assert status.totals["events"] == sum(sum(row[1:5]) for row in counted)


def answers(db: Path, window: Window, rules: tuple[Rule | None, ...]) -> list[Any]:
    """Everything that is asked of a store about what accounts did."""
    with Store.open(db) as opened:
        found: list[Any] = []
        # Of all events, quotes are counted in any case.
        for rule, quotes in product(rules, (True, False)):
            if rule is None and not quotes:
                continue
            days = WindowCounts.of(opened, window).agent_days(rule, quotes=quotes)
            sums = WindowCounts.of(opened, window).totals(rule, quotes=quotes)
            assert sums.columns == ["account", *COUNTS]
            some = sums.filter(pl.any_horizontal(pl.col(COUNTS) != 0))
            added = days.group_by("account").agg(pl.col(COUNTS).sum())
            assert sorted(some.iter_rows()) == sorted(added.iter_rows())
            found.append(sorted(days.iter_rows()))
            if rule is not None:
                found.append(opened.frame("analysis/topic_days").rows())
                found.append(sorted(rows(opened, "FROM matching_post")))
        layout = WindowCounts.of(opened, window).lay_out()
        found += [layout.active.tolist(), sorted(layout.inactive.tolist())]
        found.append(list(zip(layout.followed.tolist(), layout.follows.tolist(), strict=True)))
        busy = opened.frame("panel/busy_days", rate=1, first=layout.first, last=layout.last)
        found.append(sorted(busy.iter_rows()))
        return found


def check(db: Path, window: Window, rules: tuple[Rule | None, ...] = (None, MYTHOS, OTHER)) -> None:
    assert answers(db, window, rules) == answers(scratch(db), window, rules)
    check_status(db)
    check_status(db.with_name("scratch.duckdb"))


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Few accounts and records: written, written again, removed; accounts gone and back."""
    out: list[Event] = []
    for rev in range(1, draw(st.integers(8, 40))):
        who, other = draw(st.sampled_from(WHO)), draw(st.sampled_from(WHO))
        # Midnight is likely, and so is the microsecond before it.
        time = at(days=draw(st.integers(0, 2 * DAYS - 1)) / 2)
        time -= timedelta(microseconds=draw(st.integers(0, 1)))
        key, target = f"r{draw(st.integers(0, 9))}", uri(other, f"r{draw(st.integers(0, 9))}")
        text = draw(st.sampled_from(["mythos", "terra", "nothing", "other mythos"]))
        operation = draw(st.sampled_from(["create", "create", "update"]))
        fields: dict[str, Any] = {}
        if draw(st.booleans()):
            quoted = draw(st.sampled_from([target, uri(other, f"r{draw(st.integers(0, 9))}")]))
            fields = {"embed": quoting(quoted, media=draw(st.booleans()))}
        match draw(st.sampled_from(["post", "post", "reply", "reply", "repost", "follow", "again",
                                    "again", "gone", "del", "del"])):  # fmt: skip
            case "again" if done := [e for e in out if e["kind"] == "commit"
                                      and e["commit"]["collection"] in (REPOST, FOLLOW)
                                      and e["commit"]["operation"] == "create"]:  # fmt: skip
                e = draw(st.sampled_from(done))
                commit = {**e["commit"], "rkey": f"again{key}", "rev": tid(rev)}
                out.append({**e, "time_us": micros(time), "commit": commit})
            case "post":
                tags = draw(st.sampled_from([None, ["earth"], ["Mythos"]]))
                fields |= {"tags": tags} if tags else {}
                out.append(post(who, key, text, rev=rev, time=time, operation=operation, **fields))
            case "reply":
                root = draw(st.sampled_from([target, uri(who, f"r{draw(st.integers(0, 9))}")]))
                out.append(post(who, key, text, rev=rev, time=time, operation=operation,
                                parent=target, root=root, **fields))  # fmt: skip
            case "repost":
                out.append(repost(who, f"q{key}", target, rev=rev, time=time))
            case "follow":
                out.append(follow(who, f"f{key}", other, rev=rev, time=time))
            case "gone":
                status = draw(st.sampled_from([None, "deleted", "takendown", "deactivated"]))
                out.append(account(who, status, time=time))
            case "del" if out:
                what = draw(st.sampled_from(out))
                if what["kind"] == "commit":
                    name, body = what["did"].split(":")[-1], what["commit"]
                    out.append(delete(name, body["collection"], body["rkey"], rev=rev, time=time))
    return out
