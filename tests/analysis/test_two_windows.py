"""A change between two windows of a store: which windows, what totals, and what is refused."""

import html
import math
import re
import shlex
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import blueattr
from blueattr.analysis.again import report_again
from blueattr.analysis.asked.windows import ComparedWindows, two_windows
from blueattr.analysis.change import refuse_incomparable
from blueattr.errors import EmptyPanelError, NobodyInvolvedError, NoMatchError, UsageError
from blueattr.panel.influence import RECEIVED
from blueattr.provenance import Provenance, TopicInfo, Window
from support.cli_world import LAST_EVENT, ok
from support.places import ROOT

DAY = timedelta(days=1)


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


# --- which windows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2026-05-01..2026-05-03", "2026-05-04..2026-05-06"),
        ((date(2026, 5, 1), date(2026, 5, 3)), [date(2026, 5, 4), date(2026, 5, 6)]),
    ],
)
def test_days_are_whole_and_the_last_one_is_included(before: Any, after: Any) -> None:
    compared = two_windows(before=before, after=after)
    assert compared.before == Window(day(5, 1), day(5, 4))
    assert compared.after == Window(day(5, 4), day(5, 7))


def test_one_date_is_one_day() -> None:
    compared = two_windows(before="2026-05-01", after=date(2026, 5, 31))
    assert compared.before == Window(day(5, 1), day(5, 2))
    assert compared.after == Window(day(5, 31), day(6, 1))


def test_since_stands_for_both_windows() -> None:
    assert two_windows(since="yesterday") == ComparedWindows(days=1)
    assert two_windows(since="last-week") == ComparedWindows(days=7)
    assert two_windows(since="2026-05-03") == ComparedWindows(since=day(5, 3))
    assert two_windows(since=date(2026, 5, 3)) == ComparedWindows(since=day(5, 3))


THREE = {"before": "2026-05-01..2026-05-03", "after": "2026-05-04..2026-05-06"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "--before and --after must say what to compare"),
        ({"before": "2026-05-01"}, "--after must say"),
        ({"after": "2026-05-01"}, "--before must say"),
        ({**THREE, "since": "yesterday"}, "leave out --before and --after"),
        ({**THREE, "before": ""}, "names no days; write 2026-04-09..2026-04-15"),
        ({**THREE, "before": "2026-05-01...2026-05-03"}, "names no days"),
        ({**THREE, "before": "2026-05-01..2026-05-03..2026-05-04"}, "names no days"),
        ({**THREE, "before": "2026-05-01T12:00..2026-05-03"}, "names no days"),
        ({**THREE, "before": "last-week"}, "names no days"),
        ({**THREE, "before": [date(2026, 5, 1)] * 3}, "names no days"),
        ({**THREE, "before": "2026-02-30..2026-03-01"}, "'2026-02-30' is not a date"),
        ({**THREE, "before": "0001-01-01..0001-01-03"}, "outside the years 1970 to 2999"),
        ({**THREE, "before": "2026-05-03..2026-05-01"}, "ends before it starts"),
        ({**THREE, "before": "2026-05-01..2026-05-02"}, "2 days before and 3 days after"),
        ({**THREE, "before": "2026-05-03"}, "1 day before and 3 days after"),
        ({"since": "tomorrow"}, "is not a date or time"),
        ({"since": "tomorrow"}, "; yesterday and last-week do, too"),
        ({"since": "1900-01-01"}, "outside the years 1970 to 2999; yesterday and last-week do"),
        ({"since": "2026-13-01"}, "is not a date or time"),
    ],
)
def test_what_names_no_two_windows_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        two_windows(**options)
    assert says in str(refused.value)


# --- of a store -----------------------------------------------------------------------------------

WEEKS = {"before": "2026-05-01..2026-05-07", "after": "2026-05-08..2026-05-14"}


@pytest.fixture(scope="module")
def store(db: Path) -> blueattr.Store:
    return blueattr.open(db)


