"""What agents can be grouped by: each agent's group is what a plain recount of the lines gives."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from blueattr.analysis.change import change_since
from blueattr.analysis.groups.grouping import ByGroup
from blueattr.attribution.question import Question
from blueattr.ingest import read
from blueattr.panel import groupers
from blueattr.panel.groupers import GROUPERS, Grouped
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Window
from blueattr.store.database import Store
from blueattr.synth import SynthSpec, write_file
from support.events_builder import at, did, lines, plc, plc_did, plc_name, post, profile

SPEC = SynthSpec(agents=400, days=4, seed=8, like_fraction=0.0)
START = SPEC.start + timedelta(days=1)
END = SPEC.start + timedelta(days=3)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("groups")
    write_file(SPEC, folder / "x.jsonl")
    read.ingest(folder / "x.duckdb", [str(folder / "x.jsonl")])
    events = (folder / "x.jsonl").read_text(encoding="utf-8").splitlines()
    return folder / "x.duckdb", [json.loads(one) for one in events]


def view(db: Path, store: Store, start: datetime, end: datetime) -> StoreView:
    return StoreView.of(store, PanelQuery(db, start=start, end=end, keep_bots=True))


def of_agents(seen: StoreView, found: Grouped) -> dict[str, str | None]:
    return dict(zip(seen.built.agents["did"], found.groups, strict=True))


def recount(
    events: list[dict[str, Any]], of: Callable[[dict[str, Any]], set[str]]
) -> dict[str, str]:
    """The most frequent group of each author's posts in the window, by a plain loop."""
    there: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        commit = event.get("commit", {})
        if commit.get("collection") == "app.bsky.feed.post":
            key = (event["did"], commit["rkey"])
            if commit["operation"] == "delete":
                there.pop(key, None)
            else:
                there[key] = {**commit["record"], "time": event["time_us"] / 1e6}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (author, _), record in there.items():
        if START.timestamp() <= record["time"] < END.timestamp():
            counts[author].update(of(record))
    return {
        author: min(seen, key=lambda one: (-seen[one], one))
        for author, seen in counts.items()
        if seen
    }


def languages(record: dict[str, Any]) -> set[str]:
    return {tag.split("-")[0].lower() for tag in record.get("langs", [])}


def hosts(record: dict[str, Any]) -> set[str]:
    urls = [f["features"][0].get("uri") for f in record.get("facets", [])]
    urls.append(record.get("embed", {}).get("external", {}).get("uri"))
    found = {url.split("/")[2].removeprefix("www.") for url in urls if url}
    return {".".join(one.split(".")[-2:]) for one in found}


@pytest.mark.few(1)
@pytest.mark.parametrize(("name", "of"), [("lang", languages), ("domain:links", hosts)])
def test_the_group_of_an_agent_is_the_most_frequent_of_its_posts_in_the_window(
    made_up: tuple[Path, list[dict[str, Any]]], name: str, of: Callable[[Any], set[str]]
) -> None:
    db, events = made_up
    wanted = recount(events, of)
    with Store.open(db) as store:
        # Whatever the zone in which somebody says when the window begins.
        seen = view(db, store, START.astimezone(timezone(timedelta(hours=9))), END)
        found = GROUPERS[name](seen)
        groups = of_agents(seen, found)
    assert groups == {who: wanted.get(who) for who in groups}
    (note,) = found.notes
    assert note.startswith("unknown: no post of theirs")
    assert len(set(groups.values())) > 6
    assert list(groups.values()).count(None) > 20


