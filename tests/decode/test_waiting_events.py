"""Events that wait for a commit: the same rows, however few come at a time, and as cheap."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from blueattr.decode import account_events, record_events
from blueattr.decode.account_events import AccountRows, account_rows
from blueattr.decode.parse import Parser
from blueattr.decode.parser.layout import ParsedLines
from blueattr.decode.record_events import RecordEvents
from support.events_builder import account, at, identity, lines, mixed
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
    return waiting.table(np.arange(waiting.dids().num_rows, dtype=np.uint32))


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


def test_few_record_events_at_a_time_do_not_become_columns_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = counted(monkeypatch, record_events, "_columns")
    waiting = RecordEvents()
    parsed(waiting.add, 1)
    before = waiting.size
    assert (waiting.rows > 50, before > 0, len(calls)) == (True, True, 0)
    assert columns(waiting).column("rev").num_chunks == 1
    assert len(calls) == 1


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
