"""`store.import_`: tables in a store, from a program."""

import json
from pathlib import Path
from typing import Any

import pytest

import blueattr
from blueattr.analysis.asked.parse import question, sampling
from blueattr.analysis.topic_reports import report_topic
from blueattr.errors import (
    ExitCode,
    NoAnswerError,
    NobodyInvolvedError,
    StoreError,
    UsageError,
)
from blueattr.panel.query import PanelQuery
from support.cli_world import ok, refused

ROWS = [
    {
        "id": k,
        "author": who,
        "created_at": f"2024-01-0{k} 10:00",
        "body": f"mythos {k}",
        "reply_to": to,
    }
    for k, who, to in [(1, "ann", None), (2, "bob", 1), (3, "cy", 1), (4, "ann", 2)]
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.mark.slow
def test_a_program_imports_and_asks(table: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        blueattr.open(tmp_path / "x.duckdb")
    with blueattr.open(tmp_path / "x.duckdb", create=True) as store:
        plan = store.import_(table, columns={"actor": "author"}, dry_run=True)
        assert [len(rows) for _, rows in plan.first_rows()] == [4]
        done = store.import_([table], columns={"actor": "author"}, drawn="keywords")
        assert done.ingested.events_after == 4
        result = store.attribute(match="mythos", indicator="lin")
        assert dict(zip(result.agents["did"], result.agents["c"].exp() - 1, strict=True)) == (
            pytest.approx({"x:table:ann": 2, "x:table:bob": 1, "x:table:cy": 0})
        )
        assert result.provenance.drawn == ("keywords",)
        assert "search for words" in str(result)
        with pytest.raises(NoAnswerError, match="b is 0 for every agent"):
            store.attribute(match="mythos", indicator="heat")
        with pytest.raises(UsageError, match="drawn"):
            store.import_(table, drawn="by hand")


@pytest.mark.slow
def test_whatever_is_asked_of_what_a_search_found_is_asked_of_those_involved(
    table: Path, tmp_path: Path
) -> None:
    """Unless somebody chose another panel; and where others are seen, of everyone."""
    with table.open("a") as rows:  # somebody who said something else
        rows.write(json.dumps({**ROWS[0], "id": 5, "author": "dee", "body": "lunch"}) + "\n")
    about: dict[str, Any] = {"match": "mythos", "indicator": "lin"}
    with blueattr.open(tmp_path / "x.duckdb", create=True) as store:
        store.import_(table, columns={"actor": "author"}, drawn="keywords")
        query = PanelQuery(tmp_path / "x.duckdb", topic=None, match=("mythos",))
        days = {"before": "2024-01-01..2024-01-02", "after": "2024-01-03..2024-01-04"}
        found = {
            "attribute": store.attribute(**about),
            "by day": store.attribute(**about, by="day").whole,
            "compare_scales": store.compare_scales(**about, sizes=2, seeds=2),
            "topics": store.compare_scales(
                topic=("all", "mythos"), indicator="lin", sizes=2
            ).topics[0],
            "bootstrap": store.bootstrap(**about, resamples=100),
            "sensitivity": store.sensitivity(**about, size=2, seeds=2),
            "design": store.design(**about, within=0.4),
            "validate": store.validate(**about, n=3, exact=3, permutations=4, coalitions=4),
            "convergence": store.convergence(**about),
            "change": store.change(**about, **days),
            "posts": store.posts(**about),
            "why": store.why("x:table:ann", **about),
            "export": store.export(**about),
            "report": report_topic(query, question(indicator="lin"), sampling(sizes=2)).comparison,
        }
        assert {name: one.panel for name, one in found.items()} == dict.fromkeys(found, "involved")
        assert found["attribute"].n_agents == 3
        assert str(found["attribute"]).count("search for words") == 1
        assert store.attribute(**about, panel="active").n_agents == 4
        with pytest.raises(NobodyInvolvedError, match="panel active"):
            store.why("x:table:dee", **about)
        # A store that sees others in the same days.
        other = tmp_path / "other.jsonl"
        other.write_text(json.dumps({**ROWS[0], "author": "eve"}) + "\n")
        store.import_(other, columns={"actor": "author"}, drawn="network")
        both = store.attribute(**about)
        assert (both.panel, both.n_agents) == ("active", 5)
        apart = store.attribute(**about, start="2024-01-02")
        assert (apart.panel, apart.n_agents) == ("involved", 3)


@pytest.mark.slow
def test_the_command_says_what_is_missing_before_it_reads(table: Path, tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    options = ("--columns", "actor=author", "--db", db)
    dry = ok("import", table, *options, "--dry-run", "--format", "json").json
    assert not db.exists()
    assert dry["remarks"] == ["No follower counts: b is 0 for everyone, and tiers are by activity."]
    assert dry["rows"][1]["subject"] == "x:table:ann"
    done = ok("import", table, *options)
    assert "No follower counts" in done.stderr
    assert done.stderr.index("author is actor") < done.stderr.index("No follower counts")
    answer = ok(
        "attribute", "--match", "mythos", "--indicator", "lin", "--db", db, "--format", "json"
    ).json
    assert answer["drawn"] == ["unknown"]
    assert answer["time_from"] == [{"kind": "claimed", "records": 4, "share": 1.0}]
    refused(
        ExitCode.NO_ANSWER, "attribute", "--match", "mythos", "--db", db, says="b is 0 for every"
    )


def test_a_wrong_import_ends_with_a_sentence_and_no_store(table: Path, tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    for says, *options in (
        ("no format 'faila'; did you mean failla?", "--format", "faila"),
        ("--columns", "--format", "failla", "--columns", "actor=author"),
        ("PART=COLUMN", "--columns", "author"),
        ("there is no part 'acter'", "--columns", "acter=author"),
        ("no column 'auther'", "--columns", "actor=auther"),
        ("name one of them", "--format", "json", "--format", "csv"),
    ):
        refused(ExitCode.USAGE, "import", table, *options, "--db", db, says=says)
    refused(ExitCode.USAGE, "import", "--db", db, says="name the files")
    refused(ExitCode.INPUT, "import", tmp_path / "none.csv", "--db", db, says="no such file")
    refused(
        ExitCode.INPUT,
        "import",
        table,
        "--format",
        "failla",
        "--db",
        db,
        says="no table posts of failla",
    )
    assert not db.exists()


@pytest.mark.slow
def test_follower_counts_of_a_table_make_b(table: Path, tmp_path: Path) -> None:
    fans = {"ann": 7, "bob": 3, "cy": 0}
    table.write_text(
        "".join(json.dumps({**row, "fans": fans[str(row["author"])]}) + "\n" for row in ROWS)
    )
    with blueattr.open(tmp_path / "x.duckdb", create=True) as store:
        done = store.import_(table, columns={"actor": "author", "followers": "fans"})
        assert done.plan.remarks[0].startswith("Follower counts are those of the table")
        result = store.attribute(match="mythos", indicator="heat", popularity="followers")
        followers = dict(zip(result.agents["did"], result.agents["b"].exp() - 1, strict=True))
        assert followers == pytest.approx({f"x:table:{who}": n for who, n in fans.items()})


def test_the_formats_are_listed() -> None:
    listed = ok("import", "--formats", "--format", "json").json
    assert "failla" in {each["format"] for each in listed["formats"]}
