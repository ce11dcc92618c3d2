"""The panel of a window, and the participants of a topic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from blueattr.errors import UsageError
from blueattr.panel import topics
from blueattr.panel.counts import WindowCounts
from blueattr.panel.query import PanelQuery
from blueattr.provenance import Provenance, Window
from blueattr.store import coverage
from blueattr.store.database import Store

__all__ = ["PanelResult", "check_topics", "count_events", "make_panel"]


# --- who counts, and what they did ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PanelResult:
    """The panel of a window, without a topic."""

    agents: pl.DataFrame
    provenance: Provenance


def make_panel(query: PanelQuery) -> PanelResult:
    """Filter the active accounts down to agents, and say what each filter did."""
    with Store.open(query.db, query.memory) as store:
        window = query.window(store)
        built = query.agents(store, window)
        origin = Provenance(
            source=str(query.db),
            window=window,
            gaps=coverage.gaps(store, window),
            panel=built.steps,
        )
        return PanelResult(built.agents, origin)


def candidates(query: PanelQuery) -> tuple[pl.DataFrame, str]:
    """Find everyone whom an AppView might be asked about for a panel, and say whose panel it is.

    Returns
    -------
    tuple
        ``account``, ``did``, ``asked_at`` as `blueattr.panel.filters.candidates` returns them; and
        the window of the panel in words.

    Raises
    ------
    EmptyPanelError
        Nobody is in the panel.
    """
    with Store.open(query.db, query.memory) as store:
        window = query.window(store)
        scope = f"the panel from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
        return query.candidates(store, window), scope


def check_topics(query: PanelQuery, names: Sequence[str]) -> list[topics.TopicDays]:
    """Count participants and events by day for each topic; for all of them by default."""
    wanted: Iterable[str | None] = names or topics.load(query.topics_file)
    if query.match:
        wanted = [None]
    with Store.open(query.db, query.memory) as store:
        window = query.window(store)
        calendar = pl.DataFrame({"day": _days(window)}, schema={"day": pl.Date})
        found = []
        for name in wanted:
            topic = topics.choose(store, name, list(query.match), query.topics_file)
            if topic is None:
                raise UsageError("name topics to check; 'all' stands for a run without one")
            count_events(store, topic, window)
            days = calendar.join(
                store.frame("analysis/topic_days"), on="day", how="left", maintain_order="left"
            ).fill_null(0)
            over = int((days["participants"] >= topics.CRITERION_PARTICIPANTS).sum())
            found.append(topics.TopicDays(topic, window, days, over))
    return found


def _days(window: Window) -> list[date]:
    last = (window.end - timedelta(microseconds=1)).date()
    first = window.start.date()
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


def count_events(store: Store, topic: topics.Topic, window: Window) -> None:
    """Leave the events that count in the temp table `counted`."""
    WindowCounts.of(store, window).count(topic.rule)
