"""Graphs as files: readers find the same nodes, edges, times and values, whatever is in them."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import blueattr
from blueattr.analysis.carriers.graphs import GraphResult
from blueattr.errors import OutputError
from blueattr.report.formats.graphs import columns
from blueattr.report.formats.graphs.gexf import gexf
from blueattr.report.formats.graphs.graphml import graphml
from blueattr.report.formats.graphs.write import write_graph
from blueattr.report.formats.graphs.xml import name_token, xml_text
from blueattr.report.results.graphs import graph_report
from support.cli_world import ok
from support.effort import law
from support.hostile_text import HOSTILE, harmless

FORMS: dict[str, Callable[..., Any]] = {"gexf": gexf, "graphml": graphml}
NAME_TOKEN = re.compile(r"[A-Za-z0-9._:-]+")
MARKUP = [
    "<script>&\"'</script>",
    "]]>",
    "&amp;",
    "\ufffe\uffff",
    "a\\x00b",
    "did:web:x%3A80",
    "_x0025_",
]
SCHEMAS = os.environ.get("BLUEATTR_GRAPH_SCHEMAS", "")


@pytest.fixture(scope="module")
def graph(db: Path) -> GraphResult:
    with blueattr.open(db) as store:
        made = store.export(topic="mythos", graph="replies,reposts,follows")
    assert made.nodes.height > 50
    assert made.edges.height > 200
    assert made.nodes["handle"].null_count() < made.nodes.height
    return made


def hostile(graph: GraphResult) -> GraphResult:
    """The same graph with handles and identifiers that do harm where they are not escaped."""
    texts = [*HOSTILE, *MARKUP]
    valid = [text.encode("utf-8", "replace").decode() for text in texts]
    few = graph.nodes.head(len(valid))
    ids = pl.Series("id", valid)
    nodes = few.with_columns(ids, ids.alias("label"), ids.alias("did"), ids.alias("handle"))
    ends = [(a, b) for a in valid[:5] for b in valid] * 2
    edges = pl.DataFrame(
        {
            "source": [a for a, _ in ends],
            "target": [b for _, b in ends],
            "kind": ["reply"] * len(ends),
            "time": [datetime(2026, 4, 9, tzinfo=UTC)] * len(ends),
        },
        schema=graph.edges.schema,
    )
    return replace(graph, nodes=nodes, edges=edges)


def typed(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as readers of XML give them: no key where nothing is known, times as text."""
    texts = frame.with_columns(
        pl.col(pl.Datetime).dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ"), pl.col(pl.Enum).cast(pl.String)
    )
    return [{k: v for k, v in row.items() if v is not None} for row in texts.iter_rows(named=True)]


