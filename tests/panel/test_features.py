"""Features against a plain recount of small random networks."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.analysis.features import make_features
from blueattr.analysis.upkeep import status as inventory
from blueattr.errors import EmptyPanelError, NoMatchError
from blueattr.ingest import read
from blueattr.kernels.tallies import narrow
from blueattr.panel import features
from blueattr.panel.counts import WindowCounts
from blueattr.panel.features import COUNTS, SCHEMA
from blueattr.panel.influence import KINDS, RECEIVED, Kind
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Window
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up
from support import store_content
from support.effort import costly_law
from support.events_builder import (
    FOLLOW,
    POST,
    REPOST,
    Event,
    account,
    at,
    delete,
    did,
    dumps,
    follow,
    lines,
    micros,
    post,
    profile,
    quoted_in,
    quoting,
    repost,
    tid,
    uri,
)
from support.rollup_checks import append

WHO = ("ann", "bea", "cyd", "dot")
START, END = at(0), at(days=3)
GENERATOR = "app.bsky.feed.generator"


def ingest(db: Path, events: list[Event]) -> Path:
    path = db.parent / "x.jsonl"
    path.write_bytes(lines(*events))
    read.ingest(db, [str(path)])
    return db


def query(
    db: Path,
    topic: bool,
    scale: features.Scale = "raw",
    influence: tuple[Kind, ...] | None = None,
) -> PanelQuery:
    match = ("mythos",) if topic else ()
    return PanelQuery(
        db, None if topic else "all", match, start=START, end=END, scale=scale, keep_bots=True,
        influence=influence,
    )  # fmt: skip


# --- a plain recount -----------------------------------------------------------------------------

Row = dict[str, int]


def once(commits: list[Event]) -> list[Event]:
    """Keep the first of all follows of one account, or reposts of one post, by one account."""
    first: dict[Any, Event] = {}
    for e in sorted(commits, key=lambda e: (e["time_us"], e["commit"]["rkey"])):
        body = e["commit"]
        is_post = body["collection"] == POST
        what = body["rkey"] if is_post else dumps(body["record"]["subject"])
        first.setdefault((e["did"], body["collection"], what), e)
    return list(first.values())


def recount(events: list[Event], topic: bool, quotes: bool) -> dict[str, Row]:
    """Read each agent's counts off the events, which hold each record once."""

    ordered = sorted(events, key=lambda e: e["time_us"])
    statuses = {e["did"]: e["account"].get("status") for e in ordered if e["kind"] == "account"
                and e["time_us"] < micros(END)}  # fmt: skip
    gone = {who for who, status in statuses.items() if status == "deleted"}
    commits = [e for e in ordered if e["kind"] == "commit"]
    removed = {
        (e["did"], e["commit"]["collection"], e["commit"]["rkey"])
        for e in commits
        if e["commit"]["operation"] == "delete"
    }
    exist = [
        e
        for e in commits
        if e["commit"]["operation"] != "delete"
        and (e["did"], e["commit"]["collection"], e["commit"]["rkey"]) not in removed
    ]
    kept, active = (
        [e for e in some if micros(START) <= e["time_us"] < micros(END)]
        for some in (once(exist), exist)
    )
    deleted_ever = {
        e["did"]: e["time_us"]
        for e in ordered
        if e["kind"] == "account" and e["account"].get("status") == "deleted"
    }
    matched = {
        f"at://{e['did']}/{POST}/{e['commit']['rkey']}"
        for e in kept
        if "mythos" in e["commit"]["record"].get("text", "")
        and e["did"] not in gone
        and e["time_us"] > deleted_ever.get(e["did"], 0)
    }
    rows = {e["did"]: dict.fromkeys(COUNTS, 0) for e in active if e["did"] not in gone}
    for e in kept:
        if e["did"] in gone:
            continue
        record, collection = e["commit"]["record"], e["commit"]["collection"].split(".")[-1]
        if collection == "follow":
            if record["subject"] != e["did"] and record["subject"] in rows:
                rows[record["subject"]]["follows_received"] += 1
            continue
        reply = record.get("reply")
        target = reply["parent"]["uri"] if reply else record.get("subject", {}).get("uri")
        own = f"at://{e['did']}/{POST}/{e['commit']['rkey']}" if collection == "post" else None
        quoted = quoted_in(record) if quotes else None
        touched = {own, target, quoted, reply["root"]["uri"] if reply else None}
        if topic and not touched & matched:
            continue
        kind = "reposts" if collection == "repost" else "replies" if reply else "posts"
        rows[e["did"]][kind] += 1
        whom = target.split("/")[2] if target else None
        if whom in rows and whom != e["did"]:
            rows[whom]["replies_received" if reply else "reposts_received"] += 1
        whom = quoted.split("/")[2] if quoted else None
        if whom in rows and whom != e["did"]:
            rows[whom]["quotes_received"] += 1
    return rows


