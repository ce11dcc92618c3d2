"""Change: what carried the change of an indicator between two windows of a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.asked.windows import ComparedWindows, refuse_lengths
from blueattr.analysis.groups.grouping import ByGroup, labels_of_windows, refuse_groups_of_change
from blueattr.attribution.change.change import changes
from blueattr.attribution.change.result import ChangeResult
from blueattr.attribution.inputs import Panel
from blueattr.attribution.question import Question
from blueattr.errors import NoMatchError, UsageError
from blueattr.panel.accounts import Directory
from blueattr.panel.influence import Influence, settle
from blueattr.panel.query import PanelQuery, StoreView, counts_followers
from blueattr.provenance import Provenance, Window, spell_window
from blueattr.store.database import Store
from blueattr.studies.carriers.leaders import DEFAULT_LEADERS, Handles
from blueattr.studies.carriers.movers import movers

__all__ = ["change_since", "change_store", "refuse_incomparable"]


@dataclass(frozen=True)
class _Side:
    """The features of one window, with all that a comparison must know of them."""

    frame: pl.DataFrame
    origin: Provenance
    no_match: str
    handles: Handles
    view: StoreView


def change_store(
    query: PanelQuery,
    compared: ComparedWindows,
    question: Question,
    *,
    top: int = DEFAULT_LEADERS,
    naming: Naming = OPEN,
    by: ByGroup | None = None,
) -> list[ChangeResult]:
    """Split the change of each indicator of a question between two windows among all agents.

    Parameters
    ----------
    query
        The panel and the topic; its window is ignored.
    compared
        The two windows.
    question
        What to attribute. It is computed by the rule that suits the line between the windows,
        whatever the question's method.
    top
        How many agents to name, those with the largest parts.
    naming
        How to name accounts.
    by
        Also sum up by groups of agents.

    Raises
    ------
    UsageError
        The two windows are not comparable: see `refuse_incomparable`; or the groups are not what a
        change is summed up by.
    NoAnswerError
        Nobody is on the panel of a window, no post matched in either, or as
        `blueattr.attribution.change.change.change`.
    """
    if by is not None:
        refuse_groups_of_change(by)
    with Store.open(query.db, query.memory) as store:
        windows = compared.settle(store, query)
        return change_since(store, query, windows, question, top=top, naming=naming, by=by)


def _side(
    store: Store,
    query: PanelQuery,
    window: Window,
    influence: Influence,
    directory: Directory,
) -> _Side:
    asked = replace(query, start=window.start, end=window.end, influence=influence.kinds)
    view = StoreView.of(store, asked, directory)
    topic = view.topic()
    counts = view.totals(topic)
    return _Side(
        frame=view.features(counts),
        origin=view.origin(topic),
        no_match=view.no_match(topic, counts),
        handles=view.handles,
        view=view,
    )


def change_since(
    store: Store,
    query: PanelQuery,
    windows: tuple[Window, Window],
    question: Question,
    *,
    top: int = DEFAULT_LEADERS,
    naming: Naming = OPEN,
    by: ByGroup | None = None,
    directory: Directory | None = None,
) -> list[ChangeResult]:
    """Do the same in an open store.

    Parameters
    ----------
    store, query
        The store, and the panel and the topic; the query's window is ignored.
    windows
        The window before and the window after.
    question, top, naming, by
        As for `change_store`.
    directory
        As for `blueattr.panel.filters.build`.
    """
    influence = settle(store, query.influence, *windows)
    directory = directory or Directory(store, is_asked_again=True)
    before, after = (_side(store, query, window, influence, directory) for window in windows)
    directory.let_go()
    if before.no_match and after.no_match:
        raise NoMatchError(
            f"{before.no_match}, nor in {spell_window(windows[1])}; blueattr topics check "
            "counts posts by topic and day"
        )
    refuse_incomparable(before.origin, after.origin)
    question = question.settled(before.origin.is_searched or after.origin.is_searched)
    notes = _notes(before, after, influence)
    groups = None
    if by is not None:
        views = (before.view, after.view)
        groups, more = labels_of_windows(by, views, hides=naming.hides)
        notes = (*notes, *more)
    panels = Panel.of(before.frame), Panel.of(after.frame)

    def known(dids: Sequence[str]) -> Mapping[str, str]:
        return {**before.handles(dids), **after.handles(dids)}

    handles = None if naming.hides else known
    results = changes(
        *panels,
        question.indicators,
        aggregator=question.aggregator,
        cutoffs=question.cutoffs,
        panel=question.choice,
        provenances=(before.origin, after.origin),
        groups=groups,
    )
    return naming.hide([
        replace(
            result,
            notes=notes,
            movers=movers(result, before.frame, after.frame, top, handles),
        )
        for result in results
    ])  # fmt: skip


def refuse_incomparable(before: Provenance, after: Provenance) -> None:
    """Refuse two windows whose numbers differ for another reason than what happened in them.

    Raises
    ------
    UsageError
        They differ in length, topic, scale, or what b counts.
    """
    if before.window is not None and after.window is not None:
        refuse_lengths(before.window, after.window)
    if before.topic != after.topic:
        old, new = _topic(before), _topic(after)
        how = f"{old} and {new}" if old != new else f"{new}, whose words or patterns changed"
        raise UsageError(f"the two windows are about different topics: {how}")
    if before.feature_scale != after.feature_scale:
        raise UsageError(
            f"the features of the two windows have different scales, {before.feature_scale} and "
            f"{after.feature_scale}"
        )
    if counts_followers(before.popularity) != counts_followers(after.popularity):
        raise UsageError(
            f"b has different sources: before, {before.popularity}; after, {after.popularity}. "
            "With --popularity follows-received it has one"
        )


def _topic(origin: Provenance) -> str:
    return "all events" if origin.topic is None else origin.topic.name


def _notes(before: _Side, after: _Side, influence: Influence) -> tuple[str, ...]:
    """Say what a reader must know of a comparison, a sentence each."""
    notes = [influence.note] if influence.note else []
    for which, side in (("before", before), ("after", after)):
        if side.no_match:
            text = f"{side.no_match[0].upper()}{side.no_match[1:]}"
            notes.append(f"{text}: in the window {which} nobody wrote about it.")
    if counts_followers(after.origin.popularity):
        notes.append(
            "Follower counts are those of one moment, so that b is the same in both windows for "
            "whoever stayed."
        )
    old, new = before.origin.window, after.origin.window
    if old is not None and new is not None:
        if old.start > new.start:
            notes.append("The window before is the later one.")
        start, end = max(old.start, new.start), min(old.end, new.end)
        if start < end:
            shared = spell_window(Window(start, end))
            notes.append(f"What happened in {shared} counts in both windows.")
    return tuple(notes)
