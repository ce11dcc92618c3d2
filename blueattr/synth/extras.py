"""Make what synthetic posts and profiles carry beside their text: languages, links and labels.

Everything here is a function of the seed, the account's number and the number from which a post's
words are drawn, so that no other draw depends on it. docs/data.md, "Synthetic events", has the
figures.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.synth.text import LANGUAGES, IntArray, Names, unit

__all__ = ["extras", "profile_labels", "with_link"]

_Bools = npt.NDArray[np.bool_]
_ENGLISH = LANGUAGES.index("en")

# 0.7 of 61.5 % of posts in English say en-US.
_REGIONAL = 0.0114
# Of 96 posts with a language in two small captures, 2 have two.
_SECOND = 0.02

# With posts that have a link's title, 6 to 12 %, 29 % of top-level posts have a link; with 5 % of
# replies, as in the captures, this is the 18 % of all posts that were counted in December 2025.
_LINKS, _LINKS_OF_REPLIES = 0.24, 0.05
# Of eight posts with an external link in the captures, six have the link in their text, too.
_ALSO_IN_TEXT = 0.75

# Hosts: assumptions. Names below .example belong to nobody (RFC 2606).
_HOSTS = tuple(
    f"{name}.example"
    for name in (
        *("video", "news", "photos", "daily-times", "music", "blog.letters", "forum", "shop"),
        *("weather", "city-post", "papers", "podcasts", "radio", "code", "games", "maps"),
        *("wiki", "tickets", "sports", "morning.gazette", "cinema", "museum", "recipes", "trains"),
        *("petition", "archive", "books", "comics", "gardens", "observer"),
    )
)
_POPULAR = 0.7
"""Fraction of links to `_HOSTS`, the k-th in proportion to 1/k; the others go to small hosts."""
_SMALL_HOSTS = 1 << 16
_FAVOURITE = 0.6
"""Fraction of an account's links that go to the one host that it likes most."""
_WORLD_WIDE = 0.4
"""Fraction of links whose host is written with ``www.``."""

# Self-labels: assumptions; of 110 posts and 13 profiles in the captures none has one.
_LABELLERS, _LABELLED = 0.02, 0.5
_POST_LABELS = ("porn", "sexual", "nudity", "graphic-media", "nudity sexual")
_POST_SHARES = np.cumsum([0.5, 0.2, 0.15, 0.1, 0.05])
_HIDDEN_FROM_STRANGERS, _ADULT_PROFILES = 0.04, 0.3


def with_link(words: IntArray, posts: _Bools, style: IntArray) -> _Bools:
    """Return which posts have a link in their text.

    Parameters
    ----------
    words
        The number from which each post's words are drawn.
    posts
        Which of them are top-level posts.
    style
        Of `blueattr.synth.stream.SCHEMA`; 3 is a link's title.
    """
    chance = np.where(posts, _LINKS, _LINKS_OF_REPLIES)
    return unit(0, 60, words) < np.where(style == 3, _ALSO_IN_TEXT, chance)


