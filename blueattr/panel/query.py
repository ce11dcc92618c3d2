"""A store looked at through one window and panel: agent-days and features for any topic."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypedDict

import polars as pl

from blueattr.did_order import find_places
from blueattr.errors import EmptyPanelError, NoAnswerError, UsageError
from blueattr.panel import bots, features, filters, topics
from blueattr.panel.accounts import Directory
from blueattr.panel.counts import Counted, WindowCounts
from blueattr.panel.features import Popularity, Scale
from blueattr.panel.influence import Influence, Kind, settle
from blueattr.panel.origin import origin_by_notes, so_far_of, uncovered
from blueattr.panel.times import time_shares
from blueattr.provenance import (
    NO_FOLLOWERS,
    CountedPosts,
    Gap,
    Provenance,
    Window,
    spell_window,
)
from blueattr.store import matching
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.stretches import last_near, stretches

__all__ = ["PanelQuery", "StoreView", "counts_followers", "last_event"]


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """Which agents of a store, over what time, about what.

    Parameters
    ----------
    db
        The store.
    topic, match, topics_file
        As for :func:`blueattr.panel.topics.choose`.
    start, end
        UTC, half-open. Where one is missing it follows from the other and `length`; where both
        are, the window ends with the last event in the store that is not far from all others
        (`blueattr.store.stretches`).
    length
        Of the window.
    whole_days
        Where `start` and `end` are missing: whether the window consists of whole UTC days, the
        last of which is that of the last event; else it ends at the last event.
    complete
        With `whole_days`: leave out a last day that is not over by the clock.
    scale
        Of the features.
    bots_file
        A user's file of handle rules.
    rate
        The rate rule for bots; none by default.
    keep_bots
        Apply no bot filter.
    memory
        Bytes the process may use.
    popularity
        What b counts, and so what tiers and visibility are by.
    missing_followers
        Where `popularity` is ``"followers"``: what becomes of agents whose count is not known.
    influence
        What c counts, of `blueattr.panel.influence.KINDS`; None for all that the store knows of in
        the whole window.
    """

    db: Path
    topic: str | None = topics.ALL
    match: tuple[str, ...] = ()
    topics_file: Path | None = None
    start: datetime | None = None
    end: datetime | None = None
    length: timedelta = field(default=timedelta(days=14))
    whole_days: bool = True
    complete: bool = False
    scale: Scale = "log1p"
    bots_file: Path | None = None
    rate: bots.RateRule | None = None
    keep_bots: bool = False
    memory: int = DEFAULT_MEMORY
    popularity: Popularity = "follows-received"
    missing_followers: filters.MissingFollowers = "error"
    influence: tuple[Kind, ...] | None = None

    def window(self, store: Store) -> Window:
        """Settle the window; see :meth:`window_by`."""
        return self.window_by(lambda: last_event(store))

    def window_by(self, newest: Callable[[], datetime | None]) -> Window:
        """Settle the window.

        Parameters
        ----------
        newest
            Finds the last event that is not far from all others, where the window ends by it.

        Raises
        ------
        UsageError
            It ends before it starts.
        EmptyPanelError
            The store has no events to end it at.
        """
        end = self.end
        if end is None and self.start is not None:
            end = self.start + self.length
        if end is None:
            last = newest()
            if last is None:
                raise EmptyPanelError(f"{self.db} holds no events; see: blueattr status")
            end = self._end_after(last)
        start = self.start if self.start is not None else end - self.length
        if start == end:
            raise UsageError(
                f"the window is empty: it starts and ends at {end:%Y-%m-%d %H:%M:%S}, and a window "
                f"does not include its end; for this day: --to {end + timedelta(days=1):%Y-%m-%d}"
            )
        if start > end:
            raise UsageError(f"the window ends ({end}) before it starts ({start})")
        return Window(start, end)

    def _end_after(self, last: datetime) -> datetime:
        if not self.whole_days:
            return last + timedelta(microseconds=1)
        midnight = datetime.combine(last.date(), time(), UTC)
        over = midnight + timedelta(days=1)
        return midnight if self.complete and datetime.now(UTC) < over else over

    def agents(
        self,
        store: Store,
        window: Window,
        directory: Directory | None = None,
        counts: Counted | None = None,
        signs: filters.BotSigns | None = None,
        *,
        is_part: bool = False,
    ) -> filters.FilteredPanel:
        """Build the panel.

        Parameters
        ----------
        store
            Open for reading.
        window
            Settled.
        directory, counts, signs, is_part
            As for `blueattr.panel.filters.build`. On a part, who stays for what is not known of
            their followers is for whoever has all parts.

        Raises
        ------
        NoAnswerError
            b is to be follower counts, some are not known, and nothing was said about them.
        """
        built = filters.build(
            store, window, **self._bot_filters(), directory=directory, counts=counts, signs=signs,
            is_part=is_part,
        )  # fmt: skip
        if self.popularity == "followers" and not is_part:
            return filters.with_followers(built, window, self.missing_followers)
        return built

    def bot_signs(self, store: Store, directory: Directory) -> filters.BotSigns:
        """Look by what accounts are told to be bots, for `agents` of several windows."""
        return filters.BotSigns.of(store, directory, bots.bot_rules(self.bots_file))

    def candidates(self, store: Store, window: Window) -> pl.DataFrame:
        """Find everyone an AppView might be asked about: `blueattr.panel.filters.candidates`."""
        return filters.candidates(store, window, **self._bot_filters())

    def removed_by(self, store: Store, window: Window, account: int) -> str:
        """Name the filter that keeps an account off the panel; empty if it was not active."""
        found = filters.removed_by(store, window, account, **self._bot_filters())
        # What is on the panel of the other filters is without a follower count.
        return filters.UNKNOWN_FOLLOWERS if found is None else found

    def _bot_filters(self) -> "_BotFilters":
        rules = bots.bot_rules(self.bots_file)
        return {"rules": rules, "rate": self.rate, "keep_bots": self.keep_bots}


class _WhatCCounts(TypedDict):
    influence: tuple[Kind, ...]
    influence_note: str
    counted: CountedPosts | None


class _BotFilters(TypedDict):
    rules: tuple[bots.BotRule, ...]
    rate: bots.RateRule | None
    keep_bots: bool


def last_event(store: Store) -> datetime | None:
    """Return the time of the last event that is not far from all others; None if there is none."""
    near = last_near(stretches(store))
    until = None if near is None else near.replace(tzinfo=None)
    last: datetime | None = store.frame("panel/span", until=until)["last_event"][0]
    return None if last is None else last.replace(tzinfo=UTC)


def counts_followers(popularity: str) -> bool:
    """Return whether b is follower counts, by the words of `StoreView.popularity`."""
    return popularity.startswith(_COUNTS_OF)


_COUNTS_OF = "follower counts of"
_RECEIVED = "follows received in the window"
_STAND_IN = f"Followers, which set the tiers, are {_RECEIVED}: a stand-in for follower counts."
_AS_OF = "Follower counts, which also set the tiers, date from when the AppView was asked."


@dataclass(frozen=True)
class StoreView:
    """An open store with the window and the panel settled, for any number of topics.

    Parameters
    ----------
    store
        Open for reading.
    query
        What was asked; its topic is not used.
    window
        Settled.
    built
        The panel.
    """

    store: Store
    query: PanelQuery
    window: Window
    built: filters.FilteredPanel

    @classmethod
    def of(cls, store: Store, query: PanelQuery, directory: Directory | None = None) -> "StoreView":
        """Settle window and panel; with the directory of another view of the store, read once."""
        window = query.window(store)
        return cls(store, query, window, query.agents(store, window, directory))

    @cached_property
    def _counts(self) -> WindowCounts:
        return WindowCounts.of(self.store, self.window)

    @cached_property
    def influence(self) -> Influence:
        """What c counts in this window.

        Raises
        ------
        NoAnswerError
            The query has quotes, which the store does not know in all of the window.
        """
        return settle(self.store, self.query.influence, self.window)

    @cached_property
    def so_far(self) -> datetime | None:
        """When the last event was, if the window's last day is that of it and is not over then."""
        return so_far_of(last_event(self.store), self.window)

    @cached_property
    def passed_over(self) -> tuple[str, ...]:
        """What later events the window leaves out because they lie far from all others."""
        if self.query.start is not None or self.query.end is not None:
            return ()
        return tuple(
            one.sentence
            for one in stretches(self.store)
            if one.is_far and one.events and one.first_event >= self.window.end
        )

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Stretches of the window that no source covers, up to the last event of its last day."""
        return uncovered(self.store, self.window, self.so_far)

    def topic(self, name: str | None = None) -> topics.Topic | None:
        """Find a topic by name, by default the query's own; None for all events."""
        query = self.query
        if name is not None:
            return topics.choose(self.store, name, None, query.topics_file)
        return topics.choose(self.store, query.topic, list(query.match), query.topics_file)

    def agent_days(self, topic: topics.Topic | None) -> pl.DataFrame:
        """Count what each account did and received on each day of the window."""
        return self._counts.agent_days(_rule(topic), quotes=self.influence.quotes)

    def agent_day_parts(self, topic: topics.Topic | None) -> Iterator[pl.DataFrame]:
        """Yield the same for some accounts after the other."""
        yield from self._counts.agent_day_parts(_rule(topic), quotes=self.influence.quotes)

    def account_hours(self, topic: topics.Topic | None) -> pl.DataFrame:
        """Count each agent's records in each hour: ``account``, ``hour``, ``records``."""
        counts = self._counts.account_hours(_rule(topic), quotes=self.influence.quotes)
        return counts.join(self.built.agents.select("account"), on="account", how="semi")

    def count(self, topic: topics.Topic | None) -> None:
        """Make the temp tables of what counts: see `blueattr.panel.counts.WindowCounts.count`."""
        if topic is None:
            self._counts.lay_out()
        else:
            self._counts.count(topic.rule, quotes=self.influence.quotes)

    @property
    def is_counted(self) -> bool:
        """Whether c is made of counts that a table has in place of interactions."""
        return self._counts.is_counted

    def refuse_counts(self) -> None:
        """Refuse a question about who did something to which record, where that is not known.

        Raises
        ------
        NoAnswerError
            c is made of counts.
        """
        if self.is_counted:
            raise NoAnswerError(
                f"{self.query.db} has counts of replies, reposts and quotes in place of records of "
                "them: how often each post was answered, reposted or quoted is known, but not when "
                "or by whom, so that c cannot be split among records, partners or edges; "
                "blueattr attribute says who carried the topic"
            )

    def no_match(self, topic: topics.Topic | None, counts: pl.DataFrame) -> str:
        """Say that no post of the window matched a topic; empty if one did.

        Parameters
        ----------
        topic
            None for all events, which always match.
        counts
            Of `agent_days` or `totals`, of this topic.
        """
        about = [name for name in features.COUNTS if name != "follows_received"]
        if topic is None or counts.select(pl.any_horizontal((pl.col(about) != 0).any())).item():
            return ""
        return f"no post matched {topic.described()} in {spell_window(self.window)}"

    def handles(self, dids: Collection[str]) -> dict[str, str]:
        """Return the latest known handles of some agents of the panel, by DID."""
        # By their numbers: the store would have to be searched for DIDs.
        agents = self.built.agents
        places = find_places(agents["did"], dids)
        accounts = agents["account"].gather(places[places >= 0])
        known = self.store.frame("panel/handles", accounts=accounts.to_list())
        return dict(known.iter_rows())

    def known_handles(self) -> pl.DataFrame:
        """Return the latest known handles of the panel's agents: ``did`` and ``handle``."""
        agents = self.built.agents.select("account", "did")
        return agents.join(self.built.directory.handles(), on="account").select("did", "handle")

    def totals(self, topic: topics.Topic | None) -> pl.DataFrame:
        """Count what each account did and received in the window: the sums of its agent-days."""
        return self._counts.totals(_rule(topic), quotes=self.influence.quotes)

    def features(self, counts: pl.DataFrame, scale: Scale | None = None) -> pl.DataFrame:
        """Describe each agent by its features, on the query's scale or another.

        Parameters
        ----------
        counts
            Of `agent_days` or `totals`.
        """
        query = self.query
        return features.build(
            counts,
            self.built.agents,
            scale or query.scale,
            query.popularity,
            self.influence.kinds,
        )

    def popularity(self) -> str:
        """Describe what b counts on this panel, and when its follower counts were given."""
        agents = self.built.agents
        dates = agents["followers_at"].drop_nulls().dt.date()
        if self.query.popularity == "follows-received":
            return _RECEIVED
        if dates.is_empty():
            return f"{_RECEIVED}, because no follower count is known"
        first, last = map(str, (dates.min(), dates.max()))
        counts = f"{_COUNTS_OF} {first}" + (f" to {last}" if first != last else "")
        if others := len(agents) - len(dates):
            return f"{counts}; for {others:,} agents whose count is unknown, {_RECEIVED}"
        return counts

    def origin(self, topic: topics.Topic | None) -> Provenance:
        """Return where the features come from."""
        return replace(
            self.panel_origin(topic),
            feature_scale=self.query.scale,
            popularity=self.popularity(),
            **self._what_c_counts(topic),
            notes=(
                _STAND_IN if self.query.popularity == "follows-received" else _AS_OF,
                *self.passed_over,
            ),
        )

    def _no_popularity(self) -> str:
        """Say that b is 0 for everyone, where it is, and what would give it."""
        if self.query.popularity != "follows-received" or self._counts.lay_out().followed.size:
            return ""
        if self.built.agents["followers_at"].null_count() < self.built.agents.height:
            return (
                "No follows: b is 0 for everyone, and tiers are by activity. The store has "
                "follower counts: ask with --popularity followers."
            )
        return (
            f"{NO_FOLLOWERS} Name a column that has them (blueattr import, followers=COLUMN), or, "
            "where accounts are DIDs, run: blueattr hydrate"
        )

    def _what_c_counts(self, topic: topics.Topic | None) -> "_WhatCCounts":
        return {
            "influence": self.influence.kinds,
            "influence_note": self.influence.note,
            "counted": self._counts.counted_posts(_rule(topic), quotes=self.influence.quotes),
        }

    def involved_origin(self, topic: topics.Topic) -> Provenance:
        """Return where the panel comes from, and what its agents are involved by."""
        return replace(self.panel_origin(topic), **self._what_c_counts(topic))

    def panel_origin(self, topic: topics.Topic | None) -> Provenance:
        """Return where the panel comes from, which is made before there are features."""
        origin = store_origin(self.query.db, self.store, self.window)
        remarks = origin.import_remarks
        if origin.drawn and (lacking := self._no_popularity()):
            remarks = (lacking, *remarks)
        return replace(
            origin,
            topic=topic.info if topic else None,
            panel=self.built.steps,
            notes=self.passed_over,
            import_remarks=remarks,
        )


def store_origin(db: Path, store: Store, window: Window) -> Provenance:
    """Return where the records of a window come from: gaps, times, how they were chosen.

    Parameters
    ----------
    db
        The store's file, as the user named it.
    store
        Open for reading.
    window
        Settled.
    """
    return origin_by_notes(db, store, window, last_event(store), time_shares(store, window))


def _rule(topic: topics.Topic | None) -> matching.Rule | None:
    return None if topic is None else topic.rule
