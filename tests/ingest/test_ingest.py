"""Ingest as a whole: order, repeats and kills make no difference to what a store holds."""

import io
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain, pairwise, zip_longest
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from blueattr.analysis.upkeep import status as inventory
from blueattr.decode import parse as parsing
from blueattr.decode.chunk import Chunk
from blueattr.decode.parse import Parser
from blueattr.errors import StoreBusyError
from blueattr.ingest import read
from blueattr.sources import files, forms, packing
from blueattr.store import database
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support import crash, ingest_child
from support.effort import costly_law
from support.events_builder import (
    FOLLOW,
    POST,
    PROFILE,
    REPOST,
    Event,
    account,
    as_v2,
    at,
    delete,
    did,
    dumps,
    follow,
    identity,
    like,
    lines,
    mixed,
    plc,
    plc_did,
    post,
    profile,
    repost,
    tid,
    uri,
)
from support.forked import processes, run
from support.naive_decode import TIMES_FROM
from support.store_content import Content, content, expected, rows, sources

LAW = costly_law(10, suppress=[HealthCheck.function_scoped_fixture])
# The lines of accounts whose DIDs have 24 letters, and whose keys are TIDs, are parsed by the
# compiled parser; those of others by the statement. A history is of both.
WHO = ("ann".ljust(24, "a"), "bea", "cyd".ljust(24, "7"))
KEYS = (tid(3), tid(1 << 59), "x")


FEW = st.integers(0, 2)


@pytest.fixture(autouse=True)
def _parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have lines parsed, whether or not an earlier run has kept the parser's machine code."""
    monkeypatch.setattr(read, "is_compiled", lambda: True)


def ingest(db: Path, *parts: Sequence[Event] | bytes) -> Content:
    """Ingest each part as a file of its own, one after another."""
    for part in parts:
        number = len(list(db.parent.glob("*.jsonl")))
        path = db.parent / f"{number}.jsonl"
        path.write_bytes(part if isinstance(part, bytes) else lines(*part))
        done = read.ingest(db, [str(path)])
        assert not done.failures
    return content(db)


def append(writer: Writer, *events: Event) -> None:
    """Commit events by themselves."""
    data = lines(*events)
    writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file")))


# --- order, repeats, overlaps --------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """A few accounts doing and undoing the same few things at times that step back and forth."""
    out: list[Event] = []
    for rev in range(draw(st.integers(1, 14))):
        who, other = draw(st.sampled_from(WHO)), draw(st.sampled_from(WHO))
        rkey, time = draw(st.sampled_from(KEYS)), at(draw(st.integers(0, 6)))
        event = draw(one_event(who, other, rkey, rev=rev, time=time))
        event |= draw(st.sampled_from([{}, {}, *({"time_from": kind} for kind in TIMES_FROM)]))
        out.append(event)
        if event["kind"] == "commit" and draw(st.booleans()):
            # The same event as another server sent it, at a time of its own.
            other_time = event["time_us"] + draw(st.integers(-3, 3)) * 10**6
            out.append(
                {**event, "time_us": other_time, "time_from": draw(st.sampled_from(TIMES_FROM))}
            )
        if "record" in event.get("commit", {}) and draw(st.booleans()):
            # Another version of the same revision, as a faulty server sends it.
            changed = draw(one_event(who, other, rkey, rev=rev, time=time))
            record = event["commit"]["record"] | changed.get("commit", {}).get("record", {})
            out.append({**event, "commit": {**event["commit"], "record": record}})
    return out


LANGS = st.lists(st.sampled_from(["en", "EN", "ja", "pt-BR"]), max_size=2)
OWN_LABELS = st.lists(st.sampled_from([{"val": "nudity"}, {"val": "bot"}, {"val": 1}]), max_size=2)


@st.composite
def slices(draw: st.DrawFn, other: str) -> dict[str, Any]:
    """What posts are sliced by."""
    links = [{"uri": f"https://www.{name}.org/x"} for name in "ab"]
    features = draw(st.lists(st.sampled_from([{"did": did(other)}, *links]), max_size=3))
    fields = {
        "langs": draw(LANGS),
        "labels": {"values": draw(OWN_LABELS)},
        "facets": [{"features": features}],
    }
    return {name: fields[name] for name in draw(st.sets(st.sampled_from(sorted(fields))))}


