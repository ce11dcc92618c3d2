"""The answer in a sentence: rounded as far as it is sure, and of the indicator that was asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import blueattr
from blueattr.provenance import Window
from blueattr.report.figures.exhibit import topic_title
from blueattr.report.parts.answer import answer_sentence, question_line, rounded, tier_names
from support.report_cases import ORIGIN


def test_only_heat_is_said_to_be_carried() -> None:
    sample = ("visibility", 100, 0.449)
    heat = answer_sentence("heat", ORIGIN, (1.0, 10.0), 0.114, sample)
    assert heat.startswith("The 1 % most followed accounts carry 11 % of ")
    assert heat.endswith(" A sample of 100 visible accounts would have said 45 %.")
    lin = answer_sentence("lin", ORIGIN, (1.0, 10.0), 0.114)
    assert "carry" not in lin
    assert "account for 11 % of lin on " in lin
    among = answer_sentence("heat", ORIGIN, (0.5,), 0.2, involved=(13, 423))
    assert among.startswith(
        "Of the 423 accounts involved, the 13 that are among the 0.5 % most followed accounts "
        "carry 20 %"
    )
    own = replace(ORIGIN, topic=None, window=None, source="in memory", ranked_by="b")
    assert answer_sentence("heat", own, (1.0,), 0.2) == (
        "The 1 % of accounts with the largest b carry 20 % of your panel."
    )


def test_a_frame_in_memory_is_not_called_by_where_it_is() -> None:
    own = replace(ORIGIN, topic=None, window=None, source="in memory")
    assert topic_title(own) == "Your panel"
    assert question_line(own, 3) == "Who carried your panel? 3 accounts"
    assert topic_title(replace(own, source="panel.csv")) == "panel.csv"
    assert topic_title(replace(ORIGIN, topic=None)) == "All events"


def test_a_question_without_a_window_says_of_how_many_it_was_asked() -> None:
    assert question_line(ORIGIN, 7).endswith("(UTC)")
    own = replace(ORIGIN, topic=None, window=None, source="panel.csv")
    assert question_line(own, 300) == "Who carried panel.csv? 300 accounts"


def test_a_day_that_is_not_over_is_named_beside_the_window() -> None:
    window = Window(datetime(2026, 4, 9, tzinfo=UTC), datetime(2026, 4, 23, tzinfo=UTC))
    today = replace(ORIGIN, window=window, so_far=datetime(2026, 4, 22, 10, tzinfo=UTC))
    assert question_line(today, 7).endswith("9 to 22 April 2026 (UTC), so far, until 10:00")
    late = replace(today, so_far=datetime(2026, 4, 22, 23, 59, tzinfo=UTC))
    assert question_line(late, 7).endswith("(UTC)"), "99.9 % of the day was seen"


FEATURES: dict[str, list[str] | list[int]] = {
    "agent": ["x", "y", "z"],
    "a": [1, 3, 0],
    "b": [2, 2, 1],
    "c": [1, 4, 0],
}


def test_panels_are_called_not_comparable_only_where_they_differ() -> None:
    differ = blueattr.attribute(FEATURES, indicator="heat", panel="involved")
    assert "2 of 3 active agents" in str(differ)
    assert "the two are not comparable, since n differs" in str(differ)
    both = {name: column[:2] for name, column in FEATURES.items()}
    same = blueattr.attribute(both, indicator="heat", panel="involved")
    assert "the two panels are the same" in str(same)
    assert "not comparable" not in str(same)


def test_only_a_window_of_whole_days_is_said_to_have_whole_days() -> None:
    result = blueattr.attribute(FEATURES, indicator="heat")
    start = datetime(2026, 4, 9, tzinfo=UTC)

    def said(first: datetime, hours: int, so_far: datetime | None = None) -> str:
        window = Window(first, first + timedelta(hours=hours))
        origin = replace(ORIGIN, window=window, gaps=(), so_far=so_far)
        return str(replace(result, provenance=origin))

    assert "All 2 days were seen whole." in said(start, 48)
    assert "All of the window was seen." in said(start + timedelta(hours=5), 48)
    assert "All of the window was seen." in said(start, 36)
    assert "No gaps so far." in said(start, 48, start + timedelta(hours=34))


@pytest.mark.parametrize("cutoffs", [(1.0, 10.0), (50.0,), (1.0, 2.0, 3.0, 4.0), (0.1, 1.0)])
def test_no_two_tiers_share_a_name(cutoffs: tuple[float, ...]) -> None:
    names = tier_names(cutoffs)
    assert len(set(names)) == len(names) == len(cutoffs) + 1


def test_no_share_is_rounded_to_nothing_or_to_a_signed_zero() -> None:
    assert rounded(1e-5) == "under 0.01 %"
    assert rounded(-1e-3) == "\u22120.1 %"
    assert rounded(-0.0) == "0 %"
