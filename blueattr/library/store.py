"""A store that a program asks questions: what `blueattr.open` returns."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from blueattr.analysis.attribute import NamingOptions, attribute_store, shares_by_day
from blueattr.analysis.features import make_features, with_label
from blueattr.analysis.groups.grouping import ByGroup
from blueattr.analysis.groups.sources import DAY
from blueattr.analysis.own_samples import design_panel
from blueattr.analysis.panel import PanelResult, make_panel
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
from blueattr.analysis.topics import check_topics, to_check
from blueattr.analysis.upkeep import status as inventory
from blueattr.attribution.question import Question, Sampling
from blueattr.library.carriers import Carriers
from blueattr.library.collecting import Collecting
from blueattr.library.declared import (
    ALSO,
    ASKED,
    BUDGET,
    COMPARED,
    CONVERGENCE,
    DESIGNED,
    DRAWS,
    EARLIER,
    EVENTS,
    EVERYTHING,
    GROUPED,
    LEADERS,
    NAMING,
    PANEL,
    QUERY,
    REPORTED,
    RESAMPLING,
    ROWS_CHECKED,
    SAMPLES,
    SAMPLES_SHOWN,
    SIZE,
    STEPS,
    TARGET,
    TOPICS,
    VALIDATED,
    Also,
    LeaderOptions,
    Target,
    TopicQuery,
)
from blueattr.library.options import LibraryQuestion, asks, takes
from blueattr.panel.query import PanelQuery
from blueattr.provenance import Window
from blueattr.studies.bootstrap import Bootstrap
from blueattr.studies.convergence import Convergence
from blueattr.studies.samples.design import Designs
from blueattr.studies.sensitivity import Sensitivity
from blueattr.studies.validation.result import Validation

__all__ = ["Store"]


_FIRST = ("topic", "indicator")


class Store(Carriers, Collecting):
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
        return TopicCounts(tuple(check_topics(self._asked(query), to_check(names, query))))

    @takes("topic", query=PANEL, named=NAMING)
    def panel(self, *, query: PanelQuery, named: LeaderOptions) -> PanelResult:
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
    def features(self, *, query: PanelQuery, named: LeaderOptions) -> pl.DataFrame:
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
    def attribute(
        self, *, query: PanelQuery, asked: LibraryQuestion, also: Also, named: LeaderOptions
    ) -> Any:
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
        names = NamingOptions(named.top, named.naming(), also.resampling, by=also.groups)
        answer = shares_by_day if also.by == DAY else attribute_store
        return asked.answer(answer(query, asked.question, names))

    @takes(*_FIRST, about=TOPICS, asked=ASKED, sampling=COMPARED, named=NAMING)
    def compare_scales(
        self, *, about: TopicQuery, asked: LibraryQuestion, sampling: Sampling, named: LeaderOptions
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
    def bootstrap(
        self, *, query: PanelQuery, asked: LibraryQuestion, resampling: tuple[int, int]
    ) -> Any:
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
        self, *, query: PanelQuery, asked: LibraryQuestion, size: tuple[int, ...], draws: Sampling
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
    def design(
        self, *, query: PanelQuery, asked: LibraryQuestion, wanted: tuple[float, str]
    ) -> Any:
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
    def validate(self, *, query: PanelQuery, asked: LibraryQuestion, budget: Budget) -> Any:
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
    def convergence(
        self, *, query: PanelQuery, asked: LibraryQuestion, steps: tuple[int, ...]
    ) -> Any:
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
        named: LeaderOptions,
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
