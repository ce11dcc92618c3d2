"""Stores that earlier versions wrote: they open, and answer as the same events ingested anew.

``old_stores/`` has, for each schema but the newest, a store as the last version with it wrote it,
as SQL; the lines that they were all written from; and lines for later. The lines are synthetic, but
for five whose keys are no TIDs or whose account is deleted.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from blueattr.analysis.upkeep import status as inventory
from blueattr.errors import StoreError
from blueattr.ingest import read
from blueattr.panel.counts import WindowCounts
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import shipped, shipped_rules
from blueattr.provenance import Window
from blueattr.report.inventory.status import status_report
from blueattr.sources import files
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store, _migrations
from blueattr.store.integrity import catalog, seal, sums
from support import crash
from support.events_builder import (
    FOLLOW,
    POST,
    REPOST,
    at,
    delete,
    identity,
    lines,
    micros,
    plc,
    profile,
)
from support.rollup_checks import answers as answers_of
from support.rollup_checks import check
from support.store_content import Content, content, rows

HERE = Path(__file__).with_name("old_stores")

SCHEMAS = range(1, 10)

_SLICED = 9  # from this schema on posts have languages, quotes, links and labels

EVENTS = HERE / "before.jsonl"

LATER = HERE / "after.jsonl"

DIRECTORY = HERE / "plc.jsonl"


def old_store(path: Path, schema: int) -> Path:
    with duckdb.connect(path) as connection:
        connection.execute((HERE / f"schema_{schema:03}.sql").read_text(encoding="utf-8"))
    if schema >= sums.SINCE:
        with path.open("r+b") as file:
            seal.write(file.fileno())
    return path


def new_store(path: Path, *files: Path) -> Path:
    read.ingest(path, [str(DIRECTORY)], kind="plc")
    read.ingest(path, [str(file) for file in files], rules=shipped_rules())
    return path


def kept_by_all(found: Content) -> Content:
    """What a store of any schema keeps."""
    assert len(next(iter(found.records.values()))) == 19
    records = {key: (*row[:10], *row[-3:]) for key, row in found.records.items()}
    profiles = {who: row[:3] for who, row in found.profiles.items()}
    return found._replace(records=records, profiles=profiles)


def answers(db: Path) -> dict[str, Any]:
    """What can be asked of a store, by DID and without names of sources and shapes of lines."""
    status = inventory.status(db)
    found: dict[str, Any] = {
        "content": kept_by_all(content(db)),
        "totals": status.totals,
        "days": status.days.rows(),
        "coverage": status.coverage,
        "gaps": status.gaps,
        "rejected": status.rejected.select("reason", "lines").rows(),
    }
    with Store.open(db) as opened:
        dids = dict(rows(opened, "SELECT id, did FROM account"))
        first, last = status.coverage[0].start, status.coverage[-1].end
        for window in (Window(first, last), Window(first, at(2.5)), Window(at(1), at(4.5))):
            counts = WindowCounts.of(opened, window)
            for name, rule in [("all", None), *((n, t.rule) for n, t in shipped().items())]:
                days = [(dids[who], *day) for who, *day in counts.agent_days(rule).iter_rows()]
                found[f"{name} from {window.start} to {window.end}"] = sorted(days)
        view = StoreView.of(opened, PanelQuery(db, start=first, end=last))
        found["panel"] = view.built.steps, view.built.agents["did"].to_list()
    return found


def test_there_is_an_old_store_of_each_schema() -> None:
    assert [version for version, _, _ in _migrations()] == [*SCHEMAS, SCHEMAS.stop]
    assert len(list(HERE.glob("*.sql"))) == len(SCHEMAS)


@pytest.mark.few(2)
@pytest.mark.parametrize("version", [*SCHEMAS, SCHEMAS.stop])
def test_the_catalog_of_each_schema_is_the_one_that_its_migrations_make(
    tmp_path: Path, empty_store: Path, version: int
) -> None:
    migrations = _migrations()[:version]
    with Store(tmp_path / "none.duckdb") as store:
        made = catalog.digest(store._made_by(migrations))
    assert catalog.KNOWN[version] == made, f"write {made} as that of {version}"
    is_old = version in SCHEMAS
    with Store(old_store(tmp_path / "old.duckdb", version) if is_old else empty_store) as store:
        assert store._attempt(read_only=True) is None
        assert catalog.digest(store._catalog("store")) == made


def test_a_new_store_holds_what_its_migrations_make_one_after_the_other(
    tmp_path: Path, empty_store: Path
) -> None:
    """Rows; that the catalog is the same is tested above."""
    with Store(tmp_path / "none.duckdb") as store:
        store._connection.execute("ATTACH ':memory:' AS steps; USE steps")
        store._apply(_migrations())
        made_by_steps = rows_of_tables(store, "steps")
    with Store.open(empty_store) as store:
        sums.check(store)
        made_at_once = rows_of_tables(store, "store")
    assert len(made_at_once["migration"]) == SCHEMAS.stop
    assert made_at_once == made_by_steps


@pytest.mark.slow
@pytest.mark.parametrize("schema", [7, 3])
def test_an_old_store_whose_migration_fails_half_way_is_migrated_by_the_next_opening(
    tmp_path: Path, schema: int
) -> None:
    """Without sums, or with those of other rows, it would be called damaged."""
    db = old_store(tmp_path / "store.duckdb", schema)
    failed = 0
    for step in (0, 1, 5, 12, 25, 40):
        with crash.failing(step):
            try:
                Writer(db).close()
            except StoreError as error:
                assert "the disk is gone" in str(error)  # noqa: PT017 - or it did not fail
                failed += 1
            else:
                break
    assert failed > 2
    Writer(db).close()
    with Store.open(db) as store:
        assert sums.check(store) > 0


def rows_of_tables(store: Store, database: str) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each table, but for sums of them, and for what is another in each store."""
    tables = rows(store, "SELECT table_name, database_name FROM duckdb_tables()")
    names = {name for name, where in tables if where == database} - {"row_sum", "row_hash"}
    found = {name: rows(store, f"FROM {name} ORDER BY ALL") for name in names}
    found["migration"] = [(version, name) for version, name, _ in found["migration"]]
    found["last_commit"] = [() for _ in found["last_commit"]]
    return found


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = answers(new_store(tmp_path_factory.mktemp("anew") / "store.duckdb", EVENTS))
    # The questions are such that something can be wrong with an answer.
    asked = [key for key in found if key.startswith(("all ", "mythos "))]
    assert len(asked) == 6
    assert all(found[key] for key in asked)
    parts = found["content"]
    assert all(parts)
    assert any(row[2] for row in parts.records.values()), "nothing is removed"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_old_store_answers_as_the_same_events_ingested_anew(
    tmp_path: Path, schema: int, anew: dict[str, Any]
) -> None:
    assert answers(old_store(tmp_path / "store.duckdb", schema)) == anew


