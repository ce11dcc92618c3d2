"""What a window of a store answers: one that slides forward in time, or one by itself."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.inputs import Panel
from blueattr.attribution.question import Question
from blueattr.errors import NoAnswerError
from blueattr.panel.accounts import Directory
from blueattr.panel.counts import WindowCounts
from blueattr.panel.influence import settle
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.synthetic import synthetic_sources
from blueattr.panel.topics import Topic, choose
from blueattr.provenance import Provenance, Window
from blueattr.store.account_numbers import past_account
from blueattr.store.database import Store
from blueattr.watch.rows import TopicEvents, read_records, read_statuses, read_topic
from blueattr.watch.window_state import Minutes, WindowState, microseconds, moment

__all__ = ["StoreReading", "WatchReading", "WindowAnswer", "WindowReading"]


_MICROSECOND = timedelta(microseconds=1)
_MINUTE = 60_000_000

# Records are read by stretches of time, as many at once as keeps the memory small.
_FEWEST, _MOST = 1 << 18, 1 << 20
_SHORTEST, _LONGEST = _MINUTE, 7 * 24 * 60 * _MINUTE


@dataclass(frozen=True, slots=True, eq=False)
class WindowAnswer:
    """What a window answers.

    Parameters
    ----------
    view
        The window and its panel; None where it has none.
    frame
        The features of its agents; None where it has none.
    panel
        The same, checked and ranked.
    result
        Their attribution; None where it has none.
    window
        The window.
    undefined
        Why there is no attribution, else empty.
    """

    window: Window
    view: StoreView | None = None
    frame: pl.DataFrame | None = None
    panel: Panel | None = None
    result: AttributionResult | None = None
    undefined: str = ""


class WatchReading(ABC):
    """A store that is open for reading, and what a window of it answers.

    Parameters
    ----------
    store
        It does not change meanwhile.
    query
        The panel and the topic; its window is not used.
    """

    def __init__(self, store: Store, query: PanelQuery) -> None:
        self.store = store
        self.query = query
        self.topic: Topic | None = choose(store, query.topic, list(query.match), query.topics_file)

    @property
    @abstractmethod
    def window(self) -> Window:
        """The window that is asked about."""

    @property
    @abstractmethod
    def events_read(self) -> int:
        """How many records came into the window since it began to slide."""

    @abstractmethod
    def minutes(self, most: int, *, participants: bool = True) -> Minutes:
        """Count participants and posts in each of the last minutes of the window.

        Parameters
        ----------
        most
            How many minutes, the last of which is that of the window's end.
        participants
            Whether they are asked for.
        """

    @abstractmethod
    def _view(self, query: PanelQuery) -> StoreView:
        """Settle the panel of the query's window."""

    @abstractmethod
    def _totals(self, view: StoreView) -> pl.DataFrame:
        """Count what each account did and received in the window."""

    @cached_property
    def synthetic(self) -> tuple[str, ...]:
        """The sources whose events are made up."""
        return synthetic_sources(self.store)[0]

    def answer(self, question: Question) -> WindowAnswer:
        """Attribute an indicator to the agents of the window, as it stands.

        Parameters
        ----------
        question
            What to attribute: one indicator.
        """
        window = self.window
        query = replace(self.query, start=window.start, end=window.end)
        try:
            view = self._view(query)
            counts = self._totals(view)
            why = view.no_match(self.topic, counts)
            if why:
                return WindowAnswer(window, view, undefined=why)
            frame = view.features(counts)
            panel = Panel.of(frame)
        except NoAnswerError as error:
            return WindowAnswer(window, undefined=str(error))
        origin = Provenance(
            source=str(query.db),
            topic=self.topic.info if self.topic else None,
            window=window,
            panel=view.built.steps,
            synthetic=self.synthetic,
        )
        try:
            result = attribute(panel, question.indicators[0], **question.how, provenance=origin)
        except NoAnswerError as error:
            return WindowAnswer(window, view, frame, panel, undefined=str(error))
        return WindowAnswer(window, view, frame, panel, result)


