"""Data that are made up say so, from the line to every answer."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.analysis.features import load_features, make_features, with_label
from blueattr.analysis.panel import make_panel
from blueattr.analysis.upkeep.status import status
from blueattr.decode.parse import Parser
from blueattr.ingest import read
from blueattr.panel.query import PanelQuery
from blueattr.panel.synthetic import synthetic_sources
from blueattr.provenance import Provenance
from blueattr.report import frame_to
from blueattr.report.inventory.status import status_report
from blueattr.report.provenance import origin_json, origin_warnings
from blueattr.runs.basis import store_state
from blueattr.store.database import Store
from blueattr.synth import SynthSpec, write_file
from blueattr.synth.source import SynthSource
from support.cli_world import ok
from support.events_builder import at, commit

RECORD = {"$type": "app.bsky.feed.post", "text": "hello", "createdAt": "2026-05-01T00:00:00.000Z"}


def line(**more: Any) -> bytes:
    event = commit("a" * 24, "app.bsky.feed.post", "3kz" + "2" * 10, RECORD, rev=7, time=at(60))
    return json.dumps({**event, **more}, separators=(",", ":")).encode() + b"\n"


def ingested(folder: Path, **files: bytes) -> Path:
    db = folder / "store.duckdb"
    for name, data in files.items():
        path = folder / f"{name}.jsonl"
        path.write_bytes(data)
        read.ingest(db, [str(path)])
    return db


def of(db: Path) -> tuple[tuple[str, ...], bool]:
    with Store.open(db) as store:
        return synthetic_sources(store)


@pytest.mark.slow
def test_a_mark_that_comes_alone_makes_another_report(tmp_path: Path) -> None:
    db = ingested(tmp_path, ours=line())
    with Store.open(db) as store:
        before = store_state(store)
    db = ingested(tmp_path, theirs=line(synthetic=True))
    with Store.open(db) as store:
        after = store_state(store)
    differ = {key for key in after if after[key] != before[key]}
    assert differ == {"synthetic"}, "the event itself was there already"
    assert after["synthetic"] == ["theirs.jsonl"]


SAYS = {
    "as written": line(synthetic=True),
    "with spaces": line(synthetic=True).replace(b'"synthetic":true', b'"synthetic" : true '),
    "first": b'{"synthetic":true,' + line()[1:],
    "that the parser leaves": line(synthetic=True).replace(b"hello", rb"hello\ud83d\ude00"),
    "of a kind that is not kept": line(synthetic=True).replace(b"feed.post", b"feed.like"),
}
SAYS_NOTHING = {
    "nothing": line(),
    "false": line(synthetic=False),
    "text": line(synthetic="true"),
    "a list": line(synthetic=[True]),
    "in the record": line().replace(b'"text"', b'"synthetic":true,"text"'),
    "in the text": line().replace(b"hello", rb"\"synthetic\":true"),
    "in an object beside it": line(more={"synthetic": True}),
    "in a line that is rejected": line(synthetic=True, time_us=-1),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("case", SAYS)
def test_a_line_that_says_it_is_synthetic_marks_its_source(tmp_path: Path, case: str) -> None:
    assert of(ingested(tmp_path, made=SAYS[case] + line())) == (("made.jsonl",), True)


@pytest.mark.few(2)
@pytest.mark.parametrize("case", SAYS_NOTHING)
def test_a_strangers_words_do_not_make_a_source_synthetic(tmp_path: Path, case: str) -> None:
    assert of(ingested(tmp_path, real=SAYS_NOTHING[case] + line())) == ((), False)


@pytest.mark.parametrize("cases", [SAYS, SAYS_NOTHING])
def test_the_parser_and_the_statement_read_the_mark_alike(cases: dict[str, bytes]) -> None:
    for case, data in cases.items():
        parts, unparsed = Parser(1).parse(data)
        if not len(unparsed):
            assert any(part.synthetic for part in parts) == (cases is SAYS), case


def test_one_marked_line_anywhere_in_a_file_is_seen(tmp_path: Path) -> None:
    data = line() * 30_000 + line(synthetic=True) + line() * 30_000  # several chunks
    assert of(ingested(tmp_path, joined=data)) == (("joined.jsonl",), True)


@pytest.mark.slow
def test_a_mixed_store_names_its_synthetic_sources_and_links_to_nobody(tmp_path: Path) -> None:
    write_file(SynthSpec(agents=200, days=3), tmp_path / "made.jsonl")
    db = ingested(tmp_path, made=(tmp_path / "made.jsonl").read_bytes(), real=line())
    assert of(db) == (("made.jsonl",), False)
    origin = make_panel(PanelQuery(db)).provenance
    assert origin_json(origin)["synthetic"] == "partly"
    assert origin_json(origin)["synthetic_sources"] == ["made.jsonl"]
    warnings = status_report(status(db)).warnings
    assert "Partly synthetic data: accounts of made.jsonl are made up." in warnings
    shown = ok(
        "attribute", "--topic", "all", "--db", db, "--window", "30d", "--format", "json"
    ).json
    assert shown["synthetic"] == "partly"
    assert {leader["link"] for leader in shown["leaders"]} == {None}


def test_a_directory_of_accounts_does_not_make_a_store_mixed(tmp_path: Path) -> None:
    operation = {
        "did": "did:plc:" + "a" * 24,
        "createdAt": "2024-01-01T00:00:00.000Z",
        "nullified": False,
        "operation": {"alsoKnownAs": ["at://a.example.com"]},
    }
    (tmp_path / "plc.jsonl").write_text(json.dumps(operation) + "\n")
    db = ingested(tmp_path, made=line(synthetic=True))
    read.ingest(db, [str(tmp_path / "plc.jsonl")], kind="plc")
    assert of(db) == (("made.jsonl",), True)


def test_a_store_filled_by_the_generator_says_so(tmp_path: Path) -> None:
    db, source = tmp_path / "store.duckdb", SynthSource(SynthSpec(agents=200, days=2))
    read.ingest_sources(db, [source])
    assert of(db) == ((source.name,), True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_file(SynthSpec(agents=200, days=3), folder / "made.jsonl")
    read.ingest(folder / "store.duckdb", [str(folder / "made.jsonl")])
    return folder / "store.duckdb"


@pytest.mark.few(1)
@pytest.mark.parametrize("ending", ["parquet", "csv", "json", "jsonl"])
def test_features_of_synthetic_data_say_so_when_they_are_read_again(
    made: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"f.{ending}"
    frame, origin = make_features(PanelQuery(made))
    frame_to(path, with_label(frame, origin), origin)
    _, again = load_features(path)
    assert again.synthetic == (path.name,)
    assert again.all_synthetic
    assert origin_warnings(again)[0].startswith("Synthetic data")
    assert "synthetic" not in with_label(frame, Provenance("real")).columns


def test_parquet_says_so_in_its_metadata_though_the_column_is_gone(
    made: Path, tmp_path: Path
) -> None:
    frame, origin = make_features(PanelQuery(made))
    frame_to(tmp_path / "f.parquet", frame, origin)
    assert load_features(tmp_path / "f.parquet")[1].all_synthetic
    shown = ok("attribute", "--features", tmp_path / "f.parquet", "--format", "json").json
    assert shown["synthetic"] is True
    assert {leader["link"] for leader in shown["leaders"]} == {None}


@pytest.mark.parametrize(
    "metadata", ["", "null", "[1]", "{", '{"synthetic": "no"}', '{"synthetic": []}', "[" * 100_000]
)
def test_metadata_of_strangers_do_no_harm(tmp_path: Path, metadata: str) -> None:
    frame = pl.DataFrame({"did": ["x", "y"], "a": [1.0, 2.0], "b": [1.0, 0.0], "c": [0.0, 1.0]})
    frame.write_parquet(tmp_path / "f.parquet", metadata={"blueattr": metadata})
    assert load_features(tmp_path / "f.parquet")[1].synthetic == ()
