"""Stores that earlier versions wrote: they open, and answer as the same events ingested anew.

``old_stores/`` has, for each schema, a store as the last version with it wrote it, as SQL; the
lines that they were all written from; and lines for later. The lines are synthetic, but for five
whose keys are no TIDs or whose account is deleted.
"""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from blueattr.analysis import status as analysis_status
from blueattr.ingest import read
from blueattr.panel.counts import WindowCounts
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import shipped, shipped_rules
from blueattr.provenance import Window
from blueattr.store.database import Store, _migrations
from support.events_builder import at
from support.store_content import content, rows

HERE = Path(__file__).with_name("old_stores")

SCHEMAS = range(1, 6)

EVENTS = HERE / "before.jsonl"

LATER = HERE / "after.jsonl"

DIRECTORY = HERE / "plc.jsonl"


def old_store(path: Path, schema: int) -> Path:
    with duckdb.connect(path) as connection:
        connection.execute((HERE / f"schema_{schema:03}.sql").read_text(encoding="utf-8"))
    return path


def new_store(path: Path, *files: Path) -> Path:
    read.ingest(path, [str(DIRECTORY)], kind="plc")
    read.ingest(path, [str(file) for file in files], rules=shipped_rules())
    return path


def answers(db: Path) -> dict[str, Any]:
    """What can be asked of a store, by DID and without the names of its sources."""
    status = analysis_status.status(db)
    found: dict[str, Any] = {
        "content": content(db),
        "totals": status.totals,
        "days": status.days.rows(),
        "coverage": status.coverage,
        "gaps": status.gaps,
        "rejected": status.rejected.select("reason", "lines", "sample").rows(),
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
    assert [version for version, _, _ in _migrations()] == list(SCHEMAS)
    assert len(list(HERE.glob("*.sql"))) == len(SCHEMAS)


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


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_old_store_answers_as_the_same_events_ingested_anew(
    tmp_path: Path, schema: int, anew: dict[str, Any]
) -> None:
    assert answers(old_store(tmp_path / "store.duckdb", schema)) == anew


@pytest.fixture(scope="module")
def anew_with_more(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return answers(new_store(tmp_path_factory.mktemp("more") / "store.duckdb", EVENTS, LATER))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_old_store_takes_more_events(
    tmp_path: Path, schema: int, anew_with_more: dict[str, Any]
) -> None:
    db = old_store(tmp_path / "store.duckdb", schema)
    read.ingest(db, [str(LATER)], rules=shipped_rules())
    assert answers(db) == anew_with_more
