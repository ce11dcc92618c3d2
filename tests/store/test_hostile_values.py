"""Values that blueattr never writes, in stores that look as if it had: each ends in a sentence."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TypeAlias

import duckdb
import pytest
from hypothesis import HealthCheck, given, reject
from hypothesis import strategies as st

from blueattr.errors import ExitCode
from support.by_hand import as_if_written, set_value
from support.cli_world import run, write_store
from support.effort import costly_law
from support.events_builder import at, lines, post

# Exit codes that a sentence about the store or the answer comes with.
SAID = {ExitCode.OK, ExitCode.NO_ANSWER, ExitCode.STORE, ExitCode.GAPS}

STATUS = ("status", "--format", "json")
TOPIC = ("attribute", "--topic", "mythos", "--format", "json")
ALL = ("attribute", "--topic", "all", "--format", "json")
SCALES = ("compare-scales", "--topic", "mythos", "--format", "json")
PANEL = ("panel", "--format", "json")
CHECK = ("topics", "check", "mythos")
ROLLUP = ("rollup",)
INGEST = ("ingest", "more.jsonl")
# By what they do with a store: they look what is in it, answer from it, or write to it.
LOOKING, ANSWERING, WRITING = (STATUS, CHECK), (TOPIC, ALL, SCALES, PANEL), (ROLLUP, INGEST)
COMMANDS: tuple[tuple[str, ...], ...] = (*LOOKING, *ANSWERING, *WRITING)

TIMES = (
    "'infinity'", "'-infinity'", "'0001-01-01'", "'9999-12-31'", "'290000-01-01'",
    "'4000-01-01 (BC)'", "NULL",
)  # fmt: skip

VALUES = {
    "TIMESTAMP": TIMES,
    "DATE": TIMES,
    "UINTEGER": ("0", "100_000", "4_294_967_295", "NULL"),
    "INTEGER": ("-2_147_483_648", "2_147_483_647", "-5", "NULL"),
    "BIGINT": ("-9_223_372_036_854_775_808", "9_223_372_036_854_775_807", "-1", "NULL"),
    "UBIGINT": ("0", "18_446_744_073_709_551_615", "NULL"),
    "USMALLINT": ("0", "65_535", "NULL"),
    "BOOLEAN": ("true", "false", "NULL"),
    "VARCHAR": ("''", "repeat('x', 3_000_000)", "chr(0) || chr(27) || '[31m'", "chr(8238)", "NULL"),
    "VARCHAR[]": ("[NULL]", "range(200_000)::VARCHAR[]", "[repeat('#', 1_000_000)]", "NULL"),
    "UINTEGER[]": ("[NULL]", "range(200_000)::UINTEGER[]", "[4_294_967_295]", "NULL"),
    "BLOB": ("''::BLOB", "repeat('x', 100_000)::BLOB", "NULL"),
    "UUID": ("uuid()", "NULL"),
}

# A row for tables that a small store has none of.
ROWS = {
    "plc": "VALUES ('did:plc:a1', '2024-01-01', 'h.example', '2024-01-01', 'p.example', NULL)",
    "plc_handle": "VALUES ('did:plc:a1', 'i.example', '2023-01-01')",
    "kept_from": "VALUES ('posts', '2026-04-30')",
    "hydration": "VALUES (1, '2026-04-30', true, 5, '2026-04-30', '2024-01-01')",
    "pending": "SELECT collection, event_time, account, rkey FROM record WHERE NOT removed LIMIT 3",
    "forgotten": "VALUES ('abc', '2026-04-30')",
    "forgotten_key": "VALUES ('a'::BLOB, 'b'::BLOB)",
    "given_day": "SELECT day, account, account, 1, 1, 1, 1 FROM agent_day LIMIT 3",
    "watched": "VALUES (1)",
    "rejected": "SELECT name, 'x', 1 FROM source",
    "rejected_sample": "SELECT name, 'x', 1, 'y' FROM source",
    "searched": "SELECT name, '\"x\"', '2026-04-30', '2026-05-01', 'done', 1, 1 FROM source",
    "imported_count": "VALUES (1, 5, 1, 1, 1, '2026-04-30')",
    "network_count": "VALUES (1, 5, 1, 1, 1, '2026-04-30')",
    "closure": "VALUES (1, 5, 'view replies', NULL)",
    "source_account": "SELECT name, 'did:plc:a1' FROM source",
    "record_key": "VALUES (-1, 'x')",
    "topic_event": "SELECT 1, true, collection, event_time, account, rkey, NULL, NULL, NULL, NULL, "
    "account, rkey FROM record WHERE collection = 'post' LIMIT 3",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    db = write_store(tmp_path_factory.mktemp("sound") / "store.duckdb")
    with duckdb.connect(str(db)) as connection:
        for table, row in ROWS.items():
            if connection.execute(f"FROM {table} LIMIT 1").fetchall() == []:
                connection.execute(f"INSERT INTO {table} {row}")
    as_if_written(db)
    return db.read_bytes()


@pytest.fixture
def db(sound: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "store.duckdb").write_bytes(sound)
    more = lines(*(post("ann", f"m{i}", "mythos", rev=i, time=at(i)) for i in (1, 2)))
    (tmp_path / "more.jsonl").write_bytes(more)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "store.duckdb"


Case: TypeAlias = tuple[str, str, str, str]


# So many columns of a type are enough for each of its values to meet each command.
COMMON = 12


def cases_of(db: Path) -> list[Case]:
    """Return table, name and type of all columns, each with each value that is tried there.

    The columns of the sums themselves are not among them.
    """
    with duckdb.connect(str(db), read_only=True) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE NOT internal AND table_name NOT IN ('event', 'row_sum', 'row_hash')"
        ).fetchall()
    return [
        (table, name, kind, value)
        for table, name, kind, nullable in columns
        for value in VALUES.get(kind, ("NULL",))
        if nullable or value != "NULL"
    ]


def dealt(cases: Sequence[Case]) -> list[tuple[Case, tuple[tuple[str, ...], ...]]]:
    """Return the cases that are tried, with the commands that are tried on each.

    Each column meets a command of each kind, which take the values of its type by turns: those that
    read one of them, the one that writes the next. What no turn brought together, of a value and
    what it is to meet, comes after.
    """
    columns: defaultdict[tuple[str, str, str], list[Case]] = defaultdict(list)
    for case in cases:
        columns[case[:3]].append(case)
    turns = Counter[str]()
    chosen: defaultdict[Case, tuple[tuple[str, ...], ...]] = defaultdict(tuple)
    for (_, _, kind), of_column in columns.items():
        turn, number = turns[kind], len(of_column)
        turns[kind] += 1
        # So that a value does not meet the same command again after each round of the values.
        step = turn + turn // number
        chosen[of_column[turn % number]] += (LOOKING[step % 2], ANSWERING[step % 4])
        chosen[of_column[(turn + 1) % number]] += (WRITING[step // 2 % 2],)
    met = {(case[2:], command) for case, commands in chosen.items() for command in commands}
    for case in sorted(cases):
        # Of a type that few columns have, each value is at least read and written beside.
        wanted = COMMANDS if turns[case[2]] >= COMMON else (TOPIC, INGEST)
        missing = tuple(command for command in wanted if (case[2:], command) not in met)
        if missing:
            chosen[case] += missing
            met.update((case[2:], command) for command in missing)
    return list(chosen.items())


def outcomes(db: Path, commands: tuple[tuple[object, ...], ...]) -> Counter[int]:
    """Call commands that end in a sentence, whatever they say."""
    made, codes = db.read_bytes(), Counter[int]()
    for command in commands:
        if db.read_bytes() != made:
            db.write_bytes(made)
        done = run(*command, "--db", db)
        assert "Traceback" not in done.stderr, command
        assert done.code in SAID, (command, done.stderr)
        codes[done.code] += 1
    return codes


# One for each place where a command meets what no commit writes: each is refused there.
@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("column", "value", "command"),
    [
        ("span.last_event", "'infinity'", STATUS),
        ("span.last_event", "NULL", STATUS),
        ("span.last_event", "NULL", PANEL),
        ("source.first_event", "'290000-01-01'", STATUS),
        ("kept_from.after", "'infinity'", STATUS),
        ("kept_from.after", "'-infinity'", TOPIC),
        ("agent_day.day", "'9999-12-31'", STATUS),
        ("stored_day.day", "'4000-01-01 (BC)'", PANEL),
        ("stored_day.day", "'-infinity'", CHECK),
        ("stored_day.day", "'290000-01-01'", ROLLUP),
        ("stored_day.last_event", "'9999-12-31'", TOPIC),
        ("record.event_time", "'infinity'", INGEST),
        ("topic.rule", "''", ROLLUP),
        ("topic.rule", "chr(8238)", CHECK),
        ("account.id", "4_294_967_295", PANEL),
        ("account.id", "4_294_967_295", INGEST),
        ("account.id", "100_000", ROLLUP),
        ("account.id", "0", PANEL),
        ("handle.account", "4_000_000_000", PANEL),
        ("hydration.account", "100_000", PANEL),
        ("agent_day.account", "4_000_000_000", PANEL),
        ("topic_event.quoted", "100_000", TOPIC),
        ("agent_day.posts", "-2_147_483_648", ALL),
        ("given_day.replies", "2_147_483_647", ALL),
        ("given_day.follows", "2_147_483_647", TOPIC),
        ("given_day.follows", "-2_147_483_648", PANEL),
    ],
)
def test_a_value_that_no_commit_writes_is_refused_in_words(
    db: Path, column: str, value: str, command: tuple[str, ...]
) -> None:
    table, name = column.split(".")
    set_value(db, table, name, value)
    as_if_written(db)
    assert outcomes(db, (command,)) == {ExitCode.STORE: 1}


def test_each_column_meets_each_kind_of_command_and_each_common_value_each_command(
    db: Path,
) -> None:
    cases, chosen = cases_of(db), dealt(cases_of(db))
    met = {(case, command) for case, commands in chosen for command in commands}
    # They are few beside all.
    assert len(met) < 0.12 * len(cases) * len(COMMANDS)
    for kind in (LOOKING, ANSWERING, WRITING):
        columns = {case[:2] for case, command in met if command in kind}
        assert columns == {case[:2] for case in cases}
    values = {case[2:] for case in cases}
    assert {(case[2:], command) for case, command in met} >= set(product(values, (TOPIC, INGEST)))
    number = Counter(kind for kind, _ in {(case[2], case[:2]) for case in cases})
    common = {value for value in values if number[value[0]] >= COMMON}
    assert len({kind for kind, _ in common}) >= 4
    assert {(case[2:], command) for case, command in met} >= set(product(common, COMMANDS))


@pytest.mark.slow
@costly_law(14, suppress=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_values_of_several_columns_end_in_a_traceback(db: Path, data: st.DataObject) -> None:
    sound = db.read_bytes()
    changes = data.draw(st.lists(st.sampled_from(cases_of(db)), min_size=2, max_size=4))
    command = data.draw(st.sampled_from(COMMANDS))
    try:
        for table, name, kind, value in changes:
            set_value(db, table, name, f"({value})::{kind}")
        as_if_written(db)
        outcomes(db, (command,))
    except duckdb.ConstraintException:  # no store holds these
        reject()
    finally:
        db.write_bytes(sound)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_no_value_of_any_column_ends_in_a_traceback(db: Path, part: int) -> None:
    sound = db.read_bytes()
    tried: Counter[int] = Counter()
    # The cases that are left out are drawn by the law above in `make explore`.
    for (table, name, kind, value), commands in dealt(cases_of(db))[part::4]:
        db.write_bytes(sound)
        try:
            set_value(db, table, name, f"({value})::{kind}")
        except duckdb.ConstraintException:
            continue
        as_if_written(db)
        try:
            tried += outcomes(db, commands)
        except BaseException as error:
            error.add_note(f"{table}.{name} = {value}")
            raise
    assert tried[ExitCode.OK] > tried[ExitCode.STORE] > 0