@st.composite
def one_event(  # noqa: PLR0911 - one for each kind of event
    draw: st.DrawFn, who: str, other: str, rkey: str, *, rev: int, time: datetime
) -> Event:
    kinds = ["post", "post", "post", "delete", "delete", "repost", "follow", "profile"]
    match draw(st.sampled_from([*kinds, "no profile", "identity", "account", "account", "like"])):
        case "post":
            return post(
                who, rkey, f"text {draw(FEW)}", rev=rev, time=time,
                parent=draw(st.sampled_from([None, None, uri(other, rkey)])),
                tags=[f"tag{draw(FEW)}"],
                embed=draw(st.sampled_from([
                    {"external": {"title": f"title {draw(FEW)}"}},
                    {"record": {"uri": uri(other, rkey)}},
                ])),
                operation=draw(st.sampled_from(["create", "update"])),
                **draw(slices(other)),
            )  # fmt: skip
        case "repost":
            via = draw(st.sampled_from([{}, {"via": {"uri": uri(other, rkey, REPOST)}}]))
            return repost(who, rkey, uri(other, rkey), rev=rev, time=time, **via)
        case "follow":
            return follow(who, rkey, other, rev=rev, time=time)
        case "delete":
            collection = draw(st.sampled_from([POST, REPOST, FOLLOW]))
            return delete(who, collection, rkey, rev=rev, time=time)
        case "profile":
            operation = draw(st.sampled_from(["create", "update"]))
            made = profile(who, rev=rev, time=time, bot=draw(st.booleans()), operation=operation)
            if draw(st.booleans()):
                made["commit"]["record"]["labels"] = {"values": draw(OWN_LABELS)}
            return made
        case "no profile":
            return delete(who, PROFILE, "self", rev=rev, time=time)
        case "identity":
            return identity(who, draw(st.sampled_from(["a.org", "b.org", None])), time=time)
        case "account":
            status = draw(st.sampled_from([None, "deleted", "deleted", "takendown"]))
            return account(who, status, time=time)
        case _:
            return like(who, rkey, uri(other, "x"), rev=rev, time=time)


@pytest.mark.slow
@LAW
@given(histories(), st.data())
def test_any_order_repeat_and_split_gives_the_same_store(
    fresh: Callable[[], Path], events: list[Event], data: st.DataObject
) -> None:
    wanted = expected(events)
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))
    cut = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=2)))
    bounds = [0, *cut, len(shuffled)]
    overlap = data.draw(st.integers(0, 3))
    parts = [shuffled[max(a - overlap, 0) : b] for a, b in pairwise(bounds)]
    v2 = data.draw(st.booleans())
    parts = [[as_v2(e) for e in part] if v2 else part for part in parts]
    assert ingest(fresh() / "store.duckdb", *parts) == wanted


@pytest.mark.slow
@pytest.mark.parametrize(("order", "size"), [(1, 1), (-1, 1), (1, 2), (-1, 2)])
def test_the_latest_handle_and_profile_stay_in_any_order_of_commits(
    tmp_path: Path, order: int, size: int
) -> None:
    def profiles(who: str, first: int, count: int) -> list[Event]:
        return [
            profile(who, rev=first + k, time=at(k), bot=True)
            if k % 2
            else profile(who, rev=first + k, time=at(k), operation="update")
            for k in range(count)
        ]

    histories = [
        [identity("ann", "z.org", time=at(1)), identity("ann", "a.org", time=at(2))],
        profiles("bea", 1, 5)[1:],
        profiles("cyd", 11, 4)[1:],
    ]
    files = [[events[::order][k : k + size] for k in range(0, len(events), size)]
             for events in histories]  # fmt: skip
    parts = [list(chain(*step)) for step in zip_longest(*files, fillvalue=[])]
    assert len(parts) == 4 // size
    whole = [event for events in histories for event in events]
    assert ingest(tmp_path / "store.duckdb", *parts) == expected(whole)


@pytest.mark.slow
@pytest.mark.parametrize("deleted_first", [False, True])
def test_only_a_deletion_of_an_account_takes_its_texts(
    fresh: Callable[[], Path], deleted_first: bool
) -> None:
    statuses = {"ann": None, "bea": "takendown", "cyd": "suspended", "dot": "deactivated"}
    written = [post(who, "x", "words", rev=k, time=at(1)) for k, who in enumerate(statuses, 1)]
    said = [
        event
        for who, status in statuses.items()
        for event in (account(who, "deleted", time=at(0)), account(who, status, time=at(2)))
    ]
    parts = (said, written) if deleted_first else (written, said)
    store = ingest(fresh() / "store.duckdb", *parts)
    assert [store.records["post", did(who), "x"][7] for who in statuses] == ["words"] * 4


@pytest.mark.slow
@LAW
@given(histories())
def test_clean_ingest_equals_the_plain_fold(fresh: Callable[[], Path], events: list[Event]) -> None:
    assert ingest(fresh() / "store.duckdb", events) == expected(events)


@pytest.mark.slow
def test_history_of_one_record(tmp_path: Path) -> None:
    first = at(1).replace(tzinfo=None)
    histories: list[tuple[list[str], tuple[bool, datetime | None, str | None]]] = [
        (["create"], (False, first, "first")),
        (["update", "create"], (False, first, "second")),
        (["remove"], (True, None, None)),
        (["remove", "update", "create"], (True, first, None)),
        (["create", "update", "remove", "create"], (True, first, None)),
        (["create remove", "again"], (False, first, "third")),
        (["again", "remove", "create"], (False, first, "third")),
    ]

    def happen(key: str, what: str) -> Event:
        match what:
            case "create":
                return post("ann", key, "first", rev=1, time=at(1))
            case "update":
                return post("ann", key, "second", rev=2, time=at(2), operation="update")
            case "remove":
                return delete("ann", POST, key, rev=3, time=at(3))
            case _:
                return post("ann", key, "third", rev=4, time=at(4))

    # Each history is of a record of its own, and in each file is what comes next in all of them.
    steps = zip_longest(*(files for files, _ in histories), fillvalue="")
    parts = [
        [happen(f"x{k}", what) for k, those in enumerate(step) for what in those.split()]
        for step in steps
    ]
    assert [len(part) for part in parts] == [8, 5, 3, 1]
    records = ingest(tmp_path / "store.duckdb", *parts).records
    for k, (_, wanted) in enumerate(histories):
        record = records["post", did("ann"), f"x{k}"]
        assert (record[1], record[2], record[7]) == wanted, k


