"""What a collected topic gives, beside what a stream of the same network would have given."""

from pathlib import Path

import polars as pl

from blueattr.analysis.features import make_features
from blueattr.ingest import read
from blueattr.panel.query import PanelQuery
from support.collect_world import END, START, World
from support.events_builder import lines

__all__ = ["features", "of_stream"]


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