INFLUENCES: tuple[tuple[Kind, ...] | None, ...] = (
    None, ("replies", "reposts"), ("quotes",), ("replies", "quotes"), KINDS,
)  # fmt: skip
LEFT_OUT = set(RECEIVED.values())


@st.composite
def networks(draw: st.DrawFn) -> list[Event]:
    """Few accounts, each record written once, some removed, some accounts gone."""
    out: list[Event] = []
    for rev in range(draw(st.integers(1, 25))):
        who, other = draw(st.sampled_from(WHO)), draw(st.sampled_from(WHO))
        # Before, in and after the window; the bounds themselves are likely.
        time = START + timedelta(hours=12) * draw(st.integers(-1, 7))
        rkey, target = f"r{rev}", uri(other, f"r{draw(st.integers(0, 25))}")
        text = draw(st.sampled_from(["mythos", "nothing"]))
        fields: Event = {}
        if draw(st.booleans()):
            quoted = draw(st.sampled_from([target, uri(who, f"r{draw(st.integers(0, 25))}")]))
            fields = {"embed": quoting(quoted, media=draw(st.booleans()))}
        match draw(st.sampled_from(["post", "reply", "reply", "repost", "follow", "again", "again",
                                    "gone", "del"])):  # fmt: skip
            case "post":
                out.append(post(who, rkey, text, rev=rev, time=time, **fields))
            case "reply":
                root = draw(st.sampled_from([target, uri(who, f"r{draw(st.integers(0, 25))}")]))
                out.append(post(who, rkey, text, rev=rev, time=time, parent=target, root=root,
                                **fields))  # fmt: skip
            case "repost":
                out.append(repost(who, rkey, target, rev=rev, time=time))
            case "follow":
                out.append(follow(who, rkey, other, rev=rev, time=time))
            case "again" if done := [e for e in out if e["kind"] == "commit"
                                      and e["commit"]["collection"] in (REPOST, FOLLOW)
                                      and e["commit"]["operation"] == "create"]:  # fmt: skip
                e = draw(st.sampled_from(done))
                commit = {**e["commit"], "rkey": rkey, "rev": tid(rev)}
                out.append({**e, "time_us": micros(time), "commit": commit})
            case "gone" if draw(st.booleans()):
                out.append(account(who, "deleted", time=time + timedelta(minutes=1)))
            case "del" if out:
                what = draw(st.sampled_from(out))
                if what["kind"] == "commit":
                    name, key = what["did"].split(":")[-1], what["commit"]["rkey"]
                    out.append(delete(name, what["commit"]["collection"], key, rev=99, time=time))
    return out


@pytest.mark.slow
@costly_law(14, suppress=[HealthCheck.function_scoped_fixture])
@given(networks(), st.booleans(), st.sampled_from(INFLUENCES))
def test_features_equal_a_plain_recount(
    fresh: Callable[[], Path],
    events: list[Event],
    topic: bool,
    influence: tuple[Kind, ...] | None,
) -> None:
    counted = [RECEIVED[kind] for kind in influence or KINDS]
    wanted = recount(events, topic, RECEIVED["quotes"] in counted)
    db = ingest(fresh() / "store.duckdb", events)
    asked = query(db, topic, influence=influence)
    if not wanted:
        with pytest.raises(EmptyPanelError):
            make_features(asked)
        return
    try:
        frame, origin = make_features(asked)
    except NoMatchError:
        about = [name for name in COUNTS if name != "follows_received"]
        assert topic
        assert not any(counts[name] for counts in wanted.values() for name in about)
        return
    assert frame.schema == SCHEMA
    assert frame["did"].to_list() == sorted(wanted)
    for row in frame.to_dicts():
        counts = wanted[row["did"]]
        known = {name: n for name, n in counts.items() if name not in LEFT_OUT or name in counted}
        assert {name: row[name] for name in COUNTS} == dict.fromkeys(COUNTS) | known
        assert row["a"] == counts["posts"] + counts["replies"] + counts["reposts"]
        assert row["b"] == row["followers"] == counts["follows_received"]
        assert row["c"] == sum(counts[name] for name in counted)
        assert row["activity"] == row["a"]
    assert origin.feature_scale == "raw"
    assert origin.influence == (influence or KINDS)
    assert not origin.influence_note
    scaled, _ = make_features(query(db, topic, "log1p", influence))
    for name in "abc":
        assert scaled[name].to_list() == [math.log1p(x) for x in frame[name]]
    assert scaled.drop("a", "b", "c").equals(frame.drop("a", "b", "c"))