def test_a_panel_and_its_groups_read_the_directory_once(
    made_up: tuple[Path, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    db, _ = made_up
    read_so_far = []
    run = Store.run

    def noted(store: Store, step: str, **parameters: Any) -> None:
        read_so_far.extend([step] * (step == "panel/directory_entries"))
        run(store, step, **parameters)

    handles = []
    frame = Store.frame

    def noted_frame(store: Store, query: str, **parameters: Any) -> pl.DataFrame:
        handles.extend([query] * (query == "panel/known_handles"))
        return frame(store, query, **parameters)

    monkeypatch.setattr(Store, "run", noted)
    monkeypatch.setattr(Store, "frame", noted_frame)
    with Store.open(db) as store:
        seen = view(db, store, START, END)
        for name in ("host", "domain", "age"):
            assert len(GROUPERS[name](seen).groups) == len(seen.built.agents)
        assert len(read_so_far) == 1
        handles.clear()
        query = PanelQuery(db)
        windows = Window(START, START + timedelta(days=1)), Window(START + timedelta(days=1), END)
        change_since(store, query, windows, Question(("lin",)), by=ByGroup(("host",)))
    assert len(read_so_far) == 2
    assert len(handles) == 1


@pytest.mark.slow
def test_of_groups_that_are_equally_frequent_the_first_by_alphabet_counts(tmp_path: Path) -> None:
    def said(who: str, *langs: list[str]) -> list[Any]:
        return [
            post(who, f"k{k}", rev=k, time=at(k), langs=told) for k, told in enumerate(langs, 1)
        ]

    events = [
        *said("ann", ["pt"], ["de"], ["en"]),
        *said("bea", ["ja", "en"], ["ja", "en"], ["pt"]),
        *said("cyd", ["pt"], ["pt"], ["en-US"], ["en-GB"], ["en"]),
        *said("dot", [], []),
        *said("eve", ["zh-Hant", "zh-Hans"], ["ko"], ["ko"], ["zh"]),
    ]
    db = tmp_path / "x.duckdb"
    (tmp_path / "x").write_bytes(lines(*events))
    read.ingest(db, [str(tmp_path / "x")])
    with Store.open(db) as store:
        seen = view(db, store, at(0), at(days=1))
        groups = of_agents(seen, groupers.lang(seen))
    assert groups == {
        did("ann"): "de", did("bea"): "en", did("cyd"): "en", did("dot"): None, did("eve"): "ko"
    }  # fmt: skip


def test_a_post_counts_once_for_a_domain_however_many_of_its_hosts_it_links_to(
    tmp_path: Path,
) -> None:
    def linking(rev: int, *urls: str) -> Any:
        links = [{"$type": "app.bsky.richtext.facet#link", "uri": url} for url in urls]
        facets = [{"index": {"byteStart": 0, "byteEnd": 1}, "features": [one]} for one in links]
        return post("ann", f"k{rev}", rev=rev, time=at(rev), facets=facets)

    zoo = ("https://one.zoo.example/x", "https://two.zoo.example/y", "https://zoo.example/z")
    (tmp_path / "x").write_bytes(lines(linking(1, *zoo), linking(2, "https://ant.example/")))
    db = tmp_path / "x.duckdb"
    read.ingest(db, [str(tmp_path / "x")])
    with Store.open(db) as store:
        seen = view(db, store, at(0), at(days=1))
        assert of_agents(seen, groupers.link_domain(seen)) == {did("ann"): "ant.example"}


def test_whose_domain_or_age_is_not_known_it_is_said_why(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(lines(post("ann", "x", rev=1, time=at(1))))
    db = tmp_path / "x.duckdb"
    read.ingest(db, [str(tmp_path / "x")])
    with Store.open(db) as store:
        seen = view(db, store, at(0), at(days=1))
        assert groupers.domain(seen).notes == ("unknown: no handle of theirs is known.",)
        (note,) = groupers.age(seen).notes
        assert "blueattr ingest --plc" in note


def test_a_label_is_the_set_of_the_profile_and_none_differs_from_unknown(tmp_path: Path) -> None:
    def labels(*values: str) -> dict[str, Any]:
        kind = "com.atproto.label.defs#selfLabels"
        return {"$type": kind, "values": [{"val": one} for one in values]}

    events = [post(who, "x", rev=1, time=at(1)) for who in ("ann", "bea", "cyd", "dot")]
    events += [
        profile(
            "ann",
            operation="update",
            rev=2,
            time=at(2),
            labels=labels("sexual", "!no-unauthenticated"),
        ),
        profile("bea", operation="update", rev=2, time=at(2), labels=labels("porn")),
        profile("bea", operation="update", rev=3, time=at(3), labels=labels()),
        profile("cyd", operation="update", rev=2, time=at(2)),
    ]
    db = tmp_path / "x.duckdb"
    (tmp_path / "x").write_bytes(lines(*events))
    read.ingest(db, [str(tmp_path / "x")])
    with Store.open(db) as store:
        seen = view(db, store, at(0), at(days=1))
        groups = of_agents(seen, groupers.label(seen))
    assert groups == {
        did("ann"): "!no-unauthenticated sexual", did("bea"): "no label", did("cyd"): "no label",
        did("dot"): None,
    }  # fmt: skip


@pytest.mark.slow
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
    assert found.notes == ("unknown: the PLC directory has no host of them.",)
    assert groups == {
        plc_did("ann"): "two.example.org", plc_did("bea"): None, plc_did("cyd"): None
    }  # fmt: skip


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["lang", "domain:links", "label"])
def test_a_window_of_before_the_migration_says_what_is_not_known(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(lines(post("ann", "x", rev=1, time=at(1), langs=["en"])))
    db = tmp_path / "x.duckdb"
    read.ingest(db, [str(tmp_path / "x")])
    with Store.open(db) as store:
        for start, told in ((at(0), 1), (at(0, days=-1), 1), (at(1), 0)):
            seen = view(db, store, start, at(days=1))
            monkeypatch.setattr(groupers, "kept_after", lambda _: at(0))
            notes = [note for note in GROUPERS[name](seen).notes if "are known from" in note]
            assert len(notes) == told, start


def test_groups_of_a_store_that_was_migrated_are_known_from_then_on(tmp_path: Path) -> None:
    old = Path(__file__).parents[1] / "store/old_stores/schema_007.sql"
    db = tmp_path / "x.duckdb"
    with duckdb.connect(db) as connection:
        connection.execute(old.read_text(encoding="utf-8"))
    with Store.open(db) as store:
        seen = StoreView.of(store, PanelQuery(db))
        for name in ("lang", "domain:links", "label"):
            found = GROUPERS[name](seen)
            assert found.groups.is_null().all(), name
            assert "an earlier version filled the store until then" in found.notes[-1]
