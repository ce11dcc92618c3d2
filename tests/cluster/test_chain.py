"""From a store to a report on a cluster whose workers are killed: the bytes of the store's own."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

pytest.importorskip("distributed", reason="the extra cluster is not installed")

from blueattr.analysis import events_folder, parted_reports
from blueattr.analysis.asked.clusters import OnCluster
from blueattr.analysis.on_cluster import attribute_with
from blueattr.attribution.large import streaming
from blueattr.attribution.question import Question
from blueattr.cluster.address import check_address
from blueattr.cluster.dask_engine import DaskEngine
from blueattr.partitions import driver
from blueattr.partitions.folder import META
from support.cli_world import BLUEATTR, ok
from support.parted import Deadly, same

pytestmark = [
    pytest.mark.slow,
    # Sockets of a cluster that was killed are closed by the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

AGENTS, BUCKETS = 3_000, 6
NAMES = ("heat", "gini")
REPORT = ("--topic", "mythos", "--indicator", "heat,gini", "--seeds", 2)


class Killing(Deadly):
    """A cluster, as commands connect to it, each of whose stages loses a worker."""

    workers = 2

    def __enter__(self) -> "Killing":
        return self

    def __exit__(self, *_: object) -> None:
        """The cluster is for all stages."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskEngine]:
    with pytest.MonkeyPatch.context() as patched:
        # Workers find the tasks of tests there.
        tests = Path(__file__).parents[1]
        patched.setenv("PYTHONPATH", os.pathsep.join([str(tests), str(tests.parent)]))
        with DaskEngine(check_address("local:2")) as engine:
            yield engine


def export(db: Path, events: Path) -> None:
    """Export a store, and once more, as the first process is killed while it writes."""
    command = [BLUEATTR, "export", "--partitioned", events, "--buckets", BUCKETS, "--db", db]
    first = subprocess.Popen([*map(str, command)])
    while not [*events.rglob("part-*")] and first.poll() is None:
        time.sleep(0.001)
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert not (events / META).exists()
    assert [*events.rglob("part-*")]
    ok(*command[1:])


def test_whoever_is_killed_on_the_way_the_report_is_that_of_the_store_to_the_byte(
    cluster: DaskEngine, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "joined", lambda *_: 1)  # each bucket is a task
    db, events, marks = here / "network.duckdb", here / "events", here / "marks"
    ok("synth", "--agents", AGENTS, "--days", 20, "--db", db)

    def killing(stage: str) -> Killing:
        (marks / stage).mkdir(parents=True)
        return Killing(cluster, marks / stage)

    def killed(stage: str) -> set[str]:
        return {mark.name.rpartition("-")[0] for mark in (marks / stage).iterdir()}

    export(db, events)
    asked: dict[str, Any] = {"features": killing("features"), "report": killing("report")}
    monkeypatch.setattr(events_folder, "connect", lambda *_: asked["features"])
    monkeypatch.setattr(parted_reports, "connect", lambda *_: asked["report"])
    on = ("--cluster", "local:2")

    ok("features", "--events", events, "--topic", "mythos", "--out", "panel", *on)
    ok("features", "--topic", "mythos", "--db", db, "--out", "whole.parquet")
    whole = pl.read_parquet("whole.parquet")
    assert pl.read_parquet("panel/*.parquet").sort("did").equals(whole)
    assert killed("features") == {"folding", "matching", "counting", "gathering"}

    address = OnCluster(check_address("local:2"), shared=here / "shared")
    found = attribute_with(killing("attribute"), Path("panel"), Question(NAMES), address)
    whole_file = streaming.attribute_file(Path("whole.parquet"), NAMES)
    for one, other in zip(whole_file, found, strict=True):
        same(replace(one, agents=other.agents), other)
    assert {"reading", "sharing", "shelves", "solving"} <= killed("attribute")

    ok("report", *REPORT, "--events", events, "--out", "ours", *on)
    ok("report", *REPORT, "--db", db, "--out", "theirs")
    assert killed("report") == {"folding", "matching", "counting", "gathering"}
    pages = sorted(one.name for one in Path("theirs").iterdir())
    assert pages == sorted(one.name for one in Path("ours").iterdir()) == ["mythos.html"]
    ours, theirs = (Path(name, "mythos.html").read_text() for name in ("ours", "theirs"))
    assert ours != theirs  # the store's name stands in it
    assert ours.replace(f"--events {events}", f"--db {db}").replace(f"{events}", f"{db}") == theirs