def test_deleting_what_was_never_seen_leaves_nothing_to_count(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    gone = [delete("ann", c, "x", rev=1, time=at(1)) for c in (POST, REPOST, FOLLOW)]
    ingest(db, gone)
    with Store.open(db) as store:
        assert store.frame("analysis/upkeep/totals")["events"].item() == 0
        end = datetime.max  # noqa: DTZ901 - times of the store are in UTC, without a zone
        assert store.frame("panel/span", until=end).rows() == [(None, None)]


# --- the same file again -------------------------------------------------------------------------

DAY = [post(who, tid(k + 1), f"text {k}", rev=k, time=at(k)) for k in range(30) for who in WHO]


@pytest.mark.slow
def test_same_file_again_touched_and_grown(tmp_path: Path) -> None:
    db, path = tmp_path / "store.duckdb", tmp_path / "x.jsonl"
    path.write_bytes(lines(*DAY[:60]))
    first = read.ingest(db, [str(path)])
    assert (first.events_before, first.events_after, first.unchanged) == (0, 60, ())
    before = content(db), sources(db)
    again = read.ingest(db, [str(path)])
    assert again.unchanged == (str(path),)
    assert (again.events_before, again.events_after) == (60, 60)
    assert again.sources == first.sources
    assert (content(db), sources(db)) == before
    os.utime(path, ns=(1, 1))
    touched = read.ingest(db, [str(path)])
    assert touched.unchanged == ()
    assert (touched.events_before, touched.events_after) == (60, 60)
    assert content(db) == before[0]
    path.write_bytes(lines(*DAY))
    grown = read.ingest(db, [str(path)])
    assert (grown.events_before, grown.events_after) == (60, 90)
    assert grown.sources[0].lines == 90
    assert content(db) == expected(DAY)


@pytest.mark.slow
def test_a_file_read_as_the_wrong_kind_can_be_read_as_the_right_one(tmp_path: Path) -> None:
    db, path = tmp_path / "store.duckdb", tmp_path / "x.jsonl"
    path.write_bytes(lines(*DAY))
    wrong = read.ingest(db, [str(path)], kind="plc")
    assert "holds nothing that blueattr keeps" in wrong.failures[0]
    assert wrong.events_after == 0
    right = read.ingest(db, [str(path)])
    assert (right.unchanged, right.failures, right.events_after) == ((), (), len(DAY))
    assert sources(db)[1] == set()


@pytest.mark.slow
def test_a_damaged_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    (tmp_path / "a.jsonl").write_bytes(lines(*DAY[:10]) + b'{"did":')
    (tmp_path / "b.jsonl.gz").write_bytes(b"no gzip at all")
    (tmp_path / "c.jsonl").write_bytes(lines(*DAY[10:]) + b"oops\n")
    done = read.ingest(db, [str(tmp_path)])
    assert [f.split(" ")[0] for f in done.failures] == [
        str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl.gz")
    ]  # fmt: skip
    assert [s.complete for s in done.sources] == [False, False, True]
    assert done.sources[2].rejected == {"not JSON": 1}
    assert content(db) == expected(DAY)
    # What is incomplete is tried again, from where it ended; what is complete is not.
    again = read.ingest(db, [str(tmp_path)])
    assert again.unchanged == (str(tmp_path / "c.jsonl"),)
    assert len(again.failures) == 2
    assert again.sources == done.sources
    assert content(db) == expected(DAY)
    (tmp_path / "a.jsonl").write_bytes(lines(*DAY[:10]) + dumps(DAY[0]).encode())
    assert read.ingest(db, [str(tmp_path / "a.jsonl")]).failures == ()


@pytest.mark.slow
@pytest.mark.parametrize("left_to_engine", [0, 20_000, 1 << 30])
def test_a_file_read_before_the_parser_is_compiled_gives_the_same_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_to_engine: int
) -> None:
    events = [*mixed(400), like("bea", "r1", "ann", rev=7, time=at(9))]
    data = b"\xef\xbb\xbf" + lines(*events) + b"not JSON\n\n\xff\n" + b"x" * 9
    path = tmp_path / "events.jsonl"
    path.write_bytes(data)
    monkeypatch.setattr(files, "CHUNK", 10_000)
    monkeypatch.setattr(packing, "_READ", 3_000)
    monkeypatch.setattr(forms, "_HEAD", 1)
    assert len(data) > 50_000
    read.ingest(tmp_path / "parsed.duckdb", [str(path)])
    left, parsed = [], []
    unparsed, parse = parsing.unparsed, Parser.parse

    def leave(chunk: bytes, position: int) -> Any:
        left.append(len(chunk))
        return unparsed(chunk, position)

    def parse_lines(self: Any, chunk: bytes, *rest: Any) -> Any:
        parsed.append(len(chunk))
        return parse(self, chunk, *rest)

    monkeypatch.setattr(read, "unparsed", leave)
    monkeypatch.setattr(Parser, "parse", parse_lines)
    monkeypatch.setattr(read, "is_compiled", lambda: False)
    monkeypatch.setattr(read, "_BEFORE_COMPILING", left_to_engine)
    read.ingest(tmp_path / "left.duckdb", [str(path)])
    assert sum(left) <= left_to_engine
    assert (sum(left) > 0, sum(parsed) > 0) == (left_to_engine > 0, left_to_engine < len(data))
    assert content(tmp_path / "left.duckdb") == content(tmp_path / "parsed.duckdb")
    assert sources(tmp_path / "left.duckdb") == sources(tmp_path / "parsed.duckdb")


