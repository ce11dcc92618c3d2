"""Draw the synthetic stream: who does what to whom, one slice of time after another."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.synth.memories import BloomFilter, Recent, Removable
from blueattr.synth.network import (
    BLOCK,
    EPOCH,
    FOLLOW,
    LIKE,
    POST,
    RATED,
    REPLY,
    REPOST,
    Bools,
    Calendar,
    Floats,
    Ints,
    SyntheticAccounts,
    SynthSpec,
    find,
    generator,
    in_time,
    pick,
    sorted_by,
)
from blueattr.synth.spread import EMBEDS, Spread
from blueattr.synth.text import TOPICS, IntArray, unit

__all__ = ["KINDS", "OPERATIONS", "SCHEMA", "STATUSES", "SyntheticStream"]

KINDS = (
    "like",
    "repost",
    "follow",
    "post",
    "reply",
    "block",
    "listitem",
    "threadgate",
    "profile",
    "identity",
    "account",
)
OPERATIONS = ("create", "update", "delete")
STATUSES = ("active", "deleted", "takendown", "suspended", "deactivated")
LISTITEM, THREADGATE, PROFILE, IDENTITY, ACCOUNT = range(6, len(KINDS))
CREATE, UPDATE, DELETE = range(len(OPERATIONS))

SCHEMA = pl.Schema(
    {
        "seq": pl.Int64(),
        "time_us": pl.Int64(),
        "kind": pl.Enum(KINDS),
        "operation": pl.Enum(OPERATIONS),
        "agent": pl.Int64(),
        "rev_us": pl.Int64(),
        "rkey_us": pl.Int64(),
        "created_us": pl.Int64(),
        "subject": pl.Int64(),
        "subject_rkey_us": pl.Int64(),
        "root": pl.Int64(),
        "root_rkey_us": pl.Int64(),
        "language": pl.Int8(),
        "topic": pl.Int8(),
        "style": pl.Int8(),
        "words": pl.Int64(),
        "status": pl.Enum(STATUSES),
        "named": pl.Boolean(),
        "embed": pl.Enum(EMBEDS),
        "quoted": pl.Int64(),
        "quoted_rkey_us": pl.Int64(),
        "mention": pl.Int64(),
        "via": pl.Int64(),
        "via_rkey_us": pl.Int64(),
    }
)
"""One row an event. ``agent``, ``subject`` and ``root`` are numbers of accounts, 0 if there is
none; times are µs since 1970; a record key is the TID of ``rkey_us`` and its author. ``topic`` is
-1 for none; ``style`` is 0 for plain text, 1 for a hashtag in the text, 2 for one in the tags
field, 3 for a link's title; ``status`` is for account events, ``named`` (has a handle) for identity
events. ``embed`` is what a post embeds beside a link; ``quoted`` and ``quoted_rkey_us`` are the
author and key of it. ``mention`` is an account, -1 for none. ``via`` and ``via_rkey_us`` are the
repost by which a repost came; the key is 0 for none."""

# Shares of all events, of kinds and deletes for which accounts have no rates of their own.
_LISTITEM, _THREADGATE, _PROFILE_UPDATE, _IDENTITY = 0.003, 0.0012, 0.0028, 0.004
_DELETES = {LIKE: 0.0083, REPOST: 0.0041, FOLLOW: 0.0105, POST: 0.0045, BLOCK: 0.0005}

_LAG_RANKS = np.array([0.0, 0.5, 0.95, 0.99, 1.0])
_LAGS = np.log([0.05e6, 0.6e6, 4.8e6, 24e6, 300e6])

_SECOND = 1_000_000
_STEP_BACK = 0.0515
"""Probability to swap two neighbours; without overlapping swaps, 147 of 3,069 remain."""

# Columns of a slice that go into the frame as they are; keys get the unit that their names state.
_KEYS = ("rkey", "subject_rkey", "root_rkey", "quoted_rkey", "via_rkey")
_NUMBERS = (
    "subject", "root", "language", "topic", "style", "words", "quoted", "mention", "via",
)  # fmt: skip

_Rows: TypeAlias = dict[str, Any]


class SyntheticStream:
    """The events of the window, slice by slice.

    Parameters
    ----------
    spec
        What to generate.
    likes
        Whether to yield likes. Without them, the other events are the same, their numbers and times
        included, and take a third less time: a like's subject is drawn but not looked up.

    Attributes
    ----------
    seq
        Number of the next event.
    first_us, last_us
        Times of the first and last event of the latest slice, in µs since 1970.
    seconds
        End of the latest slice, in seconds from the start of the window.
    """

    def __init__(self, spec: SynthSpec, *, likes: bool = True) -> None:
        self.spec, self.likes = spec, likes
        self.accounts = a = SyntheticAccounts(spec)
        self.calendar = Calendar(spec, a.events_per_day)
        self.start_us = (spec.start - EPOCH) // timedelta(microseconds=1)
        self.seq, self.first_us, self.last_us, self.seconds = 1, 0, 0, 0.0
        per_day = a.events_per_day
        self.recent = Recent(int(min(1 << 20, max(4096, 2 * per_day * 0.117))))
        self.removable = {
            kind: Removable(int(min(1 << 18, max(4096, 4 * per_day * RATED[kind]))))
            for kind in _DELETES
        }
        self.seen = BloomFilter(per_day * spec.days * 0.175, 256 * a.n)
        self.own_post = np.zeros(a.n, np.int64)
        self.spread = Spread(a, per_day * RATED[REPOST], self.start_us, self._before)

        rng = generator(spec, 3)
        end = spec.days * 86400.0
        first = self.calendar.at(np.maximum(a.birth + 60.0, 0))
        last = self.calendar.at(np.minimum(a.death - 60.0, end - 1))
        sure = self.calendar.seconds(first + rng.random(a.n) * (last - first)).astype(np.int32)
        who = np.arange(a.n)
        some = (who < a.authors) | (unit(spec.seed, 10, who) < spec.like_fraction)
        self.sure = sorted_by(sure, who[some]).astype(np.int32)
        self.sure_time = sure[self.sure]

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the events of one slice after another, with the columns of `SCHEMA`."""
        a, calendar = self.accounts, self.calendar
        everyone = np.arange(a.n)
        for day in range(self.spec.days):
            here = np.flatnonzero(unit(self.spec.seed, 100 + day, everyone) < a.presence)
            sources = []
            for rates in a.rates:
                rate = rates[here] / a.presence[here] / np.float32(self.spec.days)
                does = rate > 0
                sources.append((here[does], np.cumsum(rate[does], dtype=np.float64)))
            for number in range(day * calendar.per_day, (day + 1) * calendar.per_day):
                rows = self._who(generator(self.spec, 1, number), number, sources)
                if rows["time"].size:
                    yield self._frame(generator(self.spec, 4, number), number, day, rows)

    def _who(
        self, rng: np.random.Generator, number: int, sources: list[tuple[Ints, Floats]]
    ) -> _Rows:
        # Who does what and when; for deletes also the record.
        a, calendar = self.accounts, self.calendar
        begin, end = (float(x) for x in calendar.edges[number : number + 2])
        passed = calendar.at(calendar.edges[number : number + 2])
        span = float(passed[1] - passed[0])
        volume = a.events_per_day * span
        parts: list[tuple[int, int, Ints, Floats, Ints | None]] = []

        def moments(count: int) -> Floats:
            return calendar.seconds(passed[0] + rng.random(count) * span)

        for kind, (who, total) in enumerate(sources):
            if who.size:
                count = int(rng.poisson(total[-1] * span))
                # Sorted for a faster look-up; the events are ordered by their times later.
                drawn = find(total, np.sort(rng.random(count)))
                parts.append((kind, CREATE, who[drawn], moments(count), None))
        for kind, operation, share in (
            (LISTITEM, CREATE, _LISTITEM),
            (THREADGATE, CREATE, _THREADGATE),
            (PROFILE, UPDATE, _PROFILE_UPDATE),
            (IDENTITY, UPDATE, _IDENTITY),
        ):
            of = a.full_events_per_day * span if kind in (PROFILE, IDENTITY) else volume
            count = int(rng.poisson(of * share))
            who = rng.integers(a.n, size=count)
            if kind in (LISTITEM, THREADGATE):
                who = np.where(who < a.authors, who, who % a.authors)
            if kind == THREADGATE:
                who = who[self.own_post[who] > 0]
            parts.append((kind, operation, who, moments(who.size), None))
        for kind, share in _DELETES.items():
            expected = volume * share * (self.spec.like_fraction if kind == LIKE else 1)
            known, unseen = rng.poisson([expected * 0.75, expected * 0.25])
            taken = self.removable[kind].take(rng, int(known))
            who, total = sources[kind]
            who = who[pick(total, rng, int(unseen))] if who.size else who
            before = self._before(who, rng.integers(1000, size=who.size))
            agent, rkey = np.concatenate([taken, np.stack([who, before])], axis=1)
            parts.append((kind, DELETE, agent, moments(agent.size), rkey))

        low, high = np.searchsorted(self.sure_time, [begin, end])
        who = self.sure[low:high].astype(np.int64)
        times = self.sure_time[low:high] + rng.random(high - low)
        sure_kind = a.sure_kind[who]
        for kind in (LIKE, REPOST, FOLLOW, POST, REPLY):
            mine = sure_kind == kind
            parts.append((kind, CREATE, who[mine], times[mine], None))
        rows = _join(parts)
        alive = a.alive(rows["agent"], rows["time"])
        rows = {name: column[alive] for name, column in rows.items()}

        low, high = np.searchsorted(a.birth[a.born], [begin, end])
        who = a.born[low:high]
        for kind, operation, later in (
            (ACCOUNT, CREATE, 0.0),
            (IDENTITY, CREATE, 0.3),
            (PROFILE, CREATE, 7.0),
        ):
            # Inside the slice, so that the order of events holds.
            moment = a.birth[who] + unit(self.spec.seed, 14, who) + later
            times = np.minimum(moment, end - 0.01 + later / 1000)
            parts = [(kind, operation, who, times, None)]
            rows = {k: np.concatenate([rows[k], v]) for k, v in _join(parts).items()}
        low, high = np.searchsorted(a.death[a.dead], [begin, end])
        who = a.dead[low:high]
        status = 1 + np.searchsorted([0.55, 0.75, 0.85], unit(self.spec.seed, 11, who))
        moment = a.death[who] + unit(self.spec.seed, 14, who)
        left = _join([(ACCOUNT, CREATE, who, moment, None)])
        left["status"] = status.astype(np.int8)
        return {k: np.concatenate([rows[k], v]) for k, v in left.items()}

    def _before(self, author: Ints, number: Ints) -> Ints:
        # Keys of records from the 30 days before the window, a few for each account.
        age = unit(self.spec.seed, 12, author * 1009 + number) * 30 * 86400 * _SECOND
        return self.start_us - 86400 * _SECOND - age.astype(np.int64)

    def _frame(self, rng: np.random.Generator, number: int, day: int, rows: _Rows) -> pl.DataFrame:
        order = in_time(rows["time"])
        rows = {name: column[order] for name, column in rows.items()}
        kind, operation, agent = rows["kind"], rows["operation"], rows["agent"].astype(np.int64)
        seconds = rows["time"]
        n = kind.size
        # No two events share a microsecond, so that the revs of a repository always ascend.
        steps = np.arange(n)
        time = self.start_us + np.floor(seconds * _SECOND).astype(np.int64)
        time = np.maximum.accumulate(np.maximum(time, self.last_us + 1) - steps) + steps
        self.first_us, self.last_us = int(time[0]), int(time[-1])
        self.seconds = float(self.calendar.edges[number + 1])

        made = operation != DELETE
        revision, created, key = self._stamps(rng, time, agent)
        rkey = np.where(made, key, rows["rkey"])

        rows |= {"time": time, "rkey": rkey, "seconds": seconds}
        for name in ("subject", "subject_rkey", "root", "root_rkey", "words"):
            rows[name] = np.zeros(n, np.int64)
        for name, nothing in (("language", 0), ("topic", -1), ("style", 0)):
            rows[name] = np.full(n, nothing, np.int8)
        self._follow(rng, rows, (kind == FOLLOW) & made)
        for other in (BLOCK, LISTITEM):
            where = np.flatnonzero((kind == other) & made)
            rows["subject"][where] = _other(
                self.accounts.famous(rng, where.size), agent[where], self.accounts.n
            )
            rows["subject_rkey"][where] = self._before(agent[where], where * 0)
        self._answer(rng, rows, made, self.calendar.heat[day])
        self.spread.draw(
            generator(self.spec, 5, number),
            rows,
            (made & (kind == POST), made & (kind == REPLY), made & (kind == REPOST)),
            self.recent,
            self.own_post,
        )
        gates = np.flatnonzero(kind == THREADGATE)
        rows["rkey"][gates] = self.own_post[agent[gates]]
        self._remember(rng, rows, made, self.seconds)

        swap = self._swaps(rng, agent)
        telling = (kind == IDENTITY) & ((operation == CREATE) | (rng.random(n) < 0.9))
        if not self.likes:
            steps = np.flatnonzero(kind[swap] != LIKE)
            swap = swap[steps]
        columns: _Rows = {
            "seq": self.seq + steps,
            "time_us": time[swap],
            "agent": agent[swap],
            "rev_us": revision[swap],
            "created_us": created[swap],
            "named": telling[swap],
            **{f"{name}_us": rows[name][swap] for name in _KEYS},
            **{name: rows[name][swap] for name in _NUMBERS},
            **{
                name: pl.Series(rows[name][swap].astype(np.uint8)).cat.to(SCHEMA[name])
                for name in ("kind", "operation", "status", "embed")
            },
        }
        frame = pl.DataFrame({name: columns[name] for name in SCHEMA}, schema=SCHEMA)
        self.seq += n
        return frame

    def _stamps(self, rng: np.random.Generator, time: Ints, agent: Ints) -> tuple[Ints, Ints, Ints]:
        # Of events at these times: the rev, the creation that the author states, and the key that
        # a new record has.
        lag = np.exp(np.interp(rng.random(time.size), _LAG_RANKS, _LAGS)).astype(np.int64)
        # A server takes some milliseconds from record key to rev, and more to send the event; how
        # many depends on the server.
        delay = 5000 + (unit(self.spec.seed, 13, agent) * 40_000).astype(np.int64)
        revision = time - delay
        created = time - lag
        odd = np.flatnonzero(rng.random(time.size) < 0.0015)
        shift = -np.exp(rng.uniform(math.log(3600), math.log(12 * 365 * 86400), odd.size))
        shift[rng.random(odd.size) < 0.2] *= -1
        created[odd] += np.round(np.minimum(shift, 9 * 3600) * _SECOND).astype(np.int64)
        return revision, created, revision - 512 - (delay & 4095)

    def _follow(self, rng: np.random.Generator, rows: _Rows, which: Bools) -> None:
        # Draw in proportion to followers. If the target is followed already, absent or the agent,
        # draw again: by followers, then uniformly, then outside the panel.
        a = self.accounts
        todo = np.flatnonzero(which)
        far = rng.random(todo.size) < 0.08
        target = np.where(far, self._outside(rng, todo.size), a.famous(rng, todo.size))
        for again in range(4):
            agent = rows["agent"][todo]
            good = (target != agent) & a.alive(target, rows["seconds"][todo])
            good[good] = self.seen.fresh(agent[good], target[good])
            rows["subject"][todo[good]] = target[good]
            todo = todo[~good]
            if not todo.size:
                return
            target = (
                a.famous(rng, todo.size)
                if again == 0
                else rng.integers(a.n, size=todo.size)
                if again == 1
                else self._outside(rng, todo.size)
            )
        rows["subject"][todo] = target

    def _outside(self, rng: np.random.Generator, size: int) -> Ints:
        # Accounts that do nothing in the window, of the network's 36 million.
        return self.accounts.n + rng.integers(10 * self.accounts.n + 1000, size=size)

    def _answer(self, rng: np.random.Generator, rows: _Rows, made: Bools, heat: Floats) -> None:
        # The topics of posts, and the subjects of replies, reposts and likes.
        spec, a, kind = self.spec, self.accounts, rows["kind"]
        thread = np.full(kind.size, -1, np.int8)

        where = np.flatnonzero(made & ((kind == REPLY) | (kind == REPOST) | (kind == LIKE)))
        agent = rows["agent"][where]
        post, root, topic = self._targets(rng, kind[where], agent, float(rows["seconds"][0]))
        own = (kind[where] == REPLY) & (rng.random(where.size) < 0.15)
        own &= self.own_post[agent] > 0
        mine = np.stack([agent, self.own_post[agent]])
        post, root = np.where(own, mine, post), np.where(own, mine, root)
        topic[own] = -1
        rows["subject"][where], rows["subject_rkey"][where] = post
        replies = kind[where] == REPLY
        rows["root"][where[replies]], rows["root_rkey"][where[replies]] = root[:, replies]
        thread[where] = topic

        posts = np.flatnonzero(made & (kind == POST))
        author = rows["agent"][posts]
        left = rng.random(posts.size)
        for number in range(len(TOPICS)):
            chance = spec.topic_share / len(TOPICS) * heat[number]
            chance = np.minimum(chance * a.names.interest(number, author), 0.9 / len(TOPICS))
            thread[posts[(left >= 0) & (left < chance)]] = number
            left -= chance
        rows["thread"] = thread

        texts = np.flatnonzero(made & ((kind == POST) | (kind == REPLY)))
        # Two in five replies to a post on a topic name the topic too.
        names = (kind[texts] == POST) | (rng.random(texts.size) < 0.4)
        topic = np.where(names, thread[texts], -1).astype(np.int8)
        style = np.searchsorted([0.80, 0.92, 0.94], rng.random(texts.size))
        topical = np.searchsorted([0.55, 0.80, 0.88], rng.random(texts.size))
        rows["topic"][texts] = topic
        rows["style"][texts] = np.where(topic >= 0, topical, style) * (kind[texts] == POST)
        strays = rng.random(texts.size) < 0.05
        language = a.names.language(np.where(strays, rng.integers(a.n), rows["agent"][texts]))
        rows["language"][texts] = language
        rows["words"][texts] = rng.integers(1 << 30, size=texts.size)

    def _targets(
        self, rng: np.random.Generator, kind: IntArray, agent: Ints, seconds: float
    ) -> tuple[Ints, Ints, npt.NDArray[np.int8]]:
        # The subjects: (author, rkey_us) of each post and of its thread's root, and the topics.
        a, chances = self.accounts, self.recent.chances(seconds)
        post, root = np.zeros((2, kind.size), np.int64), np.zeros((2, kind.size), np.int64)
        topic = np.full(kind.size, -1, np.int8)
        todo = np.arange(kind.size)
        # If the agent has reposted a post before, draw another, twice at most.
        for _ in range(3):
            old = rng.random(todo.size) < (0.07 if chances.size else 1)
            fame, age = rng.random(todo.size), rng.integers(3, size=todo.size)
            place = rng.random(todo.size if chances.size else 0)
            if not self.likes:
                # Likes take part in the draw, so that the other events stay the same; then drop
                # them, since a like is never drawn again.
                others = np.flatnonzero(kind[todo] != LIKE)
                todo, old, fame, age = todo[others], old[others], fame[others], age[others]
                place = place[others] if chances.size else place
            author = _other(find(a.fame_sum, fame), agent[todo], a.n)
            earlier = np.stack([author, self._before(author, age)])
            at = find(chances, place) if chances.size else np.zeros(todo.size, int)
            post[:, todo] = np.where(old, earlier, self.recent.post[:, at])
            root[:, todo] = np.where(old, earlier, self.recent.root[:, at])
            topic[todo] = np.where(old, -1, self.recent.topic[at])
            reposts = kind[todo] == REPOST
            good = ~reposts
            good[reposts] = self.seen.fresh(agent[todo][reposts], *post[:, todo][:, reposts])
            todo = todo[~good]
        return post, root, topic

    def _remember(self, rng: np.random.Generator, rows: _Rows, made: Bools, end: float) -> None:
        kind, agent, rkey = rows["kind"], rows["agent"].astype(np.int64), rows["rkey"]
        for which, removable in self.removable.items():
            where = made & ((kind == which) | ((which == POST) & (kind == REPLY)))
            removable.add(agent[where], rkey[where])
        texts = np.flatnonzero(made & ((kind == POST) | (kind == REPLY)))
        replies = kind[texts] == REPLY
        post = np.stack([agent[texts], rkey[texts]])
        root = np.stack([rows["root"][texts], rows["root_rkey"][texts]])
        thread = rows["thread"][texts]
        # Each post of a frequent poster gets fewer responses.
        often = self.accounts.rates[POST][agent[texts]] / self.spec.days
        # Computed in float64 and stored as float32: powers in float32 differ between processors.
        weight = (self.accounts.fame[agent[texts]].astype(np.float64) + 0.3) ** 0.7
        weight /= np.sqrt(1.0 + often)
        weight *= np.exp(rng.standard_normal(texts.size))
        weight *= np.where(replies, 0.35, 1.0) * np.where(thread >= 0, 1.6, 1.0)
        self.recent.add(post, np.where(replies, root, post), weight, end, thread)
        self.own_post[agent[texts[~replies]]] = rkey[texts[~replies]]

    def _swaps(self, rng: np.random.Generator, agent: Ints) -> Ints:
        # Some neighbours arrive in the wrong order, but never two events of one account.
        order = np.arange(agent.size)
        late = rng.random(max(agent.size - 1, 0)) < _STEP_BACK
        late &= agent[1:] != agent[:-1]
        late[1:] &= ~late[:-1]
        first = np.flatnonzero(late)
        order[first], order[first + 1] = first + 1, first
        return order


def _join(parts: list[tuple[int, int, Ints, Floats, Ints | None]]) -> _Rows:
    sizes = [part[2].size for part in parts]
    return {
        "kind": np.repeat(np.array([p[0] for p in parts], np.int8), sizes),
        "operation": np.repeat(np.array([p[1] for p in parts], np.int8), sizes),
        "agent": np.concatenate([p[2] for p in parts]).astype(np.int64),
        "time": np.concatenate([p[3] for p in parts]).astype(np.float64),
        "rkey": np.concatenate([np.zeros(p[2].size, int) if p[4] is None else p[4] for p in parts]),
        "status": np.zeros(sum(sizes), np.int8),
    }


def _other(author: Ints, agent: Ints, n: int) -> Ints:
    # Replace an agent that would block, list or answer itself; n is an account outside the panel.
    return np.where(author == agent, np.where(agent + 1 < n, agent + 1, n), author)