def extras(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Return what the posts of a batch carry beside their text.

    Parameters
    ----------
    frame
        Rows of `blueattr.synth.event_batches` that create posts and replies.
    names
        Names of the same seed.

    Returns
    -------
    pl.DataFrame
        ``langs``, languages joined by a space, null if none is stated; ``url`` of its link, null if
        it has none; ``host`` of the link without ``www.``; ``link_in_text``, whether the text has
        the link; ``labels``, self-labels in alphabetical order joined by a space, null if it has
        none.
    """
    words, agent = frame["words"].to_numpy(), frame["agent"].to_numpy()
    posts = (frame["kind"] == "post").to_numpy()
    style = frame["style"].to_numpy()
    in_text = with_link(words, posts, style)
    linked = pl.Series(in_text | (style == 3))
    host = _hosts(words, agent, names)
    prefix = pl.Series(["", "www."]).gather((unit(0, 64, words) < _WORLD_WIDE).astype(np.uint32))
    return pl.DataFrame(
        {
            "langs": _languages(frame["language"].to_numpy(), words),
            "host": host,
            "prefix": prefix,
            "path": words,
            "linked": linked,
            "link_in_text": in_text,
            "labels": _post_labels(words, agent, posts, names),
        }
    ).select(
        "langs",
        "labels",
        "link_in_text",
        host=pl.when("linked").then("host"),
        url=pl.when("linked").then(pl.format("https://{}{}/{}", "prefix", "host", "path")),
    )


def _languages(language: IntArray, words: IntArray) -> pl.Series:
    # A second language is English, of English posts one of the others.
    second = np.where(
        language == _ENGLISH, 2 + (unit(0, 62, words) * (len(LANGUAGES) - 2)), _ENGLISH
    ).astype(np.uint32)
    code = pl.Series(LANGUAGES).gather(language.astype(np.uint32))
    return (
        pl.DataFrame(
            {
                "code": code,
                "regional": (language == _ENGLISH) & (unit(0, 61, words) < _REGIONAL),
                "two": unit(0, 63, words) < _SECOND,
                "second": pl.Series(LANGUAGES).gather(second),
            }
        )
        .select(
            pl.when(pl.col("code") != "").then(
                pl.concat_str(
                    "code",
                    pl.when("regional").then(pl.lit("-US")).otherwise(pl.lit("")),
                    pl.when("two").then(pl.format(" {}", "second")).otherwise(pl.lit("")),
                )
            )
        )
        .to_series()
    )


def _hosts(words: IntArray, agent: IntArray, names: Names) -> pl.Series:
    place = np.where(
        unit(0, 65, words) < _FAVOURITE, unit(names.seed, 30, agent), unit(0, 66, words)
    )
    shares = np.cumsum(1 / np.arange(1, len(_HOSTS) + 1))
    popular = np.searchsorted(shares / shares[-1], place / _POPULAR, side="right")
    small = ((place - _POPULAR) / (1 - _POPULAR) * _SMALL_HOSTS).clip(0).astype(np.int64)
    own = names.display(small)
    return (
        pl.DataFrame(
            {
                "popular": place < _POPULAR,
                "host": pl.Series(_HOSTS).gather(popular.clip(max=len(_HOSTS) - 1)),
                "own": own,
            }
        )
        .select(pl.when("popular").then("host").otherwise(pl.format("{}.example", "own")))
        .to_series()
    )


def _labels(number: npt.NDArray[np.float64], where: _Bools) -> pl.Series:
    kind = np.searchsorted(_POST_SHARES, number, side="right").clip(max=len(_POST_LABELS) - 1)
    labels = pl.Series(_POST_LABELS).gather(kind)
    return pl.select(pl.when(pl.Series(where)).then(labels)).to_series()


def _post_labels(words: IntArray, agent: IntArray, posts: _Bools, names: Names) -> pl.Series:
    labels = unit(names.seed, 31, agent) < _LABELLERS
    return _labels(unit(names.seed, 32, agent), posts & labels & (unit(0, 67, words) < _LABELLED))


def profile_labels(agent: IntArray, names: Names) -> pl.Series:
    """Return the self-labels of profiles: sorted, joined by a space, null if there is none.

    Of bots that label themselves, of accounts that are shown to those alone who are logged in, and
    of some that label their posts.
    """
    labeller = unit(names.seed, 31, agent)
    hidden = unit(names.seed, 33, agent) < _HIDDEN_FROM_STRANGERS
    frame = pl.DataFrame(
        {
            "hidden": pl.Series(hidden),
            "bot": pl.Series(names.labelled(agent), dtype=pl.Boolean),
            "adult": _labels(unit(names.seed, 32, agent), labeller < _LABELLERS * _ADULT_PROFILES),
        }
    )
    joined = pl.concat_str(
        pl.when("hidden").then(pl.lit("!no-unauthenticated")),
        pl.when("bot").then(pl.lit("bot")),
        "adult",
        separator=" ",
        ignore_nulls=True,
    )
    return frame.select(pl.when(joined != "").then(joined)).to_series()