def test_progress_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 1000)
    monkeypatch.setattr(packing, "_READ", 500)
    monkeypatch.setattr(forms, "_HEAD", 1)
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(*DAY, like("ann", "l", uri("bea", "x"), rev=1, time=at(99))) + b"bad\n")
    told: list[tuple[str, int, int | None]] = []
    done = read.ingest(tmp_path / "s", [str(path)], progress=lambda *a: told.append(a))
    assert len(told) > 5
    assert [t[1] for t in told] == sorted(t[1] for t in told)
    assert told[-1] == (str(path), path.stat().st_size, path.stat().st_size)
    (state,) = done.sources
    assert (state.lines, state.kept, state.skipped) == (92, 90, 1)
    assert (state.rejected, state.position) == ({"not JSON": 1}, path.stat().st_size)
    assert (state.first_event, state.last_event) == tuple(
        at(s).replace(tzinfo=None) for s in (0, 99)
    )


@pytest.mark.few(1)
@pytest.mark.parametrize(("count", "commits"), [(10, 1), (20, 1), (24, 1), (28, 2), (60, 3)])
def test_what_little_is_left_of_a_file_comes_with_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, commits: int
) -> None:
    path = tmp_path / "x.jsonl"
    events = [post("ann", tid(k), "a", rev=k, time=at(k)) for k in range(100, 100 + count)]
    path.write_bytes(lines(*events))
    # Chunks of about a line.
    monkeypatch.setattr(files, "CHUNK", 1)
    monkeypatch.setattr(packing, "_READ", path.stat().st_size // count)
    monkeypatch.setattr(forms, "_HEAD", 1)
    monkeypatch.setattr(read, "COMMIT_ROWS", 20)
    commit, committed = Writer.commit, []

    def committing(self: Writer, state: SourceState, *, wait: bool = True) -> SourceState:
        committed.append(state.lines)
        return commit(self, state, wait=wait)

    monkeypatch.setattr(Writer, "commit", committing)
    read.ingest(tmp_path / "store.duckdb", [str(path)])
    assert (len(committed), committed[-1]) == (commits, count)


@pytest.mark.slow
@pytest.mark.parametrize(("took", "commits"), [(0.0, 6), (0.5, 6), (3.0, 2)])
def test_a_slow_file_is_committed_every_ten_seconds_or_ten_times_what_a_commit_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, took: float, commits: int
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(*(post("ann", tid(k), "a", rev=k, time=at(k)) for k in range(60))))
    # Chunks of about a line, each of which takes a second.
    monkeypatch.setattr(files, "CHUNK", 1)
    monkeypatch.setattr(packing, "_READ", path.stat().st_size // 60)
    monkeypatch.setattr(forms, "_HEAD", 1)
    now, stage, commit, committed = 0.0, Writer.stage, Writer.commit, []

    def staging(self: Writer, *arguments: Any, **options: Any) -> SourceState:
        nonlocal now
        now += 1.0
        return stage(self, *arguments, **options)

    def committing(self: Writer, state: SourceState, *, wait: bool = True) -> SourceState:
        committed.append(now)
        after = commit(self, state)
        self.commit_seconds = took
        return after

    monkeypatch.setattr(Writer, "stage", staging)
    monkeypatch.setattr(Writer, "commit", committing)
    monkeypatch.setattr("blueattr.ingest.read.time.monotonic", lambda: now)
    read.ingest(tmp_path / "store.duckdb", [str(path)])
    # The last is at the end of the file.
    gaps = [after - before for before, after in pairwise([0.0, *committed[:-1]])]
    assert len(gaps) == commits
    assert all(gap >= 10 for gap in gaps)
    assert gaps[1:] == [max(10.0, 10 * took)] * (commits - 1)


@pytest.mark.slow
def test_an_interrupted_file_of_which_nothing_is_kept_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", 1000)
    monkeypatch.setattr(packing, "_READ", 500)
    monkeypatch.setattr(forms, "_HEAD", 1)
    db, path = tmp_path / "store.duckdb", tmp_path / "x.jsonl"
    path.write_bytes(
        lines(*(like("ann", tid(k), uri("bea", "x"), rev=k, time=at(k)) for k in range(60)))
    )

    def interrupted(seconds: float) -> int:
        monkeypatch.setattr(read, "_COMMIT_SECONDS", seconds)
        monkeypatch.setattr(read, "_COMMITS_APART", 0.0)
        told = 0

        def progress(*_: object) -> None:
            nonlocal told
            told += 1
            if told == 5:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            read.ingest(db, [str(path)], progress=progress)
        return int(sources(db)[0].get(str(path), [0, 0, 0])[2])

    assert interrupted(3600.0) == 0
    reached = [interrupted(0.0), interrupted(0.0)]
    assert 3000 < reached[0] < reached[1] - 3000 < path.stat().st_size - 6000
    (state,) = read.ingest(db, [str(path)]).sources
    assert (state.complete, state.position) == (True, path.stat().st_size)
    assert (state.lines, state.kept, state.skipped) == (60, 0, 60)
    assert (state.first_event, state.last_event) == tuple(
        at(k).replace(tzinfo=None) for k in (0, 59)
    )


# --- deleted accounts ----------------------------------------------------------------------------


@pytest.mark.slow
@costly_law(8, suppress=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(5)), st.integers(1, 4))
def test_texts_of_deleted_accounts_are_gone_whatever_the_order(
    fresh: Callable[[], Path], order: list[int], per_file: int
) -> None:
    external = {"external": {"title": "SECRET title"}}
    events = [
        post("ann", "x", "SECRET one", rev=1, time=at(1), tags=["SECRET"], embed=external),
        post("ann", "y", "SECRET two", rev=2, time=at(2)),
        post("ann", "y", "SECRET edit", rev=3, time=at(3), operation="update"),
        account("ann", "deleted", time=at(5)),
        post("bea", "x", "public", rev=4, time=at(4), parent=uri("ann", "x")),
    ]
    events = [events[k] for k in order]
    db = fresh() / "store.duckdb"
    parts = [events[k : k + per_file] for k in range(0, len(events), per_file)]
    found = ingest(db, *parts)
    assert "SECRET" not in repr(found)
    assert found.records["post", "did:plc:bea", "x"][7] == "public"
    assert len(found.records) == 3
    with Store.open(db) as store:
        tables = rows(store, "SELECT table_name FROM duckdb_tables() WHERE database_name = 'store'")
        assert len(tables) > 8
        for (table,) in tables:
            query = f"SELECT count(*) FROM {table} AS t WHERE t::VARCHAR LIKE '%SECRET%'"  # noqa: S608 - names from the catalogue
            assert rows(store, query) == [(0,)]