@pytest.fixture(scope="module")
def anew_with_more(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return answers(new_store(tmp_path_factory.mktemp("more") / "store.duckdb", EVENTS, LATER))


# Migrations follow one another: the oldest store goes through all of them.
@pytest.mark.slow
@pytest.mark.parametrize("schema", [SCHEMAS[0], SCHEMAS[len(SCHEMAS) // 2], SCHEMAS[-1]])
def test_an_old_store_takes_more_events(
    tmp_path: Path, schema: int, anew_with_more: dict[str, Any]
) -> None:
    db = old_store(tmp_path / "store.duckdb", schema)
    read.ingest(db, [str(LATER)], rules=shipped_rules())
    assert answers(db) == anew_with_more


AGAIN = """
CREATE TEMP TABLE again AS
SELECT record.* REPLACE (
    rkey + 1 AS rkey, rev + 1 AS rev, event_time + INTERVAL 1 SECOND AS event_time
)
FROM record
JOIN stored_day ON day = event_time::DATE
WHERE NOT removed AND collection <> 'post' AND rkey >= 0 AND summarised
    AND (collection = 'follow' OR subject_rkey IS NOT NULL);

INSERT INTO record FROM again;

INSERT INTO agent_day
SELECT event_time::DATE, account, 1, 0, 0, (collection = 'repost')::INTEGER, 0, 0, 0 FROM again;

INSERT INTO agent_day
SELECT event_time::DATE, subject, 0, 0, 0, 0, 0, (collection = 'repost')::INTEGER,
    (collection = 'follow')::INTEGER
FROM again WHERE subject <> account;

INSERT INTO given_day
SELECT event_time::DATE, account, subject, 0, (collection = 'repost')::INTEGER,
    (collection = 'follow')::INTEGER
FROM again WHERE subject <> account AND account IN (SELECT account FROM watched);

INSERT INTO topic_event
SELECT topic, own, collection, event_time + INTERVAL 1 SECOND, account, rkey + 1, subject,
    subject_rkey, root, root_rkey
FROM topic_event WHERE (account, rkey + 1) IN (SELECT account, rkey FROM again);

UPDATE stored_day SET last_event = last_event + INTERVAL 1 SECOND WHERE summarised;
"""
"""What an old store has where each follow and repost of its summarised days was written twice."""


@pytest.mark.slow
def test_an_old_store_loses_what_it_counted_twice(tmp_path: Path) -> None:
    db = old_store(tmp_path / "store.duckdb", 7)
    with Store.open(old_store(tmp_path / "once.duckdb", 7)) as opened:
        (first, last), *_ = rows(opened, "SELECT min(event_time), max(event_time) FROM event")
        named = rows(opened, "SELECT count(*) FROM topic_event")
    with duckdb.connect(db) as connection:
        connection.execute(AGAIN)
        twice = connection.execute("SELECT collection, count(*) FROM again GROUP BY ALL").fetchall()
        assert {kind for kind, _ in twice} == {"repost", "follow"}
        assert connection.execute("SELECT count(*) FROM topic_event").fetchall() > named
    with Store.open(db) as opened:
        repeats = "SELECT collection, count(*) FROM record WHERE is_repeat GROUP BY ALL"
        assert sorted(rows(opened, repeats)) == sorted(twice)
        assert rows(opened, "SELECT count(*) FROM topic_event") == named
    shipped_and_all = (None, *(topic.rule for topic in shipped().values()))
    window = Window(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC) + timedelta(days=1))
    check(db, window, shipped_and_all)
    # As if each had been written once.
    once = answers_of(tmp_path / "once.duckdb", window, shipped_and_all)
    assert answers_of(db, window, shipped_and_all)[:-1] == once[:-1]


COLLECTIONS = {"post": POST, "repost": REPOST, "follow": FOLLOW}


@pytest.mark.slow
@pytest.mark.parametrize("schema", [3, 7])
def test_what_an_old_store_took_from_the_future_pins_nothing(tmp_path: Path, schema: int) -> None:
    db = old_store(tmp_path / "store.duckdb", schema)
    greatest = "'bzzzzzzzzzzzz'" if schema < 4 else str(2**63 - 1)
    with duckdb.connect(db) as connection:
        for change in (
            f"record SET rev = {greatest}", "profile SET rev = 'bzzzzzzzzzzzz'",
            "handle SET event_time = '2099-01-01'",
        ):  # fmt: skip
            assert connection.execute(f"UPDATE {change}").fetchall() > [(0,)]
    before = content(db)
    # What comes a minute after the migration.
    time = datetime.now(UTC) + timedelta(minutes=1)
    number = micros(time) << 10
    rev = "".join(
        "234567abcdefghijklmnopqrstuvwxyz"[number >> 5 * k & 31] for k in range(12, -1, -1)
    )
    later = [profile("x", rev=1, time=time, bot=True) | {"did": who} for who in before.profiles]
    named = [identity("x", "later.example.org", time=time) | {"did": who} for who in before.handles]
    gone = [
        delete("x", COLLECTIONS[kind], rkey, rev=1, time=time) | {"did": who}
        for kind, who, rkey in before.records
    ]
    for event in [*later, *gone]:
        event["commit"]["rev"] = rev
    path = tmp_path / "later.jsonl"
    path.write_bytes(lines(*later, *named, *gone))
    (state,) = read.ingest(db, [str(path)]).sources
    assert state.rejected == {}
    after = content(db)
    assert after.records
    assert all(found[1] for found in after.records.values()), "some can never be deleted"
    assert {found[:1] for found in after.profiles.values()} == {(rev,)}
    assert all("later.example.org" in found for found in after.handles.values())


# From schema 8 on samples of lines are shapes.
@pytest.mark.slow
@pytest.mark.parametrize("schema", [1, 4, 7])
def test_what_an_old_store_quoted_of_rejected_lines_is_gone(tmp_path: Path, schema: int) -> None:
    path = old_store(tmp_path / "x.duckdb", schema)
    with duckdb.connect(path) as connection:
        assert connection.sql("SELECT sample FROM rejected_sample").fetchall() == [("oops\n",)]
    with Store.open(path) as store:
        assert rows(store, "SELECT reason, sample FROM rejected_sample") == [("not JSON", "")]
    read.ingest(path, [str(LATER)])
    assert set(status_samples(path)) == {""}


def status_samples(path: Path) -> list[str]:
    return inventory.status(path).rejected["sample"].to_list()


@pytest.mark.slow
@pytest.mark.parametrize("schema", [SCHEMAS[0], 5, SCHEMAS[_SLICED - 2]])
def test_an_old_store_says_until_when_its_records_lack_what_came_later(
    tmp_path: Path, schema: int
) -> None:
    path = old_store(tmp_path / "store.duckdb", schema)
    with Store.open(path) as store:
        (last,) = rows(store, "SELECT max(event_time) FROM record")[0]
        assert rows(store, "FROM kept_from") == [("posts", last)]
        asked = "langs, quoted, quoted_rkey, via, via_rkey, domains, mentions, labels"
        assert rows(store, f"SELECT DISTINCT {asked} FROM event") == [(None,) * 8]  # noqa: S608
    found = inventory.status(path)
    assert found.posts_known_after == last.replace(tzinfo=UTC)
    said = [fact.text for fact in status_report(found).facts if fact.label == "of posts"]
    assert said == [f"languages, quotes, links and labels known after {last:%Y-%m-%d %H:%M:%S} UTC"]
    read.ingest(path, [str(LATER)])
    with Store.open(path) as store:
        assert rows(store, "FROM kept_from") == [("posts", last)]


@pytest.mark.slow
def test_an_export_that_an_old_store_has_read_is_read_again_for_its_hosts(tmp_path: Path) -> None:
    path, export = old_store(tmp_path / "store.duckdb", 7), tmp_path / "plc.jsonl"
    export.write_bytes(lines(plc("ann", at(0), "a.example.org", service="https://pds.example.org")))
    source = files.FileSource(export, "plc")
    with duckdb.connect(path) as connection:
        told = [source.name, source.fingerprint]
        connection.execute("UPDATE source SET name = ?, fingerprint = ? WHERE kind = 'plc'", told)
    assert read.ingest(path, [str(export)], kind="plc").unchanged == ()
    with Store.open(path) as store:
        assert rows(store, "SELECT host FROM plc") == [("pds.example.org",)]
    assert read.ingest(path, [str(export)], kind="plc").unchanged == (source.name,)


def test_a_store_that_had_no_record_says_nothing_of_what_it_lacks(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.duckdb", 7)
    with duckdb.connect(path) as connection:
        connection.execute("DELETE FROM record")
    with Store.open(path) as store:
        assert rows(store, "FROM kept_from") == []
    found = inventory.status(path)
    assert found.posts_known_after is None
    assert "of posts" not in [fact.label for fact in status_report(found).facts]


def test_what_an_author_claims_does_not_move_until_when_records_lack_what_came_later(
    tmp_path: Path,
) -> None:
    path = old_store(tmp_path / "store.duckdb", 7)
    with duckdb.connect(path) as connection:
        connection.execute(
            "INSERT INTO record BY NAME SELECT * REPLACE (rkey + 1 AS rkey, "
            "TIMESTAMP '2099-01-01' AS event_time) FROM record LIMIT 1"
        )
    with Store.open(path) as store:
        ((name, after),) = rows(store, "FROM kept_from")
        assert name == "posts"
        assert after.replace(tzinfo=UTC) <= datetime.now(UTC)


@pytest.mark.slow
@pytest.mark.parametrize("schema", [3, 8])
def test_what_an_old_store_did_not_keep_comes_with_the_same_events(
    tmp_path: Path, schema: int
) -> None:
    path, again = old_store(tmp_path / "store.duckdb", schema), tmp_path / "again.jsonl"
    again.write_bytes(EVENTS.read_bytes())
    read.ingest(path, [str(again)], rules=shipped_rules())
    new = new_store(tmp_path / "anew.duckdb", EVENTS)
    found = content(path)
    assert found == content(new)
    assert sum(row[12] is not None for row in found.records.values()) > 10, "none states a language"
