"""A store read forward in time, and what a window over it answers where it stands."""

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
from blueattr.panel.influence import settle
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.synthetic import synthetic_sources
from blueattr.panel.topics import Topic, choose
from blueattr.provenance import Provenance, Window
from blueattr.store.account_numbers import past_account
from blueattr.store.database import Store
from blueattr.watch.rows import TopicEvents, read_records, read_statuses, read_topic
from blueattr.watch.window_state import WindowState, microseconds, moment

__all__ = ["WindowAnswer", "WindowReading"]


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


class WindowReading:
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
        self.store = store
        self.query = query
        self.length = length
        self.until = microseconds(until)
        self.topic: Topic | None = choose(store, query.topic, list(query.match), query.topics_file)
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

    @cached_property
    def synthetic(self) -> tuple[str, ...]:
        """The sources whose events are made up."""
        return synthetic_sources(self.store)[0]

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
            self._fed = end

    # --- answering -------------------------------------------------------------------------------

    def answer(self, question: Question) -> WindowAnswer:
        """Attribute an indicator to the agents of the window, as it stands.

        Parameters
        ----------
        question
            What to attribute: one indicator.
        """
        window = Window(moment(self.state.start), moment(self.state.end))
        query = replace(self.query, start=window.start, end=window.end)
        try:
            built = query.agents(self.store, window, self._directory, self.state, self._signs)
            view = StoreView(self.store, query, window, built)
            self._settle_quotes(view)
            # Counts that tables have in place of interactions are of posts, not of events.
            counts = view.totals(self.topic) if view.is_counted else self.state.totals()
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
            panel=built.steps,
            synthetic=self.synthetic,
        )
        try:
            result = attribute(panel, question.indicators[0], **question.how, provenance=origin)
        except NoAnswerError as error:
            return WindowAnswer(window, view, frame, panel, undefined=str(error))
        return WindowAnswer(window, view, frame, panel, result)

    def _settle_quotes(self, view: StoreView) -> None:
        """Count the topic anew, where the store knows what posts quote from some time on."""
        if view.influence.quotes != self._quotes and self.topic is not None:
            self._quotes = view.influence.quotes
            self.state.watch(self._topic_events(self.state.start))


def _naive(time: int) -> datetime:
    return moment(time).astimezone(UTC).replace(tzinfo=None)
