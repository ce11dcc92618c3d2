"""How synthetic posts spread and what they carry: quotes, ways of reposts, links, labels."""

import numpy as np
import polars as pl
import pytest

from blueattr.synth import Names, SynthSpec, event_batches
from blueattr.synth.extras import extras, profile_labels
from blueattr.synth.memories import Reposts

NETWORK = SynthSpec(agents=8_000, days=6, seed=3, like_fraction=0.0, topic_share=0.2)
START = int(NETWORK.start.timestamp()) * 1_000_000


@pytest.fixture(scope="module")
def network() -> pl.DataFrame:
    return pl.concat(event_batches(NETWORK))


def made(frame: pl.DataFrame, *kinds: str) -> pl.DataFrame:
    found = frame.filter(pl.col("kind").is_in(kinds) & (pl.col("operation") == "create"))
    assert found.height > 10_000
    return found


def share(frame: pl.DataFrame, what: pl.Expr) -> float:
    return float(frame.select(what.mean()).item())


@pytest.mark.slow
def test_links_quotes_and_mentions_are_as_frequent_as_counted(network: pl.DataFrame) -> None:
    posts, replies, both = (
        made(network, "post"),
        made(network, "reply"),
        made(network, "post", "reply"),
    )
    linked = extras(both, Names(NETWORK.seed))
    assert 1 - linked["url"].null_count() / both.height == pytest.approx(0.18, abs=0.01)
    assert linked["host"].drop_nulls().n_unique() > 2000
    assert not linked["host"].drop_nulls().str.starts_with("www.").any()
    quotes = pl.col("embed").is_in(["quote", "quote with images"])
    assert share(posts, quotes) == pytest.approx(7 / 53, abs=0.02)
    assert share(replies, quotes) == pytest.approx(0.01, abs=0.003)
    assert share(both, pl.col("mention") >= 0) == pytest.approx(0.0166, abs=0.003)
    labels = linked["labels"].drop_nulls()
    assert labels.len() / posts.height == pytest.approx(0.01, abs=0.005)
    assert labels.n_unique() == 5


def test_quotes_name_posts_seen_before_or_older_than_the_window(network: pl.DataFrame) -> None:
    known = made(network, "post", "reply").select(
        quoted="agent", quoted_rkey_us="rkey_us", at="seq", thread="topic"
    )
    quotes = made(network, "post", "reply").filter(
        pl.col("embed").is_in(["quote", "quote with images"])
    )
    found = quotes.join(known, on=["quoted", "quoted_rkey_us"], how="left")
    old = found["at"].is_null()
    assert 0.03 < float(old.mean()) < 0.15  # type: ignore[arg-type] # a number
    assert (found.filter(old)["quoted_rkey_us"] < START).all()
    assert (found.filter(~old)["at"] < found.filter(~old)["seq"]).all()
    assert share(quotes, pl.col("quoted") == pl.col("agent")) == pytest.approx(0.12, abs=0.03)
    # Posts on a topic quote posts on it, or in threads on it, more often than others do.
    topical = found.filter(~old & (pl.col("topic") >= 0))
    same = share(topical, pl.col("topic") == pl.col("thread"))
    by_chance = share(found.filter(~old & (pl.col("topic") < 0)), pl.col("thread") == 0)
    assert topical.height > 300
    assert same > 5 * by_chance > 0


def test_reposts_come_by_earlier_reposts_of_the_same_post(network: pl.DataFrame) -> None:
    reposts = made(network, "repost")
    came = pl.col("via_rkey_us") != 0
    assert share(reposts, came) == pytest.approx(0.307, abs=0.02)
    known = reposts.select(
        via="agent", via_rkey_us="rkey_us", at="seq", post="subject", post_rkey="subject_rkey_us",
        further=came,
    )  # fmt: skip
    found = reposts.filter(came).join(known, on=["via", "via_rkey_us"], how="left")
    seen = found["at"].is_not_null()
    assert 0.8 < float(seen.mean()) < 0.99  # type: ignore[arg-type] # a number
    assert (found.filter(~seen)["via_rkey_us"] < START).all()
    later = found.filter(seen)
    assert (later["at"] < later["seq"]).all()
    assert (later["agent"] != later["via"]).all()
    # Keys of posts are hashes: hardly two of those that are remembered have the same.
    assert (
        share(
            later,
            pl.struct("post", "post_rkey")
            == pl.struct(post="subject", post_rkey="subject_rkey_us"),
        )
        > 0.9999
    )
    assert later["further"].sum() > 1000


def test_what_others_have_reposted_is_found_in_a_ring_that_has_turned() -> None:
    ring = Reposts(4)
    empty, _ = ring.earlier(np.array([[1], [2]]), np.array([0.5]))
    assert not empty.any()
    for number in range(6):
        ring.add(np.array([[7], [number % 2]]), np.array([[number], [100 + number]]))
    # Reposts 2 to 5 are left: of post 0 those of accounts 2 and 4.
    place = np.linspace(0, 0.999, 50)
    found, by = ring.earlier(np.tile([[7], [0]], 50), place)
    assert found.all()
    assert set(map(tuple, by.T.tolist())) == {(2, 102), (4, 104)}
    found, by = ring.earlier(np.array([[8], [0]]), np.array([0.5]))
    assert (found.tolist(), by.tolist()) == ([False], [[0], [0]])


def test_profiles_label_themselves_in_alphabetical_order_and_bots_as_bots() -> None:
    names, agents = Names(5), np.arange(100_000)
    labels = profile_labels(agents, names)
    words = labels.fill_null("").str.split(" ").to_list()
    assert all(told == sorted(set(told)) for told in words)
    assert max(map(len, words)) == 3
    bots = np.array(["bot" in told for told in words])
    assert bots.any()
    assert bots.tolist() == names.labelled(agents).tolist()
    hidden = np.mean(["!no-unauthenticated" in told for told in words])
    assert hidden == pytest.approx(0.04, abs=0.003)


@pytest.mark.slow
def test_languages_are_those_of_the_post_and_a_few_posts_have_two() -> None:
    frame = made(pl.concat(event_batches(NETWORK)), "post", "reply")
    langs = extras(frame, Names(NETWORK.seed))["langs"]
    assert (langs.is_null() == (frame["language"] == 1)).all()  # the empty language
    told = langs.drop_nulls().str.split(" ")
    assert told.list.len().max() == 2
    assert (told.list.n_unique() == told.list.len()).all()
    assert (told.list.len() == 2).mean() == pytest.approx(2 / 96, abs=0.004)
    english = told.list.first().filter(told.list.first().str.starts_with("en"))
    assert (english == "en-US").mean() == pytest.approx(0.7 / 61.5, abs=0.003)
