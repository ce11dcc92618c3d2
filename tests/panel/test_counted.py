"""c of counts: tables that say how often a post was answered or reposted, and not by whom."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import ExitCode
from blueattr.ingest import read
from blueattr.ingest.tables import import_tables, plan_import
from blueattr.panel.features import COUNTS
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.store.database import Store
from support.cli_world import ok, refused
from support.events_builder import POST, lines, post, repost, tid, uri
from support.store_content import content, rows

ANN, BOB, CY = (f"did:plc:{name * 8}" for name in ("ann", "bob", "cyy"))
NAMES = ("uri", "text", "created_at", "reply_to", "reply_count", "repost_count", "quote_count",
         "collected_at")  # fmt: skip
Row = tuple[Any, ...]


def at(who: str, number: int) -> str:
    return f"at://{who}/{POST}/{tid(number)}"


# Address, text, time, what it answers, replies, reposts, quotes, when counted.
TABLE: list[Row] = [
    (at(ANN, 1), "mythos", "2026-04-09T10:00Z", "", 5, 2, 1, "2026-05-01"),
    (at(ANN, 2), "Mythos again", "2026-04-10T10:00Z", at(BOB, 3), "7.0", "", 0, "2026-05-02"),
    (at(BOB, 3), "about mythos", "2026-04-10T09:00Z", "", "nan", 4, "None", "2026-05-02"),
    (at(BOB, 4), "of something else", "2026-04-10T09:00Z", "", 90, 90, 90, "2026-05-02"),
    (at(CY, 5), "mythos without counts", "2026-04-11T09:00Z", at(ANN, 1), "", "", "", "2026-05-02"),
    (at(CY, 6), "mythos long ago", "2025-01-01T09:00Z", "", 8, 8, 8, "2026-05-02"),
]  # fmt: skip
WINDOW = (datetime(2026, 4, 9, tzinfo=UTC), datetime(2026, 4, 12, tzinfo=UTC))


# Rows of which none is kept.
BAD: list[Row] = [
    *((at(ANN, 9), "mythos", "2026-04-10", "", value, "", "", "")
      for value in ("-1", "many", "3.5", "1e3", "99999999999")),
    (at(ANN, 9), "mythos", "2026-04-10", "", 1, "", "", "2255-01-01"),
    (at(ANN, 9), "mythos", "2026-04-10", "", 1, "", "", "soon"),
]  # fmt: skip


def write(path: Path, table: Sequence[Row] = TABLE) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([NAMES, *table])
    return path


def imported(db: Path, *files: Path, **options: Any) -> Any:
    done = import_tables(db, plan_import([str(file) for file in files], db, **options))
    assert done.ingested.failures == ()
    return done


def cell(value: Any) -> int:
    return 0 if value in {"", "nan", "None"} else int(float(value))


def twin(word: str = "mythos") -> dict[str, dict[str, int]]:
    """What each account did and received, in plain Python."""
    found: dict[str, Counter[str]] = {}
    for uri_, text, time, answers, replies, reposts, quotes, _ in TABLE:
        if not WINDOW[0] <= datetime.fromisoformat(time) < WINDOW[1] or word not in text.lower():
            continue
        own = found.setdefault(uri_.split("/")[2], Counter())
        own["replies" if answers else "posts"] += 1
        for name, value in (("replies", replies), ("reposts", reposts), ("quotes", quotes)):
            own[f"{name}_received"] += cell(value)
    return {
        who: {name: own[name] for name in COUNTS if name != "follows_received"}
        for who, own in found.items()
    }


def counted(db: Path, **asked: Any) -> dict[str, dict[str, int]]:
    wanted = {"topic": None, "match": ("mythos",), "start": WINDOW[0], "end": WINDOW[1]} | asked
    with Store.open(db) as store:
        view = StoreView.of(store, PanelQuery(db, **wanted))
        topic = view.topic()
        totals = view.features(view.totals(topic), "raw")
        days = view.features(view.agent_days(topic), "raw")
    assert totals.equals(days)
    return {
        row["did"]: {name: row[name] for name in COUNTS if name != "follows_received"}
        for row in totals.to_dicts()
        if row["a"] or row["c"]
    }


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counted")
    with pytest.MonkeyPatch.context() as patch:
        # A batch for each row.
        patch.setattr("blueattr.sources.tables.source._ROWS", 1)
        done = imported(folder / "x.duckdb", write(folder / "t.csv", [*TABLE, *BAD]))
    assert done.ingested.sources[0].rejected == {"bad count": 5, "bad time": 2}
    return folder / "x.duckdb"


@pytest.mark.slow
def test_c_is_what_the_table_counts_of_the_topics_own_posts(db: Path) -> None:
    assert counted(db) == twin()
    assert twin()[ANN]["replies_received"] == 12


def test_c_of_all_events_is_what_the_table_counts_of_all_posts(db: Path) -> None:
    assert counted(db, topic="all", match=()) == twin("")
    assert twin("")[BOB]["quotes_received"] == 90


def test_each_day_has_the_counts_of_its_posts(db: Path) -> None:
    received = []
    for k in range(3):
        start = WINDOW[0] + timedelta(days=k)
        found = counted(db, start=start, end=start + timedelta(days=1))
        received.append({who: own["reposts_received"] for who, own in found.items()})
    assert received == [{ANN: 2}, {ANN: 0, BOB: 4}, {CY: 0}]


def held(db: Path) -> Any:
    with Store.open(db) as store:
        found = rows(
            store,
            "SELECT did, rkey, replies, reposts, quotes, counted_at FROM imported_count "
            "JOIN account ON id = account ORDER BY ALL",
        )
    return content(db).records, found


@pytest.mark.slow
def test_counts_are_the_same_in_whatever_order_and_pieces_they_come(tmp_path: Path) -> None:
    """Of one post the newest count stays; of one time the largest."""
    newer = [(*TABLE[0][:4], 6, 1, 1, "2026-06-01"), (*TABLE[1][:4], 9, 0, 0, "2026-05-02")]
    pieces = [TABLE[:2], TABLE[2:], newer]
    seen = []
    for number, order in enumerate(([0, 1, 2, 0], [2, 1, 0])):
        db = tmp_path / f"{number}.duckdb"
        for k, piece in enumerate(pieces[place] for place in order):
            imported(db, write(tmp_path / f"{number}-{k}.csv", piece))
        seen.append(held(db))
    assert seen[0] == seen[1]
    _, found = seen[0]
    assert [row[2:5] for row in found[:2]] == [(6, 1, 1), (9, 0, 0)]


@pytest.mark.slow
def test_rows_without_an_identifier_have_the_counts_of_each(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "author,created_at,text,reply_count\n"
        "ann,2026-04-10,mythos,1\nann,2026-04-10,mythos,1\nann,2026-04-10,mythos,2\n"
    )
    imported(tmp_path / "x.duckdb", tmp_path / "t.csv")
    (own,) = counted(tmp_path / "x.duckdb").values()
    assert (own["posts"], own["replies_received"]) == (3, 4)


@pytest.mark.slow
def test_counts_are_never_mixed_with_records_of_other_sources(tmp_path: Path) -> None:
    db, path = tmp_path / "x.duckdb", write(tmp_path / "t.csv")
    imported(db, path)
    assert counted(db) == twin()
    live = tmp_path / "live.jsonl"
    time = datetime(2026, 4, 10, 11, tzinfo=UTC)
    live.write_bytes(
        lines(
            post("dan", "x", "mythos ai", rev=1, time=time),
            repost("eve", "r", uri("dan", "x"), rev=2, time=time),
        )
    )
    read.ingest(db, [str(live)])
    found = counted(db)
    assert sum(own["reposts_received"] for own in found.values()) == 1
    # What the table says by whom is known: Ann answered Bob, and Cy answered Ann.
    assert {who: found[who]["replies_received"] for who in (ANN, BOB, CY)} == {
        ANN: 1,
        BOB: 1,
        CY: 0,
    }
    text = ok("attribute", "--match", "mythos", "--db", db, "--indicator", "lin").text
    assert "c is made of records alone" in text
    assert "c is made of counts" not in text


@pytest.mark.slow
def test_a_post_that_was_deleted_or_whose_author_is_gone_counts_no_more(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    imported(db, write(tmp_path / "t.csv"))
    ok("forget", ANN, "--db", db)
    assert {*counted(db)} == {BOB, CY}
    records, found = held(db)
    assert {row[0] for row in found} == {BOB, CY}
    assert not any(ANN in key for key in records)
    # Nor does an import bring them back.
    imported(db, write(tmp_path / "again.csv", TABLE[:2]))
    assert {row[0] for row in held(db)[1]} == {BOB, CY}


ASKED = ("--match", "mythos", "--from", "2026-04-09", "--to", "2026-04-12")
ONE = (*ASKED, "--indicator", "lin")


@pytest.mark.few(1)
@pytest.mark.parametrize("command", [
    ("why", ANN, *ONE), ("posts", *ONE), ("export", *ONE, "--graph", "replies"),
    ("attribute", *ONE, "--by", "community"),
])  # fmt: skip
def test_questions_about_who_did_what_are_refused_in_a_sentence(
    command: tuple[str, ...], db: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "g.gexf") if command[0] == "export" else ()
    refused(ExitCode.NO_ANSWER, *command, *out, "--db", db,
            says="is known, but not when or by whom")  # fmt: skip


def test_an_answer_says_first_that_c_is_counted_and_what_that_leaves_open(db: Path) -> None:
    text = ok("attribute", *ONE, "--db", db).text
    before, _, _ = text.partition("account  ")
    assert (
        "c is made of counts of replies, reposts and quotes that the table gives of 3 of 4 posts, "
        "as of 2026-05-01 to 2026-05-02" in before
    )
    assert "Nobody is known who amplified" in before
    answer = ok("attribute", *ONE, "--db", db, "--format", "json").json
    assert answer["counts"] == {
        "posts": 4, "with_counts": 3, "kinds": ["replies", "reposts", "quotes"],
        "first": "2026-05-01T00:00:00Z", "last": "2026-05-02T00:00:00Z",
    }  # fmt: skip
    few = ok("attribute", *ONE, "--influence", "replies", "--db", db, "--format", "json").json
    assert few["influence"] == ["replies"]


@pytest.mark.slow
def test_a_report_of_counts_has_no_posts_that_carried_it(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    ok("report", *ONE, "--db", db, "--out", out)
    assert "c is made of counts of replies" in out.read_text(encoding="utf-8")