def check_totals(store: blueattr.Store, halves: tuple[datetime, ...], how: dict[str, Any]) -> None:
    """Compare a change with the attributions of its two windows."""
    first, middle, end = halves
    periods = [
        f"{start:%Y-%m-%d}..{past - DAY:%Y-%m-%d}"
        for start, past in ((first, middle), (middle, end))
    ]
    changes = store.change("mythos", before=periods[0], after=periods[1], top=0, **how)
    before = store.attribute("mythos", start=first, end=middle, top=0, **how)
    after = store.attribute("mythos", start=middle, end=end, top=0, **how)
    for name in changes.names:
        one = changes[name]
        assert (one.before.total, one.after.total) == (before[name].total, after[name].total)
        assert one.before.n_agents == before[name].n_agents
        assert one.after.n_involved == after[name].n_involved
        assert one.before.provenance.panel == before[name].provenance.panel
        assert one.change != 0
        larger = max(one.before.total, one.after.total)
        slack = (1e-9 if name == "gini" else 1e-12) * larger
        for parts in (one.kinds, one.tiers):
            whole = math.fsum([*(part.value for part in parts), one.size])
            assert whole == pytest.approx(one.change, rel=0, abs=slack)


@pytest.mark.few(1)
@pytest.mark.parametrize("panel", ["active", "involved"])
@pytest.mark.parametrize("scale", ["log1p", "raw"])
def test_totals_are_those_of_attribute_to_the_bit(
    panel: str, scale: str, store: blueattr.Store
) -> None:
    # Of this network nobody is followed in the second week, so that its heat is 0.
    how = {"indicator": ["lin", "var", "gini", "hill"], "panel": panel, "scale": scale}
    check_totals(store, (day(5, 1), day(5, 8), day(5, 15)), how)


@pytest.mark.slow
def test_totals_of_the_bundled_sample_are_those_of_attribute_to_the_bit(here: Path) -> None:
    ok("ingest", ROOT / "data" / "sample.jsonl.zst", "--db", "sample.duckdb")
    store = blueattr.open("sample.duckdb")
    for panel in ("active", "involved"):
        for scale in ("log1p", "raw"):
            how = {"indicator": "all", "panel": panel, "scale": scale}
            check_totals(store, (day(4, 9), day(4, 16), day(4, 23)), how)
    # As docs/change.md has it; and as it was before quotes counted.
    for influence, shares in (
        (None, [-162, 83, -391, 450, 0]), ("replies,reposts", [-175, 86, -424, 485, 0])
    ):  # fmt: skip
        heat = store.change("mythos", since="last-week", influence=influence)
        assert [round(100 * (part.share or 0)) for part in heat.kinds] == shares


def windows_of(store: blueattr.Store, **options: Any) -> tuple[Window | None, Window | None]:
    result = store.change("mythos", "lin", **options)
    return result.before.provenance.window, result.after.provenance.window


@pytest.mark.slow
def test_windows_by_name_are_counted_back_from_the_last_whole_day(store: blueattr.Store) -> None:
    # The last event is of 15 May.
    assert windows_of(store, since="yesterday") == (
        Window(day(5, 14), day(5, 15)), Window(day(5, 15), day(5, 16))
    )  # fmt: skip
    assert windows_of(store, since="last-week") == (
        Window(day(5, 2), day(5, 9)), Window(day(5, 9), day(5, 16))
    )  # fmt: skip
    last = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=LAST_EVENT + 1)
    length = last - day(5, 10)
    assert windows_of(store, since="2026-05-10") == (
        Window(day(5, 10) - length, day(5, 10)), Window(day(5, 10), last)
    )  # fmt: skip
    with pytest.raises(UsageError, match="since 2026-06-01 00:00 is after the last event"):
        store.change("mythos", since="2026-06-01")


