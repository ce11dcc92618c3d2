"""A store that a program asks questions: what `blueattr.open` returns."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import polars as pl

from blueattr.analysis import status as inventory
from blueattr.analysis.attribute import Names, attribute_store, shares_by_day
from blueattr.analysis.change import change_store
from blueattr.analysis.features import make_features, with_label
from blueattr.analysis.graphs import GraphResult, graph_store
from blueattr.analysis.group_sources import DAY
from blueattr.analysis.grouping import ByGroup
from blueattr.analysis.own_samples import design_panel
from blueattr.analysis.panel import PanelResult, make_panel
from blueattr.analysis.posts import posts_store
from blueattr.analysis.results import TopicCounts
from blueattr.analysis.sensitivity import sensitivity_of_store
from blueattr.analysis.studies import (
    Budget,
    bootstrap_panel,
    compare_panel,
    compare_topics,
    measure_convergence,
    validate_panel,
)
from blueattr.analysis.topic_reports import report_topic, report_topics
from blueattr.analysis.topics import check_topics
from blueattr.analysis.why import Details, why_store
from blueattr.analysis.windows import Compared
from blueattr.attribution.change.result import ChangeResult
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import StoreError, UsageError
from blueattr.library.declared import (
    ALSO,
    ASKED,
    BEFORE_AFTER,
    BUDGET,
    CHANGED,
    COMPARED,
    CONVERGENCE,
    DESIGNED,
    DRAWS,
    EARLIER,
    EVENTS,
    EVERYTHING,
    EXPLAINED,
    GROUPED,
    GROUPED_CHANGE,
    LEADERS,
    NAMING,
    ONE_INDICATOR,
    PANEL,
    POSTS_SHOWN,
    QUERY,
    REPORTED,
    RESAMPLING,
    ROWS_CHECKED,
    SAMPLES,
    SAMPLES_SHOWN,
    SIZE,
    SPLIT,
    STEPS,
    TARGET,
    TOPICS,
    TWO_WINDOWS,
    VALIDATED,
    Also,
    Named,
    Target,
    TopicQuery,
)
from blueattr.library.graph_options import GRAPH, GRAPH_FILE, GraphWanted
from blueattr.library.options import Asked, asks, takes
from blueattr.panel.query import PanelQuery
from blueattr.provenance import Window
from blueattr.store import database
from blueattr.studies.bootstrap import Bootstrap
from blueattr.studies.convergence import Convergence
from blueattr.studies.design import Designs
from blueattr.studies.posts import PostsResult
from blueattr.studies.sensitivity import Sensitivity
from blueattr.studies.validation.result import Validation
from blueattr.studies.why import WhyResult

__all__ = ["Store"]


_FIRST = ("topic", "indicator")
_VARIABLE = "BLUEATTR_DB"


class Store:
    """A store that answers questions; `blueattr.open` makes it.

    Each question opens the file, reads, and closes it, so that an ingest can go on meanwhile and
    the next question sees what it added.

    Parameters
    ----------
    path
        The file.
    memory
        Bytes the process may use.
    """

    def __init__(self, path: Path, memory: int = database.DEFAULT_MEMORY) -> None:
        self.path = path
        self.memory = memory
        self._is_closed = False

    def __repr__(self) -> str:
        """Return what opens the store."""
        return f"blueattr.open({str(self.path)!r}){' (closed)' * self._is_closed}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take no more questions."""
        self._is_closed = True

    def _asked(self, query: PanelQuery) -> PanelQuery:
        if self._is_closed:
            raise StoreError(f"the store {self.path} was closed; open it again")
        return replace(query, db=self.path, memory=self.memory)

    # --- what is in it ----------------------------------------------------------------------------

    @takes(no_samples=SAMPLES_SHOWN, check=ROWS_CHECKED)
    def status(self, *, no_samples: bool, check: bool) -> inventory.Status:
        """Show what is in the store, as ``blueattr status``.

        Returns
        -------
        Status
            Its ``totals`` counts ``events``, ``accounts`` and so on. Its frames: ``days`` has
            ``day``, ``posts``, ``replies``, ``reposts``, ``follows``, ``accounts``; ``sources`` has
            ``name``, ``kind``, ``position``, ``complete``, ``lines``, ``kept``, ``skipped``,
            ``rejected``, ``first_event``, ``last_event``; ``rejected`` has ``reason``, ``lines``,
            ``source``, ``position``, ``sample``. ``coverage`` and ``gaps`` are the time that
            sources cover and do not.

        Raises
        ------
        StoreError
            The store cannot be read, or is damaged.
        """
        query = self._asked(PanelQuery(self.path))
        return inventory.status(query.db, query.memory, samples=not no_samples, check=check)

    @takes("names", query=EVENTS)
    def topics(self, names: str | Sequence[str] = (), *, query: PanelQuery) -> TopicCounts:
        """Count the participants and events of topics by day, as ``blueattr topics check``.

        Parameters
        ----------
        names
            A topic, or several; all known topics by default.

        Returns
        -------
        TopicCounts
            A sequence with an item for each topic, also by name. Its ``days`` is a frame with
            ``day``, ``participants`` (accounts that wrote about it) and ``events``.

        Raises
        ------
        UsageError, NoAnswerError
            An option makes no sense, or there is no such topic.
        """
        named = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
        if named and query.match:
            raise UsageError("check topics by name or by match, not both")
        return TopicCounts(tuple(check_topics(self._asked(query), named)))

    @takes("topic", query=PANEL, named=NAMING)
    def panel(self, *, query: PanelQuery, named: Named) -> PanelResult:
        """Show who counts as an agent and what each filter removes, as ``blueattr panel``.

        Returns
        -------
        PanelResult
            Its ``agents`` is a frame with ``account`` (a number of the store), ``did``,
            ``asked_at``, ``followers`` and ``followers_at`` (what the AppView answered, and when)
            and, with a topic, ``involved``: who wrote about it, or was answered, reposted or quoted
            (``n_involved`` counts them). Its
            ``provenance`` has the window, its gaps, and what each filter removed.

        Raises
        ------
        UsageError, NoAnswerError
            An option makes no sense, or nobody is in the panel.
        """
        return make_panel(self._asked(query), named.naming())

    @takes("topic", query=EVERYTHING, named=NAMING)
    def features(self, *, query: PanelQuery, named: Named) -> pl.DataFrame:
        """Make the features of each agent, as ``blueattr features``.

        Returns
        -------
        polars.DataFrame
            ``did``; ``a`` activity, ``b`` popularity and ``c`` influence, on the scale of the
            question; and the raw counts behind them: ``followers`` (what b is made of),
            ``activity`` (what a is made of), ``posts``, ``replies``, ``reposts``,
            ``replies_received``, ``reposts_received``, ``quotes_received`` (null for what c does
            not count), ``follows_received``. All functions of `blueattr` take it.

        Raises
        ------
        UsageError, NoAnswerError
            An option makes no sense, nobody is in the panel, or there is no such topic.
        """
        return with_label(*make_features(self._asked(query), named.naming()))

    # --- questions --------------------------------------------------------------------------------

    @takes(*_FIRST, query=QUERY, asked=ASKED, also=ALSO, named=LEADERS)
    def attribute(self, *, query: PanelQuery, asked: Asked, also: Also, named: Named) -> Any:
        """Split an indicator among all agents, summed up by tier, as ``blueattr attribute``.

        Returns
        -------
        AttributionResult, DayShares or Results
            One result for one indicator; for several, a sequence of results that is also indexed
            by name. ``agents`` is a frame with ``did``, ``tier``, ``a``, ``b``, ``c``, ``value``
            (φ) and ``share``, by descending value; ``to_polars()`` has a row for each tier:
            ``tier``, ``agents``, ``value``, ``share``, ``agents_involved``, ``share_involved``, and
            what the question was. With ``by="day"``, ``whole`` is that result, and ``to_polars()``
            has these rows for each ``day``, with its ``participants``. By groups, the result has
            ``groups``, and ``to_polars()`` has a row for each group: ``group``, ``agents``,
            ``value``, ``share``, ``owen``, ``std_error``, ``without_silent``, ``without_absent``,
            ``agents_involved``, ``share_involved``.

        Raises
        ------
        UsageError
            An option makes no sense.
        NoAnswerError
            Nobody is in the panel, there is no such topic, or the indicator is 0 on it.
        StoreError
            The store cannot be read.

        Notes
        -----
        The Aumann-Shapley value of arXiv 2605.11404; docs/methods.md derives each closed form,
        docs/groups.md the values of groups.
        """
        query = self._asked(query)
        names = Names(named.top, named.naming(), also.resampling, by=also.groups)
        answer = shares_by_day if also.by == DAY else attribute_store
        return asked.answer(answer(query, asked.question, names))

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
        compared: Compared,
        asked: Asked,
        named: Named,
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
        named: Named,
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

    @takes(*_FIRST, about=TOPICS, asked=ASKED, sampling=COMPARED, named=NAMING)
    def compare_scales(
        self, *, about: TopicQuery, asked: Asked, sampling: Sampling, named: Named
    ) -> Any:
        """Compare shares at full scale and in samples, as ``blueattr compare-scales``.

        Returns
        -------
        ScaleComparison, ScaleGrid or Results
            One result for one indicator; for several, a sequence of results that is also indexed
            by name. Of several topics, or ``topic="all-topics"``, a grid of comparisons.
            ``to_polars()`` has a row for each tier at full scale and in each kind of sample, as
            that of `blueattr.compare_scales`.

        Raises
        ------
        UsageError, NoAnswerError, StoreError
            As `attribute`; or a sample is larger than the panel.

        Notes
        -----
        docs/methods.md, "Samples", "The rescaling test" and "The grid".
        """
        query, naming = self._asked(about.query), named.naming()
        if about.names:
            grid = compare_topics(query, about.names, asked.question, sampling, naming)
            return asked.answer(grid)
        panel = make_features(query)
        return asked.answer(compare_panel(*panel, asked.question, sampling, naming))

    @asks(Bootstrap)
    @takes(*_FIRST, query=QUERY, asked=ASKED, resampling=RESAMPLING)
    def bootstrap(self, *, query: PanelQuery, asked: Asked, resampling: tuple[int, int]) -> Any:
        """Compute 95 % confidence intervals of tier shares, as ``blueattr bootstrap``.

        Returns
        -------
        Bootstrap or Results
            One result for one indicator; for several, a sequence of results that is also indexed
            by name. ``to_polars()`` has a row for each tier: ``tier``, ``share``, ``low``,
            ``high``, ``std_error``, ``share_involved``, and what the question was.

        Raises
        ------
        UsageError, NoAnswerError, StoreError
            As `attribute`.

        Notes
        -----
        docs/methods.md, "Bootstrap".
        """
        panel = make_features(self._asked(query))
        return asked.answer(bootstrap_panel(*panel, asked.question, *resampling))

    @asks(Sensitivity)
    @takes(*_FIRST, query=QUERY, asked=ASKED, size=SIZE, draws=DRAWS)
    def sensitivity(
        self, *, query: PanelQuery, asked: Asked, size: tuple[int, ...], draws: Sampling
    ) -> Any:
        """Show how the shares change under other choices, as ``blueattr sensitivity``.

        Returns
        -------
        Sensitivity or Results
            One result for one indicator; for several, a sequence of results that is also indexed
            by name. ``to_polars()`` has a row for each tier under each choice, the default first:
            ``choice``, ``setting``, ``effect``, ``tier``, ``share``, ``flip_mean``, ``flip_std``,
            ``top_overlap``, ``kendall_tau``, ``why``, and what the question was.

        Raises
        ------
        UsageError, NoAnswerError, StoreError
            As `attribute`; or a sample is larger than the panel.

        Notes
        -----
        docs/methods.md, "Sensitivity".
        """
        sampling = replace(draws, sizes=size)
        return asked.answer(sensitivity_of_store(self._asked(query), asked.question, sampling))

    @asks(Designs)
    @takes(*_FIRST, query=QUERY, asked=ASKED, wanted=DESIGNED)
    def design(self, *, query: PanelQuery, asked: Asked, wanted: tuple[float, str]) -> Any:
        """Find the smallest samples whose corrected shares are sure enough, as ``blueattr design``.

        Returns
        -------
        Designs or Results
            As `blueattr.design`.

        Raises
        ------
        UsageError, NoAnswerError, StoreError
            As `attribute`; or samples of the protocol cannot be put right.
        """
        panel = make_features(self._asked(query))
        return asked.answer(design_panel(*panel, asked.question, *wanted))

    @asks(Validation)
    @takes(*_FIRST, query=QUERY, asked=VALIDATED, budget=BUDGET)
    def validate(self, *, query: PanelQuery, asked: Asked, budget: Budget) -> Any:
        """Compare the attribution with Shapley and Banzhaf values, as ``blueattr validate``.

        Returns
        -------
        Validation or Results
            One result for one indicator; for several, a sequence of results that is also indexed
            by name. ``to_polars()`` has a row for each panel and method: ``n_agents``, ``method``,
            ``budget``, ``mae``, ``cosine``, ``kendall_tau``, ``top_overlap``, ``efficiency_error``,
            ``seconds``, and what the question was.

        Raises
        ------
        UsageError, NoAnswerError, StoreError
            As `attribute`; or a size is larger than the panel.

        Notes
        -----
        docs/methods.md, "Validation".
        """
        panel = make_features(self._asked(query))
        return asked.answer(validate_panel(*panel, asked.question, budget))

    @asks(Convergence)
    @takes(*_FIRST, query=QUERY, asked=CONVERGENCE, steps=STEPS)
    def convergence(self, *, query: PanelQuery, asked: Asked, steps: tuple[int, ...]) -> Any:
        """Measure the error of K-step quadrature on a panel, as ``blueattr convergence``.

        Returns
        -------
        Convergence or Results
            One result for one indicator; for several, a sequence of results that is also indexed
            by name. ``to_polars()`` has a row for each K: ``steps``, ``error``, ``order``,
            ``predicted``, ``published``, and what the question was.

        Raises
        ------
        UsageError, NoAnswerError, StoreError
            As `attribute`.

        Notes
        -----
        docs/methods.md, "Quadrature".
        """
        panel = make_features(self._asked(query))
        return asked.answer(measure_convergence(*panel, asked.question, steps))

    @takes(
        "path",
        "topic",
        target=TARGET,
        about=TOPICS,
        question=REPORTED,
        sampling=SAMPLES,
        named=LEADERS,
        against=EARLIER,
        groups=GROUPED,
    )
    def report(
        self,
        *,
        target: Target,
        about: TopicQuery,
        question: Question,
        sampling: Sampling,
        named: Named,
        against: Window | None,
        groups: ByGroup | None,
    ) -> tuple[Path, ...]:
        """Write a report with figures, tables and methods, as ``blueattr report``.

        Returns
        -------
        tuple of Path
            The files that were written.

        Raises
        ------
        UsageError, NoAnswerError, StoreError
            As `attribute`.
        OutputError
            A file cannot be written.

        Notes
        -----
        docs/methods.md.
        """
        from blueattr.report.pages.gallery import write_report

        query, top, naming = self._asked(about.query), named.top, named.naming(target.path)
        told: dict[str, Any] = {"top": top, "naming": naming, "against": against}
        told["accounts"] = target.form == "datasette"
        told["by"] = None if groups is None else replace(groups, seed=sampling.seed)
        if about.names:
            reports = report_topics(query, about.names, question, sampling, **told)
        else:
            reports = (report_topic(query, question, sampling, **told),)
        return write_report(reports, target.path, target.form, target.width)
