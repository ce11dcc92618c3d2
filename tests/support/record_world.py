"""Accounts that answer and repost each other, and a plain twin of what counts of their records."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from blueattr.analysis.carriers.records import Records, records
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.ingest import read
from blueattr.panel.influence import KINDS, Kind
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.store.database import Store
from support.events_builder import (
    POST,
    REPOST,
    Event,
    account,
    at,
    delete,
    follow,
    identity,
    lines,
    post,
    profile,
    quoted_in,
    quoting,
    repost,
    tid,
    uri,
)

__all__ = ["END", "INFLUENCES", "START", "TOPIC", "Twin", "author", "ingested", "split", "world"]

START, END = at(days=2), at(days=9)
INFLUENCES: tuple[tuple[Kind, ...], ...] = (
    KINDS, ("replies", "reposts"), ("quotes",), ("reposts", "quotes"),
)  # fmt: skip
TOPIC = "claude mythos"


def world(seed: int) -> list[Event]:
    """A few accounts that answer and repost each other, on the topic and off it, and old posts."""
    rng = random.Random(seed)  # noqa: S311 - the same events every time
    draws = random.Random(-seed - 1)  # noqa: S311 - of what posts quote
    names = [f"p{k}" for k in range(6)]
    events: list[Event] = []
    known: list[tuple[str, str, str | None]] = [("p0", "never", None), ("p1", tid(77), None)]
    for k, name in enumerate(names):
        events += [identity(name, f"{name}.test", time=at(k)),
                   profile(name, rev=k + 1, time=at(k), operation="update")]  # fmt: skip
    for k in range(rng.randrange(30, 70)):
        who, time = rng.choice(names), at(100 + k, days=rng.uniform(0, 11))
        rkey = rng.choice([f"r{k}", tid(1000 + k)])
        text = rng.choice([TOPIC, "lunch", "so true"])
        kind = rng.random()
        other, theirs, root = rng.choice(known)
        fields: Event = {}
        if draws.random() < 0.4:
            whose, which, _ = draws.choice([*known, (other, theirs, None)])
            fields = {"embed": quoting(uri(whose, which), media=draws.random() < 0.5)}
        if kind < 0.35:
            events.append(post(who, rkey, text, rev=100 + k, time=time, **fields))
            known.append((who, rkey, None))
        elif kind < 0.7:
            first = root or uri(other, theirs)
            events.append(post(who, rkey, text, rev=100 + k, time=time, parent=uri(other, theirs),
                               root=first, **fields))  # fmt: skip
            known.append((who, rkey, first))
        else:
            events.append(repost(who, rkey, uri(other, theirs), rev=100 + k, time=time))
        if rng.random() < 0.15 and len(known) > 3:
            gone, key, _ = rng.choice(known[2:])
            events.append(delete(gone, POST, key, rev=10_000 + k, time=at(0, days=11.5)))
        events.append(follow(who, f"f{k}", rng.choice(names), rev=300 + k, time=time))
    if rng.random() < 0.5:
        events.append(account("p5", "deleted", time=at(days=8.5)))
    return sorted(events, key=lambda event: event["time_us"])


class Twin:
    """What counts, by going through the events one at a time."""

    def __init__(
        self, events: list[Event], *, about: bool, influence: Sequence[str] = KINDS
    ) -> None:
        self.known: dict[str, Event] = {}
        self.deleted = set()
        gone = {e["did"] for e in events if e["kind"] == "account" and not e["account"]["active"]}
        for event in events:
            if event["kind"] != "commit":
                continue
            commit = event["commit"]
            address = f"at://{event['did']}/{commit['collection']}/{commit['rkey']}"
            if commit["operation"] == "delete":
                self.known.pop(address, None)
                self.deleted.add(address)
            elif commit["collection"] in {POST, REPOST}:
                self.known[address] = event
        low, high = (int(t.timestamp() * 1e6) for t in (START, END))
        # Of several reposts of one post by one account the earliest counts.
        firsts: dict[tuple[str, str], str] = {}
        for address, event in sorted(self.known.items(), key=lambda one: one[1]["time_us"]):
            if event["commit"]["collection"] == REPOST:
                reposted = event["commit"]["record"]["subject"]["uri"]
                firsts.setdefault((event["did"], reposted), address)
        inside = {
            a: e for a, e in self.known.items()
            if low <= e["time_us"] < high and e["did"] not in gone
            and (e["commit"]["collection"] == POST or a in firsts.values())
        }  # fmt: skip
        matching = {a for a, e in inside.items() if TOPIC in e["commit"]["record"].get("text", "")}
        self.written: Counter[str] = Counter()
        self.received: dict[str, Counter[str]] = defaultdict(Counter)
        self.hours: Counter[tuple[str, int]] = Counter()
        # Who acted on whose record, how and when.
        self.edges: list[tuple[str, str, str, int]] = []
        for address, event in inside.items():
            record = event["commit"]["record"]
            reply = record.get("reply", {})
            subject = (reply.get("parent") or record.get("subject") or {}).get("uri")
            root = reply.get("root", {}).get("uri")
            quoted = quoted_in(record) if "quotes" in influence else None
            if about and address not in matching and not {subject, root, quoted} & matching:
                continue
            self.written[address] += 1
            kind = "replies" if reply else "reposts"
            if subject is not None and author(subject) != event["did"] and kind in influence:
                self.received[subject][kind] += 1
                self.edges.append((event["did"], author(subject), kind, event["time_us"]))
            if quoted is not None and author(quoted) != event["did"]:
                self.received[quoted]["quotes"] += 1
                self.edges.append((event["did"], author(quoted), "quotes", event["time_us"]))

    def state(self, address: str) -> str:
        if self.written[address]:
            return "counted"
        if address in self.known:
            time = self.known[address]["time_us"]
            inside = START.timestamp() * 1e6 <= time < END.timestamp() * 1e6
            return "off topic" if inside else "outside the window"
        return "deleted" if address in self.deleted else "unseen"


def author(address: str) -> str:
    return address.split("/")[2]


def ingested(folder: Path, events: list[Event]) -> Path:
    db = folder / "store.duckdb"
    (folder / "events").write_bytes(lines(*events))
    done = read.ingest(db, [str(folder / "events")])
    assert done.failures == ()
    return db


def split(
    db: Path,
    about: bool,
    indicator: str,
    panel: str = "active",
    influence: tuple[Kind, ...] | None = None,
    **more: Any,
) -> tuple[Records, AttributionResult, pl.DataFrame]:
    query = PanelQuery(db, start=START, end=END, match=(TOPIC,) if about else (),
                       topic=None if about else "all", influence=influence)  # fmt: skip
    with Store.open(db) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        frame = view.features(view.totals(topic))
        result = attribute(frame, indicator, panel=panel)
        return records(view, topic, frame, result, **more), result, frame
