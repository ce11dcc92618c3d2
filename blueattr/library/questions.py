"""Questions to a panel of the user's own: a frame, or a file of features."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from blueattr.analysis.asked.clusters import OnCluster
from blueattr.analysis.attribute import NamingOptions, attribute_file, attribute_given
from blueattr.analysis.carriers.why import Details, why_given
from blueattr.analysis.groups.grouping import ByGroup
from blueattr.analysis.groups.sources import DAY
from blueattr.analysis.own_samples import correct_own, design_panel, design_pilot
from blueattr.analysis.sensitivity import sensitivity_of_file
from blueattr.analysis.studies import (
    Budget,
    bootstrap_panel,
    compare_panel,
    measure_convergence,
    validate_panel,
)
from blueattr.analysis.topic_reports import report_features
from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import UsageError
from blueattr.library.declared import (
    ALSO,
    ASKED,
    BUDGET,
    CHANCE,
    CLUSTERED,
    COMPARED,
    CONVERGENCE,
    DESIGNED,
    DRAWS,
    EXPLAINED,
    GROUPED,
    LEADERS,
    NAMING,
    ONE_INDICATOR,
    OWN_PANEL,
    REPORTED,
    RESAMPLING,
    SAMPLED,
    SAMPLES,
    SIZE,
    STEPS,
    TARGET,
    VALIDATED,
    Also,
    LeaderOptions,
    OwnPanel,
    Target,
)
from blueattr.library.options import LibraryQuestion, asks, takes
from blueattr.studies.bootstrap import Bootstrap
from blueattr.studies.carriers.why import WhyResult
from blueattr.studies.convergence import Convergence
from blueattr.studies.samples.design import Designs
from blueattr.studies.samples.own_sample import Chance, Correction
from blueattr.studies.scales import ScaleComparison
from blueattr.studies.sensitivity import Sensitivity
from blueattr.studies.validation.result import Validation
from blueattr.user_path import user_path

__all__ = [
    "attribute",
    "bootstrap",
    "compare_scales",
    "convergence",
    "correct",
    "design",
    "sensitivity",
    "validate",
    "why",
    "write_report",
]


_FIRST = ("features", "indicator")


@asks(AttributionResult)
@takes(*_FIRST, panel=OWN_PANEL, asked=ASKED, also=ALSO, named=LEADERS, cluster=CLUSTERED)
def attribute(
    *,
    panel: OwnPanel,
    asked: LibraryQuestion,
    also: Also,
    named: LeaderOptions,
    cluster: OnCluster | None,
) -> Any:
    """Split an indicator among all agents of a panel, summed up by tier.

    It is ``blueattr attribute --features``. A Parquet file of four million agents or more is read
    in chunks; with `cluster`, many workers share the files of a panel.

    Returns
    -------
    AttributionResult or Results
        One result for one indicator; for several, a sequence of results that is also indexed by
        name. Its ``agents`` is a frame with ``did``, ``tier``, ``a``, ``b``, ``c``, ``value`` (φ)
        and ``share``, by descending value; of a file read in chunks it has the first ``top``.
        ``to_polars()`` has a row for each tier: ``tier``, ``agents``, ``value``, ``share``,
        ``agents_involved``, ``share_involved``, and what the question was. By groups, the result
        has ``groups``, and ``to_polars()`` a row for each group: ``group``, ``agents``, ``value``,
        ``share``, ``owen``, ``std_error``, ``without_silent``, ``without_absent``,
        ``agents_involved``, ``share_involved``.

    Raises
    ------
    UsageError
        An option makes no sense.
    InputError, FeatureError
        The features cannot be read or used; the message names the agent, the column and the value.
    NoAnswerError
        Nobody is in the panel, or the indicator is 0 on it.

    Notes
    -----
    The Aumann-Shapley value of arXiv 2605.11404; docs/methods.md derives each closed form.

    Examples
    --------
    >>> panel = {"agent": ["x", "y"], "posts": [1, 3], "b": [2, 2], "c": [0, 4]}
    >>> result = attribute(panel, "lin", columns={"a": "posts"})
    >>> result.total, result.agents["value"].to_list()
    (2.0, [1.5, 0.5])
    >>> both = attribute(panel, ["lin", "gini"], columns={"a": "posts"})
    >>> both.names, both["lin"].total, len(both)
    (('lin', 'gini'), 2.0, 2)

    Groups of agents, by a column:

    >>> panel = {"agent": ["x", "y", "z"], "a": [1, 3, 2], "b": [2, 2, 1], "c": [0, 4, 1],
    ...          "country": ["fr", "it", "fr"]}
    >>> [(one.group, one.agents, round(one.share, 2), round(one.owen, 2))
    ...  for one in attribute(panel, "heat", by="country").groups.groups]
    [('fr', 2, 0.43, 0.77), ('it', 1, 0.57, 1.11)]
    """
    if also.by == DAY:
        raise UsageError(
            "--by day needs a store; a features file has no days, and a column of that name is "
            "--by column:day"
        )
    names = NamingOptions(named.top, named.naming(), also.resampling, by=also.groups)
    if cluster is not None:
        return asked.answer(_on_cluster(panel, asked.question, names, cluster))
    file = panel.large_file
    if file is None:
        return asked.answer(attribute_given(*panel.load(also.columns), asked.question, names))
    if also.resampling is not None:
        raise UsageError(f"intervals need all of {file} in memory, and it is too large")
    if also.groups is not None:
        raise UsageError(f"groups need all of {file} in memory, and it is too large")
    whole = attribute_file(
        file, asked.question, columns=panel.columns, top=names.top, naming=names.naming
    )
    return asked.answer(whole)


def _on_cluster(
    panel: OwnPanel, question: Question, names: NamingOptions, cluster: OnCluster
) -> list[AttributionResult]:
    from blueattr.analysis.on_cluster import attribute_on_cluster

    if not isinstance(panel.source, str | Path):
        raise UsageError("cluster works on Parquet files of features: name their path")
    if names.resampling is not None:
        raise UsageError("intervals needs the whole panel in memory; leave out cluster")
    return attribute_on_cluster(
        user_path(panel.source),
        question,
        cluster,
        columns=panel.columns,
        top=names.top,
        naming=names.naming,
        by=names.by,
    )


@asks(ScaleComparison)
@takes(*_FIRST, panel=OWN_PANEL, asked=ASKED, sampling=COMPARED, named=NAMING)
def compare_scales(
    *, panel: OwnPanel, asked: LibraryQuestion, sampling: Sampling, named: LeaderOptions
) -> Any:
    """Compare the shares of a whole panel with those of small samples of it.

    It is ``blueattr compare-scales --features``. A sample is a panel of its own, whose agents keep
    the tier that they have in the whole.

    Returns
    -------
    ScaleComparison or Results
        One result for one indicator; for several, a sequence of results that is also indexed by
        name. ``to_polars()`` has a row for each tier at full scale (``size`` is n) and in each kind
        of sample: ``protocol``, ``size``, ``tier``, ``share_mean``, ``share_std``, ``flip_mean``,
        ``flip_std``, the rescaling test (``lambda``, ``relative_residual``, ``cosine``,
        ``kendall_tau``, ``spearman_rho``), and what the question was.

    Raises
    ------
    UsageError, InputError, FeatureError, NoAnswerError
        As `blueattr.attribute`; or a sample is larger than the panel.

    Notes
    -----
    docs/methods.md, "Samples" and "The rescaling test".
    """
    made = compare_panel(*panel.load(), asked.question, sampling, named.naming())
    return asked.answer(made)


@asks(Correction)
@takes(*_FIRST, panel=OWN_PANEL, asked=SAMPLED, how_drawn=CHANCE)
def correct(*, panel: OwnPanel, asked: LibraryQuestion, how_drawn: Chance | None) -> Any:
    """Estimate the shares of the whole from a sample whose agents had known chances.

    It is ``blueattr correct``: the features are those of the sample, with a column that says how
    likely each agent was to be drawn, and perhaps a column ``tier``.

    Returns
    -------
    Correction or Results
        One result for one indicator; for several, a sequence of results that is also indexed by
        name. ``to_polars()`` has a row for each tier: ``tier``, ``raw``, ``share``, ``std_error``,
        ``low``, ``high``, ``n_e``, and what the question was.

    Raises
    ------
    UsageError, InputError, FeatureError, NoAnswerError
        As `blueattr.attribute`; or no column says how likely each agent was to be drawn.

    Notes
    -----
    docs/methods.md, "Samples put right".
    """
    return asked.answer(correct_own(panel.source, panel.columns, asked.question, how_drawn))


@asks(Designs)
@takes(*_FIRST, panel=OWN_PANEL, asked=ASKED, wanted=DESIGNED, how_drawn=CHANCE)
def design(
    *, panel: OwnPanel, asked: LibraryQuestion, wanted: tuple[float, str], how_drawn: Chance | None
) -> Any:
    """Find the smallest samples whose corrected shares are sure enough.

    It is ``blueattr design --features``; with a column of chances, the features are a pilot sample
    that stands for the whole, as with ``--pilot``.

    Returns
    -------
    Designs or Results
        One result for one indicator; for several, a sequence of results that is also indexed by
        name. ``to_polars()`` has a row for each size: ``size``, ``half_width``, ``n_e``, and
        ``n``, the smallest size that is enough.

    Raises
    ------
    UsageError, InputError, FeatureError, NoAnswerError
        As `blueattr.attribute`; or samples of the protocol cannot be put right.

    Notes
    -----
    docs/methods.md, "Samples put right".
    """
    within, protocol = wanted
    if how_drawn is None:
        return asked.answer(design_panel(*panel.load(), asked.question, within, protocol))
    made = design_pilot(
        panel.source, panel.columns, asked.question, within, protocol=protocol,
        how_drawn=how_drawn,
    )  # fmt: skip
    return asked.answer(made)


@asks(Bootstrap)
@takes(*_FIRST, panel=OWN_PANEL, asked=ASKED, resampling=RESAMPLING)
def bootstrap(*, panel: OwnPanel, asked: LibraryQuestion, resampling: tuple[int, int]) -> Any:
    """Compute 95 % confidence intervals of tier shares by resampling agents with replacement.

    It is ``blueattr bootstrap --features``. Agents keep the tier that they have in the panel.

    Returns
    -------
    Bootstrap or Results
        One result for one indicator; for several, a sequence of results that is also indexed by
        name. ``to_polars()`` has a row for each tier: ``tier``, ``share``, ``low``, ``high``,
        ``std_error``, ``share_involved``, and what the question was.

    Raises
    ------
    UsageError, InputError, FeatureError, NoAnswerError
        As `blueattr.attribute`.

    Notes
    -----
    docs/methods.md, "Bootstrap".
    """
    return asked.answer(bootstrap_panel(*panel.load(), asked.question, *resampling))


@asks(Sensitivity)
@takes(*_FIRST, panel=OWN_PANEL, asked=ASKED, size=SIZE, draws=DRAWS)
def sensitivity(
    *, panel: OwnPanel, asked: LibraryQuestion, size: tuple[int, ...], draws: Sampling
) -> Any:
    """Show how shares change under other choices: scale, popularity, aggregator, weights, tiers.

    It is ``blueattr sensitivity --features``.

    Returns
    -------
    Sensitivity or Results
        One result for one indicator; for several, a sequence of results that is also indexed by
        name. ``to_polars()`` has a row for each tier under each choice, the default first:
        ``choice``, ``setting``, ``effect``, ``tier``, ``share``, ``flip_mean``, ``flip_std``,
        ``top_overlap``, ``kendall_tau``, ``why``, and what the question was.

    Raises
    ------
    UsageError, InputError, FeatureError, NoAnswerError
        As `blueattr.attribute`; or a sample is larger than the panel.

    Notes
    -----
    docs/methods.md, "Sensitivity".
    """
    sampling = replace(draws, sizes=size)
    return asked.answer(sensitivity_of_file(panel.source, asked.question, sampling, panel.columns))


@asks(Validation)
@takes(*_FIRST, panel=OWN_PANEL, asked=VALIDATED, budget=BUDGET)
def validate(*, panel: OwnPanel, asked: LibraryQuestion, budget: Budget) -> Any:
    """Compare the attribution with exact and sampled Shapley and Banzhaf values.

    It is ``blueattr validate --features``. For each size a panel is drawn, and every method runs on
    the same agents.

    Returns
    -------
    Validation or Results
        One result for one indicator; for several, a sequence of results that is also indexed by
        name. ``to_polars()`` has a row for each panel and method: ``n_agents``, ``method``,
        ``budget``, ``mae``, ``cosine``, ``kendall_tau``, ``top_overlap``, ``efficiency_error``,
        ``seconds``, and what the question was.

    Raises
    ------
    UsageError, InputError, FeatureError, NoAnswerError
        As `blueattr.attribute`; or a size is larger than the panel.

    Notes
    -----
    docs/methods.md, "Validation".
    """
    return asked.answer(validate_panel(*panel.load(), asked.question, budget))


@asks(Convergence)
@takes(*_FIRST, panel=OWN_PANEL, asked=CONVERGENCE, steps=STEPS)
def convergence(*, panel: OwnPanel, asked: LibraryQuestion, steps: tuple[int, ...]) -> Any:
    """Measure the error of K-step quadrature on a panel.

    It is ``blueattr convergence --features``.

    Returns
    -------
    Convergence or Results
        One result for one indicator; for several, a sequence of results that is also indexed by
        name. ``to_polars()`` has a row for each K: ``steps``, ``error``, ``order``, ``predicted``,
        ``published``, and what the question was.

    Raises
    ------
    UsageError, InputError, FeatureError, NoAnswerError
        As `blueattr.attribute`.

    Notes
    -----
    docs/methods.md, "Quadrature".
    """
    return asked.answer(measure_convergence(*panel.load(), asked.question, steps))


@takes(
    "features", "account", "indicator", panel=OWN_PANEL, question=ONE_INDICATOR, wanted=EXPLAINED
)
def why(account: str, *, panel: OwnPanel, question: Question, wanted: Details) -> WhyResult:
    """Show why an agent has its value: what it is made of, its rank, the indicator without it.

    It is ``blueattr why --features``. A panel of your own has no records and no days, so there are
    no posts and no interval of the rank.

    Parameters
    ----------
    account
        The name of the agent.

    Returns
    -------
    WhyResult
        Of one indicator. ``account`` has the value and the features; ``by_feature`` sums to the
        value. ``to_polars()`` has a row for each feature and one for the value: ``feature``,
        ``count``, ``x``, ``feature_value``, ``part``, and what the question was.

    Raises
    ------
    UsageError
        An option makes no sense, or there are several indicators.
    UnknownAccountError
        The panel has no such agent.
    InputError, FeatureError, NoAnswerError
        As `attribute`.

    Notes
    -----
    docs/why.md.

    Examples
    --------
    >>> panel = {"agent": ["x", "y"], "a": [1, 3], "b": [2, 2], "c": [0, 4]}
    >>> result = why(panel, "y", "lin")
    >>> result.value, result.rank, [part.value for part in result.by_feature]
    (1.5, 1, [0.5, 0.3333333333333333, 0.6666666666666666])
    """
    return why_given(panel.source, question, account, wanted, panel.columns)


@takes(
    "features",
    "path",
    panel=OWN_PANEL,
    target=TARGET,
    question=REPORTED,
    sampling=SAMPLES,
    named=LEADERS,
    groups=GROUPED,
)
def write_report(
    *,
    panel: OwnPanel,
    target: Target,
    question: Question,
    sampling: Sampling,
    named: LeaderOptions,
    groups: ByGroup | None,
) -> tuple[Path, ...]:
    """Write a report with figures, tables and methods on a panel.

    It is ``blueattr report --features``.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    UsageError, InputError, FeatureError, NoAnswerError
        As `blueattr.attribute`.
    OutputError
        A file cannot be written.

    Notes
    -----
    docs/methods.md.
    """
    from blueattr.report.pages.gallery import write_report as write

    report = report_features(
        panel.source,
        question,
        sampling,
        top=named.top,
        columns=panel.columns,
        naming=named.naming(target.path),
        accounts=target.form == "datasette",
        by=None if groups is None else replace(groups, seed=sampling.seed),
    )
    return write([report], target.path, target.form, target.width)
