"""The report of one topic: shares, curves, days, and the agents with the largest values."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.change.result import ChangeResult
from blueattr.attribution.days import DayShares
from blueattr.attribution.frames import read_frame
from blueattr.attribution.inputs import Panel
from blueattr.attribution.question import Question, Sampling
from blueattr.display import Presented
from blueattr.errors import NoAnswerError
from blueattr.indicators.base import Indicator
from blueattr.indicators.find import find_indicator
from blueattr.provenance import Provenance
from blueattr.studies.bootstrap import Bootstrap, bootstrap
from blueattr.studies.carriers.accounts import accounts_frame
from blueattr.studies.carriers.leaders import (
    DEFAULT_LEADERS,
    Handles,
    Leaders,
    check_top,
    leaders,
    with_choices,
    with_counts,
    with_handles,
    with_intervals,
    with_records,
)
from blueattr.studies.carriers.posts import PostsResult
from blueattr.studies.carriers.ranks import DailyCounts
from blueattr.studies.scales import IndicatorScales, ScaleComparison, compare_scales
from blueattr.studies.sensitivity import PanelVariant, Sensitivity, sensitivity

__all__ = [
    "Concentration",
    "TopicReport",
    "concentration",
    "curve_sizes",
    "topic_report",
]


_CURVE_FROM = 100
_CURVE_POINTS = 160
_HEADLINE = "heat"
_CONTROL = "random"
_RESAMPLES = 1_000
# A report shows shares under other choices, not flips.
_SENSITIVITY_SEEDS = 1
# A page of posts of more accounts would be too long to read.
_WITH_RECORDS = 100
# Parts of the panel whose cumulative share a report names; they are points of every curve.
LANDMARKS = (0.0001, 0.001, 0.01, 0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Concentration:
    """The cumulative share of the agents with the largest values: a Lorenz curve from the top.

    Parameters
    ----------
    indicator
        Its name.
    n_agents
        n.
    agents
        Numbers of agents k, ascending from 1 to n, evenly spread on a logarithmic scale.
    shares
        For each k, the sum of the k largest values over the sum of all. With negative values it
        exceeds 1 on its way; it ends at 1.
    half
        The least k whose share is at least one half.
    """

    indicator: str
    n_agents: int
    agents: tuple[int, ...]
    shares: tuple[float, ...]
    half: int


@dataclass(frozen=True, repr=False)
class TopicReport(Presented):
    """The content of the report of one topic, or of a panel without a topic.

    Parameters
    ----------
    comparison
        Each indicator at full scale and in samples.
    curve
        The same for sizes from 100 to the full panel, without the rescaling test.
    concentrations
        One per indicator that has an answer at full scale.
    leaders
        One per indicator that has an answer at full scale.
    days
        Heat by UTC day; None for a panel without days, or if heat is 0 in the whole window.
    control
        The headline's indicator in random samples of the same size as the first samples; None
        without a headline.
    bootstrap
        Intervals of the tier shares of each indicator that has an answer; None if none has.
    sensitivity
        The headline's indicator under other choices; None without a headline.
    command
        The command that reproduces the report; may be empty.
    versions
        Names and versions of the software.
    accounts
        All agents: see `blueattr.studies.carriers.accounts.accounts_frame`; None if nobody asked
        for them, or no indicator has an answer.
    posts
        The records of all agents with their values of the headline's indicator, as `posts` returns
        them; None if nobody asked for them, or the indicator cannot be split by feature.
    carried
        The posts, hours and days that carried the headline's indicator; None where that cannot be
        split by feature, nobody is to be named, or there is no topic or no store.
    change
        What carried the change of the headline's indicator since an earlier window; None if nobody
        asked for it, or there is no answer.
    groups
        The headline's indicator with its groups, and none of its agents; None if nobody asked for
        them.
    """

    comparison: ScaleComparison
    curve: ScaleComparison
    concentrations: tuple[Concentration, ...]
    leaders: tuple[Leaders, ...]
    days: DayShares | None = None
    control: ScaleComparison | None = None
    bootstrap: Bootstrap | None = None
    sensitivity: Sensitivity | None = None
    command: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    accounts: pl.DataFrame | None = field(default=None, compare=False)
    posts: pl.DataFrame | None = field(default=None, compare=False)
    carried: PostsResult | None = None
    change: ChangeResult | None = None
    groups: AttributionResult | None = None

    @property
    def provenance(self) -> Provenance:
        """Where the features came from."""
        return self.comparison.provenance

    @property
    def headline(self) -> IndicatorScales | None:
        """What the report says first: heat, else the first indicator that has an answer."""
        answered = [one for one in self.comparison.indicators if not one.undefined]
        return next((one for one in answered if one.indicator == _HEADLINE), (*answered, None)[0])

    def _in_short(self) -> Iterator[str]:
        yield from self.comparison._in_short()  # noqa: SLF001 - a result of the same kind


def curve_sizes(n: int) -> tuple[int, ...]:
    """Return the sample sizes of a curve: 1, 2, 5 times powers of ten from 100 on, and n itself.

    Parameters
    ----------
    n
        The number of agents, at least 1. A panel of 100 or fewer starts at 1.

    Examples
    --------
    >>> curve_sizes(2310), curve_sizes(20)
    ((100, 200, 500, 1000, 2000, 2310), (1, 2, 5, 10, 20))
    """
    least = _CURVE_FROM if n > _CURVE_FROM else 1
    steps = (m * 10**k for k in range(len(str(n))) for m in (1, 2, 5))
    return (*(size for size in steps if least <= size < n), n)


def concentration(result: AttributionResult) -> Concentration:
    """Accumulate an attribution from its largest value down.

    Parameters
    ----------
    result
        An attribution; its agents are in order of descending value.

    Returns
    -------
    Concentration
        At most 165 points for any number of agents; exact at each of them.
    """
    n = len(result.agents)
    cumulative = np.cumsum(result.agents["share"].to_numpy())
    cumulative[-1] = 1.0  # exactly, without rounding
    marks = [max(1, round(n * part)) for part in LANDMARKS]
    spread = np.rint(np.geomspace(1, n, _CURVE_POINTS)).astype(np.int64)
    counts = np.unique(np.concatenate((spread, marks)))
    return Concentration(
        indicator=result.indicator,
        n_agents=n,
        agents=tuple(counts.tolist()),
        shares=tuple(cumulative[counts - 1].tolist()),
        half=int(np.argmax(cumulative >= 0.5)) + 1,
    )


def topic_report(
    frame: object,
    question: Question,
    sampling: Sampling,
    *,
    panel: Panel | None = None,
    provenance: Provenance | None = None,
    top: int = DEFAULT_LEADERS,
    handles: Handles | None = None,
    days: DayShares | None = None,
    daily: Callable[[], DailyCounts | None] | None = None,
    records: Callable[[AttributionResult, Sequence[str]], pl.DataFrame] | None = None,
    posts: Callable[[AttributionResult], pl.DataFrame] | None = None,
    variants: Iterable[PanelVariant] = (),
    command: str = "",
    versions: Sequence[tuple[str, str]] = (),
    no_answer: str = "",
    accounts: bool = False,
) -> TopicReport:
    """Compute the content of a report of one panel.

    Parameters
    ----------
    frame, provenance
        As for `blueattr.studies.scales.compare_scales`.
    panel
        The same features checked, where somebody has checked them.
    question, sampling
        The question, and the samples to compare with. An indicator that is 0 on the panel, and
        samples for which there are too few active agents, are reported as undefined.
    top
        How many of the agents with the largest values to name, 0 to 1,000.
    handles
        Returns the known handles of some DIDs.
    days, command, versions
        As in `TopicReport`.
    daily
        Returns what agents did by day, for the intervals of ranks; None for a panel without days.
        Asked once, so that what is large is kept no longer than it is needed.
    records
        Returns the records that carry most of some agents' values: see
        `blueattr.studies.carriers.leaders.with_records`. Asked about the headline's indicator, if
        it can be split by feature.
    posts
        Returns the records of all agents, of the same indicator, to be kept.
    variants
        Panels under other choices: see `blueattr.studies.sensitivity.sensitivity`.
    no_answer
        As for `blueattr.studies.scales.compare_scales`.
    accounts
        Whether to keep all agents.

    Returns
    -------
    TopicReport
        Its size does not depend on the number of agents, unless all are kept.

    Raises
    ------
    UsageError, FeatureError, EmptyPanelError, SampleSizeError
        As `blueattr.studies.scales.compare_scales`; and if `top` is out of range.

    Notes
    -----
    docs/methods.md: "Tiers", "Samples", "The rescaling test".

    Examples
    --------
    >>> panel = {"agent": ["x", "y", "z"], "a": [1, 3, 0], "b": [2, 2, 1], "c": [1, 4, 0]}
    >>> report = topic_report(panel, Question(("heat",)), Sampling(sizes=(2,), seeds=1))
    >>> report.leaders[0].agents[0].did, report.concentrations[0].agents
    ('y', (1, 2, 3))
    """
    check_top(top)
    chosen = [find_indicator(indicator) for indicator in question.indicators]

    def compare(panel: object, sampling: Sampling, *, rescaling: bool) -> ScaleComparison:
        return compare_scales(
            panel, chosen, **sampling.draws, **question.how, provenance=provenance,
            keep_undefined=True, no_answer=no_answer, rescaling=rescaling,
        )  # fmt: skip

    panel = panel or Panel.of(frame)  # checked once for all that follows
    comparison = compare(panel, replace(sampling, correct=True), rescaling=True)
    concentrations, largest = [], []
    kept: list[AttributionResult] = []
    all_posts: pl.DataFrame | None = None
    answered = [
        one
        for one, scales in zip(chosen, comparison.indicators, strict=True)
        if not scales.undefined
    ]
    headline = next((one for one in answered if one.name == _HEADLINE), (*answered, None)[0])
    for indicator in answered:
        result = attribute(panel, indicator, **question.how, provenance=provenance)
        concentrations.append(concentration(result))
        first = leaders(result, top)
        if records is not None and indicator is headline and result.by_feature.kind:
            dids = [agent.did for agent in first.agents[:_WITH_RECORDS]]
            first = with_records(first, records(result, dids)) if dids else first
        largest.append(first)
        if posts is not None and indicator is headline and result.by_feature.kind:
            all_posts = posts(result)
        if accounts:
            kept.append(result)
        del result, first  # what is known of all agents is large
    named = with_counts(largest, read_frame(frame))
    if handles is not None:
        named = with_handles(named, handles)
    named = with_intervals(
        named,
        panel,
        question,
        None if daily is None else daily(),
        resamples=_RESAMPLES,
        seed=sampling.seed,
    )
    curve = replace(sampling, sizes=curve_sizes(comparison.n_agents))
    report = TopicReport(
        comparison=comparison,
        curve=compare(panel, curve, rescaling=False),
        concentrations=tuple(concentrations),
        leaders=named,
        days=days,
        command=command,
        versions=tuple(versions),
        accounts=_all_accounts(kept, read_frame(frame), handles),
        posts=all_posts,
    )
    if headline is None:
        return report
    followed = {one.indicator: [agent.did for agent in one.agents] for one in named}
    varied = sensitivity(
        panel, [headline], variants=variants, seeds=_SENSITIVITY_SEEDS, seed=sampling.seed,
        follow=followed, **question.how, provenance=provenance,
    )  # fmt: skip
    return replace(
        report,
        leaders=with_choices(named, {headline.name: varied.indicators[0].choice_ranks()}),
        control=compare_scales(
            panel, [headline], protocols=(_CONTROL,), sizes=comparison.sizes[:1],
            seeds=sampling.seeds, seed=sampling.seed, **question.how, provenance=provenance,
            keep_undefined=True, rescaling=False,
        ),
        bootstrap=_intervals(panel, answered, question, sampling.seed, provenance),
        sensitivity=varied,
    )  # fmt: skip


def _all_accounts(
    results: Sequence[AttributionResult], frame: pl.DataFrame, handles: Handles | None
) -> pl.DataFrame | None:
    if not results:
        return None
    known = None if handles is None else handles(results[0].agents["did"].to_list())
    return accounts_frame(results, frame, known)


def _intervals(
    panel: Panel,
    indicators: Sequence[Indicator],
    question: Question,
    seed: int,
    provenance: Provenance | None,
) -> Bootstrap | None:
    """Resample the agents; None where an indicator is 0 on every resample."""
    try:
        return bootstrap(
            panel, indicators, resamples=_RESAMPLES, seed=seed, **question.how,
            provenance=provenance,
        )  # fmt: skip
    except NoAnswerError:
        return None
