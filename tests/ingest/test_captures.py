"""Real captures go in, with the counts that their makers state. Skipped where they are not here."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blueattr.analysis.upkeep import status as inventory
from blueattr.ingest import read
from blueattr.store.commit.checkpoint import SourceState
from support.places import SHARED
from support.store_content import content, sources

if TYPE_CHECKING:
    from blueattr.ingest.result import Ingested

DATA = SHARED


pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real captures are not here")


def ingest(db: Path, name: str, kind: str = "file") -> SourceState:
    done: Ingested = read.ingest(db, [str(DATA / name)], kind=kind)
    assert done.failures == ()
    (state,) = done.sources
    assert state.rejected == {}
    assert state.complete
    assert state.lines == state.kept + state.skipped
    return state


@pytest.mark.slow
def test_jsonbench(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    state = ingest(db, "jsonbench/jsonbench_1000.jsonl")
    # 504 likes, 19 blocks, 9 list items and 2 list blocks are not kept.
    assert (state.lines, state.kept, state.skipped) == (1000, 466, 504 + 19 + 9 + 2)
    lines = [
        json.loads(s) for s in (DATA / "jsonbench/jsonbench_1000.jsonl").read_bytes().splitlines()
    ]
    operations = Counter(
        (e["commit"]["collection"].split(".")[-1], e["commit"]["operation"])
        for e in lines
        if e["kind"] == "commit"
    )
    seen = Counter({"identity": sum(e["kind"] == "identity" for e in lines)})
    for (collection, _), count in operations.items():
        seen[collection] += count
    wanted = {"follow": 282, "post": 95, "repost": 66, "profile": 13, "identity": 10}
    assert {k: seen[k] for k in wanted} == wanted
    found = content(db)
    records = Counter((collection, r[1]) for (collection, *_), r in found.records.items())
    for collection in ("post", "repost", "follow"):
        deleted = operations[collection, "delete"]
        assert records[collection, True] <= deleted
        assert records[collection, False] <= seen[collection] - deleted
        assert records[collection, True] + records[collection, False] <= seen[collection]
    assert sum(records.values()) >= 0.99 * (282 + 95 + 66)
    assert len(found.profiles) == 13
    assert len(found.handles) <= 10
    assert state.first_event is not None
    assert state.last_event is not None
    assert 0.9 < (state.last_event - state.first_event).total_seconds() < 1.1
    before = found, sources(db)
    ingest(db, "jsonbench/jsonbench_1000.jsonl")
    assert (content(db), sources(db)) == before


def test_corpus(tmp_path: Path) -> None:
    manifest = json.loads((DATA / "jetstream-corpus/manifest.json").read_text())
    lines = [
        json.loads(s)
        for s in (DATA / "jetstream-corpus/expected_v1.jsonl").read_bytes().splitlines()
    ]
    operations = Counter(e["commit"]["operation"] for e in lines if e["kind"] == "commit")
    kinds = Counter(e["kind"] for e in lines)
    assert (operations["create"], operations["update"], operations["delete"]) == (
        manifest["creates"], manifest["updates"], manifest["deletes"]
    ) == (144, 2, 4)  # fmt: skip
    assert (kinds["identity"], kinds["account"]) == (manifest["identity"], manifest["account"])
    assert (kinds["identity"], kinds["account"]) == (1, 1)
    db = tmp_path / "store.duckdb"
    state = ingest(db, "jetstream-corpus/expected_v1.jsonl")
    assert state.lines == manifest["v1_events"] == 152
    ours = ("app.bsky.feed.post", "app.bsky.feed.repost", "app.bsky.graph.follow")
    mine = [e for e in lines if e.get("commit", {}).get("collection") in ours]
    profiles = [e for e in lines if e.get("commit", {}).get("collection", "").endswith(".profile")]
    assert state.kept == len(mine) + len(profiles) + 2
    found = content(db)
    assert len(found.records) == len({(e["did"], *_key(e)) for e in mine})
    assert len(found.profiles) == len({e["did"] for e in profiles})
    assert sum(r[1] for r in found.records.values()) == sum(
        e["commit"]["operation"] == "delete" for e in mine
    )
    assert len(found.statuses) == 1


def _key(event: dict[str, dict[str, str]]) -> tuple[str, str]:
    return event["commit"]["collection"], event["commit"]["rkey"]


def test_ten_golden_events_each_by_its_meaning(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    state = ingest(db, "jetstream-corpus/golden_v1.jsonl")
    # Reply, repost, follow, profile update, identity and account are kept; a like, a block, and
    # an update and a delete of unknown collections are not.
    assert (state.lines, state.kept, state.skipped) == (10, 6, 4)
    found = content(db)
    assert len(found.records) == 3
    reply = found.records["post", "did:plc:q235v55g5unth4zjjdpacfdr", "3mmoojp4cd223"]
    parent = ("did:plc:j76trmiofvaxxpvx2vnb2vwf", "3mmojbrjwbs26")
    assert reply[0:2] == ("3mmoojpaqkn2z", False)
    assert reply[3:8] == (*parent, *parent, "Try RSV for a good time !!")
    repost = found.records["repost", "did:plc:eizxoqcsvvvarxeb3pjkblrp", "3mmoojpbade2i"]
    assert repost[3:5] == ("did:plc:hjloomm2tkve3pmfgbxegl3v", "3mmood3a6hc25")
    follow = found.records["follow", "did:plc:mxwlsvdgs6tn75lq6jrr2vp7", "3mmoojocxvr2s"]
    assert follow[3:5] == ("did:plc:anc6s2kher6ltrhhglxrzxsa", None)
    # A profile that was updated, not created; an identity without a handle; an active account.
    assert found.profiles == {
        "did:plc:o6t5vwyr7ae73foww7bgye4r": ("3mmoojqsbjf2d", None, False, None)
    }
    assert found.handles == {}
    assert [(s[0], *s[2:]) for s in found.statuses] == [
        ("did:plc:g4ut2w5755qxi3fe7mfs72p4", True, "")
    ]


def test_plc_export(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    state = ingest(db, "plc/plc_export_1000.jsonl", kind="plc")
    assert (state.lines, state.kept, state.skipped) == (1000, 1000, 0)
    lines = [json.loads(s) for s in (DATA / "plc/plc_export_1000.jsonl").read_bytes().splitlines()]
    found = content(db).plc
    assert set(found) == {e["did"] for e in lines}
    for e in lines:
        created, handle, _ = found[e["did"]]
        assert created.isoformat(timespec="milliseconds") + "Z" <= e["createdAt"]
        assert handle in {x["operation"]["handle"].lower() for x in lines if x["did"] == e["did"]}


@pytest.mark.slow
def test_all_captures_together_in_any_order(tmp_path: Path) -> None:
    names = [
        "jsonbench/jsonbench_1000.jsonl",
        "jetstream-corpus/expected_v1.jsonl",
        "jetstream-corpus/golden_v1.jsonl",
    ]
    contents = []
    for number, order in enumerate((names, names[::-1])):
        db = tmp_path / f"{number}.duckdb"
        read.ingest(db, [str(DATA / name) for name in order])
        contents.append((content(db), sources(db)))
    assert contents[0] == contents[1]
    assert sum(key[0] == "post" for key in contents[0][0].records) > 95
    status = inventory.status(tmp_path / "0.duckdb")
    assert len(status.far) == 1  # the ten golden events
    assert len(status.gaps) == 1  # between the other two