def read_by_networkx(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    networkx = pytest.importorskip("networkx", reason="networkx is not installed")
    read = networkx.read_gexf if path.suffix == ".gexf" else networkx.read_graphml
    found = read(path)
    assert found.is_directed()
    assert found.is_multigraph()
    nodes = [{"id": name, **data} for name, data in found.nodes(data=True)]
    edges = [
        {"source": a, "target": b, **{k: v for k, v in data.items() if k != "id"}}
        for a, b, data in found.edges(data=True)
    ]
    return nodes, edges


@pytest.mark.parametrize("form", FORMS)
def test_networkx_reads_the_nodes_edges_times_and_values_that_were_written(
    form: str, graph: GraphResult, tmp_path: Path
) -> None:
    path = tmp_path / f"net.{form}"
    assert write_graph(graph, path) == (path,)
    nodes, edges = read_by_networkx(path)
    assert nodes == typed(graph.nodes)
    key = ("time", "source", "target", "kind")
    assert sorted(edges, key=lambda one: [one[k] for k in key]) == sorted(
        typed(graph.edges), key=lambda one: [one[k] for k in key]
    )


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_have_the_edges_and_beside_them_the_nodes(
    form: str, graph: GraphResult, tmp_path: Path
) -> None:
    path = tmp_path / f"net.{form}"
    assert write_graph(graph, path) == (path, tmp_path / f"net.nodes.{form}")
    if form == "parquet":
        assert pl.read_parquet(path).equals(graph.edges)
        assert pl.read_parquet(tmp_path / "net.nodes.parquet").equals(graph.nodes)
        assert '"kind": "graph"' in pl.read_parquet_metadata(path)["blueattr"]
        return
    edges = pl.read_csv(path, try_parse_dates=True)
    assert edges.cast(graph.edges.schema).equals(graph.edges)
    assert path.read_text().startswith("source,target,kind,time\n")
    nodes = pl.read_csv(tmp_path / "net.nodes.csv", infer_schema_length=None)
    assert nodes.columns == graph.nodes.columns
    assert nodes.select("id", "value", "share", "tier").equals(
        graph.nodes.select("id", "value", "share", pl.col("tier").cast(pl.String))
    )


@pytest.mark.parametrize("form", FORMS)
def test_hostile_names_are_neither_markup_nor_hidden_and_stay_apart(
    form: str, graph: GraphResult, tmp_path: Path
) -> None:
    made = hostile(graph)
    path = tmp_path / f"net.{form}"
    write_graph(made, path)
    text = path.read_text(encoding="utf-8")
    assert all(harmless(c) or c in "\n\u00ad\u200b\u200c\u200d\ufeff" for c in text)
    root = ET.fromstring(text)  # noqa: S314 - it is ours
    ids = [one.attrib["id"] for one in root.iter() if one.tag.endswith("}node")]
    assert len(set(ids)) == made.nodes.height
    assert all(NAME_TOKEN.fullmatch(one) for one in ids)
    ends = {one.attrib["source"] for one in root.iter() if one.tag.endswith("}edge")}
    assert len(ends) == 5
    assert ends <= set(ids)
    assert "<script>" not in text
    nodes, edges = read_by_networkx(path)
    assert len(nodes) == made.nodes.height
    assert len(edges) == made.edges.height
    assert "<script>&\"'</script>" in {one["label"] for one in nodes}


def test_hostile_names_do_nothing_in_a_spreadsheet(graph: GraphResult, tmp_path: Path) -> None:
    write_graph(hostile(graph), tmp_path / "net.csv")
    for name in ("net.csv", "net.nodes.csv"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "\x1b" not in text
        assert not re.search(r"(^|,)\"?[=+@]", text, re.MULTILINE)


TRICKY = st.text() | st.lists(st.sampled_from(["_", "x", "0025", "_x0025_", "%", "é"])).map("".join)


@law(400)
@given(TRICKY, TRICKY)
def test_name_tokens_are_tokens_and_no_two_texts_become_one(one: str, other: str) -> None:
    assert NAME_TOKEN.fullmatch(name_token(one))
    assert (name_token(one) == name_token(other)) == (one == other)
    # Nor does what stands for a character become one with a text that is spelled so.
    assert name_token(name_token(one)) != name_token(one) or NAME_TOKEN.fullmatch(one)


@law(200)
@given(st.text(st.characters(codec=None)))
def test_any_text_can_stand_in_xml(text: str) -> None:
    root = ET.fromstring(f'<a b="{xml_text(text)}">{xml_text(text)}</a>')  # noqa: S314 - it is ours
    assert root.text == root.attrib["b"] or (root.text is None and root.attrib["b"] == "")
    assert "\ufffe" not in xml_text(text)


@pytest.mark.parametrize("form", FORMS)
def test_a_graph_is_written_in_pieces_and_is_the_same(
    form: str, graph: GraphResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "".join(FORMS[form](graph.nodes, graph.edges, "about"))
    monkeypatch.setattr(columns, "_ROWS", 3)
    pieces = [*FORMS[form](graph.nodes, graph.edges, "about")]
    assert "".join(pieces) == whole
    assert max(map(len, pieces)) < 4_000 < len(whole)


def test_gexf_has_times_and_kinds_as_gephi_takes_them(graph: GraphResult) -> None:
    root = ET.fromstring("".join(gexf(graph.nodes, graph.edges, "a < b")))  # noqa: S314 - it is ours
    space = {"g": "http://gexf.net/1.3"}
    assert root.attrib["version"] == "1.3"
    found = root.find("g:graph", space)
    assert found is not None
    assert found.attrib == {
        "defaultedgetype": "directed", "idtype": "string", "mode": "dynamic",
        "timeformat": "dateTime", "timerepresentation": "timestamp",
    }  # fmt: skip
    edges = root.findall("g:graph/g:edges/g:edge", space)
    assert [one.attrib["kind"] for one in edges] == graph.edges["kind"].to_list()
    times = [datetime.fromisoformat(one.attrib["timestamp"]) for one in edges]
    assert times == graph.edges["time"].to_list()
    described = root.find("g:meta/g:description", space)
    assert described is not None
    assert described.text == "a < b"


@pytest.mark.skipif(not SCHEMAS, reason="BLUEATTR_GRAPH_SCHEMAS names no folder of schemas")
@pytest.mark.parametrize("form", FORMS)
def test_files_are_valid_by_their_schemas(form: str, graph: GraphResult, tmp_path: Path) -> None:
    """A folder with gexf.xsd (1.3) and graphml.xsd, and what they include."""
    lxml = pytest.importorskip("lxml.etree", reason="lxml is not installed")
    schema = lxml.XMLSchema(lxml.parse(Path(SCHEMAS, f"{form}.xsd")))
    for made in (graph, hostile(graph)):
        write_graph(made, tmp_path / f"net.{form}")
        schema.assertValid(lxml.parse(tmp_path / f"net.{form}"))


def test_a_file_is_written_whole_or_not_at_all(
    graph: GraphResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.gexf"
    path.write_text("the old one")
    with pytest.raises(OutputError, match="no folder"):
        write_graph(graph, tmp_path / "none" / "net.gexf")

    def fail(*_: object) -> Any:
        yield "<?xml"
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(write_graph.__globals__["_XML"], ".gexf", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_graph(graph, path)
    assert path.read_text() == "the old one"
    assert [one.name for one in tmp_path.iterdir()] == ["net.gexf"]


def test_the_command_says_which_files_it_wrote_and_what_is_in_them(db: Path, here: Path) -> None:
    words = ("export", "--topic", "mythos", "--db", db, "--graph", "replies,follows")
    done = ok(*words, "--out", "net.csv", "--format", "json")
    assert done.stderr == "written: net.csv\nwritten: net.nodes.csv\n"
    made = done.json
    assert made["kind"] == "graph"
    assert made["nodes"] == pl.read_csv("net.nodes.csv").height
    assert sum(one["edges"] for one in made["edges"]) == pl.read_csv("net.csv").height
    assert [one["graph"] for one in made["edges"]] == ["replies", "follows"]
    assert made["communities"] is None
    said = ok(*words).text
    assert said.startswith("Replies and follows on Mythos: ")
    assert not list(here.glob("net.gexf"))


def test_several_kinds_of_edges_are_named_as_a_list(graph: GraphResult) -> None:
    (first, *_) = graph_report(graph).summary
    assert first.startswith("Replies, reposts and follows on Mythos: ")
