"""Attribute: split indicators among the agents of a panel, of a large file, or of each day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.by_day import day_features, days_of
from blueattr.analysis.features import given, refuse_no_match
from blueattr.analysis.groups.grouping import ByGroup, PanelGroups
from blueattr.analysis.groups.sources import FileGroups, GroupSource, StoreGroups
from blueattr.analysis.sensitivity import file_variants, store_variants
from blueattr.analysis.tables.files import synthetic_label
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.days import DayShares, attribute_days
from blueattr.attribution.equals import with_ranking
from blueattr.attribution.inputs import Panel
from blueattr.attribution.large.parts import in_words, parts_of
from blueattr.attribution.question import Question
from blueattr.attribution.sampling import Sampler
from blueattr.attribution.tiered import TieredPanel
from blueattr.errors import NoAnswerError, UsageError
from blueattr.indicators.find import find_indicator
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Provenance
from blueattr.store.database import Store
from blueattr.studies.bootstrap import bootstrap
from blueattr.studies.carriers.accounts import agents_frame, feature_shares
from blueattr.studies.carriers.leaders import (
    COUNTS,
    DEFAULT_LEADERS,
    Handles,
    Leaders,
    leaders,
    with_choices,
    with_counts,
    with_handles,
    with_intervals,
)
from blueattr.studies.carriers.ranks import DailyCounts
from blueattr.studies.samples.samples import (
    SampledPanel,
    SampleSummary,
    draw_samples,
    full_scale,
    summarise,
)
from blueattr.studies.sensitivity import PanelVariant, sensitivity

if TYPE_CHECKING:
    from blueattr.attribution.large.streaming import Receiver
    from blueattr.indicators.base import Indicator

__all__ = [
    "SAMPLED_FROM",
    "NamingOptions",
    "Ranking",
    "attribute_file",
    "attribute_given",
    "attribute_panel",
    "attribute_store",
    "origin_of_parts",
    "sample_summaries",
    "shares_by_day",
    "with_leaders",
    "with_shares_by_feature",
]


_DAY = timedelta(days=1)


SAMPLED_FROM = 200
"""Least number of agents of a panel of which samples of 100 are drawn."""

_SAMPLE_SIZE, _SAMPLE_SEEDS = 100, 10


@dataclass(frozen=True, slots=True)
class NamingOptions:
    """Which accounts to name, how, and whether to say how sure their ranks are.

    Parameters
    ----------
    top
        How many agents, those with the largest values.
    naming
        How to name accounts.
    resampling
        Number of resamples and seed of the intervals of their ranks; None for no intervals.
    everyone
        Whether ``agents`` of the result has all that a store knows of each agent: see
        `blueattr.studies.carriers.accounts.agents_frame`. Of a user's own panel, it has shares by
        feature.
    by
        Which groups of agents to attribute, too; None for none.

    Raises
    ------
    UsageError
        Intervals are asked for, and nobody is named.
    """

    top: int = DEFAULT_LEADERS
    naming: Naming = OPEN
    resampling: tuple[int, int] | None = None
    everyone: bool = False
    by: ByGroup | None = None

    def __post_init__(self) -> None:
        """Check that there is somebody whose rank is asked for."""
        if self.resampling is not None and not self.top:
            raise UsageError("--intervals are of the agents named, and --top 0 names nobody")


_TEN = NamingOptions()


@dataclass(frozen=True, slots=True)
class Ranking:
    """What it takes to say how sure the ranks of agents are.

    Parameters
    ----------
    resamples, seed, daily
        See `blueattr.studies.carriers.ranks.rank_intervals`.
    variants
        The panel under other choices: see `blueattr.studies.sensitivity.sensitivity`.
    """

    resamples: int
    seed: int
    daily: DailyCounts | None = None
    variants: Iterable[PanelVariant] = ()


def attribute_panel(
    frame: pl.DataFrame,
    origin: Provenance,
    question: Question,
    names: NamingOptions = _TEN,
    *,
    handles: Handles | None = None,
    ranking: Ranking | None = None,
    source: GroupSource | None = None,
    is_own: bool = False,
) -> list[AttributionResult]:
    """Split each indicator of a question among all agents of a panel.

    Each result also names the agents with the largest values; and if the panel has at least
    `SAMPLED_FROM` agents it says what ten visibility samples of 100 would say.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question
        What to attribute, and how.
    names
        Which accounts to name, and how.
    handles
        Returns the known handles of some DIDs.
    ranking
        Also compute the intervals of the tier shares and of the ranks of these agents, and their
        ranks under other choices.
    source
        Knows the groups of the agents, where groups are asked for.
    is_own
        Whether the panel is a user's own, in which whatever else is known of the agents is already.
    """
    question = question.settled(origin.is_searched)
    top, naming = names.top, names.naming
    handles = None if naming.hides else handles
    panel = Panel.of(frame)
    tiered = TieredPanel.of(panel, question.cutoffs, question.choice)
    sizes = [_SAMPLE_SIZE] if len(tiered.panel.dids) >= SAMPLED_FROM else []
    origin = with_ranking(origin, tiered, sizes)
    results = [
        attribute(panel, indicator, **question.how, provenance=origin)
        for indicator in question.indicators
    ]
    largest = with_counts([leaders(result, top) for result in results], frame)
    if handles is not None:
        largest = with_handles(largest, handles)
    if ranking is not None and top:
        largest = _ranked(largest, panel, question, ranking)
    samples = sample_summaries(tiered, question, results)
    if ranking is not None:
        results = [_resampled(result, panel, question, ranking) for result in results]
    groups = PanelGroups.of(names.by, source, tiered, hides=naming.hides)
    if groups is not None:
        results = groups.with_shares(results, tiered, question)
    if names.everyone:
        known = _split_all(results) if is_own else _with_all_known(results, frame, handles)
        results = known if groups is None else groups.beside(known, results, tiered, question)
    return naming.hide(
        [
            replace(result, leaders=one.agents, intervals=one.intervals, sample=sample)
            for result, one, sample in zip(results, largest, samples, strict=True)
        ]
    )


def _with_all_known(
    results: Sequence[AttributionResult], frame: pl.DataFrame, handles: Handles | None
) -> list[AttributionResult]:
    known = None if handles is None else handles(results[0].agents["did"].to_list())
    linked = handles is not None and not results[0].provenance.synthetic
    return [
        replace(result, agents=agents_frame(result, frame, known, linked=linked))
        for result in results
    ]


def attribute_given(
    frame: pl.DataFrame, origin: Provenance, question: Question, names: NamingOptions = _TEN
) -> list[AttributionResult]:
    """Do the same for a user's own panel, which has no days and so no intervals of ranks.

    Parameters
    ----------
    frame, origin, question
        As for `attribute_panel`.
    names
        Which accounts to name, and how.
    """
    ranking = None
    if names.resampling is not None:
        resamples, seed = names.resampling
        ranking = Ranking(resamples, seed, None, file_variants(frame))
    return attribute_panel(
        frame, origin, question, names, ranking=ranking, source=FileGroups(frame), is_own=True
    )


def _split_all(results: Sequence[AttributionResult]) -> list[AttributionResult]:
    return [replace(result, agents=_split_by_feature(result, result.agents)) for result in results]


def _split_by_feature(result: AttributionResult, agents: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([agents, feature_shares(result, agents)], how="horizontal")


def _ranked(
    largest: Sequence[Leaders], panel: Panel, question: Question, ranking: Ranking
) -> tuple[Leaders, ...]:
    named = with_intervals(
        largest,
        panel,
        question,
        ranking.daily,
        resamples=ranking.resamples,
        seed=ranking.seed,
    )
    varied = sensitivity(
        panel,
        question.indicators,
        variants=ranking.variants,
        follow={one.indicator: [agent.did for agent in one.agents] for one in named},
        flips=False,
        **question.how,
    )
    return with_choices(named, {one.indicator: one.choice_ranks() for one in varied.indicators})


def _resampled(
    result: AttributionResult, panel: Panel, question: Question, ranking: Ranking
) -> AttributionResult:
    """Add the intervals of tier shares, unless the indicator is 0 on every resample."""
    chosen = next(
        one for one in question.indicators if find_indicator(one).name == result.indicator
    )
    try:
        made = bootstrap(
            panel, [chosen], resamples=ranking.resamples, seed=ranking.seed, **question.how,
            provenance=result.provenance,
        )  # fmt: skip
    except NoAnswerError:
        return result
    return replace(result, bootstrap=made)


def sample_summaries(
    tiered: TieredPanel, question: Question, results: Sequence[AttributionResult]
) -> list[SampleSummary | None]:
    """Return what ten visibility samples of 100 say of each indicator; None for small panels.

    Parameters
    ----------
    tiered, question
        The panel, and what was attributed.
    results
        The attribution of each indicator to it.
    """
    if results[0].n_agents < SAMPLED_FROM:
        return [None] * len(results)
    sampled = SampledPanel(tiered, question.aggregator)
    sampler = Sampler.of(sampled.panel)
    drawn = list(draw_samples(sampler, "visibility", [_SAMPLE_SIZE], _SAMPLE_SEEDS, 0))
    summaries: list[SampleSummary | None] = []
    for indicator, result in zip(question.indicators, results, strict=True):
        chosen, full = find_indicator(indicator), full_scale(result)
        runs = [
            sampled.run_on(chosen, result.steps, full, one[_SAMPLE_SIZE].index, repeat=repeat)
            for repeat, one in drawn
        ]
        summaries.append(summarise("visibility", _SAMPLE_SIZE, runs, full))
    return summaries


def attribute_store(
    query: PanelQuery, question: Question, names: NamingOptions = _TEN
) -> list[AttributionResult]:
    """Split each indicator of a question among the agents of a store's panel.

    Parameters
    ----------
    query
        The panel, the window and the topic.
    question
        What to attribute, and how.
    names
        Which accounts to name, and how.

    Raises
    ------
    NoAnswerError
        As `blueattr.analysis.features.make_features`; or an indicator is 0.
    """
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        return attribute_panel(
            view.features(counts),
            view.origin(topic),
            question,
            names,
            handles=view.handles,
            ranking=ranking_of(view, topic, counts, names.resampling),
            source=StoreGroups(view, topic),
        )


def ranking_of(
    view: StoreView,
    topic: Topic | None,
    counts: pl.DataFrame,
    resampling: tuple[int, int] | None,
    agent_days: pl.DataFrame | None = None,
) -> Ranking | None:
    """Return what the ranks of a store's agents take; None where they are not asked for.

    Parameters
    ----------
    view, topic
        The panel and the topic.
    counts
        Of `blueattr.panel.query.StoreView.totals`, of this topic.
    resampling
        Number of resamples and seed.
    agent_days
        Of `blueattr.panel.query.StoreView.agent_days`, where somebody has them.
    """
    if resampling is None:
        return None
    parts = view.agent_day_parts(topic) if agent_days is None else agent_days
    daily = days_of(view, parts)
    return Ranking(*resampling, daily, store_variants(view, topic, counts))


def attribute_file(
    path: Path,
    question: Question,
    receive: "Receiver | None" = None,
    columns: Mapping[str, str] | None = None,
    top: int = DEFAULT_LEADERS,
    *,
    naming: Naming = OPEN,
) -> list[AttributionResult]:
    """Do the same for Parquet files of any size, in chunks, without samples.

    Parameters
    ----------
    path
        See `blueattr.attribution.large.parts.parts_of`.
    receive, columns, top
        See `blueattr.attribution.large.streaming.attribute_file`.
    question
        What to attribute, and how.
    naming
        How to name accounts.
    """
    from blueattr.attribution.large import streaming  # noqa: PLC0415 - few files need it

    parts = parts_of(path)
    results = streaming.attribute_file(
        parts,
        question.indicators,
        **question.how,
        provenance=origin_of_parts(path, parts, columns),
        columns=columns,
        receive=None if receive is None else _receiver(receive, naming),
        top=top,
    )
    return with_leaders(results, parts, columns, top, naming)


def origin_of_parts(
    path: Path, parts: tuple[Path, ...], columns: Mapping[str, str] | None
) -> Provenance:
    """Return where features in Parquet files come from.

    Parameters
    ----------
    path, columns
        As for `attribute_file`.
    parts
        The files that the path names.
    """
    from blueattr.attribution.large.chunks import shape  # noqa: PLC0415 - few files need it

    origin = given(str(path), shape(parts, columns)[0][0], columns, synthetic_label(parts))
    return replace(origin, notes=(*origin.notes, *in_words(path, parts)))


def with_leaders(
    results: Sequence[AttributionResult],
    holding: Sequence[Path],
    columns: Mapping[str, str] | None,
    top: int,
    naming: Naming,
) -> list[AttributionResult]:
    """Name the agents with the largest values, which are the ``agents`` of results.

    Parameters
    ----------
    results
        Of files in chunks, or in parts.
    holding
        The files that have these agents.
    columns, top, naming
        As for `attribute_file`.
    """
    from blueattr.attribution.large.chunks import rows_of  # noqa: PLC0415 - few files need it

    largest = [leaders(result, top) for result in results]
    dids = {agent.did for one in largest for agent in one.agents}
    counted = with_counts(largest, rows_of(holding, columns or {}, dids, COUNTS))
    return naming.hide(
        [replace(result, leaders=one.agents) for result, one in zip(results, counted, strict=True)]
    )


def _receiver(receive: "Receiver", naming: Naming) -> "Receiver":
    """Add shares by feature to the frames of agents, and hide who they are."""

    def pass_on(result: AttributionResult, frames: Iterator[pl.DataFrame]) -> None:
        receive(naming.hide(result), naming.frames(with_shares_by_feature(result, frames)))

    return pass_on


def with_shares_by_feature(
    result: AttributionResult, frames: Iterator[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Add shares by feature to frames of agents."""
    return (_split_by_feature(result, frame) for frame in frames)


def shares_by_day(
    query: PanelQuery, question: Question, names: NamingOptions = _TEN
) -> tuple[DayShares, ...]:
    """Attribute a window, and each of its UTC days by itself with the window's panel and tiers.

    Parameters
    ----------
    query
        The panel, the window and the topic.
    question, names
        As for `attribute_store`.
    """
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        frame, origin = view.features(counts), view.origin(topic)
        agent_days = view.agent_days(topic)
        ranking = ranking_of(view, topic, counts, names.resampling, agent_days)
        # What hides accounts comes last: days are joined with the whole by DID.
        shown = replace(names, naming=OPEN)
        handles = None if names.naming.hides else view.handles
        wholes = attribute_panel(frame, origin, question, shown, handles=handles, ranking=ranking)
        indicators: list[Indicator] = [find_indicator(i) for i in question.indicators]
        pairs = list(zip(indicators, wholes, strict=True))
        return names.naming.hide(attribute_days(pairs, day_features(view, agent_days)))
