"""The engine's share of memory: small as a rule, smaller beside arrays, and never too small."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blueattr.errors import StoreError
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.engine import memory, statements
from blueattr.store.engine.engine import connect
from blueattr.store.engine.memory import EngineLimit
from blueattr.store.engine.statements import Statements

MB = 1 << 20
# A table of 16 MB in memory, and what sorts and groups it.
ASKED = {
    "table": "CREATE OR REPLACE TEMP TABLE t AS SELECT i, hash(i) AS h FROM range(1000000) r(i)",
    "groups": "SELECT hash(i) AS h, count(*) AS n FROM range(300000) r(i) GROUP BY h",
}


class Counted(EngineLimit):
    widened = 0

    def widen(self) -> bool:
        self.widened += 1
        return super().widen()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """An engine with 2 MB as a rule and 256 MB at most, of a process that may use 1 GB."""
    monkeypatch.setattr(memory, "_USUAL", 2 * MB)
    monkeypatch.setattr(memory, "_USUAL_OF_THREAD", 0)
    monkeypatch.setattr(memory, "_LEAST", 1 * MB)
    monkeypatch.setattr(memory, "resident_bytes", lambda: 100 * MB)
    monkeypatch.setattr(statements, "sql", ASKED.__getitem__)
    store = tmp_path / "s.duckdb"
    with connect(store, 256 * MB) as connection:
        found = Statements(store, connection)
        found._share = Counted(connection, 1 << 30, 256 * MB)
        yield found


def limit(asked: Statements) -> str:
    ((text,),) = asked._connection.execute("SELECT current_setting('memory_limit')").fetchall()
    return str(text)


def widened(asked: Statements) -> int:
    assert isinstance(asked._share, Counted)
    return asked._share.widened


ASK: dict[str, Callable[[Statements], int]] = {
    "rows": lambda asked: len(asked.rows("groups")),
    "frame": lambda asked: len(asked.frame("groups")),
    "batches": lambda asked: sum(each.num_rows for each in asked.batches("groups", 1 << 16)),
}


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_no_statement_fails_for_a_share_that_is_small_as_a_rule(
    asked: Statements, ask: Callable[[Statements], int]
) -> None:
    assert ask(asked) == 300_000
    assert widened(asked) == 1
    assert limit(asked) == "924.0 MiB"  # what the process has left


def test_no_step_fails_in_a_folder_where_nothing_can_be_written(
    asked: Statements, tmp_path: Path
) -> None:
    (tmp_path / "s.duckdb.tmp").write_bytes(b"")  # where the engine would make a folder
    asked.run("table")
    assert widened(asked) == 1
    # The table stays in memory, and so does the limit: that is no error.
    assert len(asked.rows("groups")) == 300_000


def test_the_share_is_back_to_the_rule_for_the_next_statement(asked: Statements) -> None:
    asked.rows("groups")
    assert asked._share is not None
    asked._share.settle()
    assert limit(asked) == "2.0 MiB"


def test_arrays_of_the_process_are_not_forgotten(
    asked: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = EngineLimit(asked._connection, 1 << 30, 256 * MB)
    share._usual = 200 * MB
    for resident, expected in [(600, "200.0 MiB"), (800, "96.0 MiB"), (2000, "1.0 MiB")]:
        monkeypatch.setattr(memory, "resident_bytes", lambda size=resident: size * MB)
        share.settle()
        assert limit(asked) == expected


def test_what_needs_more_than_there_is_still_says_so(
    asked: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked._share = Counted(asked._connection, 4 * MB, 4 * MB)
    with pytest.raises(StoreError, match="raise --memory-limit"):
        asked.rows("groups")
    assert widened(asked) == 1


def test_a_process_knows_how_much_memory_it_has() -> None:
    assert (memory.resident_bytes() > 10 * MB) == memory._STATM.exists()


def test_the_engine_of_a_store_that_is_read_does_not_keep_all_that_it_has_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.duckdb"
    Writer(path).close()
    with Store.open(path, 4 << 30) as store:
        store.rows("store/past_account")
        assert store._share is not None
        assert store._share._usual < 4 << 30
        assert store._share._limit == store._share._usual
