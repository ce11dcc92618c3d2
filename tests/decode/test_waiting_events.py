"""Events that wait for a commit: the same rows, however few come at a time, and as cheap."""

from collections import Counter
from collections.abc import Callable
from itertools import islice
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from blueattr.decode import account_events, record_events
from blueattr.decode.account_events import AccountRows, account_rows
from blueattr.decode.parse import Parser
from blueattr.decode.parser import layout
from blueattr.decode.parser.layout import ParsedLines
from blueattr.decode.record_events import RecordEvents
from support.events_builder import (
    FOLLOW,
    POST,
    Event,
    account,
    at,
    delete,
    follow,
    identity,
    lines,
    mixed,
    post,
    repost,
    tid,
    uri,
)
from support.spoiled_lines import VALID, A, B, with_time_from

EVENTS = [*VALID, *mixed(30), *VALID, identity(A, "x.org", time=at(30)), account(B, time=at(31))]
LINES = [
    *lines(*EVENTS).splitlines(keepends=True),
    *(f"{line}\n".encode() for line in islice(with_time_from(), 0, None, 7)),
]


def parsed(take: Callable[[ParsedLines], object], each: int) -> None:
    """Hand on all lines as parsed, so many at a time."""
    parser = Parser(1)
    for k in range(0, len(LINES), each):
        parts, _ = parser.parse(b"".join(LINES[k : k + each]))
        for part in parts:
            take(part)


def columns(waiting: RecordEvents) -> pa.Table:
    return waiting.tables(np.arange(waiting.dids().num_rows, dtype=np.uint32))[0]


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[object]:
    """Count the calls of a function of a module."""
    calls: list[object] = []
    real = getattr(module, name)

    def count(*arguments: object) -> object:
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(module, name, count)
    return calls


@pytest.mark.parametrize("each", [1, 7])
@pytest.mark.parametrize("limits", [{}, {"_FEW": 2}, {"_BATCH": 5}, {"_MANY_BYTES": 2000}], ids=str)
def test_few_record_events_at_a_time_become_the_rows_that_all_at_once_do(
    monkeypatch: pytest.MonkeyPatch, each: int, limits: dict[str, int]
) -> None:
    whole, waiting = RecordEvents(), RecordEvents()
    parsed(whole.add, len(LINES))
    for name, limit in limits.items():
        monkeypatch.setattr(record_events, name, limit)
    parsed(waiting.add, each)
    expected = columns(whole).to_pylist()
    assert {row["time_from"] for row in expected} > {0, 3}
    assert all(sum(row[word] is not None for row in expected) > 3 for word in ("tags", "title"))
    assert waiting.rows == len(expected) > 50
    assert columns(waiting).to_pylist() == expected
    assert waiting.dids() == whole.dids()
    # Once they are columns, they take as many bytes, but for what each batch begins with.
    assert whole.size <= waiting.size < 2 * whole.size


