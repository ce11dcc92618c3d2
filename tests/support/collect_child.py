"""What a test runs in a process of its own: a collection that is killed on the way."""

from pathlib import Path
from unittest import mock

from blueattr.ingest import asking
from blueattr.ingest.collect import collect
from blueattr.ingest.collection import Means, Wanted
from blueattr.ingest.pace import Pace
from blueattr.panel.topics import Topic
from blueattr.provenance import Window
from blueattr.sources.collect.search import queries
from support import crash
from support.collect_world import END, START


def killed_at(db: Path, url: str, point: str) -> None:
    """Die at that point of the second commit (:mod:`crash`), where each answer is committed."""
    topic = Topic("mythos", "Mythos", keywords=("mythos",))
    asked = tuple(queries(topic.keywords, topic.hashtags))
    wanted = Wanted(topic.name, topic.rule, asked, Window(START, END))
    means = Means(url, url, directory=url, options={"rate": 1000.0})
    at_once = Pace(commit_seconds=0.0, commit_multiple=0.0)
    with crash.killing(point), mock.patch.object(asking, "_PACE", at_once):
        collect(db, wanted, means)
