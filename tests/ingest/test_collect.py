"""Collecting a past topic: what is asked, what is kept, how it goes on, and how complete it is."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.analysis.features import make_features
from blueattr.ingest import read
from blueattr.ingest.collect import collect
from blueattr.ingest.collection import Collection, Means, Wanted
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery
from blueattr.provenance import Window
from blueattr.sources.collect.search import queries
from blueattr.store import coverage
from blueattr.store.database import Store
from support.collect_world import END, START, Services, World, busy, serving
from support.events_builder import lines

WINDOW = Window(START, END)
TOPIC = topics.Topic("mythos", "Mythos", keywords=("mythos",))


def wanted(**changes: Any) -> Wanted:
    asked = tuple(queries(TOPIC.keywords, TOPIC.hashtags))
    return replace(Wanted(TOPIC.name, TOPIC.rule, asked, WINDOW), **changes)


async def _no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


def means(services: Services, *, links: bool = True, **changes: Any) -> Means:
    options = {"rate": 1000.0, "sleep": _no_sleep}
    index = services.url if links else None
    return replace(Means(services.url, index, directory=services.url, options=options), **changes)


@pytest.fixture
def services() -> Iterator[Services]:
    with serving(busy()) as found:
        yield found


def features(db: Path) -> pl.DataFrame:
    """What each agent involved did and received on the topic."""
    query = PanelQuery(db, topic=None, match=("mythos",), start=START, end=END, keep_bots=True)
    frame, _ = make_features(query)
    return frame.filter((pl.col("a") > 0) | (pl.col("c") > 0)).select("did", "a", "c").sort("did")


def of_stream(folder: Path, world: World) -> pl.DataFrame:
    """The same, of the network's own events."""
    path, db = folder / "all.jsonl", folder / "all.duckdb"
    path.write_bytes(lines(*(one.event for one in world.there)))
    read.ingest(db, [str(path)])
    return features(db)


def shares(done: Collection) -> dict[str, tuple[int, int, int]]:
    """Of each kind: found, counted, and the surplus."""
    kinds: dict[str, tuple[int, int, int]] = {}
    for day in done.completeness.values():
        for kind, one in day.items():
            before = kinds.get(kind, (0, 0, 0))
            kinds[kind] = (before[0] + one.found, before[1] + one.counted, before[2] + one.surplus)
    return kinds


def test_a_collected_topic_has_the_features_that_the_networks_events_give(
    tmp_path: Path, services: Services
) -> None:
    db = tmp_path / "c.duckdb"
    done = collect(db, wanted(), means(services))
    assert done.is_whole
    assert done.posts == 15
    assert done.closed == done.posts
    expected = of_stream(tmp_path, services.world)
    assert len(expected) > 12
    assert features(db).equals(expected)
    found = shares(done)
    assert found["replies"][:2] == (6, 6)
    assert found["reposts"][0] == found["reposts"][1] > 5
    assert found["quotes"][:2] == (6, 6)
    with Store.open(db) as store:
        assert coverage.covered(store) == (WINDOW,)