@st.composite
def departures(draw: st.DrawFn) -> list[Event]:
    """Posts of two accounts, sent again and edited, and deletions of both at several times."""
    out: list[Event] = []
    for rev in range(draw(st.integers(4, 14))):
        who, rkey = draw(st.sampled_from(WHO[:2])), draw(st.sampled_from(KEYS))
        time = at(draw(st.integers(0, 6)))
        match draw(st.sampled_from(["create", "create", "update", "again", "gone", "gone"])):
            case "gone":
                out.append(account(who, draw(st.sampled_from(["deleted", None])), time=time))
                out.append(account(who, "deleted", time=time))
            case "again" if out:
                out.append({**draw(st.sampled_from(out)), "time_us": int(time.timestamp() * 1e6)})
            case operation:
                operation = "create" if operation == "again" else operation
                text, tags = f"text {rev}", [f"tag{rev}"]
                out.append(
                    post(who, rkey, text, rev=rev, time=time, operation=operation, tags=tags)
                )
    return out


@pytest.mark.slow
@costly_law(8, suppress=[HealthCheck.function_scoped_fixture])
@given(departures(), st.data())
def test_departed_texts_are_gone_after_every_commit(
    fresh: Callable[[], Path], events: list[Event], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(events))
    db, done, took = fresh() / "store.duckdb", 0, 0
    looked = data.draw(st.integers(1, len(order)))
    with Writer(db) as writer:

        def counted(table: str) -> int:
            query = f"SELECT count(*) FROM {table}"  # noqa: S608 - our own names
            return int(writer._connection.execute(query).fetchall()[0][0])

        while done < len(order):
            part = order[done : done + data.draw(st.integers(1, 4))]
            append(writer, *part)
            took += counted("orphaned") > 0
            if done < looked <= done + len(part):
                assert content(db) == expected(order[: done + len(part)])
            done += len(part)
        event(f"commits that take texts of stored records: {took}")
        # All of it again changes nothing, and no deletion that is known is looked into again.
        append(writer, *order)
        assert counted("departing") == 0
    assert content(db) == expected(events)


@pytest.mark.slow
def test_only_a_later_deletion_is_looked_into(tmp_path: Path) -> None:
    who = WHO[0]

    def orphaned(*events: Event) -> int:
        append(writer, *events)
        return int(writer._connection.execute("SELECT count(*) FROM orphaned").fetchall()[0][0])

    with Writer(tmp_path / "store.duckdb") as writer:
        texts = [post(who, tid(k), "text", rev=k, time=at(k)) for k in range(1, 7)]
        assert orphaned(*texts) == 0
        assert orphaned(account(who, "deleted", time=at(3))) == 3
        assert orphaned(account(who, "deleted", time=at(3))) == 0
        assert orphaned(account(who, "deleted", time=at(2))) == 0
        # Those that have none any more are among them; what comes with it is not: it has none.
        late = post(who, tid(9), "text", rev=9, time=at(4))
        assert orphaned(account(who, "deleted", time=at(5)), late) == 5
        assert orphaned(post(who, tid(10), "text", rev=10, time=at(5))) == 0
    found = {
        key[2]: record[7] for key, record in content(tmp_path / "store.duckdb").records.items()
    }
    assert [found[tid(k)] for k in (1, 2, 3, 4, 5, 6, 9, 10)] == [None] * 5 + ["text", None, None]


