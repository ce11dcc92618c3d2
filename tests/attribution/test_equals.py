"""Where followers do not rank a panel, answers say so; where they do, nothing is said."""

import json
from pathlib import Path

import polars as pl
import pytest

from blueattr.analysis.attribute import attribute_panel
from blueattr.attribution.equals import with_ranking
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import TieredPanel
from blueattr.provenance import Provenance, TopicInfo
from blueattr.report.provenance import ranking_warnings
from blueattr.studies.scales import compare_scales
from support.cli_world import ok, run
from support.events_builder import at, lines, post


def panel(followers: list[int]) -> pl.DataFrame:
    agents = range(len(followers))
    return pl.DataFrame(
        {"did": [f"{k:04}" for k in agents], "a": [1 + k % 7 for k in agents],
         "b": followers, "c": [1] * len(followers), "followers": followers},
    ).cast(dict.fromkeys(("a", "b", "c", "followers"), pl.Float64))  # fmt: skip


def notes(followers: list[int], samples: tuple[int, ...] = (), panel_of: str = "active") -> str:
    tiered = TieredPanel.of(panel(followers), (1.0, 10.0), panel_of)
    return " ".join(with_ranking(Provenance("x"), tiered, samples).ranking)


def test_distinct_followers_are_no_alarm() -> None:
    assert notes(list(range(1, 1001)), (100,)) == ""


def test_equals_far_from_a_cut_or_few_of_them_are_no_alarm() -> None:
    # Nine of the middle's 90 could be exchanged: a tenth, and not more.
    assert notes([*range(1000, 909, -1), *[500] * 18, *range(400, 0, -1)] + [0] * 491, (100,)) == ""


def test_a_cut_among_equals_is_told_with_how_many_it_decides() -> None:
    said = notes([*range(1000, 910, -1), *[500] * 20, *range(400, 0, -1)] + [0] * 490)
    assert "The middle ends among 20 agents of equal followers (500): 10 of its 90" in said
    assert "The top" not in said
    assert said.endswith("A column followers with counts that differ would rank them.")


def test_nobody_has_followers() -> None:
    for count in (0, 3):
        said = notes([count] * 300, (100,))
        assert f"All 300 agents have equal followers ({count})" in said
        assert "visibility samples are random ones" in said


@pytest.mark.parametrize(("followed", "told"), [(0, True), (199, True), (200, False)])
def test_too_few_have_followers_for_a_visibility_sample(followed: int, told: bool) -> None:
    said = notes([*range(followed, 0, -1), *[0] * (1000 - followed)], (100, 500))
    assert ("visibility samples of 100 are" in said or "samples are random" in said) == told


def test_answers_from_python_carry_it() -> None:
    frame = panel([0] * 300)
    (result,) = attribute_panel(frame, Provenance("x"), Question(indicators=("lin",)))
    scales = compare_scales(frame, ("lin",), sizes=(50,), seeds=2)
    uniform = compare_scales(frame, ("lin",), protocols=("random",), sizes=(50,), seeds=2)
    assert "random ones" in result.provenance.ranking[0]
    assert "random ones" in scales.provenance.ranking[0]
    assert "random ones" not in uniform.provenance.ranking[0]


def test_what_followers_do_not_rank_is_said_once_for_all_topics_or_of_each() -> None:
    def origin(name: str, *said: str) -> Provenance:
        return Provenance("x", topic=TopicInfo(name, name.title(), ""), ranking=said)

    assert ranking_warnings([origin("one"), origin("two")]) == ()
    same = [origin("one", "All are.", "Hydrate."), origin("two", "All are.", "Hydrate.")]
    assert ranking_warnings(same) == ("All are. Hydrate.",)
    some = [origin("one"), origin("two", "Few are."), Provenance("x", ranking=("All are.",))]
    assert ranking_warnings(some) == ("Two: Few are.", "All: All are.")


@pytest.mark.slow
def test_a_store_of_posts_alone_says_so_beside_its_answers(tmp_path: Path) -> None:
    db, events = tmp_path / "x.duckdb", tmp_path / "x.jsonl"
    written = [
        post(f"a{k}", f"p{n}", "mythos", rev=n, time=at(k))
        for k in range(150)
        for n in range(k % 3 + 1)
    ]
    events.write_bytes(lines(*written))
    ok("ingest", events, "--db", db)
    told = "All 150 agents have equal followers (0)"
    todo = "record follows (app.bsky.graph.follow), or run: blueattr hydrate"
    of = ("--match", "mythos", "--db", db)
    for command in (("attribute", "--indicator", "lin"), ("bootstrap", "--indicator", "lin"),
                    ("sensitivity", "--indicator", "gini", "--size", "50"),
                    ("compare-scales", "--indicator", "gini", "--sizes", "50")):  # fmt: skip
        text = " ".join(ok(*command, *of).stdout.decode().split())
        assert told in text
        assert todo in text
        said = json.loads(ok(*command, *of, "--format", "json").stdout)["notes"]
        assert told in said[-2]
        assert "most followed" not in text
        assert " visible account" not in text
    ok("report", "--indicator", "gini", *of, "--out", tmp_path / "page.html")
    page = " ".join((tmp_path / "page.html").read_text().split())
    assert told in page
    assert todo in page
    heat = run("attribute", *of)
    assert heat.code == 4
    assert "blueattr hydrate" in heat.stderr
