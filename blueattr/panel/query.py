"""A store looked at through one window and panel: agent-days and features for any topic."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypedDict

import polars as pl

from blueattr.errors import EmptyPanelError, UsageError
from blueattr.panel import bots, features, filters, topics
from blueattr.panel.counts import WindowCounts
from blueattr.panel.features import Popularity, Scale
from blueattr.provenance import Gap, Provenance, Window
from blueattr.store import coverage, matching
from blueattr.store.database import DEFAULT_MEMORY, Store

__all__ = ["PanelQuery", "StoreView"]


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
        are, the window ends at the last event seen.
    length
        Of the window.
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
    """

    db: Path
    topic: str | None = topics.ALL
    match: tuple[str, ...] = ()
    topics_file: Path | None = None
    start: datetime | None = None
    end: datetime | None = None
    length: timedelta = field(default=timedelta(days=14))
    scale: Scale = "log1p"
    bots_file: Path | None = None
    rate: bots.RateRule | None = None
    keep_bots: bool = False
    memory: int = DEFAULT_MEMORY
    popularity: Popularity = "follows-received"
    missing_followers: filters.MissingFollowers = "error"

    def window(self, store: Store) -> Window:
        """Settle the window.

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
            last = store.frame("panel/span")["last_event"][0]
            if last is None:
                raise EmptyPanelError(f"{self.db} holds no events; see: blueattr status")
            end = last.replace(tzinfo=UTC) + timedelta(microseconds=1)
        start = self.start if self.start is not None else end - self.length
        if start >= end:
            raise UsageError(f"the window ends ({end}) before it starts ({start})")
        return Window(start, end)

    def agents(self, store: Store, window: Window) -> filters.FilteredPanel:
        """Build the panel.

        Raises
        ------
        NoAnswerError
            b is to be follower counts, some are not known, and nothing was said about them.
        """
        built = filters.build(store, window, **self._bot_filters())
        if self.popularity == "followers":
            return filters.with_followers(built, window, self.missing_followers)
        return built

    def candidates(self, store: Store, window: Window) -> pl.DataFrame:
        """Find everyone an AppView might be asked about: `blueattr.panel.filters.candidates`."""
        return filters.candidates(store, window, **self._bot_filters())

    def _bot_filters(self) -> "_BotFilters":
        rules = bots.bot_rules(self.bots_file)
        return {"rules": rules, "rate": self.rate, "keep_bots": self.keep_bots}


class _BotFilters(TypedDict):
    rules: tuple[bots.BotRule, ...]
    rate: bots.RateRule | None
    keep_bots: bool


_RECEIVED = "follows received in the window"
_STAND_IN = f"Followers, which set the tiers, are {_RECEIVED}: a stand-in for follower counts."
_AS_OF = "Follower counts, which set the tiers too, are of when the AppView was asked."


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
    def of(cls, store: Store, query: PanelQuery) -> "StoreView":
        """Settle window and panel."""
        window = query.window(store)
        return cls(store, query, window, query.agents(store, window))

    @cached_property
    def _counts(self) -> WindowCounts:
        return WindowCounts.of(self.store, self.window)

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Stretches of the window that no source covers."""
        return coverage.gaps(self.store, self.window)

    def topic(self, name: str | None = None) -> topics.Topic | None:
        """Find a topic by name, by default the query's own; None for all events."""
        query = self.query
        if name is not None:
            return topics.choose(self.store, name, None, query.topics_file)
        return topics.choose(self.store, query.topic, list(query.match), query.topics_file)

    def agent_days(self, topic: topics.Topic | None) -> pl.DataFrame:
        """Count what each account did and received on each day of the window."""
        return self._counts.agent_days(_rule(topic))

    def totals(self, topic: topics.Topic | None) -> pl.DataFrame:
        """Count what each account did and received in the window: the sums of its agent-days."""
        return self._counts.totals(_rule(topic))

    def features(self, counts: pl.DataFrame, scale: Scale | None = None) -> pl.DataFrame:
        """Describe each agent by its features, on the query's scale or another.

        Parameters
        ----------
        counts
            Of `agent_days` or `totals`.
        """
        query = self.query
        return features.build(counts, self.built.agents, scale or query.scale, query.popularity)

    def popularity(self) -> str:
        """Describe what b counts on this panel, and when its follower counts were given."""
        agents = self.built.agents
        dates = agents["followers_at"].drop_nulls().dt.date()
        if self.query.popularity == "follows-received":
            return _RECEIVED
        if dates.is_empty():
            return f"{_RECEIVED}, as no follower count is known"
        first, last = map(str, (dates.min(), dates.max()))
        counts = f"follower counts of {first}" + (f" to {last}" if first != last else "")
        if others := len(agents) - len(dates):
            return f"{counts}; of {others:,} agents, whose count is unknown, {_RECEIVED}"
        return counts

    def origin(self, topic: topics.Topic | None) -> Provenance:
        """Return where the features come from."""
        return Provenance(
            source=str(self.query.db),
            feature_scale=self.query.scale,
            popularity=self.popularity(),
            topic=topic.info if topic else None,
            window=self.window,
            gaps=self.gaps,
            panel=self.built.steps,
            notes=(_STAND_IN if self.query.popularity == "follows-received" else _AS_OF,),
        )


def _rule(topic: topics.Topic | None) -> matching.Rule | None:
    return None if topic is None else topic.rule
