"""Rollups: whatever was ingested, in whatever order, they say what the records say."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from blueattr.analysis.upkeep import rollup
from blueattr.ingest import read
from blueattr.kernels.tallies import Tally, add_up
from blueattr.panel import topics
from blueattr.panel.counts import WindowCounts
from blueattr.provenance import Window
from blueattr.report.inventory.rollups import rollup_report
from blueattr.store.commit import fold
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up
from support.cli_world import ok
from support.effort import costly_law, law
from support.events_builder import (
    Event,
    account,
    at,
    delete,
    follow,
    lines,
    post,
    quoting,
    repost,
    uri,
)
from support.rollup_checks import (
    DAYS,
    EARTH,
    MYTHOS,
    OTHER,
    WHO,
    WINDOWS,
    answers,
    append,
    check,
    histories,
    rows,
)

# --- any sequence --------------------------------------------------------------------------------


@pytest.mark.slow
@costly_law(8, suppress=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_after_any_sequence_rollups_say_what_the_records_say(
    fresh: Callable[[], Path], data: st.DataObject
) -> None:
    events = data.draw(st.permutations(data.draw(histories())))
    db, patch = fresh() / "store.duckdb", pytest.MonkeyPatch()
    slack = data.draw(st.sampled_from([1000, 1]))
    window = data.draw(st.sampled_from(WINDOWS))
    with Writer(db) as writer, patch.context() as patched:
        patched.setattr(fold, "SLACK", slack)
        while events:
            size = data.draw(st.integers(1, len(events)))
            part, events = events[:size], events[size:]
            append(writer, *part)
            if data.draw(st.booleans(), label="roll up"):
                today = data.draw(st.sampled_from([1, 2, DAYS]))
                rules = data.draw(st.sampled_from([(), (MYTHOS,), (MYTHOS, EARTH)]))
                done = roll_up(writer, rules, at(days=today).date())
                event(f"days summarised at once: {len(done.days)}")
        event(f"pending: {bool(content(writer, 'pending'))}")
        event(f"topic events: {bool(content(writer, 'topic_event'))}")
    check(db, window, (None, MYTHOS, EARTH))


# --- what is in them, by hand --------------------------------------------------------------------


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with Writer(tmp_path / "store.duckdb") as opened:
        yield opened


def summarised(of: Writer) -> list[date]:
    with of._attached():
        return of.frame("store/rollups/summarised_days")["day"].to_list()


def content(of: Writer, table: str, order: str = "ALL") -> list[tuple[Any, ...]]:
    with of._attached():
        return rows(of, f"FROM {table} ORDER BY {order}")


def day(number: int) -> date:
    return at(days=number).date()


def test_a_day_is_summarised_when_it_is_over(writer: Writer) -> None:
    append(writer, *(post("ann", f"p{k}", rev=k, time=at(days=k)) for k in range(3)))
    assert roll_up(writer, today=day(0)).days == (day(0), day(1))
    assert roll_up(writer, today=day(0)).days == ()
    assert roll_up(writer, today=day(2)).days == ()
    assert roll_up(writer, today=day(3)).days == (day(2),)
    assert summarised(writer) == [day(0), day(1), day(2)]


@pytest.mark.slow
def test_a_late_event_and_a_delete_are_corrections_in_their_commit(writer: Writer) -> None:
    append(
        writer,
        post("ann", "p", "mythos", rev=1, time=at(1)),
        repost("bea", "r", uri("ann", "p"), rev=2, time=at(2)),
    )
    roll_up(writer, [MYTHOS], day(1))
    before = content(writer, "agent_day")
    append(
        writer,
        delete("bea", "app.bsky.feed.repost", "r", rev=3, time=at(days=2)),
        post("cyd", "q", "yes", rev=4, time=at(3), parent=uri("ann", "p")),
    )
    assert summarised(writer) == [day(0)]
    added = content(writer, "agent_day")
    assert len(added) > len(before)
    assert [row for row in added if row in before] == before
    # Ann has lost a repost and got a reply; of Bea nothing is left.
    with writer._attached():
        sums = rows(writer, "SELECT account, sum(COLUMNS(* EXCLUDE (day, account))) FROM agent_day "
                    "GROUP BY account ORDER BY account")  # fmt: skip
    assert [row[1:] for row in sums] == [
        (1, 1, 0, 0, 1, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0), (1, 0, 1, 0, 0, 0, 0, 0)
    ]  # fmt: skip
    assert len(content(writer, "pending")) == 1
    assert len(content(writer, "topic_event")) == 1
    roll_up(writer, today=day(1))
    assert content(writer, "pending") == []
    assert len(content(writer, "topic_event")) == 2
    check(writer.path, WINDOWS[0], (None, MYTHOS))


@pytest.mark.slow
def test_a_day_that_changes_much_is_summarised_anew(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "SLACK", 2)
    append(writer, *(post("ann", f"p{k}", rev=k, time=at(k)) for k in range(20)))
    roll_up(writer, [MYTHOS], day(1))
    append(writer, *(post("ann", f"q{k}", rev=50 + k, time=at(k)) for k in range(3)))
    assert summarised(writer) == [day(0)]
    append(writer, post("ann", "z", "mythos", rev=90, time=at(90)))
    assert summarised(writer) == []
    assert content(writer, "agent_day") == content(writer, "pending") == []
    check(writer.path, WINDOWS[0], (None, MYTHOS))
    assert roll_up(writer, today=day(1)).days == (day(0),)
    assert [row[2] for row in content(writer, "agent_day")] == [24]
    assert len(content(writer, "topic_event")) == 1


@pytest.mark.slow
def test_a_post_that_comes_late_brings_the_answers_that_were_there(writer: Writer) -> None:
    target = uri("ann", "p")
    append(
        writer,
        post("bea", "a", "yes", rev=2, time=at(days=1), parent=target),
        post("cyd", "b", "deep", rev=3, time=at(days=1), parent=uri("bea", "a"), root=target),
        repost("dot", "c", target, rev=4, time=at(days=2)),
    )
    roll_up(writer, [MYTHOS], day(3))
    assert content(writer, "topic_event") == []
    append(writer, post("ann", "p", "mythos", rev=1, time=at(1)))
    check(writer.path, WINDOWS[0], (MYTHOS,))
    roll_up(writer, today=day(3))
    assert len(content(writer, "topic_event")) == 4
    check(writer.path, WINDOWS[0], (MYTHOS,))
    check(writer.path, WINDOWS[1], (MYTHOS,))


@pytest.mark.slow
def test_texts_of_a_deleted_account_no_longer_match(writer: Writer) -> None:
    append(
        writer,
        post("ann", "p", "mythos", rev=1, time=at(1)),
        repost("bea", "r", uri("ann", "p"), rev=2, time=at(days=1)),
    )
    roll_up(writer, [MYTHOS], day(2))
    assert len(content(writer, "topic_event")) == 2
    append(writer, account("ann", "deleted", time=at(days=3)), account("ann", time=at(days=3.5)))
    check(writer.path, WINDOWS[0], (None, MYTHOS))
    roll_up(writer, today=day(2))
    # What no longer hangs on a match is left in, and not counted.
    assert [row[1] for row in content(writer, "topic_event")] == [False, False]
    check(writer.path, WINDOWS[0], (None, MYTHOS))
    # Back in the window's last days, but what she wrote is gone.
    assert answers(writer.path, WINDOWS[0], (MYTHOS,))[1] == []


@pytest.mark.slow
def test_a_post_written_after_a_deletion_still_matches(writer: Writer) -> None:
    append(
        writer,
        post("ann", "p", "mythos", rev=1, time=at(1)),
        post("ann", "q", "mythos", rev=2, time=at(days=1.5)),
    )
    roll_up(writer, [MYTHOS], day(3))
    append(writer, account("ann", "deleted", time=at(days=1)), account("ann", time=at(days=1.25)))
    assert sorted(row[1] for row in content(writer, "topic_event")) == [False, True]
    check(writer.path, WINDOWS[0], (None, MYTHOS))


@pytest.mark.slow
def test_what_an_account_gave_before_it_left_is_taken_away_once(writer: Writer) -> None:
    append(writer, post("ann", "p", "mythos", rev=1, time=at(1)))
    roll_up(writer, [MYTHOS], day(1))
    append(writer, follow("bea", "f", "ann", rev=2, time=at(2)))
    append(writer, account("bea", "takendown", time=at(days=1)))
    roll_up(writer, today=day(1))
    assert [row[3:] for row in content(writer, "given_day")] == [(0, 0, 1, 0)]
    check(writer.path, WINDOWS[0], (None, MYTHOS))


@pytest.mark.slow
def test_quotes_of_summarised_days_are_corrected_in_the_commits_that_change_them(
    writer: Writer,
) -> None:
    mine, other = uri("ann", "p"), uri("dot", "x")

    def quote(who: str, key: str, quoted: str, rev: int, operation: str = "create") -> Event:
        return post(who, key, "so", rev=rev, time=at(rev), operation=operation,
                    embed=quoting(quoted))  # fmt: skip

    append(
        writer,
        post("ann", "p", "mythos", rev=1, time=at(1)),
        post("dot", "x", "lunch", rev=2, time=at(2)),
        *(quote("bea", key, mine, 10 + k) for k, key in enumerate("ab")),
        *(quote("cyd", key, mine, 20 + k) for k, key in enumerate("ab")),
        account("cyd", "takendown", time=at(days=2)),
        account("cyd", time=at(days=3)),
    )
    roll_up(writer, [MYTHOS], day(1))

    def received() -> dict[int, tuple[int, int]]:
        """The quotes that each account received, of all accounts and of those that are watched."""
        with writer._attached():
            sums = rows(writer, "SELECT account, sum(quotes_received) FROM agent_day GROUP BY ALL")
            given = rows(writer, "SELECT subject, sum(quotes) FROM given_day GROUP BY ALL")
        watched = dict(given)
        return {who: (n, watched.get(who, 0)) for who, n in sums if n or watched.get(who)}

    with writer._attached():
        names = dict(rows(writer, "SELECT right(did, 3), id FROM account"))
    ann, dot = names["ann"], names["dot"]
    assert received() == {ann: (4, 2)}
    # One goes, one quotes another, one comes late; of each who is watched and who is not.
    append(
        writer,
        delete("bea", "app.bsky.feed.post", "a", rev=30, time=at(days=1)),
        quote("bea", "b", other, 31, "update"),
        quote("eve", "late", mine, 32),
        quote("cyd", "a", other, 33, "update"),
        quote("cyd", "late", mine, 34),
    )
    assert summarised(writer) == [day(0)]
    assert received() == {ann: (3, 2), dot: (2, 1)}
    for window in (WINDOWS[0], Window(at(0), at(days=2.5))):
        check(writer.path, window, (None, MYTHOS))
    roll_up(writer, today=day(1))
    for window in (WINDOWS[0], Window(at(0), at(days=2.5))):
        check(writer.path, window, (None, MYTHOS))


@pytest.mark.slow
def test_a_post_that_comes_late_brings_what_quotes_it(writer: Writer) -> None:
    quotes = [post("bea", key, "yes", rev=2 + k, time=at(days=k), embed=quoting(uri("ann", "p")))
              for k, key in enumerate("ab")]  # fmt: skip
    append(writer, *quotes)
    roll_up(writer, [MYTHOS], day(2))
    assert content(writer, "topic_event") == []
    append(writer, post("ann", "p", "mythos", rev=1, time=at(1)))
    check(writer.path, WINDOWS[0], (MYTHOS,))
    roll_up(writer, today=day(2))
    assert sorted(row[1] for row in content(writer, "topic_event")) == [False, False, True]
    # A quote that comes late hangs on what is known.
    append(writer, post("cyd", "late", "so", rev=9, time=at(9), embed=quoting(uri("ann", "p"))))
    check(writer.path, WINDOWS[0], (MYTHOS,))
    roll_up(writer, today=day(2))
    assert len(content(writer, "topic_event")) == 4
    check(writer.path, WINDOWS[0], (MYTHOS,))


def test_a_topic_that_is_added_later_is_matched_on_stored_days(writer: Writer) -> None:
    append(
        writer,
        post("ann", "p", "terra mythos", rev=1, time=at(1)),
        post("bea", "q", "yes", rev=2, time=at(days=1), parent=uri("ann", "p")),
    )
    assert roll_up(writer, [MYTHOS], day(2)).topics == 1
    assert roll_up(writer, [MYTHOS, EARTH], day(2)).topics == 1
    assert [row[0] for row in content(writer, "topic_event")] == [1, 1, 2, 2]
    assert [Rule.read(rule) for _, rule in content(writer, "topic")] == [MYTHOS, EARTH]
    assert roll_up(writer, [EARTH], day(2)).topics == 0


@pytest.mark.slow
def test_rollups_are_used_where_they_serve(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    append(writer, *(post("ann", f"p{k}", "mythos", rev=k, time=at(days=k / 2)) for k in range(8)))
    roll_up(writer, [MYTHOS], day(DAYS))
    asked: list[tuple[str, Any, Any]] = []
    run = Store.run

    def spy(self: Store, query: str, **parameters: Any) -> None:
        if query in ("panel/fresh", "store/rollups/possible_matches"):
            asked.append((query, parameters["start"], parameters["end"]))
        run(self, query, **parameters)

    monkeypatch.setattr(Store, "run", spy)

    def records(window: Window, rule: Rule) -> list[tuple[str, Any, Any]]:
        asked.clear()
        with Store.open(writer.path) as opened:
            WindowCounts.of(opened, window).totals(rule)
        return list(asked)

    def naive(time: datetime) -> datetime:
        return time.replace(tzinfo=None)

    assert records(WINDOWS[0], MYTHOS) == []
    start, end = WINDOWS[2].start, WINDOWS[2].end
    assert records(WINDOWS[2], MYTHOS) == [
        ("panel/fresh", naive(start), naive(at(days=1))),
        ("panel/fresh", naive(at(days=2)), naive(end)),
    ]
    # All of the day's records are in the window, though all of the day is not.
    assert records(Window(at(days=0), at(days=3.5, seconds=1)), MYTHOS) == []
    whole = Window(at(days=0), at(days=DAYS))
    assert records(whole, OTHER) == [
        ("store/rollups/possible_matches", naive(whole.start), naive(whole.end))
    ]


@pytest.mark.slow
def test_an_ingest_by_the_command_line_rolls_up_with_the_topics_that_ship(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(post("ann", "p", "Claude Mythos", rev=1, time=at(1))))
    db = tmp_path / "store.duckdb"
    ok("ingest", path, "--db", db)
    with Store.open(db) as opened:
        rules = [Rule.read(rule) for rule in opened.frame("store/rollups/topics")["rule"]]
        assert rules == [topic.rule for topic in topics.shipped().values()]
        assert opened.frame("store/rollups/summarised_days")["day"].to_list() == [day(0)]
        assert rows(opened, "SELECT topic, own FROM topic_event") == [(1, True)]
    check(db, WINDOWS[0], (None, rules[0]))


@pytest.mark.parametrize("rules", [(), (MYTHOS,)])
def test_an_ingest_by_the_library_rolls_up_with_the_topics_it_is_handed(
    tmp_path: Path, rules: tuple[Rule, ...]
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(post("ann", "p", "Claude Mythos", rev=1, time=at(1))))
    db = tmp_path / "store.duckdb"
    read.ingest(db, [str(path)], rules=rules)
    with Store.open(db) as opened:
        stored = [Rule.read(rule) for rule in opened.frame("store/rollups/topics")["rule"]]
        assert stored == list(rules)
        assert opened.frame("store/rollups/summarised_days")["day"].to_list() == [day(0)]
        assert len(rows(opened, "FROM topic_event")) == len(rules)


@pytest.mark.slow
def test_the_command_adds_topics_of_ones_own(tmp_path: Path) -> None:
    path, mine = tmp_path / "x.jsonl", tmp_path / "mine.toml"
    path.write_bytes(lines(post("ann", "p", "terra", rev=1, time=at(1))))
    mine.write_text('[topics.mine]\npatterns = ["terra"]\n')
    db = tmp_path / "store.duckdb"
    read.ingest(db, [str(path)], rules=topics.shipped_rules())
    done = rollup.roll_up_store(db, mine)
    assert (done.days, done.topics, done.days_held, done.topics_held) == ((), 1, 1, 6)
    report = rollup_report(db, done)
    assert report.summary == ("0 days and 1 topic summarised; 1 day and 6 topics in all.",)
    assert report.content == {
        "db": str(db), "days": [], "days_held": 1, "topics": 1, "topics_held": 6
    }  # fmt: skip
    check(db, WINDOWS[0], (topics.load(mine)["mine"].rule,))


@given(st.lists(st.tuples(st.integers(5, 9), *[st.integers(-(2**31), 2**31 - 1)] * 3)))
@law()
def test_counts_are_added_to_the_sums_of_their_accounts(added: list[tuple[int, ...]]) -> None:
    account, *columns = np.array(added, np.int64).reshape(-1, 4).T.copy()
    plain = np.zeros((3, 5), np.int64)
    for row, column in zip(plain, columns, strict=True):
        np.add.at(row, account - 5, column)
    sums = np.zeros((3, 5), np.int64)
    counts = [column.astype(np.int32) for column in columns]
    add_up(account.astype(np.uint32), counts, 5, sums)
    assert (sums == plain).all()


@pytest.mark.parametrize("account", [4, 10, 2**32 - 1])
def test_counts_of_accounts_beyond_the_sums_are_refused(account: int) -> None:
    with pytest.raises(IndexError, match="beyond the sums"):
        add_up(np.array([5, account], np.uint32), [np.ones(2, np.int32)], 5, np.zeros((1, 5), int))


@pytest.mark.slow
def test_accounts_beyond_one_table_are_counted_range_by_range(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Tally.ranges
    used: list[tuple[int, int]] = []

    def ranges(past: int, _largest: int = 0) -> Iterator[tuple[int, int]]:
        used.extend(cut(past, 2))
        return cut(past, 2)

    monkeypatch.setattr(Tally, "ranges", ranges)
    events = [follow(who, f"f{other}", other, rev=k, time=at(k))
              for k, (who, other) in enumerate((a, b) for a in WHO for b in WHO)]  # fmt: skip
    events += [
        post(who, "p", "mythos", rev=99, time=at(99), parent=uri(other, "p"))
        for who, other in pairwise((*WHO, WHO[0]))
    ]
    append(writer, *events)
    roll_up(writer, today=day(1))
    assert used == [(0, 2), (2, 4), (4, 5)]
    # Whom one follows oneself does not count as received.
    assert [row[1:] for row in content(writer, "agent_day")] == [
        (number, 5, 0, 1, 0, 1, 0, 3, 0) for number in range(1, 5)
    ]
    used.clear()
    check(writer.path, WINDOWS[0], (None, MYTHOS))
    # In both stores: sums of the window, and those of its days.
    assert used == [(0, 2), (2, 4), (4, 5)] * (len(used) // 3)
    assert len(used) >= 2 * 2 * 3


@pytest.mark.slow
def test_two_windows_of_one_store_are_asked_by_turns(writer: Writer) -> None:
    for day in range(DAYS):
        event = post("ann", f"k{day}", "mythos", rev=day + 1, time=at(days=day + 0.1))
        append(writer, event)
    with Store.open(writer.path) as opened:
        alone = []
        for window in WINDOWS[:2]:
            counts = WindowCounts(opened, window)
            alone.append([counts.totals(rule) for rule in (None, MYTHOS)])
        assert not alone[0][0].equals(alone[1][0])
        both = [WindowCounts(opened, window) for window in WINDOWS[:2]]
        for k, rule in ((0, None), (1, MYTHOS), (0, None)):
            for counts, wanted in zip(both, alone, strict=True):
                assert counts.totals(rule).equals(wanted[k])