@pytest.mark.parametrize("each", [3, 200])
def test_what_waits_says_which_events_have_the_record_the_revision_or_the_relation_of_another(
    monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    monkeypatch.setattr(record_events, "_FEW", 2)
    draw = Random(5)  # noqa: S311 - no secret
    who = [letter * 24 for letter in "abcd"]
    events: list[Event] = []
    for k in range(200):
        one, other, key, rev = draw.choice(who), draw.choice(who), tid(draw.randrange(40)), k // 3
        events.append(
            draw.choice((
                post(one, key, rev=rev, time=at(k)),
                delete(one, draw.choice((POST, FOLLOW)), key, rev=rev, time=at(k)),
                follow(one, key, other, rev=rev, time=at(k)),
                repost(one, key, uri(other, tid(draw.randrange(40))), rev=rev, time=at(k)),
            ))
        )  # fmt: skip
    events += events[::20]
    waiting, parser = RecordEvents(), Parser(1)
    for k in range(0, len(events), each):
        parts, _ = parser.parse(lines(*events[k : k + each]))
        for part in parts:
            waiting.add(part)
    coded, again = waiting.tables(np.arange(waiting.dids().num_rows, dtype=np.uint32))
    rows = coded.to_pylist()
    assert len(rows) == len(events)
    records = [(row["collection"], row["account"], row["rkey"]) for row in rows]
    several = Counter(records)
    relations = [
        None
        if row["removed"] or row["collection"] == layout.POST
        else (row["collection"], row["account"], row["subject"], row["subject_rkey"])
        for row in rows
    ]
    same = Counter(relations)
    assert {1, 2} < {*several.values()}
    assert {1, 2} < {*same.values()}
    for row, record, relation in zip(rows, records, relations, strict=True):
        assert row["repeated"] == (several[record] > 1)
        assert (row["related"] is None) == (relation is None)
        # Of reposts of another account's post with the same key it may say so, too.
        assert row["related"] or relation is None or same[relation] == 1
    assert {row["related"] for row in rows} == {None, False, True}
    found = again.to_pylist()
    assert [{**row, "tied": None} for row in found] == [
        {**row, "tied": None} for row in rows if row["repeated"]
    ]
    revisions = Counter(
        (row["collection"], row["account"], row["rkey"], row["rev"]) for row in found
    )
    assert max(revisions.values()) > 1
    # Of other records of the account it may say so, too.
    assert not all(row["tied"] for row in found)
    for row in found:
        revision = row["collection"], row["account"], row["rkey"], row["rev"]
        assert row["tied"] or revisions[revision] == 1


def test_few_record_events_at_a_time_do_not_become_columns_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = counted(monkeypatch, record_events, "_columns")
    waiting = RecordEvents()
    parsed(waiting.add, 1)
    before = waiting.size
    assert (waiting.rows > 50, before > 0, len(calls)) == (True, True, 0)
    found = columns(waiting)
    # One for each kind.
    assert found.column("rev").num_chunks == len({*found.column("collection").to_pylist()}) == 3
    assert len(calls) == 3


@pytest.mark.parametrize("each", [1, len(LINES)])
def test_what_waits_is_in_order_of_kinds_and_then_of_arrival(each: int) -> None:
    waiting = RecordEvents()
    arrived: list[tuple[int, int]] = []

    def take(part: ParsedLines) -> None:
        kinds = part.flags & layout.KIND_MASK
        arrived.extend(zip(kinds.tolist(), part.numbers[layout.RKEY].tolist(), strict=True))
        waiting.add(part)

    parsed(take, each)
    kept = columns(waiting)
    found = [*zip(kept["collection"].to_pylist(), kept["rkey"].to_pylist(), strict=True)]
    assert arrived != found == sorted(arrived, key=lambda event: event[0])


def test_few_account_events_at_a_time_become_rows_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone: list[pa.Table] = []

    def one_by_one(part: ParsedLines) -> None:
        if part.account_events is not None:
            alone.append(account_rows(part.account_events))

    parsed(one_by_one, len(LINES))
    expected = pa.concat_tables(alone)
    calls = counted(monkeypatch, account_events, "account_rows")
    for together, most in ((100, 2), (2, len(expected))):
        monkeypatch.setattr(account_events, "_TOGETHER", together)
        waiting = AccountRows()
        calls.clear()

        def add(part: ParsedLines, waiting: AccountRows = waiting) -> None:
            if part.account_events is not None:
                waiting.add(part.account_events)

        parsed(add, 1)
        waiting.add_rows(expected[:1])
        parsed(add, 1)
        assert waiting.size > 0
        rows = waiting.table()
        assert rows is not None
        assert rows.to_pylist() == [
            *expected.to_pylist(), *expected[:1].to_pylist(), *expected.to_pylist()
        ]  # fmt: skip
        assert waiting.rows == len(rows) > 8
        assert 1 < len(calls) <= most + 2
        assert abs(waiting.size - rows.nbytes) < 64 * len(calls)
    assert AccountRows().table() is None
