"""Graphs of a store: edges are those of a plain twin, nodes have what attribute says of them."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import blueattr
from blueattr.analysis.asked.naming import Naming
from blueattr.analysis.carriers.graphs import GraphResult, graph_store
from blueattr.attribution.question import Question
from blueattr.errors import ExitCode, NoAnswerError, UsageError
from blueattr.panel import influence
from blueattr.panel.graph.edges import GRAPHS, check_graphs
from blueattr.panel.query import PanelQuery
from support.cli_world import ok, refused
from support.effort import costly_law
from support.events_builder import FOLLOW, POST, Event, quoting
from support.record_world import END, START, TOPIC, Twin, ingested, split, world

ALL = ("replies", "reposts", "quotes", "follows")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def asked(db: Path, about: bool, graphs: tuple[str, ...] = ALL, **more: Any) -> GraphResult:
    query = PanelQuery(db, start=START, end=END, match=(TOPIC,) if about else (),
                       topic=None if about else "all")  # fmt: skip
    return graph_store(query, Question(("lin",)), graphs, **more)


def rows(result: GraphResult) -> list[tuple[str, str, str, int]]:
    return [
        (source, target, kind, (time - EPOCH) // timedelta(microseconds=1))
        for source, target, kind, time in result.edges.iter_rows()
    ]


def follows(events: list[Event]) -> set[tuple[str, str, str, int]]:
    """The first follow of each account by each other one, if it is in the window."""
    low, high = (int(t.timestamp() * 1e6) for t in (START, END))
    gone = {e["did"] for e in events if e["kind"] == "account" and not e["account"]["active"]}
    firsts: dict[tuple[str, str], int] = {}
    for event in events:
        if event["kind"] == "commit" and event["commit"]["collection"] == FOLLOW:
            pair = event["did"], event["commit"]["record"]["subject"]
            firsts.setdefault(pair, event["time_us"])
    return {
        (who, whom, "follow", time)
        for (who, whom), time in firsts.items()
        if who != whom and low <= time < high and who not in gone
    }


def with_quotes(seed: int) -> list[Event]:
    """The events of a world, in which some posts and replies also quote a post."""
    rng = random.Random(seed)  # noqa: S311 - the same each time
    events = world(seed)
    posts = [e for e in events if e["kind"] == "commit" and e["commit"]["collection"] == POST
             and e["commit"]["operation"] == "create"]  # fmt: skip
    for event in rng.sample(posts, len(posts) // 2):
        other = rng.choice(posts)
        address = f"at://{other['did']}/{POST}/{other['commit']['rkey']}"
        event["commit"]["record"]["embed"] = quoting(address, media=rng.random() < 0.5)
    return events


@pytest.mark.slow
@costly_law(9)
@given(st.integers(0, 10_000), st.booleans())
def test_edges_are_what_counts_for_influence_and_popularity_each_with_its_time(
    tmp_path_factory: pytest.TempPathFactory, seed: int, about: bool
) -> None:
    events = with_quotes(seed)
    folder = tmp_path_factory.mktemp("graph")
    db = ingested(folder, events)
    try:
        made = asked(db, about)
    except NoAnswerError:
        with pytest.raises(NoAnswerError):
            split(db, about, "lin")
        return
    nodes = set(made.nodes["id"])
    names = {"replies": "reply", "reposts": "repost", "quotes": "quote"}
    expected = [(a, b, names[kind], time) for a, b, kind, time in Twin(events, about=about).edges]
    inside = [one for one in expected if {one[0], one[1]} <= nodes]
    inside += [one for one in follows(events) if {one[0], one[1]} <= nodes]
    assert sorted(rows(made)) == sorted(inside)
    assert [one[3] for one in rows(made)] == sorted(one[3] for one in inside)
    outside = Counter(one[2] for one in expected if not {one[0], one[1]} <= nodes)
    for one in made.counts:
        assert one.left_out == (None if one.graph == "follows" else outside[one.kind])
        these = [edge for edge in inside if edge[2] == one.kind]
        assert one.edges == len(these)
        assert (one.sources, one.targets) == (
            len({edge[0] for edge in these}), len({edge[1] for edge in these}),
        )  # fmt: skip
    # Nodes are those involved, each with what the attribution says of it.
    _, result, frame = split(db, about, "lin")
    involved = frame.filter((pl.col("a") > 0) | (pl.col("c") > 0))
    assert nodes == set(involved["did"])
    theirs = result.agents.filter(pl.col("did").is_in(sorted(nodes)))
    same = ["did", "tier", "a", "b", "c", "value", "share"]
    assert made.nodes.select(same).equals(theirs.select(same))
    assert made.share == pytest.approx(theirs["share"].sum())
    counts = frame.select("did", "replies_received", "reposts_received", "quotes_received")
    assert (
        made.nodes.select(counts.columns)
        .sort("did")
        .equals(counts.filter(pl.col("did").is_in(sorted(nodes))).sort("did"))
    )
    # The order in which events come makes no difference.
    random.Random(seed).shuffle(events)  # noqa: S311 - the same each time
    (folder / "other").mkdir()
    again = asked(ingested(folder / "other", events), about)
    assert again.nodes.equals(made.nodes)
    assert again.edges.equals(made.edges)


@pytest.mark.slow
def test_in_a_network_edges_and_those_left_out_are_what_accounts_received(db: Path) -> None:
    """A quick sibling of the law above, of more accounts."""
    with blueattr.open(db) as store:
        made = store.export(topic="mythos", graph="replies,reposts")
        agents = store.attribute("mythos").agents
    received = sum(made.nodes["replies_received"]) + sum(made.nodes["reposts_received"])
    left_out = sum(one.left_out or 0 for one in made.counts)
    assert made.edges.height > 50
    assert made.edges.height <= received <= made.edges.height + left_out
    assert set(made.edges["source"]) | set(made.edges["target"]) <= set(made.nodes["id"])
    known = agents.filter(pl.col("did").is_in(made.nodes["did"].implode()))
    assert made.nodes.select("did", "value", "tier").equals(known.select("did", "value", "tier"))
    assert made.share == pytest.approx(known["share"].sum())
    assert made.n_involved == made.nodes.height
    handles = dict(made.nodes.select("did", "label").iter_rows())
    assert "user1.bsky.social" in handles.values()


@pytest.mark.slow
def test_a_panel_of_those_involved_has_the_same_edges_and_all_of_the_value(db: Path) -> None:
    with blueattr.open(db) as store:
        active = store.export(topic="mythos", graph=["replies", "follows"])
        involved = store.export(topic="mythos", graph=["replies", "follows"], panel="involved")
    assert active.edges.equals(involved.edges)
    assert involved.share == pytest.approx(1.0)


# --- communities ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_communities_are_a_column_of_the_nodes_and_their_parts_add_up(db: Path, here: Path) -> None:
    pytest.importorskip("networkit", reason="the extra graph is not installed")
    with blueattr.open(db) as store:
        made = store.export(topic="mythos", graph="replies,reposts", communities=True, seed=3)
    assert made.communities is not None
    assert made.communities.seed == 3
    assert sum(one.agents for one in made.parts) == made.nodes.height
    assert sum(one.share for one in made.parts) == pytest.approx(made.share)
    of = made.nodes.group_by("community").len()
    assert dict(of.iter_rows()) == {one.community: one.agents for one in made.parts}
    assert made.parts[0].community.startswith("1 (")
    # Those of `--by community` are the same.
    words = ("--topic", "mythos", "--db", db, "--by", "community", "--seed", "3")
    groups = ok("attribute", *words, "--agents", "agents.parquet", "--format", "json").json
    of_agents = pl.read_parquet("agents.parquet").select("did", community="group")
    both = made.nodes.select("did", "community").join(of_agents, on="did")
    assert both.height == made.nodes.height
    assert both["community"].equals(both["community_right"])
    assert groups["communities"]["stability"] == made.communities.stability


@pytest.mark.slow
def test_groups_by_community_add_up_and_say_how_stable_they_are(db: Path, here: Path) -> None:
    pytest.importorskip("networkit", reason="the extra graph is not installed")
    words = ("attribute", "--topic", "mythos", "--db", db, "--by", "community")
    made = ok(*words, "--format", "json").json
    whole = ok(*words[:-2], "--format", "json").json
    assert made["total"] == whole["total"]
    assert sum(one["share"] for one in made["groups"]) == pytest.approx(1)
    found = made["communities"]
    assert found["seeds"] == 10
    assert 0 < found["stability"] <= 1
    assert f"{found['stability']:.2f}, the mean adjusted Rand index" in made["group_notes"][0]
    assert "the mean adjusted Rand index" in ok(*words).text
    other = ok(*words, "--seed", "1", "--format", "json").json
    assert other["communities"]["seed"] == 1


@pytest.mark.slow
def test_no_community_tells_who_is_in_it_where_nobody_is_named(db: Path, here: Path) -> None:
    pytest.importorskip("networkit", reason="the extra graph is not installed")
    words = ("attribute", "--topic", "mythos", "--db", db, "--by", "community", "--top", "0")
    groups = [one["group"] for one in ok(*words, "--format", "json").json["groups"]]
    assert "1" in groups
    assert set(groups) <= {*(f"{k}" for k in range(1, 30)), "none", "others"}
    with blueattr.open(db) as store:
        open_names = store.attribute("mythos", by="community").groups.groups
        hidden = store.attribute("mythos", by="community", top=0).groups.groups
    assert [one.value for one in open_names] == [one.value for one in hidden]


@pytest.mark.slow
def test_a_change_has_the_communities_of_both_windows_together_in_their_order(db: Path) -> None:
    pytest.importorskip("networkit", reason="the extra graph is not installed")
    with blueattr.open(db) as store:
        made = store.change("mythos", since="last-week", by="community")
        without = store.change("mythos", since="last-week")
    assert made.change == without.change
    names = [one.name for one in made.groups]
    numbers = [int(name.split()[0]) for name in names if name[0].isdigit()]
    assert numbers == sorted(numbers)
    assert numbers[0] == 1
    assert any("the mean adjusted Rand index" in note for note in made.notes)


def test_communities_need_a_store(here: Path) -> None:
    panel = {"agent": ["x", "y"], "a": [1, 3], "b": [2, 2], "c": [0, 4]}
    with pytest.raises(UsageError, match="community needs a store"):
        blueattr.attribute(panel, "lin", by="community")


# --- what is asked for ----------------------------------------------------------------------------


def test_what_makes_no_sense_is_refused_in_a_sentence(db: Path, here: Path) -> None:
    words = ("export", "--topic", "mythos", "--db", db)
    refused(ExitCode.USAGE, *words, "--graph", "reply", says="did you mean 'replies'?")
    refused(ExitCode.USAGE, *words, "--graph", "", says="there are replies, reposts")
    refused(ExitCode.USAGE, *words, "--graph", "replies", "--out", "net.json", says=".graphml")
    refused(ExitCode.OUTPUT, *words, "--graph", "replies", "--out", "no/net.csv", says="no folder")
    refused(ExitCode.USAGE, *words, "--graph", "replies", "--seed", "-1", says="seed")
    refused(ExitCode.USAGE, *words, "--graph", "replies", "--indicator", "all", says="one indic")
    nothing = ("export", "--match", "nobody wrote this", "--db", db, "--graph", "replies")
    refused(ExitCode.NO_ANSWER, *nothing, says="no post matched")
    assert not list(here.glob("net*"))


@pytest.mark.slow
def test_what_does_not_count_makes_no_graph(
    db: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("export", "--topic", "mythos", "--db", db)
    counted = ("--influence", "reposts")
    refused(ExitCode.USAGE, *words, *counted, "--graph", "replies", says="--influence has reposts")
    made = ok(*words, *counted, "--graph", "reposts,follows", "--format", "json").json
    assert all(one["edges"] for one in made["edges"])
    # A store that an earlier version filled does not know of quotes.
    monkeypatch.setattr(influence, "kept_after", lambda _: datetime(2030, 1, 1, tzinfo=UTC))
    refused(
        ExitCode.NO_ANSWER, *words, "--graph", "quotes", says="the store knows what posts quote"
    )
    assert ok(*words, "--graph", "replies", "--format", "json").json["edges"][0]["edges"]


def test_kinds_of_edges_are_named_once_each() -> None:
    assert check_graphs(" replies,follows,replies") == ("replies", "follows")
    assert check_graphs(["reposts"]) == ("reposts",)
    with pytest.raises(UsageError):
        check_graphs([])
    assert len(set(GRAPHS.values())) == len(GRAPHS)


def test_pseudonyms_hide_who_accounts_are_and_when_exactly_they_acted(db: Path) -> None:
    query = PanelQuery(db, topic="mythos")
    question = Question(("heat",))
    named = graph_store(query, question, ALL)
    made = graph_store(query, question, ALL, naming=Naming(b"0123456789abcdef"))
    for frame in (made.nodes, made.edges):
        assert "did:" not in frame.write_csv()
        assert "bsky" not in frame.write_csv()
    assert made.nodes["id"].str.contains("^agent-[a-z2-7]{12}$").all()
    assert set(made.edges["source"]) | set(made.edges["target"]) <= set(made.nodes["id"])
    assert made.edges.height == named.edges.height > 0
    assert made.edges.equals(made.edges.with_columns(pl.col("time").dt.truncate("1h")))
    assert any("cut to the hour" in note for note in made.provenance.notes)
    # They are the same edges: in-degrees are those of the same accounts.
    degrees = [
        one.edges.group_by("target").len().join(one.nodes, left_on="target", right_on="id")
        for one in (named, made)
    ]
    first, second = (sorted(d.select("value", "len").iter_rows()) for d in degrees)
    assert first == second