def test_an_account_that_comes_back_keeps_what_it_writes_then(tmp_path: Path) -> None:
    events = [
        post("ann", "x", "before", rev=1, time=at(1)),
        account("ann", "deleted", time=at(2)),
        account("ann", time=at(3)),
        post("ann", "y", "after", rev=2, time=at(4)),
    ]
    found = ingest(tmp_path / "s.duckdb", events)
    texts = {key[2]: record[7] for key, record in found.records.items()}
    assert texts == {"x": None, "y": "after"}


# --- the PLC directory ---------------------------------------------------------------------------


@pytest.mark.slow
def test_plc_export_folds_in_any_order(fresh: Callable[[], Path]) -> None:
    operations = [
        plc("ann", at(1), "old.example.org", legacy=True),
        plc("ann", at(5), "new.example.org"),
        plc("ann", at(9)),
        plc("bea", at(2), "bea.example.org"),
        plc("bea", at(3), "wrong.example.org", nullified=True),
        plc("cyd", at(4), "handle.invalid"),
        plc("dot", at(4), "one.example.org"),
        plc("dot", at(4), "two.example.org"),
    ]
    t = [at(s).replace(tzinfo=None) for s in range(10)]
    wanted = {
        plc_did("ann"): (t[1], "new.example.org", t[5]),
        plc_did("bea"): (t[2], "bea.example.org", t[2]),
        plc_did("cyd"): (t[4], None, None),
        plc_did("dot"): (t[4], "two.example.org", t[4]),
    }
    rng = random.Random(0)  # noqa: S311 - the same orders every time
    for per_file in (8, 3, 1):
        rng.shuffle(operations)
        db = fresh() / "store.duckdb"
        for k in range(0, 8, per_file):
            path = db.parent / f"{k}.jsonl"
            path.write_bytes(lines(*operations[k : k + per_file]))
            read.ingest(db, [str(path)], kind="plc")
        assert content(db).plc == wanted
        assert inventory.status(db).coverage == ()


def directory(db: Path) -> tuple[set[Any], set[Any]]:
    """Hosts and earlier handles."""
    with Store.open(db) as store:
        hosts = rows(store, "SELECT did, host, coalesce(host_time, handle_time) FROM plc")
        earlier = rows(store, "FROM plc_handle")
    assert len(set(earlier)) == len(earlier)
    return set(hosts), set(earlier)


def plain_directory(operations: list[Event]) -> tuple[set[Any], set[Any]]:
    """The same, one operation after the other."""
    hosts: dict[str, Any] = {}
    handles: dict[str, dict[str, Any]] = {}
    for one in operations:
        did, operation = one["did"], one["operation"]
        time = datetime.fromisoformat(one["createdAt"]).replace(tzinfo=None)
        service = operation.get("service") or operation.get("services", {}).get("atproto_pds")
        host = service["endpoint"] if isinstance(service, dict) else service
        if host:
            host = host.removeprefix("https://")
            hosts[did] = max(hosts.get(did, (time, host)), (time, host))
        hosts.setdefault(did, None)
        handle = operation.get("handle") or operation.get("alsoKnownAs", [None])[0]
        if handle:
            name = handle.removeprefix("at://")
            known = handles.setdefault(did, {})
            known[name] = max(known.get(name, time), time)
    earlier = {
        (did, name, time)
        for did, known in handles.items()
        for time, name in sorted((t, n) for n, t in known.items())[:-1]
    }
    return {
        (did, told[1] if told else None, told[0] if told else max(
            (max(handles[did].values()),) if did in handles else (None,)
        ))
        for did, told in hosts.items()
    }, earlier  # fmt: skip


@pytest.mark.slow
def test_hosts_and_earlier_handles_are_kept_in_any_order_of_operations(
    fresh: Callable[[], Path],
) -> None:
    operations = [
        plc("ann", at(1), "old.example.org", legacy=True, service="https://bsky.social"),
        plc("ann", at(5), "new.example.org", service="https://pds.example.org"),
        plc("ann", at(7), "old.example.org"),
        plc("ann", at(9), "third.example.org"),
        plc("bea", at(2), "bea.example.org", service="https://a.example.org"),
        plc("bea", at(2), "bee.example.org", service="https://b.example.org"),
        plc("cyd", at(4), service="https://c.example.org"),
        plc("cyd", at(6), "cyd.example.org"),
        plc("dot", at(4), "dot.example.org"),
        plc("eve", at(3), "eve.example.org", service="https://e.example.org"),
        plc("eve", at(8), "eve.example.org"),
    ]
    tombstone = plc("eve", at(9))
    tombstone["operation"] = {"type": "plc_tombstone", "prev": "x"}
    operations.append(tombstone)
    hosts, earlier = wanted = plain_directory(operations)
    assert len(earlier) == 3
    assert {host for _, host, _ in hosts} == {
        "pds.example.org", "b.example.org", "c.example.org", None, "e.example.org"
    }  # fmt: skip
    rng = random.Random(1)  # noqa: S311 - the same orders every time
    for per_file in (12, 12, 5, 3, 1, 1):
        rng.shuffle(operations)
        db = fresh() / "store.duckdb"
        for k in range(0, 12, per_file):
            path = db.parent / f"{k}.jsonl"
            path.write_bytes(lines(*operations[k : k + per_file]))
            read.ingest(db, [str(path)], kind="plc")
        assert directory(db) == wanted


