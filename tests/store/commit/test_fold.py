"""The steps of a commit: what each says that it needs and makes, and all of them or nothing."""

import re
from collections.abc import Iterator
from importlib import resources
from itertools import count, permutations, product
from pathlib import Path
from typing import Any

import duckdb
import pytest

from blueattr.decode.chunk import Chunk
from blueattr.errors import StoreError
from blueattr.store.commit import fold
from blueattr.store.commit.checkpoint import SourceState, Span
from blueattr.store.commit.committer import InlineCommitter
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.engine import statements
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up
from support import crash
from support.events_builder import (
    Event,
    account,
    at,
    delete,
    follow,
    identity,
    lines,
    micros,
    plc,
    post,
    profile,
    repost,
    uri,
)
from support.store_content import content, expected, rows, sources

SAID = tuple(step for steps in fold.SAID_STEPS.values() for step in steps)
ALL = (*fold.STEPS, *SAID, *fold.DIRECTORY_STEPS, "collected")
STEPS = {f"store/commit/fold/{step}" for step in ALL}

# Where a statement names a table, or calls a macro that makes one; in parentheses it does not.
_NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?!SET\b)([a-z_]+)")

_MADE = re.compile(r"\bCREATE OR REPLACE TEMP (?:TABLE|VIEW|MACRO) ([a-z_]+)")

_WITHIN = re.compile(r"\b([a-z_]+) AS (?:MATERIALIZED )?\(\s*(?:--.*\s*)*(?:SELECT|FROM|WITH)")

_CHANGES = re.compile(r"^(?:CREATE|INSERT|UPDATE|DELETE|MERGE)\b", re.MULTILINE)


def other_steps() -> Iterator[str]:
    """The files of the rollups and the panel that make or change a table."""
    folder = resources.files("blueattr.sql")
    for room in ("store/rollups", "store/forget", "panel"):
        for file in (folder / room).iterdir():
            if file.name.endswith(".sql") and _CHANGES.search(file.read_text(encoding="utf-8")):
                yield f"{room}/{file.name.removesuffix('.sql')}"


def header(step: str) -> tuple[set[str], set[str]]:
    """What a step says that it needs and makes."""
    top, _, _ = statements.sql(step).partition("\n\n")
    found = re.search(r"^-- Needs: (.*)^-- Makes: (.*)\Z", top, re.DOTALL | re.MULTILINE)
    assert found, f"{step} does not say what it needs and makes"
    needs, makes = (set(re.findall(r"[a-z_]+", names)) for names in found.groups())
    return needs - {"nothing"}, makes - {"nothing"}


def body(step: str) -> tuple[set[str], set[str]]:
    """What its statements name before they make it, and what they make."""
    needs: set[str] = set()
    made: set[str] = set()
    for statement in duckdb.extract_statements(statements.sql(step)):
        text = re.sub(r"--.*", "", statement.query)
        needs |= set(_NAMED.findall(text)) - set(_WITHIN.findall(text)) - made
        made |= set(_MADE.findall(text))
    return needs, made


@pytest.mark.parametrize("step", sorted([*STEPS, *other_steps()]))
def test_a_step_needs_and_makes_what_its_header_says(step: str) -> None:
    assert header(step) == body(step)


def test_every_file_is_a_step() -> None:
    files = (resources.files("blueattr.sql") / "store/commit/fold").iterdir()
    names = {f"store/commit/fold/{file.name.removesuffix('.sql')}" for file in files}
    assert names == STEPS | {"store/commit/fold/codes"}


@pytest.mark.parametrize(
    "steps",
    [(*fold.STEPS, *SAID), fold.DIRECTORY_STEPS, ("hydration",), ("collected",)],
)
def test_what_a_step_needs_is_made_before_it(tmp_path: Path, steps: tuple[str, ...]) -> None:
    with Writer(tmp_path / "store.duckdb") as writer, writer._attached():
        tables = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'store'"
        there = {name for (name,) in rows(writer, tables)} | set(fold.INPUTS)
    assert "record" in there
    for step in steps:
        needs, makes = header(f"store/commit/fold/{step}")
        assert needs <= there, step
        there |= makes