# --- written again -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("order", "summarised"), [(-1, True), (1, True), (1, False), (-1, False)])
def test_a_relation_that_is_written_again_counts_once_in_everything(
    tmp_path: Path, order: int, summarised: bool
) -> None:
    days = [0, 0.5, 1, 2, 2]
    target = uri("ann", "p")
    events = [
        post("ann", "p", "mythos", rev=1, time=at(1)),
        *(follow("bea", f"f{k}", "ann", rev=10 + k, time=at(days=d)) for k, d in enumerate(days)),
        *(repost("bea", f"r{k}", target, rev=20 + k, time=at(2, days=d))
          for k, d in enumerate(days)),
        # Of other accounts, of other posts, and of what is no post.
        follow("cyd", "f", "ann", rev=30, time=at(days=1)),
        repost("cyd", "r", target, rev=31, time=at(days=1)),
        repost("cyd", "s", uri("ann", "q"), rev=32, time=at(days=1)),
        *(repost("cyd", f"g{k}", uri("ann", "g", GENERATOR), rev=40 + k, time=at(days=1))
          for k in range(2)),
    ]  # fmt: skip
    db = tmp_path / "store.duckdb"
    rules = [Topic("mythos", "", keywords=("mythos",)).rule]
    for part in (events[::order][:6], events[::order][6:]):
        with Writer(db) as writer:
            append(writer, *part)
            if summarised:
                roll_up(writer, rules, at(days=4).date())

    def counts(first: float, last: float, rule: Rule | None) -> dict[str, tuple[int, ...]]:
        with Store.open(db) as opened:
            names = dict(store_content.rows(opened, "SELECT id, right(did, 3) FROM account"))
            asked = WindowCounts.of(opened, Window(at(days=first), at(days=last)))
            hours = asked.account_hours(rule).group_by("account").agg(pl.col("records").sum())
            written = dict(hours.iter_rows())
            found = {}
            for who, *row in asked.totals(rule).iter_rows():
                assert sum(row[:3]) == written.get(who, 0)
                if any(row):
                    *some, quotes = row[2:]
                    assert quotes == 0
                    found[names[who]] = tuple(some)
            return found

    # Reposts made; replies, reposts and follows received.
    assert counts(0, 4, None) == {"ann": (0, 0, 5, 2), "bea": (1, 0, 0, 0), "cyd": (4, 0, 0, 0)}
    assert counts(0, 4, rules[0]) == {"ann": (0, 0, 2, 2), "bea": (1, 0, 0, 0), "cyd": (1, 0, 0, 0)}
    assert counts(0.25, 4, rules[0]) == {"ann": (0, 0, 0, 1)}
    assert counts(0, 1, None) == {"ann": (0, 0, 1, 1), "bea": (1, 0, 0, 0)}
    status = inventory.status(db).days.select("reposts", "follows").sum().row(0)
    assert status == (9, 6)
    with Writer(db) as writer:
        append(
            writer,
            delete("bea", FOLLOW, "f0", rev=50, time=at(days=3)),
            delete("bea", REPOST, "r0", rev=51, time=at(days=3)),
            delete("bea", REPOST, "r3", rev=52, time=at(days=3)),
        )
    # On the day of the next of them.
    assert counts(0, 0.5, None) == {"ann": (0, 0, 0, 0)}
    assert counts(0.5, 1, None) == {"ann": (0, 0, 1, 1), "bea": (1, 0, 0, 0)}
    assert counts(1, 4, None) == {"ann": (0, 0, 4, 1), "cyd": (4, 0, 0, 0)}


# --- by hand -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mine = uri("ann", "p")
    events = [
        post("ann", "p", "mythos", rev=1, time=at(1)),
        post("ann", "q", "other", rev=2, time=at(days=1)),
        # To oneself, by someone gone, by others; on the topic and off it.
        post("ann", "self", "me", rev=3, time=at(2), parent=mine),
        repost("ann", "self", mine, rev=4, time=at(2)),
        follow("ann", "self", "ann", rev=5, time=at(2)),
        post("gone", "r", "mythos", rev=6, time=at(2), parent=mine),
        follow("gone", "f", "ann", rev=7, time=at(2)),
        account("gone", "deleted", time=at(days=2)),
        post("bea", "r", "yes", rev=8, time=at(3), parent=mine),
        repost("bea", "s", mine, rev=9, time=at(3, days=1)),
        repost("bea", "t", uri("ann", "q"), rev=10, time=at(3, days=1)),
        follow("bea", "f", "ann", rev=11, time=at(3)),
        follow("bea", "g", "nobody", rev=12, time=at(3)),
        follow("cyd", "f", "bea", rev=13, time=at(3)),
        profile("dot", rev=14, time=at(3), operation="update"),
    ]
    return ingest(tmp_path_factory.mktemp("network") / "store.duckdb", events)