# --- killed at any moment ------------------------------------------------------------------------


EVENTS = mixed(110)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, float]:
    folder = tmp_path_factory.mktemp("whole")
    path = folder / "x.jsonl"
    path.write_bytes(lines(*EVENTS))
    started = time.monotonic()
    assert run(ingest_child.ingest, folder / "store.duckdb", path) == 0
    took = time.monotonic() - started
    whole = content(folder / "store.duckdb"), sources(folder / "store.duckdb")
    assert whole[0] == expected(EVENTS)
    assert len(whole[0].records) > 40
    assert whole[1][1]
    return path, whole, took


def recovered(db: Path, path: Path, whole: Any, *, ran: bool = True) -> int:
    """Look at a store after a kill, ingest again, and compare; return where it had got to."""
    position = 0
    if db.exists():
        # A reader may come before the next ingest.
        reached = sources(db)[0]
        position = reached[str(path)][2] if reached else 0
        # Whatever was committed is the fold of the lines before the position, no more, no less.
        seen = path.read_bytes()[:position].count(b"\n")
        assert content(db) == expected(EVENTS[:seen])
    read.ingest(db, [str(path)])
    assert (content(db), sources(db)) == whole
    return position


def between(positions: dict[str, int]) -> None:
    """Check that the second commit's position is there once it has committed, and not before."""
    before = {positions[point] for point in positions if point in crash.BEFORE}
    after = {positions[point] for point in positions if point not in crash.BEFORE}
    (first,), (second,) = before, after
    assert 0 < first < second


@crash.EACH_POINT
def test_killed_at_each_point_of_a_commit(
    points: tuple[str, ...], uninterrupted: tuple[Path, Any, float], tmp_path: Path
) -> None:
    path, whole, _ = uninterrupted
    positions = {}
    for point in points:
        db = tmp_path / f"{point}.duckdb"
        Writer(db).close()
        assert run(ingest_child.killed_at, db, path, point) == -signal.SIGKILL
        positions[point] = recovered(db, path, whole)
    between(positions)


@pytest.mark.slow
@crash.EACH_POINT
def test_an_export_killed_at_each_point_of_a_commit_resumes_at_the_last(
    points: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "plc.jsonl"
    names = [chr(ord("a") + k % 26) for k in range(110)]
    operations = [plc(name, at(k), f"{k}.example.org") for k, name in enumerate(names)]
    path.write_bytes(lines(*operations))

    def folded(count: int) -> dict[str, tuple[Any, ...]]:
        """What the first operations say: when an account began, and its latest handle."""
        found: dict[str, tuple[Any, ...]] = {}
        for k, name in enumerate(names[:count]):
            when = at(k).replace(tzinfo=None)
            began = found.get(plc_did(name), (when,))[0]
            found[plc_did(name)] = (began, f"{k}.example.org", when)
        return found

    positions = {}
    for point in points:
        db = tmp_path / f"{point}.duckdb"
        Writer(db).close()
        assert run(ingest_child.killed_at, db, path, point, "plc") == -signal.SIGKILL
        positions[point] = sources(db)[0][str(path)][2]
        assert content(db).plc == folded(path.read_bytes()[: positions[point]].count(b"\n"))
        read.ingest(db, [str(path)], kind="plc")
        assert content(db).plc == folded(len(operations))
        assert sources(db)[0][str(path)][2] == path.stat().st_size
    between(positions)


@pytest.mark.slow
def test_killed_again_and_again_at_random_moments(
    uninterrupted: tuple[Path, Any, float], tmp_path: Path
) -> None:
    path, whole, took = uninterrupted
    rng = random.Random(7)  # noqa: S311 - arbitrary moments
    db, fired = tmp_path / "store.duckdb", 0
    delay = took / 2
    for _ in range(8):
        code = run(ingest_child.killed_after, db, path, delay * rng.random())
        if code == -signal.SIGKILL:
            fired += 1
        else:
            assert code == 0
            (delay, db) = delay / 2, tmp_path / f"{fired}.duckdb"
    assert fired >= 3
    recovered(db, path, whole)


@pytest.mark.slow
def test_a_full_disk_is_an_error_and_the_next_run_resumes(
    uninterrupted: tuple[Path, Any, float], tmp_path: Path
) -> None:
    path, whole, _ = uninterrupted
    codes = []
    for size in (0, 10_000, 600_000):
        db = tmp_path / f"{size}.duckdb"
        codes.append(run(ingest_child.full_disk, db, path, size))
        recovered(db, path, whole)
    assert set(codes) <= {0, 7}
    assert codes.count(7) >= 2


# --- stores of before ----------------------------------------------------------------------------


@pytest.mark.slow
def test_keys_become_numbers(tmp_path: Path) -> None:
    """A store written before schema 4 is read and appended to as if it had been of that schema."""
    keys = [tid(5), tid(1 << 59), "x", "y" * 512, "3222222222222", "c222222222222", "3222222222221"]
    who = WHO[0]
    events = [
        *(post(who, key, f"text {key}", rev=k, time=at(k)) for k, key in enumerate(keys)),
        post(who, "z", "", rev=10, time=at(10), parent=uri(who, tid(5)), root=uri(who, "gone")),
        repost(who, "z", uri(who, keys[-1]), rev=11, time=at(11)),
        follow(who, tid(6), who, rev=12, time=at(12)),
        delete(who, POST, "x", rev=13, time=at(13)),
        profile(who, rev=14, time=at(14)),
    ]
    new = tmp_path / "new.duckdb"
    found = ingest(new, events)
    with Store.open(new) as filled:
        numbered = [key for (key,) in rows(filled, "SELECT rkey FROM record_key")]
    assert sorted(numbered) == sorted([*keys[2:4], *keys[5:], "z", "gone"])
    old = tmp_path / "old.duckdb"
    with duckdb.connect(old) as filled:  # an engine that may read another file
        filled.execute(
            "CREATE TABLE migration "
            "(version INTEGER PRIMARY KEY, name VARCHAR, applied_at TIMESTAMP)"
        )
        for version, name, script in database._migrations()[:3]:
            filled.execute(script)
            filled.execute("INSERT INTO migration VALUES (?, ?, now()::TIMESTAMP)", [version, name])
        filled.execute("ATTACH $path AS new (READ_ONLY)", {"path": str(new)})
        filled.execute("INSERT INTO account FROM new.account")
        filled.execute("INSERT INTO profile SELECT * EXCLUDE (labels) FROM new.profile")
        numbers = dict(filled.execute("SELECT did, id FROM account").fetchall())
        for (collection, did, rkey), values in found.records.items():
            subject, root = (values[k] and numbers[values[k]] for k in (3, 5))
            tags = list(values[8]) if values[8] else None
            filled.execute(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    collection, numbers[did], rkey, values[0], values[1], values[2], subject,
                    values[4], root, values[6], values[7], tags, values[9],
                ],
            )  # fmt: skip
    assert content(old) == found
    assert len(found.records) == len(keys) + 3
    again = ingest(old, [post(who, "x", "late", rev=1, time=at(20)), *events])
    assert again.records == found.records


