"""What c counts: replies, reposts and quotes, and what an older store does not know of the last."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from blueattr.analysis.features import make_features
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import ExitCode, UsageError
from blueattr.indicators.find import find_indicator
from blueattr.ingest import read
from blueattr.panel.influence import KINDS, RECEIVED, Kind, check_influence
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance
from blueattr.runs.basis import question_digest
from blueattr.runs.plan import Plan
from blueattr.store.database import Store
from support.cli_world import ok, refused
from support.events_builder import Event, at, did, follow, lines, post, quoting, repost, uri
from support.places import ROOT
from support.store_content import rows

WITHOUT: tuple[Kind, ...] = ("replies", "reposts")
NOTE = "Influence counts replies and reposts without quotes: "


def conversation(day: float) -> list[Event]:
    """Ann writes on and off the topic; others answer, repost and quote her, most of them off it."""

    def key(name: str) -> str:
        return f"{name}{day:g}"

    def about(who: str, name: str, quoted: str, **more: Any) -> Event:
        more |= {"rev": 20, "time": at(9, days=day), "embed": quoting(quoted)}
        return post(who, key(name), "so true", **more)

    mine, other = uri("ann", key("p")), uri("ann", key("q"))
    late, stranger = at(10, days=day), quoting(uri("eve", "x"))
    return [
        post("ann", key("p"), "mythos", rev=1, time=at(1, days=day)),
        post("ann", key("q"), "lunch", rev=2, time=at(2, days=day)),
        about("bea", "one", mine),
        about("bea", "two", mine),
        about("cyd", "both", other, parent=mine),
        about("cyd", "same", mine, parent=mine),
        about("ann", "self", mine),
        about("dot", "deep", uri("bea", key("one"))),
        post("dot", key("own"), "mythos", rev=30, time=late, embed=stranger),
        repost("cyd", key("r"), mine, rev=31, time=late),
        repost("cyd", key("s"), mine, rev=32, time=late),
        follow("bea", key("f"), "ann", rev=33, time=late),
        follow("eve", key("f"), "ann", rev=34, time=late),
    ]


def ingest(db: Path, *events: Event) -> Path:
    path = db.parent / "events.jsonl"
    path.write_bytes(lines(*events))
    assert read.ingest(db, [str(path)]).failures == ()
    return db


def counts(db: Path, topic: bool, influence: tuple[Kind, ...] | None) -> dict[str, tuple[Any, ...]]:
    """Return of each agent that has any its records, and replies, reposts and quotes received."""
    about, match = (None, ("mythos",)) if topic else ("all", ())
    query = PanelQuery(
        db, about, match, start=at(0), end=at(days=1), scale="raw", keep_bots=True,
        influence=influence,
    )  # fmt: skip
    frame, origin = make_features(query)
    assert origin.influence == (influence or KINDS)
    names = [RECEIVED[kind] for kind in KINDS]
    assert [sum(filter(None, row)) for row in frame.select(names).rows()] == frame["c"].to_list()
    found = frame.select("did", "activity", *names).rows()
    return {who.split(":")[-1]: tuple(row) for who, *row in found if any(row)}


@pytest.mark.slow
def test_a_quote_counts_beside_the_post_that_it_is_in(tmp_path: Path) -> None:
    db = ingest(tmp_path / "store.duckdb", *conversation(0))
    # Two quotes are two, two reposts of one post are one; a post of one's own is none. What belongs
    # by its own words counts for whom it quotes, whatever that says.
    assert counts(db, True, None) == {
        "ann": (2, 2, 1, 4), "bea": (2, 0, 0, 0), "cyd": (3, 0, 0, 0), "dot": (1, 0, 0, 0),
        "eve": (0, 0, 0, 1),
    }  # fmt: skip
    assert counts(db, False, None) == {
        "ann": (3, 2, 1, 4), "bea": (2, 0, 0, 1), "cyd": (3, 0, 0, 0), "dot": (2, 0, 0, 0),
        "eve": (0, 0, 0, 1),
    }  # fmt: skip


@pytest.mark.slow
def test_without_quotes_it_is_as_if_no_post_quoted_another(tmp_path: Path) -> None:
    with_them = ingest(tmp_path / "store.duckdb", *conversation(0))
    (tmp_path / "plain").mkdir()
    events = conversation(0)
    for event in events:
        event["commit"]["record"].pop("embed", None)
    without = ingest(tmp_path / "plain" / "store.duckdb", *events)
    for topic in (True, False):
        found = counts(with_them, topic, WITHOUT)
        assert found == counts(without, topic, WITHOUT)
        assert found["ann"] == (1 if topic else 3, 2, 1, None)
    assert counts(with_them, True, ("quotes",))["ann"] == (2, None, None, 4)


@pytest.mark.slow
def test_hours_have_what_belongs_to_a_topic_by_what_it_quotes(tmp_path: Path) -> None:
    db = ingest(tmp_path / "store.duckdb", *conversation(0))
    query = PanelQuery(db, None, ("mythos",), start=at(0), end=at(days=1), keep_bots=True)
    for influence, records in ((KINDS, 8), (WITHOUT, 5)):
        with Store.open(db) as store:
            view = StoreView.of(store, replace(query, influence=influence))
            assert view.account_hours(view.topic())["records"].sum() == records


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("quotes, replies", ("replies", "quotes")), (["reposts"], ("reposts",)), (None, None)],
)
def test_kinds_are_named_in_any_order(text: Any, kinds: tuple[Kind, ...] | None) -> None:
    assert check_influence(text) == kinds


@pytest.mark.parametrize("text", ["", "likes", "quote", "replies,replies", []])
def test_kinds_that_make_no_sense_are_refused_in_a_sentence(text: Any) -> None:
    with pytest.raises(UsageError, match="--influence"):
        check_influence(text)


# --- a store that an earlier version filled ------------------------------------------------------


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("migrated") / "store.duckdb"
    with duckdb.connect(db) as connection:
        old = ROOT / "tests/store/old_stores/schema_007.sql"
        connection.execute(old.read_text(encoding="utf-8"))
    return ingest(db, *conversation(40), *conversation(41))


@pytest.fixture(scope="module")
def after(migrated: Path) -> datetime:
    with Store.open(migrated) as store:
        ((time,),) = rows(store, "SELECT after FROM kept_from")
    assert isinstance(time, datetime)
    return time


def words(db: Path, start: datetime) -> list[object]:
    return [
        "--match",
        "mythos",
        "--db",
        db,
        "--from",
        start.isoformat(),
        "--to",
        at(days=43).date(),
    ]


def asked(db: Path, start: datetime, *more: object) -> Any:
    return ok("attribute", *words(db, start), "--format", "json", *more).json


@pytest.mark.slow
def test_in_a_window_that_begins_before_the_migration_quotes_do_not_count(
    migrated: Path, after: datetime
) -> None:
    found = asked(migrated, after)
    assert found["influence"] == list(WITHOUT)
    (note,) = (one for one in found["notes"] if one.startswith(NOTE))
    assert f"{after:%Y-%m-%d %H:%M:%S}" in note
    chosen = asked(migrated, after, "--influence", "replies,reposts")
    assert chosen == found | {"notes": [one for one in found["notes"] if one != note]}
    assert {agent["quotes_received"] for agent in found["leaders"]} == {None}
    assert note in " ".join(ok("attribute", *words(migrated, after)).text.split())


@pytest.mark.slow
def test_in_a_window_after_the_migration_quotes_count(migrated: Path, after: datetime) -> None:
    found = asked(migrated, after + timedelta(microseconds=1))
    assert found["influence"] == list(KINDS)
    assert not any(one.startswith(NOTE) for one in found["notes"])
    (ann,) = (agent for agent in found["leaders"] if agent["did"] == did("ann"))
    assert ann["quotes_received"] == 8
    assert (
        found["total"]
        > asked(migrated, after + timedelta(hours=1), "--influence", "replies,reposts")["total"]
    )


def test_quotes_that_are_asked_for_and_not_known_are_refused(
    migrated: Path, after: datetime
) -> None:
    refused(ExitCode.NO_ANSWER, "attribute", *words(migrated, after), "--influence", "quotes",
            says="the store knows what posts quote only after")  # fmt: skip


@pytest.mark.few(2)
@pytest.mark.parametrize("command", ["posts", "sensitivity", "bootstrap", "compare-scales"])
def test_every_answer_says_that_quotes_do_not_count(
    migrated: Path, after: datetime, command: str
) -> None:
    found = ok(command, *words(migrated, after), "--format", "json").json
    assert found["influence"] == list(WITHOUT)
    assert any(one.startswith(NOTE) for one in found["notes"])
    assert NOTE in " ".join(ok(command, *words(migrated, after)).text.split())


@pytest.mark.slow
def test_those_who_take_part_and_are_involved_are_counted_without_quotes_and_it_is_said(
    migrated: Path, after: datetime
) -> None:
    panel, check = (
        [ok(*name, *words(migrated, start), "--format", "json").json
         for start in (after, after + timedelta(microseconds=1))]
        for name in (["panel"], ["topics", "check"])
    )  # fmt: skip
    for partly, wholly in (panel, check):
        assert (partly["influence"], wholly["influence"]) == (list(WITHOUT), list(KINDS))
        assert any(one.startswith(NOTE) for one in partly["notes"])
    assert [one["n_involved"] for one in panel] == [3, 5]
    assert [sum(day["events"] for day in one["days"]) for one in check] == [2 * 5, 2 * 8]
    text = ok("topics", "check", *words(migrated, after)).text
    assert NOTE in " ".join(text.split())


def test_two_windows_count_the_same_kinds(migrated: Path, after: datetime) -> None:
    def compared(before: datetime) -> Any:
        day = before.date()
        return ok("change", "--match", "mythos", "--db", migrated, "--before", f"{day}..{day}",
                  "--after", f"{at(days=41).date()}..{at(days=41).date()}", "--indicator", "lin",
                  "--format", "json").json  # fmt: skip

    known, unknown = compared(at(days=40)), compared(after)
    assert known["influence"] == list(KINDS)
    assert unknown["influence"] == list(WITHOUT)
    assert any(one.startswith(NOTE) for one in unknown["notes"])
    assert unknown["total_after"] < known["total_after"]


@pytest.mark.slow
def test_sensitivity_has_a_row_with_quotes_or_without_them(migrated: Path, after: datetime) -> None:
    def row(start: datetime, *more: object) -> Any:
        found = ok("sensitivity", *words(migrated, start), "--format", "json", *more).json
        every = found["indicators"][0]["rows"]
        (one,) = (one for one in every if one["choice"] == "influence")
        return one

    known = after + timedelta(hours=1)
    without = row(known)
    assert (without["setting"], without["effect"]) == ("replies, reposts", "computed")
    with_them = row(known, "--influence", "replies,reposts")
    assert (with_them["setting"], with_them["effect"]) == ("replies, reposts, quotes", "computed")
    assert with_them["total"] == asked(migrated, known)["total"] > without["total"]
    unknown = row(after)
    assert unknown["effect"] == "not available"
    assert "knows what posts quote only after" in unknown["why"]


@pytest.mark.slow
def test_a_window_that_is_shifted_to_before_the_migration_is_not_compared(
    migrated: Path, after: datetime
) -> None:
    found = ok("sensitivity", *words(migrated, after + timedelta(hours=1)), "--format", "json").json
    shifted = {
        one["setting"]: one for one in found["indicators"][0]["rows"] if one["choice"] == "window"
    }
    assert "knows what posts quote" in shifted["shifted by -1 day"]["why"]
    assert shifted["shifted by +1 day"]["why"] is None


@pytest.mark.slow
def test_a_report_says_it_and_the_command_in_it_makes_the_same(
    migrated: Path, after: datetime, tmp_path: Path
) -> None:
    ok("report", *words(migrated, after), "--out", tmp_path / "one.html")
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert NOTE in page
    assert "--influence" not in page
    ok("report", *words(migrated, after + timedelta(hours=1)), "--out", tmp_path / "two.html")
    page = (tmp_path / "two.html").read_text(encoding="utf-8")
    assert NOTE not in page
    assert "--influence replies,reposts,quotes" in page


@pytest.mark.slow
def test_a_store_that_is_new_knows_what_all_posts_quote(
    fresh: Callable[[], Path], tmp_path: Path
) -> None:
    db = ingest(tmp_path / "store.duckdb", *conversation(0))
    with Store.open(db) as store:
        assert rows(store, "FROM kept_from") == []
    assert json.loads(ok("attribute", *words(db, at(days=-1)), "--format", "json").text)[
        "influence"
    ] == list(KINDS)


# --- the bundled sample --------------------------------------------------------------------------


@pytest.mark.slow
def test_the_sample_has_the_figures_of_replies_and_reposts_and_more_with_quotes(
    tmp_path: Path,
) -> None:
    db = tmp_path / "store.duckdb"
    read.ingest(db, [str(ROOT / "data" / "sample.jsonl.zst")])

    def found(*more: object) -> Any:
        return ok("attribute", "--topic", "mythos", "--db", db, "--format", "json", *more).json

    without = found("--influence", "replies,reposts", "--panel", "involved")
    assert [tier["agents"] for tier in without["tiers"]] == [13, 73, 337]
    shares = [100 * tier["share"] for tier in without["tiers"]]
    assert shares == pytest.approx([14.0, 36.1, 49.9], abs=0.1)
    assert without["total"] == pytest.approx(0.3318, abs=1e-3)
    active = found("--influence", "replies,reposts")
    assert active["total"] == pytest.approx(0.0091, abs=1e-4)
    others = [100 * (tier["share"] - tier["share_involved"]) for tier in active["tiers"]]
    assert others == pytest.approx([1.1, 8.0, 14.8], abs=0.1)
    # Who quotes or is quoted takes part, too.
    assert found()["n_involved"] > active["n_involved"] == 423
    assert found()["total"] > active["total"]


# --- runs ----------------------------------------------------------------------------------------


def test_runs_whose_c_counts_other_kinds_are_not_compared(tmp_path: Path) -> None:
    heat = find_indicator("heat")

    def digest(chosen: tuple[Kind, ...] | None, counted: tuple[Kind, ...]) -> str:
        plan = Plan(PanelQuery(tmp_path, influence=chosen), (), ("all",), Question(), Sampling(),
                    tmp_path)  # fmt: skip
        return question_digest(plan, Provenance("x", influence=counted), heat)

    assert digest(None, KINDS) == digest(KINDS, KINDS)
    assert digest(None, WITHOUT) == digest(WITHOUT, WITHOUT) != digest(None, KINDS)