# --- all or nothing ------------------------------------------------------------------------------

FIRST = [
    post("ann", "x", "mythos of ann", rev=1, time=at(1)),
    post("bea", "y", "an answer", rev=2, time=at(2), parent=uri("ann", "x")),
    repost("cyd", "r", uri("ann", "x"), rev=3, time=at(3)),
    follow("ann", "f", "bea", rev=4, time=at(4)),
    identity("ann", "ann.example.org", time=at(5)),
    profile("ann", rev=6, time=at(6)),
    account("eve", "suspended", time=at(6)),
    follow("eve", "f", "bea", rev=7, time=at(7)),
]
SECOND = [
    post("ann", "x", "mythos, edited", rev=11, time=at(11), operation="update"),
    delete("cyd", "app.bsky.feed.repost", "r", rev=12, time=at(12)),
    delete("eve", "app.bsky.graph.follow", "f", rev=12, time=at(12)),
    post("dan", "not-a-tid", "late", rev=13, time=at(1), parent=uri("bea", "y")),
    account("bea", "deleted", time=at(14)),
    identity("ann", "new.example.org", time=at(15)),
    profile("ann", rev=16, time=at(16), bot=True),
]


def commit(writer: Writer, events: list[Event], state: SourceState) -> SourceState:
    """Commit events and a line that is rejected."""
    data = lines(*events) + b"oops\n"
    end = state.position + len(data)
    state = writer.stage(Chunk(data, state.position, state.position, end), state)
    return writer.commit(state)


def everything(db: Path) -> Any:
    """All that a store holds, rollups and notes included."""
    with Store.open(db) as opened:
        tables = rows(
            opened,
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'store' ORDER BY 1",
        )
        return {name: rows(opened, f"FROM {name} ORDER BY ALL") for (name,) in tables}


