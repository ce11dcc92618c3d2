"""Sentences about a picture."""

from dataclasses import replace
from datetime import timedelta

from blueattr.watch.tables import by_share, table_of
from blueattr.watch.words import account, answer, mark_sentence, state, whole_minute
from support.watch_pictures import CHOICE, empty, picture


def test_a_sample_of_another_moment_stands_beside_the_whole_of_that_moment() -> None:
    now = picture()
    assert now.sample is not None
    assert answer(now).endswith("A sample of 100 visible accounts would show 45 %.")
    old = replace(now.sample, time=now.end - timedelta(hours=3), full=(0.06, 0.52, 0.42))
    assert answer(replace(now, sample=old)).endswith(
        "At 09:00, 100 visible accounts would have shown 45 % in place of 6 %."
    )


def test_only_heat_speaks_of_carrying() -> None:
    made = picture(0, replace(CHOICE, indicator="gini"))
    assert answer(made).startswith("The 1 % most followed accounts account for 11 % of its gini.")
    by_activity = answer(replace(picture(), ranked_by="a"))
    assert by_activity.startswith("The 1 % of accounts with the largest a carry 11 % of it.")
    assert answer(empty()) == "No answer yet: nobody wrote about Mythos in this window."


def test_a_minute_that_is_not_over_is_not_the_last() -> None:
    assert whole_minute([5, 7, 1]) == 7
    assert whole_minute([3]) == 3


def test_posts_stand_by_what_they_carry() -> None:
    made = picture()
    mixed = replace(made, posts=made.posts[3:] + made.posts[:3])
    shares = [post.share for post in by_share(mixed)]
    assert shares == sorted(shares, reverse=True)
    assert table_of(mixed, "posts") == table_of(made, "posts")


def test_a_change_says_which_way_and_an_unknown_account_is_named_by_the_ends_of_its_did() -> None:
    mark = replace(picture().marks[0], before=35.4, after=21)
    assert mark_sentence(mark) == (
        "9 Apr 10:30 posts a minute fell from 35.4 to 21; most by mossy-harbour.test"
    )
    share = replace(mark, what="share of the tail", unit="share", before=0.4, after=0.5)
    assert "share of the tail rose from 40.0 % to 50.0 %" in mark_sentence(share)
    assert "share of the other 90 % rose" in mark_sentence(share, picture())
    small = mark_sentence(replace(mark, before=0.093, after=0.14))
    assert "rose from 0.093 to 0.14" in small
    assert account("did:plc:g77k6dk2zs4ssvyuuspk3mav", None) == "did:plc:g77k6d…3mav"
    assert account("did:web:a.test", None) == "did:web:a.test"


def test_how_events_come_is_said_with_their_lag_only_where_there_is_one() -> None:
    assert state(picture()) == ("follows the store", "612 events/s", "1.4 s behind", "no gaps")
    assert state(empty()) == ("replays the store", "0 events/s", "no gaps")
