"""What a window answers that slides over a store is what `attribute` answers of that window."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.analysis.attribute import attribute_store
from blueattr.attribution.question import Question
from blueattr.errors import NoAnswerError
from blueattr.ingest.tables import import_tables, plan_import
from blueattr.panel.bots import RateRule
from blueattr.panel.influence import Kind
from blueattr.panel.query import PanelQuery
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.rollups import roll_up
from blueattr.watch.reading import StoreReading, WatchReading, WindowAnswer, WindowReading
from support.effort import costly_law
from support.events_builder import (
    Event,
    at,
    identity,
    post,
    profile,
    quoting,
    repost,
    tid,
    uri,
)
from support.rollup_checks import DAYS, MYTHOS, append, histories

MICROSECOND = timedelta(microseconds=1)


def check(answer: WindowAnswer, query: PanelQuery, question: Question) -> bool:
    """Compare an answer with that of `attribute`; return whether there was one."""
    asked = replace(query, start=answer.window.start, end=answer.window.end)
    if answer.result is None:
        with pytest.raises(NoAnswerError) as refused:
            attribute_store(asked, question)
        assert answer.undefined
        assert str(refused.value).startswith(answer.undefined)
        return False
    (wanted,) = attribute_store(asked, question)
    assert not answer.undefined
    assert answer.result.tiers == wanted.tiers
    assert (answer.result.total, answer.result.attributed) == (wanted.total, wanted.attributed)
    assert (answer.result.n_agents, answer.result.n_involved) == (
        wanted.n_agents,
        wanted.n_involved,
    )
    assert answer.result.agents.equals(wanted.agents)
    assert answer.result.provenance.panel == wanted.provenance.panel
    return True


def same_minutes(one: WatchReading, other: WatchReading) -> None:
    """Compare what they count in the last minutes, of which there are more than the window has."""
    mine, theirs = one.minutes(5000), other.minutes(5000)
    assert mine.start == theirs.start
    assert mine.posts.tolist() == theirs.posts.tolist()
    assert mine.participants.tolist() == theirs.participants.tolist()
    assert one.minutes(60, participants=False).posts.tolist() == theirs.posts[-60:].tolist()


QUESTIONS = (
    Question(),
    Question(("lin",), panel="involved"),
    Question(("gini",), cutoffs=(25.0, 50.0)),
    Question(("var",)),
)
KINDS: tuple[tuple[Kind, ...] | None, ...] = (None, ("replies",), ("reposts", "quotes"))


ASKED = st.builds(
    lambda about, **more: PanelQuery(Path(), **about, **more),
    about=st.sampled_from([{"topic": "all"}, {"match": ("mythos",)}, {"match": ("oth.r",)}]),
    influence=st.sampled_from(KINDS),
    rate=st.sampled_from([None, RateRule(1, 1), RateRule(2, 2)]),
    length=st.sampled_from([timedelta(hours=12), timedelta(days=1), timedelta(days=3)]),
)


@pytest.mark.slow
@costly_law(6, suppress=[HealthCheck.function_scoped_fixture])
@given(
    histories(),
    ASKED,
    st.sampled_from(QUESTIONS),
    st.lists(st.integers(0, 8 * DAYS), min_size=1, max_size=3).map(sorted),
)
def test_every_answer_of_a_replay_is_that_of_attribute(
    fresh: Callable[[], Path],
    events: list[Event],
    asked: PanelQuery,
    question: Question,
    ends: list[int],
) -> None:
    db = fresh() / "store.duckdb"
    known = [
        identity("ann", "newsbot.example.com", time=at(0)),
        profile("bea", rev=900, time=at(days=1)),
        profile("cyd", rev=901, time=at(days=1), bot=len(events) % 2 == 0),
    ]
    with Writer(db) as writer:
        append(writer, *events[: len(events) // 2], *known)
        roll_up(writer, [MYTHOS], at(days=DAYS // 2).date())
        append(writer, *events[len(events) // 2 :])
    query = replace(asked, db=db)
    moments = [at(days=end / 8) for end in ends]
    found = []
    with Store.open(db) as store:
        reading = WindowReading(store, query, query.length, moments[0], at(days=DAYS + 1))
        for time in moments:
            last = reading.last_event(time)
            reading.slide(time if last is None else last + MICROSECOND)
            found.append(reading.answer(question))
        by_itself = StoreReading(store, query, reading.window)
        found.append(by_itself.answer(question))
        same_minutes(by_itself, reading)
    for answer in found:
        check(answer, query, question)


@pytest.mark.slow
def test_counts_that_a_table_has_in_place_of_interactions_count_as_in_attribute(
    tmp_path: Path,
) -> None:
    table, db = tmp_path / "posts.csv", tmp_path / "store.duckdb"
    rows = [
        "uri,text,created_at,reply_count,repost_count,quote_count,collected_at",
        *(
            f"{uri(who, tid(n))},mythos,2026-05-0{n}T10:00Z,{n},{5 - n},0,2026-05-09"
            for who in ("annannann", "beabeabea")
            for n in (1, 2, 3)
        ),
    ]
    table.write_text("\n".join(rows), encoding="utf-8")
    done = import_tables(db, plan_import([str(table)], db))
    assert done.ingested.failures == ()
    query, question = PanelQuery(db, match=("mythos",)), Question(("lin",))
    moments = [at(days=k, seconds=36_000) + MICROSECOND for k in range(3)]
    with Store.open(db) as store:
        reading = WindowReading(store, query, timedelta(days=1.5), moments[0], at(days=9))
        answers = []
        for time in moments:
            reading.slide(time)
            answers.append(reading.answer(question))
    assert check(answers[-1], query, question)


@pytest.mark.slow
def test_quotes_count_from_the_window_on_of_which_the_store_knows_them(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    match = uri("ann", "p")
    events = [
        *(post("ann", f"p{k}", "mythos", rev=10 + k, time=at(days=k)) for k in range(4)),
        *(
            post("bea", f"q{k}", "see", rev=20 + k, time=at(days=k + 0.3),
                 embed=quoting(uri("ann", f"p{k}"), media=False))
            for k in range(4)
        ),
        repost("cyd", "r", match, rev=30, time=at(days=2)),
    ]  # fmt: skip
    with Writer(db) as writer:
        append(writer, *events)
        with writer.transaction():
            after = at(days=0.6).replace(tzinfo=None)
            writer._connection.execute("INSERT INTO kept_from VALUES ('posts', $1)", [after])
    query, question = PanelQuery(db, match=("mythos",), keep_bots=True), Question(("lin",))
    answers = []
    with Store.open(db) as store:
        reading = WindowReading(store, query, timedelta(days=1), at(days=0.5), at(days=9))
        for days in (0.5, 1.2, 1.5, 2.0, 2.5, 3.4):
            reading.slide(at(days=days))
            answers.append(reading.answer(question))
            same_minutes(StoreReading(store, query, reading.window), reading)
    views = [answer.view for answer in answers]
    assert [None if view is None else view.influence.quotes for view in views] == [
        False, False, False, True, True, True,
    ]  # fmt: skip
    for answer in answers[2:4]:
        assert check(answer, query, question)
