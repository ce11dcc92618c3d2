"""Sensitivity: attributions under other choices, compared with the default ones."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import polars as pl

from blueattr import kernels
from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import Protocol, Sampler, check_protocol
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, assign_tiers, check_cutoffs, tier_names
from blueattr.attribution.value import Method, Remarks, TierShare, check_method
from blueattr.display import Presented
from blueattr.errors import NoAnswerError, SampleSizeError, UsageError
from blueattr.indicators.base import Aggregator, AggregatorName, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance
from blueattr.studies.distinct import check_distinct
from blueattr.studies.rescaling import TIE
from blueattr.studies.samples import AtFullScale, TieredPanel, draw_samples, summarise

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


@dataclass(frozen=True, slots=True)
class IndicatorSensitivity:
    """One indicator under every choice; the first row is the default."""

    indicator: str
    method: Method
    steps: int | None
    rows: tuple[SensitivityRow, ...]
    remarks: Remarks = field(default_factory=Remarks)


@dataclass(frozen=True)
class Sensitivity(Presented):
    """Whether conclusions depend on choices, with what is needed to redo the runs.

    Parameters
    ----------
    indicators
        In the order of the question.
    n_agents, aggregator, cutoffs, means, moment, provenance
        Of the default, as in `blueattr.attribution.attribute.AttributionResult`.
    protocol, size, seeds, seed
        Of the samples behind every flip.
    """

    indicators: tuple[IndicatorSensitivity, ...]
    n_agents: int
    protocol: Protocol
    size: int
    seeds: int
    seed: int
    aggregator: Aggregator
    cutoffs: tuple[float, ...]
    means: tuple[float, float, float]
    moment: float
    provenance: Provenance


@dataclass(frozen=True)
class _Choices:
    """A panel, aggregator and cut-offs: everything that a choice can change."""

    panel: Panel
    aggregator: Aggregator
    cutoffs: tuple[float, ...]

    @property
    def tiered_panel(self) -> TieredPanel:
        tiers = assign_tiers(self.panel.order, self.cutoffs)
        return TieredPanel(self.panel, tiers, tier_names(self.cutoffs), self.aggregator)


@dataclass(frozen=True)
class _FlipQuestion:
    """The question that is the same under every choice."""

    method: str
    steps: int | None
    protocol: Protocol
    size: int
    seeds: int
    seed: int

    def answer(
        self, choices: _Choices, indicator: Indicator, choice: str, setting: str
    ) -> tuple[SensitivityRow, AtFullScale]:
        """Attribute at full scale, and in samples if they can be drawn."""
        tiered_panel = choices.tiered_panel
        full = tiered_panel.full(indicator, self.method, self.steps)
        panel = choices.panel
        row = SensitivityRow(
            choice, setting, "computed", "", len(panel.dids), full.scale.total, full.scale.tiers
        )
        sampler = Sampler(panel.followers, panel.activity, panel.order)
        try:
            sampler.check_size(self.protocol, self.size)
        except SampleSizeError as error:
            return replace(row, why=f"no flip: {error}"), full
        samples = draw_samples(sampler, self.protocol, [self.size], self.seeds, self.seed)
        runs = [tiered_panel.run(full, index[self.size], repeat) for repeat, index in samples]
        summary = summarise(self.protocol, self.size, runs, tiered_panel.names)
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
    protocol: str = "visibility",
    size: int = 100,
    seeds: int = 10,
    seed: int = 0,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    provenance: Provenance | None = None,
) -> Sensitivity:
    """Attribute under other choices.

    Parameters
    ----------
    frame
        The features under the default choices: see `blueattr.attribution.inputs.check_features`.
    indicators
        See `blueattr.indicators.find.find_indicator`.
    variants
        Panels under other choices; consumed one at a time.
    protocol, size, seeds, seed
        Of the samples whose flip is reported.
    method, steps, aggregator, cutoffs, provenance
        As for `blueattr.attribution.attribute.attribute`. Aggregator, weights and cut-offs
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
    question = _FlipQuestion(method, steps, check_protocol(protocol), size, seeds, seed)
    methods = [check_method(indicator, method, steps) for indicator in chosen]
    default = _Choices(Panel.of(frame), aggregator or Aggregator(), check_cutoffs(cutoffs))
    Sampler(default.panel.followers, default.panel.activity, default.panel.order).check_size(
        question.protocol, size
    )
    studies = [_Study(question, default, indicator) for indicator in chosen]
    for study in studies:
        study.vary_arithmetic()
    for variant in variants:
        panel, why = None, variant.why
        if variant.frame is not None:
            try:
                panel = Panel.of(variant.frame)
            except NoAnswerError as error:
                why = str(error)
        for study in studies:
            study.vary_panel(variant, panel, why)
    return Sensitivity(
        indicators=tuple(
            IndicatorSensitivity(s.indicator.name, *how, tuple(s.rows), s.full.remarks)
            for s, how in zip(studies, methods, strict=True)
        ),
        n_agents=len(default.panel.dids),
        protocol=question.protocol,
        size=size,
        seeds=1 if question.protocol == "top" else seeds,
        seed=seed,
        aggregator=default.aggregator,
        cutoffs=default.cutoffs,
        means=default.panel.means,
        moment=math.prod(default.panel.means),
        provenance=provenance or Provenance(source="in memory"),
    )


class _Study:
    """Collects the rows of one indicator."""

    def __init__(self, question: _FlipQuestion, default: _Choices, indicator: Indicator) -> None:
        self.question, self.default, self.indicator = question, default, indicator
        row, self.full = question.answer(default, indicator, "default", "")
        everyone = len(default.panel.dids)
        varied = self.full.values.min() < self.full.values.max()
        self.rows = [
            replace(
                row,
                effect="default",
                common=everyone,
                top_overlap=min(TOP_OVERLAP, everyone),
                kendall_tau=1.0 if varied else None,
            )
        ]

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

    def vary_panel(self, variant: PanelVariant, panel: Panel | None, why: str) -> None:
        """Add the row of another panel, or of the reason why there is none."""
        if panel is None:
            self.rows.append(SensitivityRow(variant.choice, variant.setting, "not available", why))
        else:
            self._add(replace(self.default, panel=panel), variant.choice, variant.setting)

    def _add(self, choices: _Choices, choice: str, setting: str) -> None:
        try:
            row, full = self.question.answer(choices, self.indicator, choice, setting)
        except NoAnswerError as error:
            self.rows.append(SensitivityRow(choice, setting, "not available", str(error)))
            return
        ours, theirs = _common(
            self.default.panel.dids, self.full.values, choices.panel.dids, full.values
        )
        correlations = kernels.rank_correlations(ours, theirs, tolerance=TIE) if ours.size else None
        self.rows.append(
            replace(
                row,
                common=ours.size,
                top_overlap=len(_largest(ours) & _largest(theirs)),
                kendall_tau=correlations[0] if correlations else None,
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
    return set(kernels.argsort(-values)[:TOP_OVERLAP].tolist())
