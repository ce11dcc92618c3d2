"""What agents can be grouped by: each agent's group is what a plain recount of the lines gives."""

from datetime import datetime
from pathlib import Path

from blueattr.ingest import read
from blueattr.panel import groupers
from blueattr.panel.groupers import Grouped
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.store.database import Store
from support.events_builder import at, lines, plc, plc_did, plc_name, post


def view(db: Path, store: Store, start: datetime, end: datetime) -> StoreView:
    return StoreView.of(store, PanelQuery(db, start=start, end=end, keep_bots=True))


def of_agents(seen: StoreView, found: Grouped) -> dict[str, str | None]:
    return dict(zip(seen.built.agents["did"], found.groups, strict=True))


def test_a_host_is_the_latest_that_the_directory_lists(tmp_path: Path) -> None:
    who = ("ann", "bea", "cyd")
    (tmp_path / "x").write_bytes(
        lines(*(post(plc_name(one), "x", rev=1, time=at(1)) for one in who))
    )
    (tmp_path / "plc").write_bytes(
        lines(
            plc(
                "ann",
                at(0, days=-9),
                "a.example.org",
                service="https://one.example.org",
                legacy=True,
            ),
            plc("ann", at(5, days=-8), "a.example.org", service="https://Two.example.org"),
            plc("bea", at(0, days=-9), "b.example.org"),
        )
    )
    db = tmp_path / "x.duckdb"
    read.ingest(db, [str(tmp_path / "x")])
    with Store.open(db) as store:
        seen = view(db, store, at(0), at(days=1))
        (note,) = groupers.host(seen).notes
        assert "No host" in note
    read.ingest(db, [str(tmp_path / "plc")], kind="plc")
    with Store.open(db) as store:
        seen = view(db, store, at(0), at(days=1))
        found = groupers.host(seen)
        groups = of_agents(seen, found)
    assert found.notes == ()
    assert groups == {
        plc_did("ann"): "two.example.org", plc_did("bea"): None, plc_did("cyd"): None
    }  # fmt: skip
