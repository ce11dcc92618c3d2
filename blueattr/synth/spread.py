"""Draw how synthetic posts spread: quotes, mentions, and the reposts by which reposts came."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from blueattr.synth.extras import with_link
from blueattr.synth.memories import Recent, Reposts
from blueattr.synth.network import Bools, Ints, SyntheticAccounts, find

__all__ = ["EMBEDS", "Spread"]

EMBEDS = ("none", "quote", "quote with images", "feed")
"""What a post embeds beside an external link: nothing, a post, a post and images, a feed."""
QUOTE, QUOTE_WITH_IMAGES, FEED = range(1, len(EMBEDS))

# Of 53 top-level posts of two small captures 7 quote, one of these with images, one its own author;
# of 57 replies none does. The shares of replies, feeds and mentions are assumptions (docs/data.md).
_QUOTES, _QUOTES_OF_REPLIES = 0.13, 0.01
_WITH_IMAGES, _OF_FEEDS, _OWN = 0.15, 0.03, 0.12
_MENTIONS = 0.02
# Of quotes by posts on a topic, those of posts on it, an assumption.
_ON_TOPIC = 0.7
# Of quotes, those of posts from before the window, as of replies and reposts.
_OLD = 0.07
_VIA = 0.307
"""Fraction of reposts that name the repost by which they came: 7.8 of 25.4 million."""
# Of reposts of a post that others have reposted: more, so that they are `_VIA` of all.
_VIA_OF_SEEN = 0.5

_Rows: TypeAlias = dict[str, Any]


class Spread:
    """The quotes, mentions and ways of reposts of one stream, from random draws of their own.

    Nothing here changes what else the stream draws.

    Parameters
    ----------
    accounts
        The accounts of the network.
    reposts
        Expected number of reposts in a day.
    start_us
        Start of the window, in µs since 1970.
    before
        Function of authors and small numbers: keys of records from before the window.
    """

    def __init__(
        self,
        accounts: SyntheticAccounts,
        reposts: float,
        start_us: int,
        before: Callable[[Ints, Ints], Ints],
    ) -> None:
        self.accounts, self.start_us, self.before = accounts, start_us, before
        self.reposts = Reposts(int(min(1 << 18, max(4096, reposts))))

    def draw(
        self,
        rng: np.random.Generator,
        rows: _Rows,
        kinds: tuple[Bools, Bools, Bools],
        recent: Recent,
        own_post: Ints,
    ) -> None:
        """Add ``embed``, ``quoted``, ``mention`` and ``via`` to the rows of a slice.

        Parameters
        ----------
        rng
            Random draws of this slice, for nothing else.
        rows
            Columns of the slice's events, by time.
        kinds
            Which of them create posts, replies and reposts.
        recent
            The latest posts of earlier slices.
        own_post
            The key of each account's latest post, 0 if there is none.
        """
        n = rows["agent"].size
        for name in ("quoted", "quoted_rkey", "via", "via_rkey"):
            rows[name] = np.zeros(n, np.int64)
        rows["embed"] = np.zeros(n, np.int8)
        rows["mention"] = np.full(n, -1, np.int64)
        posts, replies, reposts = kinds
        texts = np.flatnonzero(posts | replies)
        # A post with an external link embeds nothing else.
        chance = np.where(posts[texts], _QUOTES, _QUOTES_OF_REPLIES)
        quotes = (rng.random(texts.size) < chance) & (rows["style"][texts] != 3)
        self._quote(rng, rows, texts[quotes], recent, own_post)
        linked = with_link(rows["words"][texts], posts[texts], rows["style"][texts])
        where = texts[(rng.random(texts.size) < _MENTIONS) & ~linked]
        rows["mention"][where] = self.accounts.famous(rng, where.size)
        self._follow_reposts(rng, rows, np.flatnonzero(reposts))

    def _quote(
        self, rng: np.random.Generator, rows: _Rows, where: Ints, recent: Recent, own_post: Ints
    ) -> None:
        agent, topic = rows["agent"][where], rows["topic"][where]
        rows["embed"][where] = np.searchsorted(
            [0.0, 1 - _WITH_IMAGES - _OF_FEEDS, 1 - _OF_FEEDS], rng.random(where.size), side="right"
        )
        post = self._earlier(rng, where.size)
        chances = recent.chances(float(rows["seconds"][0]))
        if chances.size:
            seen = np.flatnonzero(rng.random(where.size) >= _OLD)
            on_topic = rng.random(seen.size) < _ON_TOPIC
            place = rng.random(seen.size)
            at = find(chances, place)
            weight = np.diff(chances, prepend=0.0)
            for number in np.unique(topic[topic >= 0]):
                mine = np.flatnonzero(on_topic & (topic[seen] == number))
                others = np.flatnonzero(recent.topic[: recent.size] == number)
                if mine.size and others.size:
                    at[mine] = others[find(np.cumsum(weight[others]), place[mine])]
            post[:, seen] = recent.post[:, at]
        own = (rng.random(where.size) < _OWN) & (own_post[agent] > 0)
        post = np.where(own, np.stack([agent, own_post[agent]]), post)
        rows["quoted"][where], rows["quoted_rkey"][where] = post

    def _earlier(self, rng: np.random.Generator, size: int) -> Ints:
        # Records from before the window, by their authors' followers: agent and rkey_us.
        author = find(self.accounts.fame_sum, rng.random(size))
        return np.stack([author, self.before(author, rng.integers(3, size=size))])

    def _follow_reposts(self, rng: np.random.Generator, rows: _Rows, where: Ints) -> None:
        subject = np.stack([rows["subject"][where], rows["subject_rkey"][where]])
        agent = rows["agent"][where]
        known, found = self.reposts.earlier(subject, rng.random(where.size))
        # Reposts of posts from before the window come by reposts from before it.
        old = subject[1] < self.start_us
        via = np.where(known, found, self._earlier(rng, where.size))
        chance = np.where(known, _VIA_OF_SEEN, np.where(old, _VIA, 0.0))
        takes = (rng.random(where.size) < chance) & (via[0] != agent)
        rows["via"][where], rows["via_rkey"][where] = np.where(takes, via, 0)
        self.reposts.add(subject, np.stack([agent, rows["rkey"][where]]))
