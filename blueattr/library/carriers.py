"""What carried an indicator in a store, closer: the change, posts, one account, the graph."""

from pathlib import Path
from typing import Any

from blueattr.analysis.asked.windows import ComparedWindows
from blueattr.analysis.carriers.graphs import GraphResult, graph_store
from blueattr.analysis.carriers.posts import posts_store
from blueattr.analysis.carriers.why import Details, why_store
from blueattr.analysis.change import change_store
from blueattr.analysis.groups.grouping import ByGroup
from blueattr.attribution.change.result import ChangeResult
from blueattr.attribution.question import Question
from blueattr.library.declared import (
    BEFORE_AFTER,
    CHANGED,
    EXPLAINED,
    GROUPED_CHANGE,
    LEADERS,
    NAMING,
    ONE_INDICATOR,
    POSTS_SHOWN,
    QUERY,
    SPLIT,
    TWO_WINDOWS,
    LeaderOptions,
)
from blueattr.library.graph_options import GRAPH, GRAPH_FILE, GraphWanted
from blueattr.library.options import LibraryQuestion, asks, takes
from blueattr.library.store_file import StoreFile
from blueattr.panel.query import PanelQuery
from blueattr.studies.carriers.posts import PostsResult
from blueattr.studies.carriers.why import WhyResult

__all__ = ["Carriers"]


_FIRST = ("topic", "indicator")


class Carriers(StoreFile):
    """Questions about what is below the tiers, for `blueattr.library.store.Store`."""

    @asks(ChangeResult)
    @takes(
        *_FIRST,
        query=TWO_WINDOWS,
        compared=BEFORE_AFTER,
        asked=CHANGED,
        named=LEADERS,
        groups=GROUPED_CHANGE,
    )
    def change(
        self,
        *,
        query: PanelQuery,
        compared: ComparedWindows,
        asked: LibraryQuestion,
        named: LeaderOptions,
        groups: ByGroup | None,
    ) -> Any:
        """Split the change of an indicator between two windows, as ``blueattr change``.

        Returns
        -------
        ChangeResult or Results
            One result for one indicator; for several, a sequence of results that is also indexed
            by name. ``agents`` is a frame with ``did``, ``tier``, ``kind``, ``value``, ``share``
            and ``size``, by descending magnitude of the value; ``to_polars()`` has a row for each
            kind, for the panel's size, each tier and each group: ``part``, ``name``, ``agents``,
            ``value``, ``share``, ``agents_involved``, ``value_involved``, and what the question
            was.

        Raises
        ------
        UsageError
            An option makes no sense, or the windows differ in length.
        NoAnswerError
            Nobody is on the panel of a window, there is no such topic, or the indicator is 0 in
            both windows.
        StoreError
            The store cannot be read.

        Notes
        -----
        docs/change.md.
        """
        changes = change_store(
            self._asked(query),
            compared,
            asked.question,
            top=named.top,
            naming=named.naming(),
            by=groups,
        )
        return asked.answer(changes)

    @takes(*_FIRST, query=QUERY, question=SPLIT, top=POSTS_SHOWN)
    def posts(self, *, query: PanelQuery, question: Question, top: int) -> PostsResult:
        """Show which posts carried an indicator, and when, as ``blueattr posts``.

        Returns
        -------
        PostsResult
            Of one indicator. ``posts``, ``rest`` and ``popularity`` sum to ``total``, and so do
            ``hours`` (or ``days``) and ``popularity``. ``to_polars()`` has a row for each post:
            ``did``, ``handle``, ``uri``, ``kind``, ``state``, ``time``, ``replies_received``,
            ``reposts_received``, ``quotes_received``, ``value_own``, ``value_received``, ``value``,
            ``share``, ``text``, ``title``, ``link``, and what the question was.

        Raises
        ------
        UsageError
            An option makes no sense, or there are several indicators.
        NoAnswerError
            As `attribute`; or the indicator or the aggregator cannot be split by feature.
        StoreError
            The store cannot be read.

        Notes
        -----
        docs/methods.md, "By record" and "The shape of a topic".
        """
        return posts_store(self._asked(query), question, top=top)

    @takes("account", *_FIRST, query=QUERY, question=ONE_INDICATOR, wanted=EXPLAINED)
    def why(
        self, account: str, *, query: PanelQuery, question: Question, wanted: Details
    ) -> WhyResult:
        """Show why an account has its value, as ``blueattr why``.

        Parameters
        ----------
        account
            Its handle or DID.

        Returns
        -------
        WhyResult
            Of one indicator. ``account`` has the value, features, counts, records and the interval
            of the rank; ``by_feature`` sums to the value. ``to_polars()`` has a row for each
            feature and one for the value: ``feature``, ``count``, ``x``, ``feature_value``,
            ``part``, and what the question was.

        Raises
        ------
        UsageError
            An option makes no sense, or there are several indicators.
        UnknownAccountError
            The account is not on the panel; the message says why.
        NoAnswerError, StoreError
            As `attribute`.

        Notes
        -----
        docs/why.md.
        """
        return why_store(self._asked(query), question, account, wanted)

    @takes("path", *_FIRST, path=GRAPH_FILE, query=QUERY, question=ONE_INDICATOR, wanted=GRAPH,
           named=NAMING)  # fmt: skip
    def export(
        self,
        *,
        path: Path | None,
        query: PanelQuery,
        question: Question,
        wanted: GraphWanted,
        named: LeaderOptions,
    ) -> GraphResult:
        """Make a graph of who answered, reposted, quoted or followed whom.

        It is ``blueattr export``.

        Returns
        -------
        GraphResult
            Its frames: ``nodes`` has ``id``, ``label``, ``did``, ``handle``, ``tier``, ``a``,
            ``b``, ``c``, ``value``, ``share``, and the counts of each account involved, perhaps
            with its ``community``; ``edges`` has ``source``, ``target``, ``kind`` and ``time``.
            ``to_polars()`` has a row for each kind of edges: ``graph``, ``kind``, ``edges``,
            ``sources``, ``targets``, ``left_out``, and what the question was.

        Raises
        ------
        UsageError
            An option makes no sense, or networkit is needed and not installed.
        NoAnswerError
            As `attribute`; or there are no edges to find communities by.
        OutputError
            The file cannot be written.
        StoreError
            The store cannot be read.

        Notes
        -----
        docs/graph.md.
        """
        result = graph_store(
            self._asked(query),
            question,
            wanted.graphs,
            naming=named.naming(path),
            communities=wanted.communities,
            seed=wanted.seed,
        )
        if path is not None:
            from blueattr.report.formats.graphs.write import write_graph

            write_graph(result, path)
        return result
