"""Compare scales: the shares of a whole panel beside those of samples, for one topic or several."""

from collections.abc import Iterator, Sequence

import polars as pl

from blueattr.analysis.topics import choose_topics
from blueattr.attribution.question import Question, Sampling
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance
from blueattr.store.database import Store
from blueattr.studies.grid import ScaleGrid, scale_grid
from blueattr.studies.scales import ScaleComparison, compare_scales

__all__ = ["compare_panel", "compare_topics"]


def compare_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question, sampling: Sampling
) -> ScaleComparison:
    """Compare the shares of a whole panel with those of samples.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question, sampling
        What to attribute, and which samples to draw.
    """
    return compare_scales(
        frame, question.indicators, **sampling.draws, **question.how, provenance=origin
    )


def compare_topics(
    query: PanelQuery, names: Sequence[str], question: Question, sampling: Sampling
) -> ScaleGrid:
    """Compare scales for several topics of one store, with one window and one panel.

    Parameters
    ----------
    query
        The window and the panel; its topic is ignored.
    names
        The topics, or `blueattr.analysis.parse.EVERY_TOPIC` alone.
    question, sampling
        What to attribute, and which samples to draw.

    Raises
    ------
    UsageError
        A topic is named twice.
    UnknownTopicError
        There is no such topic.
    """
    with Store.open(query.db, query.memory) as store:
        chosen = choose_topics(store, names, query.topics_file)
        view = StoreView.of(store, query)

        def panels() -> Iterator[tuple[object, Provenance]]:
            for topic in chosen:
                yield view.features(view.totals(topic)), view.origin(topic)

        return scale_grid(panels(), question.indicators, **sampling.draws, **question.how)