# --- readers and writers -------------------------------------------------------------------------


@pytest.mark.slow
def test_reader_works_between_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 2000)
    monkeypatch.setattr(packing, "_READ", 700)
    monkeypatch.setattr(forms, "_HEAD", 1)
    monkeypatch.setattr(read, "COMMIT_ROWS", 20)
    db, path = tmp_path / "store.duckdb", tmp_path / "x.jsonl"
    path.write_bytes(lines(*EVENTS))
    seen: list[int] = []

    def look(*_: object) -> None:
        # The ingest is under way; its process holds the lock file, but not the store.
        with Store.open(db) as store:
            seen.append(int(store.frame("analysis/upkeep/totals")["events"][0]))

    read.ingest(db, [str(path)], progress=look)
    assert seen[0] == 0
    assert len(set(seen)) > 3


@pytest.mark.slow
def test_second_writer_waits_three_seconds_at_most_and_names_the_first(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    ready, release = processes.Event(), processes.Event()
    child = processes.Process(target=ingest_child.hold, args=(db, ready, release))
    child.start()
    assert ready.wait(60)
    before = time.monotonic()
    with pytest.raises(StoreBusyError, match=f"process {child.pid} is writing to"):
        Writer(db)
    assert 3 <= time.monotonic() - before < 10
    with Store.open(db) as store:
        assert store.frame("analysis/upkeep/totals")["events"].item() == 0
    release.set()
    child.join(60)
    assert child.exitcode == 0
    Writer(db).close()


@pytest.mark.slow
def test_writer_waits_for_a_reader(tmp_path: Path) -> None:
    db, path = tmp_path / "store.duckdb", tmp_path / "x.jsonl"
    path.write_bytes(lines(*DAY[:5]))
    Writer(db).close()
    ready, release = processes.Event(), processes.Event()
    reader = processes.Process(target=ingest_child.hold_reader, args=(db, ready, release))
    reader.start()
    assert ready.wait(60)
    writer = processes.Process(target=ingest_child.ingest, args=(db, path))
    writer.start()
    writer.join(0.5)
    assert writer.exitcode is None
    release.set()
    reader.join(60)
    writer.join(60)
    assert [reader.exitcode, writer.exitcode] == [0, 0]
    assert content(db) == expected(DAY[:5])


# --- standard input ------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_piped_in_is_known_by_how_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "s.duckdb"

    def pipe(*events: Event) -> int:
        stream = io.BytesIO(lines(*events))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(stream)))
        return len(read.ingest(db, ["-"]).sources)

    first = post("ann", "one", rev=1, time=at(1))
    second = post("bea", "two", rev=2, time=at(5000))
    assert pipe(first) == pipe(second) == 1
    assert len(sources(db)[0]) == 2, "another input is another source: both keep their coverage"
    before = content(db), sources(db)
    pipe(first)
    assert (content(db), sources(db)) == before
