"""Days are summarised in groups, a transaction each: the store is the same however they are cut."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from blueattr.store import rollups
from blueattr.store.commit.writer import Writer
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up
from support import crash
from support.effort import costly_law
from support.events_builder import account, at, post, quoting, repost, uri
from support.rollup_checks import DAYS, EARTH, MYTHOS, append, histories, rows

TABLES = (
    "stored_day", "agent_day", "watched", "given_day", "topic", "topic_event", "pending", "row_sum"
)  # fmt: skip
LATER = at(days=30).date()


class Killed(BaseException):
    """Ends a writer in the middle."""


def content(db: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What summaries are made of, and the sums of all rows."""
    with Writer(db) as writer, writer._attached():
        return {table: rows(writer, f"FROM {table} ORDER BY ALL") for table in TABLES}


def summarised(db: Path, group: int, rules: tuple[Rule, ...]) -> rollups.RolledUp:
    with pytest.MonkeyPatch.context() as patched, Writer(db) as writer:
        patched.setattr(rollups, "_GROUP", group)
        return roll_up(writer, rules, LATER)


def killed(db: Path, group: int, rules: tuple[Rule, ...], number: int, point: str) -> bool:
    """End it at a point of the transaction of that number; return whether there was one."""

    def reach(course: crash.Watched, reached: str) -> None:
        if (course.transaction, reached) == (number, point):
            raise Killed

    with crash.watching(reach), suppress(Killed):
        summarised(db, group, rules)
        return False
    return True


@pytest.mark.slow
@costly_law(8, suppress=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_however_days_are_grouped_and_wherever_one_is_killed_the_summaries_are_the_same(
    fresh: Callable[[], Path], data: st.DataObject
) -> None:
    events = data.draw(st.permutations(data.draw(histories())))
    early = data.draw(st.integers(0, len(events)))
    whole, cut = fresh() / "whole.duckdb", fresh() / "cut.duckdb"
    with Writer(whole) as writer:
        if early:
            append(writer, *events[:early])
        # Of days that are summarised now records come late, and topics are known.
        known = data.draw(st.sampled_from([(), (MYTHOS,), (MYTHOS, EARTH)]))
        roll_up(writer, known, at(days=data.draw(st.integers(0, DAYS))).date())
        if events[early:]:
            append(writer, *events[early:])
    shutil.copy(whole, cut)
    rules = data.draw(st.sampled_from([(), (EARTH,)]))
    once = summarised(whole, 1 << 40, rules)
    group = data.draw(st.integers(0, 12))
    number, point = data.draw(st.integers(0, 3)), data.draw(st.sampled_from(["folded", "detached"]))
    was_killed = killed(cut, group, rules, number, point)
    again = summarised(cut, group, rules)
    event(f"killed: {was_killed}; days: {len(once.days)}")
    assert content(cut) == content(whole)
    assert (again.days_held, again.topics_held) == (once.days_held, once.topics_held)
    assert once.days[len(once.days) - len(again.days) :] == again.days


def history(db: Path) -> None:
    """Three days, of a known topic: an answer to a post of the next day, an account that left."""
    target = uri("ann", "p")
    with Writer(db) as writer:
        append(writer, post("bea", "q", "yes", rev=2, time=at(1), parent=target))
        roll_up(writer, [MYTHOS], at(0).date())
        append(
            writer,
            post("ann", "p", "mythos", rev=3, time=at(days=1)),
            repost("cyd", "r", target, rev=4, time=at(days=1)),
            post("dot", "s", "so", rev=5, time=at(days=2), embed=quoting(target)),
            account("cyd", "takendown", time=at(days=3)),
        )


@pytest.mark.slow
def test_a_day_of_each_group_says_what_all_days_at_once_do(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.duckdb", tmp_path / "cut.duckdb"
    history(whole)
    shutil.copy(whole, cut)
    summarised(whole, 1 << 40, (EARTH,))
    marks: list[int] = []
    with crash.watching(
        lambda course, point: marks.append(course.transaction) if point == "committed" else None
    ):
        assert len(summarised(cut, 1, (EARTH,)).days) == 3
    assert marks == [0, 1, 2]
    found = content(cut)
    assert found == content(whole)
    assert [len(found[table]) for table in ("given_day", "topic_event", "topic")] == [1, 4, 2]


@pytest.mark.slow
def test_what_is_ended_between_two_groups_goes_on_with_the_days_that_are_left(
    tmp_path: Path,
) -> None:
    whole, cut = tmp_path / "whole.duckdb", tmp_path / "cut.duckdb"
    history(whole)
    shutil.copy(whole, cut)
    once = summarised(whole, 1 << 40, (EARTH,))
    assert killed(cut, 0, (EARTH,), 1, "folded")
    assert [row[3] for row in content(cut)["stored_day"]] == [True, False, False]
    rest = summarised(cut, 0, (EARTH,))
    assert rest.days == once.days[1:]
    assert (rest.days_held, rest.topics, rest.topics_held) == (3, 1, 2)
    assert content(cut) == content(whole)
