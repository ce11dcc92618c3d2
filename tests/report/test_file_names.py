"""Names of files of reports: two topics, tables or settings never share one."""

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blueattr.provenance import Provenance, TopicInfo
from blueattr.report.pages.file_names import file_name, report_name
from blueattr.runs.written import write_files
from blueattr.studies.topic import TopicReport
from support.report_cases import ORIGIN
from support.topic_cases import report

PIECES = ["a", "A", "1", "-", "_", " ", ".", "é", "e\u0301", "csv"]
ALIKE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)


def on_a_mac(name: str) -> str:
    """The name as file systems compare it that keep letter case and accents, and ignore them."""
    return unicodedata.normalize("NFC", name).casefold()


@given(ALIKE, ALIKE)
@example("ai_art", "ai-art")
@example("a" * 70 + "x", "a" * 70 + "y")
@example("p.csv", "p-csv")
@example("p.csv", "P.csv")
@example("\u00e9.csv", "e\u0301.csv")
@example("\u65e5.csv", "\u672c.csv")
@example("..", "/")
def test_two_names_give_two_files_on_any_system(one: str, other: str) -> None:
    names = [file_name(one), file_name(other)]
    assert (on_a_mac(names[0]) == on_a_mac(names[1])) == (one == other)
    for name in names:
        assert name.strip("abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
        assert 0 < len(name) <= 60


def test_usual_names_stay_as_they_are() -> None:
    for name in ("mythos", "trump-tariffs", "ai_art", "2026"):
        assert file_name(name) == name
    assert file_name("agents.parquet") == "agents-parquet"


def test_expressions_and_panels_without_a_name_have_files_of_their_own() -> None:
    def of(pattern: str) -> Provenance:
        return replace(ORIGIN, topic=TopicInfo("match", "posts", "", patterns=(pattern,)))

    names = {report_name(of(p)) for p in ("cat", "CAT", "c[ao]t", "dog")}
    assert len(names) == 4
    assert all(name.startswith("match-") for name in names)
    assert report_name(replace(ORIGIN, topic=None, source="in memory")) != ""
    files = [Provenance(source=name) for name in ("p.csv", "P.csv", "x/p.csv")]
    assert len({report_name(one) for one in files}) == 3


@pytest.mark.slow
def test_topics_that_differ_in_a_dash_do_not_overwrite_each_other(tmp_path: Path) -> None:
    def of(name: str) -> TopicReport:
        made = report()
        origin = made.provenance
        assert origin.topic is not None
        topic = replace(origin.topic, name=name, title=name)
        return replace(
            made, comparison=replace(made.comparison, provenance=replace(origin, topic=topic))
        )

    names = ["ai_art", "ai-art", "a" * 61, "a" * 62]
    write_files([of(name) for name in names], ["json"], tmp_path)
    comparisons = sorted(tmp_path.glob("*-comparison.json"))
    written = [json.loads(path.read_text())["topic"]["name"] for path in comparisons]
    assert sorted(written) == sorted(names)
    together = {path.name for path in tmp_path.iterdir()}
    # A topic's files are called the same when others come or go.
    alone = tmp_path / "alone"
    alone.mkdir()
    write_files([of("ai-art")], ["json"], alone)
    assert {path.name for path in alone.iterdir()} < together
