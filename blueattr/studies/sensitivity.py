"""Sensitivity: attributions under other choices, compared with the default ones."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import polars as pl

from blueattr import kernels
from blueattr.attribution.equals import with_ranking
from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import (
    DEFAULT_SIZES,
    Protocol,
    Sampler,
    check_protocol,
    fit_sizes,
    smallest,
)
from blueattr.attribution.tiered import PANELS, PanelChoice, TieredPanel, check_panel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, check_cutoffs
from blueattr.attribution.value import Method, Remarks, TierShare, check_method
from blueattr.did_order import find_places
from blueattr.display import Presented
from blueattr.errors import NoAnswerError, SampleSizeError, UsageError
from blueattr.indicators.base import Aggregator, AggregatorName, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance
from blueattr.studies.carriers.ranks import ChoiceRank, count_ahead
from blueattr.studies.distinct import check_distinct
from blueattr.studies.rescaling import TIE
from blueattr.studies.samples.samples import AtFullScale, SampledPanel, draw_samples, summarise

__all__ = [
    "TOP_OVERLAP",
    "Effect",
    "IndicatorSensitivity",
    "PanelVariant",
    "Sensitivity",
    "SensitivityRow",
    "sensitivity",
]


TOP_OVERLAP = 10
"""Number of largest values that are compared."""


Effect = Literal["default", "computed", "no effect", "not available"]


_WEIGHTS = ((0.5, 0.25, 0.25), (0.25, 0.5, 0.25), (0.25, 0.25, 0.5))
_CUTOFFS = ((0.1, 1.0), (5.0, 20.0))


@dataclass(frozen=True, slots=True)
class PanelVariant:
    """The panel under another choice.

    Parameters
    ----------
    choice, setting
        Which choice differs, and how: ``window``, ``shifted by -1 day``.
    frame
        Its features; None if there are none.
    why
        Why there are none, else empty.
    """

    choice: str
    setting: str
    frame: object | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class SensitivityRow:
    """The answer under one choice.

    Parameters
    ----------
    choice, setting
        As in `PanelVariant`.
    effect
        ``no effect``: the indicator does not depend on the choice, so the numbers are the
        default's. ``not available``: see `why`.
    why
        Why there is no answer, or none in samples; else empty.
    n_agents, total
        n, and the indicator at full participation.
    tiers
        From the top to the tail; empty if there is no answer.
    flip_mean, flip_std
        Over seeds; None if no sample has an answer.
    common
        Number of agents in both this panel and the default one.
    top_overlap
        Of those, how many are among the ten largest values of both.
    kendall_tau
        Kendall's τ-b of their values; None if one of the two is constant.
    ranks
        The rank here of each agent that was to be followed, 1 + the number of agents with a larger
        value; None for one that is not in this panel. Empty if there is no answer.
    """

    choice: str
    setting: str
    effect: Effect
    why: str = ""
    n_agents: int = 0
    total: float = 0.0
    tiers: tuple[TierShare, ...] = ()
    flip_mean: float | None = None
    flip_std: float | None = None
    common: int = 0
    top_overlap: int | None = None
    kendall_tau: float | None = None
    ranks: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class IndicatorSensitivity:
    """One indicator under every choice; the first row is the default."""

    indicator: str
    method: Method
    steps: int | None
    rows: tuple[SensitivityRow, ...]
    remarks: Remarks = field(default_factory=Remarks)

    def choice_ranks(self) -> list[tuple[ChoiceRank, ...]]:
        """Return for each agent that was followed its rank under each choice that matters."""
        rows = [row for row in self.rows if row.ranks and row.effect in {"default", "computed"}]
        return [
            tuple(ChoiceRank(row.choice, row.setting, row.ranks[k]) for row in rows)
            for k in range(len(self.rows[0].ranks))
        ]


@dataclass(frozen=True, repr=False)
class Sensitivity(Presented):
    """Whether conclusions depend on choices, with what is needed to redo the runs.

    Parameters
    ----------
    indicators
        In the order of the question.
    n_agents, n_involved, panel, aggregator, cutoffs, means, moment, provenance
        Of the default, as in `blueattr.attribution.attribute.AttributionResult`.
    protocol, size, seeds, seed
        Of the samples behind every flip.
    size_note
        Why they are not of the default size, else empty.
    """

    indicators: tuple[IndicatorSensitivity, ...]
    n_agents: int
    n_involved: int
    panel: PanelChoice
    protocol: Protocol
    size: int
    seeds: int
    seed: int
    aggregator: Aggregator
    cutoffs: tuple[float, ...]
    means: tuple[float, float, float]
    moment: float
    provenance: Provenance
    size_note: str = ""


@dataclass(frozen=True)
class _Choices:
    """Everything that a choice can change.

    Parameters
    ----------
    everyone
        All active agents.
    panel
        Whom of them to ask about.
    aggregator, cutoffs
        As for `sensitivity`.
    """

    everyone: Panel
    panel: PanelChoice
    aggregator: Aggregator
    cutoffs: tuple[float, ...]

    @cached_property
    def sampled(self) -> SampledPanel:
        tiered = TieredPanel.of(self.everyone, self.cutoffs, self.panel)
        return SampledPanel(tiered, self.aggregator)

    @property
    def agents(self) -> Panel:
        return self.sampled.panel


@dataclass(frozen=True)
class _FlipQuestion:
    """The question that is the same under every choice."""

    method: str
    steps: int | None
    protocol: Protocol
    size: int
    seeds: int
    seed: int
    flips: bool

    def answer(
        self, choices: _Choices, indicator: Indicator, choice: str, setting: str
    ) -> tuple[SensitivityRow, AtFullScale]:
        """Attribute at full scale, and in samples if they can be drawn."""
        sampled = choices.sampled
        full = sampled.full(indicator, self.method, self.steps)
        n = len(sampled.panel.dids)
        row = SensitivityRow(choice, setting, "computed", "", n, full.scale.total, full.scale.tiers)
        if not self.flips:
            return row, full
        sampler = Sampler.of(sampled.panel)
        try:
            sampler.check_size(self.protocol, self.size)
        except SampleSizeError as error:
            # What to do about it is said of sizes that somebody chose.
            return replace(row, why=f"no flip: {str(error).partition(';')[0]}"), full
        samples = draw_samples(sampler, self.protocol, [self.size], self.seeds, self.seed)
        runs = [sampled.run(full, one[self.size].index, repeat) for repeat, one in samples]
        summary = summarise(self.protocol, self.size, runs, full.scale)
        why = "" if summary.tiers else f"no flip: {runs[0].undefined} in the samples"
        return (
            replace(row, flip_mean=summary.flip_mean, flip_std=summary.flip_std, why=why),
            full,
        )


def sensitivity(
    frame: object,
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    variants: Iterable[PanelVariant] = (),
    follow: Mapping[str, Sequence[str]] | None = None,
    flips: bool = True,
    protocol: str = "visibility",
    size: int | None = None,
    seeds: int = 10,
    seed: int = 0,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
    provenance: Provenance | None = None,
) -> Sensitivity:
    """Attribute under other choices.

    Parameters
    ----------
    frame
        The features under the default choices: see `blueattr.attribution.inputs.check_features`;
        or a checked panel.
    indicators
        See `blueattr.indicators.find.find_indicator`.
    variants
        Panels under other choices; consumed one at a time.
    follow
        By indicator the DIDs of agents whose ranks are asked for under every choice.
    flips
        Whether to draw samples.
    protocol, size, seeds, seed
        Of the samples whose flip is reported; by default of 100 agents, or of half the panel.
    method, steps, aggregator, cutoffs, panel, provenance
        As for `blueattr.attribution.attribute.attribute`. Aggregator, weights, cut-offs and panel
        are varied from these.

    Returns
    -------
    Sensitivity

    Raises
    ------
    UsageError
        For bad arguments.
    FeatureError, EmptyPanelError, ZeroTotalError, SampleSizeError
        When the default has no answer.

    Notes
    -----
    docs/methods.md, "Sensitivity".
    """
    chosen = [find_indicator(indicator) for indicator in indicators]
    check_distinct("sensitivity analysis", "indicator", [one.name for one in chosen])
    if seeds < 1:
        raise UsageError(f"a flip needs at least one seed, not {seeds}")
    methods = [check_method(indicator, method, steps) for indicator in chosen]
    default = _Choices(
        frame if isinstance(frame, Panel) else Panel.of(frame),
        check_panel(panel),
        aggregator or Aggregator(),
        check_cutoffs(cutoffs),
    )
    agents = default.agents
    only = None if size is None else (size,)
    (fitting,), size_note = fit_sizes(len(agents.dids), only, DEFAULT_SIZES[:1])
    question = _FlipQuestion(method, steps, check_protocol(protocol), fitting, seeds, seed, flips)
    if size is not None:
        Sampler.of(agents).check_size(question.protocol, size)
    studies = [
        _Study(question, default, indicator, (follow or {}).get(indicator.name, ()))
        for indicator in chosen
    ]
    for study in studies:
        study.vary_arithmetic()
        study.vary_members()
    for variant in variants:
        everyone, why = None, variant.why
        if variant.frame is not None:
            try:
                everyone = Panel.of(variant.frame)
            except NoAnswerError as error:
                why = str(error)
        for study in studies:
            study.vary_panel(variant, everyone, why)
    return Sensitivity(
        indicators=tuple(
            IndicatorSensitivity(s.indicator.name, *how, tuple(s.rows), s.full.remarks)
            for s, how in zip(studies, methods, strict=True)
        ),
        n_agents=len(agents.dids),
        n_involved=int(np.count_nonzero(agents.features.involved())),
        panel=default.panel,
        protocol=question.protocol,
        size=question.size,
        size_note=size_note,
        seeds=1 if question.protocol == "top" else seeds,
        seed=seed,
        aggregator=default.aggregator,
        cutoffs=default.cutoffs,
        means=agents.means,
        moment=math.prod(agents.means),
        provenance=with_ranking(
            provenance or Provenance(source="in memory"),
            default.sampled.tiered,
            (question.size,) if flips and question.protocol == "visibility" else (),
        ),
    )


class _Study:
    """Collects the rows of one indicator."""

    def __init__(
        self,
        question: _FlipQuestion,
        default: _Choices,
        indicator: Indicator,
        follow: Sequence[str],
    ) -> None:
        self.question, self.default, self.indicator = question, default, indicator
        self.follow = follow
        row, self.full = question.answer(default, indicator, "default", "")
        n = len(default.agents.dids)
        varied = self.full.values.min() < self.full.values.max()
        self.rows = [
            replace(
                row,
                effect="default",
                common=n,
                top_overlap=min(TOP_OVERLAP, n),
                kendall_tau=1.0 if varied else None,
                ranks=self._ranks(default, self.full),
            )
        ]

    def _ranks(self, choices: _Choices, full: AtFullScale) -> tuple[int | None, ...]:
        """Rank the agents that are followed among those of a panel."""
        places = find_places(choices.agents.dids, self.follow)
        known = np.flatnonzero(places >= 0)
        ahead = count_ahead(full.values, full.values[places[known]])
        ranks: list[int | None] = [None] * places.size
        for k, others in zip(known.tolist(), ahead.tolist(), strict=True):
            ranks[k] = 1 + others
        return tuple(ranks)

    def vary_arithmetic(self) -> None:
        """Add rows for other aggregators, weights and cut-offs."""
        now = self.default.aggregator
        for name in get_args(AggregatorName):
            if name != now.name:
                self._aggregate("aggregator", name, Aggregator(name, now.weights))
        for weights in _WEIGHTS:
            if weights != now.weights:
                text = "a, b, c " + ", ".join(f"{w:g}" for w in weights)
                self._aggregate("weights", text, Aggregator(now.name, weights))
        for cutoffs in _CUTOFFS:
            if cutoffs != self.default.cutoffs:
                text = "cut at " + " and ".join(f"{p:g}" for p in cutoffs) + " %"
                self._add(replace(self.default, cutoffs=cutoffs), "tiers", text)

    def _aggregate(self, choice: str, setting: str, aggregator: Aggregator) -> None:
        if not self.full.remarks.aggregates:
            same = replace(self.rows[0], choice=choice, setting=setting, effect="no effect")
            self.rows.append(same)
        else:
            self._add(replace(self.default, aggregator=aggregator), choice, setting)

    def vary_members(self) -> None:
        """Add a row for the other panel: everyone active, or only those involved."""
        for panel in PANELS:
            if panel != self.default.panel:
                self._add(replace(self.default, panel=panel), "panel", panel)

    def vary_panel(self, variant: PanelVariant, everyone: Panel | None, why: str) -> None:
        """Add the row of another panel, or of the reason why there is none."""
        if everyone is None:
            self.rows.append(SensitivityRow(variant.choice, variant.setting, "not available", why))
        else:
            self._add(replace(self.default, everyone=everyone), variant.choice, variant.setting)

    def _add(self, choices: _Choices, choice: str, setting: str) -> None:
        try:
            row, full = self.question.answer(choices, self.indicator, choice, setting)
        except NoAnswerError as error:
            self.rows.append(SensitivityRow(choice, setting, "not available", str(error)))
            return
        ours, theirs = _common(
            self.default.agents.dids, self.full.values, choices.agents.dids, full.values
        )
        correlations = kernels.rank_correlations(ours, theirs, tolerance=TIE) if ours.size else None
        self.rows.append(
            replace(
                row,
                common=ours.size,
                top_overlap=len(_largest(ours) & _largest(theirs)),
                kendall_tau=correlations[0] if correlations else None,
                ranks=self._ranks(choices, full),
            )
        )


def _common(
    dids: pl.Series, values: FloatArray, other_dids: pl.Series, others: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return both values of the agents that two panels share, in order of DID."""
    if dids.equals(other_dids):
        return values, others
    joined = pl.DataFrame({"did": dids, "x": values}).join(
        pl.DataFrame({"did": other_dids, "y": others}), on="did", maintain_order="left"
    )
    return tuple(np.ascontiguousarray(joined[k].to_numpy()) for k in "xy")  # type: ignore[return-value]  # two of them


def _largest(values: FloatArray) -> set[int]:
    """Return the positions of the ten largest values; of ties the first."""
    return set(smallest(-values, min(TOP_OVERLAP, values.size)).tolist())