def rows(frame: pl.DataFrame) -> dict[str, tuple[float, ...]]:
    return {r[0]: r[1:] for r in frame.select("did", "a", "b", "c").iter_rows()}


@pytest.mark.slow
def test_topic_scopes_activity_and_influence_but_not_popularity(network: Path) -> None:
    on, origin = make_features(query(network, topic=True))
    assert rows(on) == {
        did("ann"): (3.0, 1.0, 2.0), did("bea"): (2.0, 1.0, 0.0), did("cyd"): (0.0, 0.0, 0.0)
    }  # fmt: skip
    assert origin.topic is not None
    assert origin.popularity == "follows received in the window"
    every, origin = make_features(query(network, topic=False))
    assert rows(every) == {
        did("ann"): (4.0, 1.0, 3.0), did("bea"): (3.0, 1.0, 0.0), did("cyd"): (0.0, 0.0, 0.0)
    }  # fmt: skip
    assert origin.topic is None
    assert origin.window == Window(START, END)


def test_days_sum_to_the_whole_window(network: Path) -> None:
    whole, _ = make_features(query(network, topic=False))
    total: Counter[tuple[str, str]] = Counter()
    for day in range(3):
        part = PanelQuery(
            network, start=at(days=day), end=at(days=day + 1), scale="raw", keep_bots=True
        )
        try:
            frame, _ = make_features(part)
        except EmptyPanelError:
            continue
        for row in frame.to_dicts():
            total.update({(row["did"], name): row[name] for name in COUNTS if row[name]})
    # On its first day the account that is gone later was there: what it did counts on that day.
    extra = {(did("ann"), "replies_received"): 1, (did("ann"), "follows_received"): 1,
             (did("gone"), "replies"): 1}  # fmt: skip
    assert total == Counter(
        {(r["did"], name): r[name] for r in whole.to_dicts() for name in COUNTS if r[name]}
    ) + Counter(extra)


@pytest.mark.slow
@pytest.mark.parametrize("about", ["mythos", "all"])
def test_days_that_are_counted_in_parts_are_those_counted_at_once(
    network: Path, about: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted() -> pl.DataFrame:
        with Store.open(network) as store:
            view = StoreView.of(store, PanelQuery(network, topic=about))
            return view.agent_days(view.topic()).sort("account", "day")

    whole = counted()
    assert len(whole) > 2
    monkeypatch.setattr("blueattr.panel.counts._CELLS", 1)  # each account by itself
    assert counted().equals(whole)


def test_counts_of_days_too_large_for_four_bytes_are_summed_whole() -> None:
    large = 2**31 - 1
    few, many = (np.array([0, size, -3], np.int64) for size in (large, large + 1))
    assert narrow(few).dtype == np.int32
    assert narrow(many).dtype == np.int64
    assert [narrow(few).tolist(), narrow(many).tolist()] == [few.tolist(), many.tolist()]
    zero = dict.fromkeys(COUNTS, 0)
    each = {"account": 1, **zero, "posts": large, "replies": large, "replies_received": large}
    days = pl.DataFrame([{**each, "day": 1}, {**each, "day": 2}]).with_columns(
        pl.col(COUNTS).cast(pl.Int32)
    )
    agents = pl.DataFrame({"account": [1], "did": ["did:plc:x"]})
    assert rows(features.build(days, agents, "raw")) == {
        "did:plc:x": (4.0 * large, 0.0, 2.0 * large)
    }
    daily = features.daily_counts(days, agents)
    assert daily["a"].to_list() == [2 * large] * 2
    assert daily["c"].to_list() == [large] * 2


def test_build_keeps_the_order_of_agents_and_leaves_others_out() -> None:
    zero = dict.fromkeys(COUNTS, 0)
    days = pl.DataFrame(
        [
            {"account": 2, "day": 1, **zero, "posts": 2, "follows_received": 1},
            {"account": 2, "day": 2, **zero, "posts": 3},
            {"account": 9, "day": 1, **zero, "posts": 7},
        ]
    )
    agents = pl.DataFrame({"account": [3, 2], "did": ["did:plc:z", "did:plc:a"]})
    built = features.build(days, agents, "raw")
    assert built.schema == SCHEMA
    assert rows(built) == {"did:plc:z": (0.0, 0.0, 0.0), "did:plc:a": (5.0, 1.0, 0.0)}
    assert built["did"].to_list() == ["did:plc:z", "did:plc:a"]
    none = features.build(days.clear(), agents)
    assert rows(none) == dict.fromkeys(agents["did"], (0.0, 0.0, 0.0))