@pytest.mark.slow
@pytest.mark.parametrize("apart", [40, pytest.param(3, marks=pytest.mark.slow)])
def test_a_commit_that_fails_at_any_statement_changes_nothing(apart: int, tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    with Writer(db, committer=InlineCommitter) as writer:
        state = commit(writer, FIRST, SourceState("x", "file"))
        roll_up(writer, [Rule("mythos", "mythos", (), None)], today=at(0, days=30).date())
    before = everything(db)
    for table in ("agent_day", "given_day", "watched", "topic_event", "rejected_sample"):
        assert before[table]
    for step in count(0, apart):
        with crash.failing(step), Writer(db, committer=InlineCommitter) as writer:
            try:
                commit(writer, SECOND, state)
            except StoreError as error:
                assert "the disk is gone" in str(error)  # noqa: PT017 - or it did not fail
            else:
                break
        assert everything(db) == before, step
    files = [fold.HASHES, *(f"store/commit/fold/{step}" for step in fold.STEPS)]
    assert step > sum(len(duckdb.extract_statements(statements.sql(file))) for file in files)
    assert content(db) == expected([*FIRST, *SECOND])
    after = everything(db)
    # Each of the tables that a commit writes to has changed.
    same = {name for name in after if after[name] == before[name]}
    assert same == {
        "migration",
        "plc",
        "hydration",
        "topic",
        "watched",
        "forgotten",
        "forgotten_key",
        "source_account",
        "kept_from",
        "plc_handle",
        "row_hash",
        "searched",
        "closure",
        "network_count",
        "imported_count",
    }


@pytest.mark.slow
def test_of_two_versions_of_one_revision_the_delete_wins_in_any_order(tmp_path: Path) -> None:
    events = [
        post("ann", "x", "text", rev=1, time=at(1)),
        delete("ann", "app.bsky.feed.post", "x", rev=1, time=at(2)),
    ]
    for number, order in enumerate((events, events[::-1])):
        db, state = tmp_path / f"{number}.duckdb", SourceState("x", "file")
        with Writer(db) as writer:
            for event in order:
                state = commit(writer, [event], state)
        assert content(db) == expected(events)


@pytest.mark.slow
def test_no_time_of_another_kind_moves_what_a_server_saw(tmp_path: Path) -> None:
    kinds = {"ann": "key", "bea": "claimed", "cyd": "collected"}
    for number, order in enumerate(permutations(range(3))):
        db, state = tmp_path / f"{number}.duckdb", SourceState("x", "file")
        with Writer(db, committer=InlineCommitter) as writer:
            for place in order:
                events = [
                    post(who, "x", "text", rev=1, time=at(5))
                    | ({}, {"time_us": micros(at(7))}, other)[place]
                    for who, kind in kinds.items()
                    for other in [{"time_us": micros(at(1)), "time_from": kind}]
                ]
                state = commit(writer, events, state)
        records = list(content(db).records.values())
        assert len(records) == len(kinds)
        for record in records:
            assert (record[2], record[-3]) == (at(5).replace(tzinfo=None), "server")


KEYS = ("3aaaaaaaaaaaa", "3bbbbbbbbbbbb", "a-name", "b-name")
# Of each account versions that nothing but their content tells apart.
TWINS = [
    [post("a", "x", text, rev=1, time=at(1)) for text in ("one", "two")],
    [
        post("b", "x", rev=1, time=at(1), embed={"external": {"title": title}})
        for title in ("one", "two")
    ],
    [post("c", "x", rev=1, time=at(1), tags=tags) for tags in (["one"], ["two", "one"])],
    [post("d", "x", rev=1, time=at(1), parent=uri(who, "p")) for who in ("eve", "bea")],
    [
        post("e", "x", rev=1, time=at(1), parent=uri("bea", "p"), root=uri("bea", key))
        for key in KEYS
    ],
    [repost("f", "x", uri("bea", key), rev=1, time=at(1)) for key in KEYS],
    [follow("g", "x", who, rev=1, time=at(1)) for who in ("eve", "bea", "cyd")],
    [profile("h", rev=1, time=at(1), bot=bot) for bot in (True, False)],
    [identity("i", name, time=at(1)) for name in ("z.org", "a.org")],
]


@pytest.mark.slow
@pytest.mark.parametrize("apart", [False, True])
def test_of_other_versions_of_one_revision_the_same_wins_in_any_order(
    tmp_path: Path, apart: bool
) -> None:
    gone = [account(who, "deleted", time=at(2)) for who in "abcdefghi"]
    for number, (left, step) in enumerate(product(([], gone), (1, -1))):
        db, state = tmp_path / f"{number}.duckdb", SourceState("x", "file")
        batches = [*([twin[k] for twin in TWINS if k < len(twin)] for k in range(len(KEYS))), left]
        batches = [batch[::step] for batch in batches[::step] if batch]
        events = [event for batch in batches for event in batch]
        with Writer(db) as writer:
            for batch in batches if apart else [events]:
                state = commit(writer, batch, state)
        assert content(db) == expected(events)


@pytest.mark.few(1)
@pytest.mark.parametrize("step", [1, -1])
def test_of_relations_of_one_time_the_lowest_key_counts_whichever_was_written_first(
    tmp_path: Path, step: int
) -> None:
    db, state = tmp_path / "store.duckdb", SourceState("x", "file")
    with Writer(db, committer=InlineCommitter) as writer:
        for key in ("a-name", "b-name", "c-name")[::step]:
            state = commit(writer, [follow("ann", key, "bea", rev=1, time=at(1))], state)
    with Store.open(db) as store:
        counting = (
            "SELECT record_key.rkey FROM record JOIN record_key ON record.rkey = record_key.id "
            "WHERE NOT is_repeat"
        )
        assert rows(store, counting) == [("a-name",)]


# --- notes ---------------------------------------------------------------------------------------


def test_spans_are_kept_in_the_order_in_which_they_were_read(tmp_path: Path) -> None:
    state = SourceState("x", "jetstream")
    spans = []
    for k in range(10_000):
        start = at(k * 7919 % 10_007).replace(tzinfo=None)
        spans.append((start, start, f"gap {k}"))
        state.spans.append(Span(*spans[-1]))
    with Writer(tmp_path / "store.duckdb") as writer:
        after = writer.commit(state)
        assert writer.source("x") == after
        with writer._attached():
            assert rows(writer, "SELECT * EXCLUDE (source) FROM span ORDER BY rowid") == spans


@pytest.mark.slow
def test_a_state_does_not_grow_with_the_gaps_of_a_stream(tmp_path: Path) -> None:
    """Of every 200 gaps, only the last is followed by an event before the commit."""
    state, gaps, each = SourceState("x", "jetstream"), 2_000, 200
    with Writer(tmp_path / "store.duckdb", committer=InlineCommitter) as writer:
        commit(writer, FIRST, SourceState("another", "file"))
        for k in range(gaps):
            data = lines(post("ann", f"k{k}", rev=k, time=at(k))) if k % each == each - 1 else b""
            state = writer.stage(Chunk(data, k, k, k + 1, gap=f"gap {k}"), state)
            assert len(state.spans) <= each + 1
            if data:
                after = writer.commit(state)
                assert (len(after.spans), after.earlier_spans) == (1, k)
                # As after a restart.
                stored = writer.source("x")
                assert stored == after
                state = stored
        # Events extend the last span, also after a commit.
        data = lines(post("ann", "last", rev=gaps, time=at(gaps)))
        state = writer.commit(writer.stage(Chunk(data, gaps, gaps, gaps + 1), state))
        assert writer.source("x") == state
        with writer._attached():
            spans = rows(writer, "FROM span WHERE source = 'x' ORDER BY rowid")
            assert len(rows(writer, "FROM span WHERE source = 'another'")) == 1
    seen = {k: at(k).replace(tzinfo=None) for k in range(each - 1, gaps, each)}
    ends = seen | {gaps - 1: at(gaps).replace(tzinfo=None)}
    assert spans == [("x", seen.get(k), ends.get(k), f"gap {k}") for k in range(gaps)]


@pytest.mark.slow
def test_a_source_that_is_read_anew_loses_the_spans_it_had(tmp_path: Path) -> None:
    state = SourceState("x", "jetstream")
    state.spans += [Span(gap="one"), Span(gap="two")]
    with Writer(tmp_path / "store.duckdb") as writer:
        writer.commit(state)
        anew = commit(writer, FIRST, SourceState("x", "file"))
        assert writer.source("x") == anew
        assert len(anew.spans) == 1


@pytest.mark.slow
def test_notes_of_one_source_leave_those_of_others(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    with Writer(db) as writer:
        one = commit(writer, FIRST[:1], SourceState("one", "file"))
        two = commit(writer, FIRST[1:], SourceState("two", "file"))
        one = commit(writer, SECOND, one)
        assert writer.sources() == {"one": one, "two": two}
        assert writer.sources(["two", "three"]) == {"two": two}
        assert writer.sources([]) == {}
    assert one.rejected == {"not JSON": 2}
    assert len(sources(db)[2]) == 3


def test_a_directory_is_folded_and_noted_together(tmp_path: Path) -> None:
    data = lines(plc("ann", at(0), "ann.example.org")) + b"oops\n"
    db = tmp_path / "store.duckdb"
    with Writer(db) as writer:
        state = writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "plc"))
        writer.commit(state)
        assert writer.source("x") == state
        assert state.rejected == {"not JSON": 1}
    assert len(content(db).plc) == 1


@pytest.mark.slow
def test_all_sources_are_asked_for_in_a_handful_of_statements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    frame = Store.frame

    def counted(self: Store, query: str, **parameters: Any) -> Any:
        asked.append(query)
        return frame(self, query, **parameters)

    with Writer(tmp_path / "store.duckdb") as writer:
        states = {}
        for k in range(12):
            states[f"{k}"] = commit(writer, FIRST[:1], SourceState(f"{k}", "file"))
        monkeypatch.setattr(Store, "frame", counted)
        assert writer.sources(states) == states
        assert writer.sources() == states
    assert len(asked) == 6