class StoreReading(WatchReading):
    """A window by itself, counted as `blueattr attribute` does: from summaries where they serve.

    Parameters
    ----------
    store, query
        As for `WatchReading`.
    window
        The window.
    """

    def __init__(self, store: Store, query: PanelQuery, window: Window) -> None:
        super().__init__(store, query)
        self._window = window
        self._quotes = settle(store, query.influence, window).quotes

    @property
    def window(self) -> Window:
        """The window that is asked about."""
        return self._window

    @property
    def events_read(self) -> int:
        """It does not slide."""
        return 0

    def minutes(self, most: int, *, participants: bool = True) -> Minutes:
        """See `WatchReading`."""
        start, end = microseconds(self.window.start), microseconds(self.window.end)
        last = (end - 1) // _MINUTE
        first = max(last - most + 1, start // _MINUTE)
        given = {"since": _naive(max(first * _MINUTE, start)), "participants": participants}
        counts = WindowCounts.of(self.store, self.window)
        if self.topic is None:
            counts.lay_out()
            rows = self.store.frame("watch/minutes_all", end=_naive(end), **given)
        else:
            counts.count(self.topic.rule, quotes=self._quotes)
            rows = self.store.frame("watch/minutes", **given)
        minute = rows["minute"].to_numpy() - first
        found = {name: np.zeros(last - first + 1, np.int64) for name in ("participants", "posts")}
        for name, values in found.items():
            values[minute] = rows[name].to_numpy()
        return Minutes(first * _MINUTE, **found)

    def _view(self, query: PanelQuery) -> StoreView:
        return StoreView(self.store, query, self.window, query.agents(self.store, self.window))

    def _totals(self, view: StoreView) -> pl.DataFrame:
        return view.totals(self.topic)


class WindowReading(WatchReading):
    """A store, read forward from a time on.

    Parameters
    ----------
    store
        Open for reading: it does not change meanwhile.
    query
        The panel and the topic; its window is not used.
    length
        Of the window.
    begin
        The first moment that is asked about: records are read from a window before it on.
    until
        After the last record that is asked about, UTC.
    """

    def __init__(
        self, store: Store, query: PanelQuery, length: timedelta, begin: datetime, until: datetime
    ) -> None:
        super().__init__(store, query)
        self.length = length
        self.until = microseconds(until)
        self._past = past_account(store)
        self._directory = Directory(store)
        self._signs = None if query.keep_bots else query.bot_signs(store, self._directory)
        self._fed = microseconds(begin) - length // _MICROSECOND
        self._step = 60 * _MINUTE
        self._times: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self._quotes = settle(store, query.influence, Window(begin - length, begin)).quotes
        self.state = WindowState(
            self._past, length // _MICROSECOND, read_statuses(store, self._past),
            self._topic_events(self._fed), by_day=query.rate is not None,
        )  # fmt: skip

    def _topic_events(self, start: int) -> TopicEvents | None:
        if self.topic is None:
            return None
        return read_topic(
            self.store, self.topic.rule, _naive(start), _naive(self.until), self._past,
            quotes=self._quotes,
        )  # fmt: skip

    @property
    def window(self) -> Window:
        """Where the window stands."""
        return Window(moment(self.state.start), moment(self.state.end))

    @property
    def events_read(self) -> int:
        """How many records came into the window since it began to slide."""
        return self.state.events_read

    def minutes(self, most: int, *, participants: bool = True) -> Minutes:  # noqa: ARG002 - both
        """See `WatchReading`."""
        return self.state.minutes(most)

    # --- sliding ---------------------------------------------------------------------------------

    def slide(self, end: datetime) -> None:
        """Let the window end at a time."""
        stop = microseconds(end)
        self._feed(stop)
        self.state.slide(stop)

    def last_event(self, time: datetime) -> datetime | None:
        """Return the time of the last record up to a time; None if none was read."""
        upto = microseconds(time) + 1
        self._feed(upto)
        for times in reversed(self._times):
            place = int(np.searchsorted(times, upto))
            if place:
                return moment(int(times[place - 1]))
        return None

    def _feed(self, upto: int) -> None:
        """Read what comes before a time, and perhaps more."""
        while self._fed < min(upto, self.until):
            end = min(self._fed + self._step, self.until)
            records = read_records(self.store, _naive(self._fed), _naive(end), self._past)
            self.state.feed(records)
            size = records.time.size
            if size:
                # Of what is not asked for again, the last is enough.
                self._times = [*self._times[-1:], records.time]
            if size > _MOST:
                self._step = max(self._step // 2, _SHORTEST)
            elif size < _FEWEST:
                self._step = min(self._step * 2, _LONGEST)
            self._fed = end if size else self._next(end)

    def _next(self, start: int) -> int:
        """Return the time of the next record; where none is left, that of the end."""
        found = self.store.frame("watch/next_record", start=_naive(start), end=_naive(self.until))
        time: int | None = found["time"][0]
        return self.until if time is None else time

    # --- answering -------------------------------------------------------------------------------

    def _view(self, query: PanelQuery) -> StoreView:
        window = self.window
        built = query.agents(self.store, window, self._directory, self.state, self._signs)
        view = StoreView(self.store, query, window, built)
        self._settle_quotes(view)
        return view

    def _totals(self, view: StoreView) -> pl.DataFrame:
        # Counts that tables have in place of interactions are of posts, not of events.
        return view.totals(self.topic) if view.is_counted else self.state.totals()

    def _settle_quotes(self, view: StoreView) -> None:
        """Count the topic anew, where the store knows what posts quote from some time on."""
        if view.influence.quotes != self._quotes and self.topic is not None:
            self._quotes = view.influence.quotes
            self.state.watch(self._topic_events(self.state.start))


def _naive(time: int) -> datetime:
    return moment(time).astimezone(UTC).replace(tzinfo=None)