def test_a_day_that_is_not_over_is_not_the_last_whole_one(
    store: blueattr.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noon(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Noon":
            return cls(2026, 5, 15, 12, tzinfo=tz)

    monkeypatch.setattr("blueattr.panel.query.datetime", Noon)
    assert windows_of(store, since="yesterday") == (
        Window(day(5, 13), day(5, 14)), Window(day(5, 14), day(5, 15))
    )  # fmt: skip


def test_what_was_not_seen_of_a_window_is_said(store: blueattr.Store) -> None:
    result = store.change(
        "mythos", "lin", before="2026-05-10..2026-05-14", after="2026-05-15..2026-05-19"
    )
    (gap,) = result.after.provenance.gaps
    assert (gap.start.date(), gap.end) == (date(2026, 5, 15), day(5, 20))
    assert result.before.provenance.gaps == ()
    text = " ".join(str(result).split())
    whole = " ".join(str(store.change("mythos", "lin", **WEEKS)).split())
    assert "After: The window has 1 gap" in text
    assert "Before: " not in text
    assert "All days of both windows were seen whole" not in text
    assert "All days of both windows were seen whole" in whole


def test_a_topic_may_begin_in_the_window_after(store: blueattr.Store) -> None:
    asked: dict[str, Any] = {"match": "so true", "before": "2026-05-01", "after": "2026-05-02"}
    result = store.change(**asked)
    assert result.before.total == 0 < result.after.total
    assert "in the window before nobody wrote about it" in result.notes[0]
    with pytest.raises(NobodyInvolvedError, match=r"in the window before \(1 May 2026 \(UTC\)\)"):
        store.change(**asked, panel="involved")
    with pytest.raises(NoMatchError, match=r"in 1 May 2026 \(UTC\), nor in 2 May 2026"):
        store.change(**{**asked, "match": "no such words"})


def test_a_window_without_anybody_is_refused_by_its_dates(store: blueattr.Store) -> None:
    with pytest.raises(EmptyPanelError, match="nobody was active from 2026-04-28"):
        store.change("mythos", before="2026-04-28..2026-04-30", after="2026-05-01..2026-05-03")


def test_the_windows_the_other_way_round_negate_the_change_and_say_so(
    store: blueattr.Store,
) -> None:
    one = store.change("mythos", **WEEKS)
    other = store.change("mythos", before=WEEKS["after"], after=WEEKS["before"])
    assert other.change == -one.change
    assert other.size == pytest.approx(-one.size, rel=1e-12)
    assert "The window before is the later one." in other.notes
    assert one.notes == ()


def test_days_that_two_windows_share_are_said(store: blueattr.Store) -> None:
    result = store.change(
        "mythos", "lin", before="2026-05-01..2026-05-07", after="2026-05-06..2026-05-12"
    )
    assert result.notes == ("What happened in 6 to 7 May 2026 (UTC) counts in both windows.",)
    same = store.change("mythos", before=WEEKS["before"], after=WEEKS["before"])
    assert (same.change, same.size, same.movement, same.movement_ratio) == (0, 0, 0, None)
    assert {one.kind for one in same.movers} == {"same"}
    assert "heat is 0.8368 in both windows." in str(same)
    assert str(same.movers[0].handle) not in str(same), "nobody has a part in it"


@pytest.mark.slow
def test_accounts_are_named_with_what_they_did_in_both_windows(store: blueattr.Store) -> None:
    result = store.change("mythos", **WEEKS, top=3)
    assert [one.did for one in result.movers] == result.agents["did"].head(3).to_list()
    whole = store.change("mythos", **WEEKS, top=1000).movers
    assert len(whole) == result.n_agents
    by_did = {one.did: one for one in whole}
    for which, start in (("before", "2026-05-01"), ("after", "2026-05-08")):
        rows = store.features("mythos", start=start, window="7d").rows(named=True)
        assert len(rows) > 50
        for row in rows:
            mover = by_did.pop(row["did"]) if which == "after" else by_did[row["did"]]
            assert getattr(mover, f"written_{which}") == row["activity"]
            received = sum(row[name] for name in RECEIVED.values())
            assert getattr(mover, f"received_{which}") == received
            assert getattr(mover, f"follows_{which}") == row["follows_received"]
            assert mover.handle is not None
    # Those that are left are not on the panel after.
    assert all(one.kind == "left" and one.written_after is None for one in by_did.values())
    hidden = store.change("mythos", **WEEKS, top=0)
    assert hidden.movers == ()
    assert set(hidden.agents["did"].head(2)) == {"1", "2"}


@pytest.mark.slow
@pytest.mark.parametrize("hiding", [{}, {"pseudonyms": True}, {"top": 0}], ids=str)
def test_a_report_says_what_carried_the_change_since_earlier_days(
    hiding: dict[str, Any], db: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEATTR_PSEUDONYM_KEY", "a key that nobody can guess")
    store = blueattr.open(db)
    asked: dict[str, Any] = {"start": "2026-05-08", "end": "2026-05-15", "indicator": "lin"}
    few: dict[str, Any] = {"sizes": "5", "seeds": 1, **hiding}
    earlier = (date(2026, 5, 1), date(2026, 5, 7))
    (page,) = store.report("page.html", "mythos", against=earlier, **asked, **few)
    text = page.read_text("utf-8")
    assert "lin fell from" in text
    assert "--against 2026-05-01..2026-05-07" in text
    change = store.change("mythos", "lin", **WEEKS, **hiding)
    assert all((one.handle or one.did) in text for one in change.movers)
    assert len(change.movers) == hiding.get("top", 10)
    # The command in it gives the same page.
    command = re.search(r"blueattr report --topic[^<]*", text)
    assert command is not None
    words = shlex.split(html.unescape(command[0]))[1:]
    ok(*words, "--out", "again.html")
    assert Path("again.html").read_bytes() == page.read_bytes()
    made = report_again(shlex.join(["blueattr", *words]), db, 4 << 30, beside=here)
    assert made.report.change is not None
    assert made.report.change.change == change.change
    (plain,) = store.report("plain.html", "mythos", **asked, **few)
    assert "What carried the change" not in plain.read_text("utf-8")
    with pytest.raises(UsageError, match="1 day before and 7 days after"):
        store.report("page.html", "mythos", against="2026-05-01", **asked, **few)


def test_hydrated_counts_are_said_to_be_those_of_one_moment(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "blueattr.panel.query.StoreView.popularity", lambda _: "follower counts of 2026-05-16"
    )
    result = blueattr.open(db).change("mythos", **WEEKS)
    assert result.notes == (
        (
            "Follower counts are those of one moment, so that b is the same in both windows for "
            "whoever stayed."
        ),
    )


ORIGIN = Provenance(
    "x.duckdb", feature_scale="log1p", popularity="follows received in the window",
    topic=TopicInfo("mythos", "Mythos", "x", ("mythos",)), window=Window(day(5, 1), day(5, 4)),
)  # fmt: skip
LATER = replace(ORIGIN, window=Window(day(5, 4), day(5, 7)))
WORDS = TopicInfo("mythos", "Mythos", "x", ("mythos", "more"))


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (replace(LATER, topic=None), "different topics: mythos and all events"),
        (replace(LATER, topic=WORDS), "different topics: mythos, whose words or patterns changed"),
        (replace(LATER, feature_scale="raw"), "different scales, log1p and raw"),
        (replace(LATER, popularity="follower counts of 2026-05-04"), "b has different sources"),
        (replace(LATER, window=Window(day(5, 4), day(5, 8))), "3 days before and 4 days after"),
    ],
)
def test_what_is_not_comparable_is_refused(after: Provenance, says: str) -> None:
    refuse_incomparable(ORIGIN, LATER)
    with pytest.raises(UsageError) as refused:
        refuse_incomparable(ORIGIN, after)
    assert says in str(refused.value)
