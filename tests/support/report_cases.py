"""Small results with numbers made by hand, for the tests of reports."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.groups.result import Group, GroupShares, Interaction
from blueattr.attribution.tiered import ActivePanel
from blueattr.attribution.value import Quadrature, Remarks, TierShare
from blueattr.indicators.base import Aggregator
from blueattr.indicators.linearity import Linearity
from blueattr.panel.graph.communities import Communities
from blueattr.provenance import Gap, IndicatorInfo, PanelStep, Provenance, TopicInfo, Window
from blueattr.report import Column, Fact, Report, Table
from blueattr.studies.carriers.leaders import Leader
from blueattr.studies.carriers.ranks import ChoiceRank, RankIntervals
from blueattr.studies.rescaling import Misfit, Rescaling
from blueattr.studies.samples.corrected import CorrectedSamples, CorrectedTier
from blueattr.studies.samples.samples import FullScale, SampleRun, SampleSummary, TierSpread
from blueattr.studies.scales import IndicatorScales, ScaleComparison

ORIGIN = Provenance(
    source="data/blueattr.duckdb",
    feature_scale="log1p",
    popularity="hydrated follower counts, else follows received in the window",
    influence=("replies", "reposts", "quotes"),
    topic=TopicInfo(
        name="mythos",
        title="Mythos",
        category="technology",
        keywords=("mythos",),
        hashtags=("mythos",),
        patterns=(r"claude\s+mythos",),
    ),
    window=Window(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 15, tzinfo=UTC)),
    gaps=(
        Gap(
            datetime(2026, 4, 3, tzinfo=UTC),
            datetime(2026, 4, 3, 3, 20, tzinfo=UTC),
            "the server no longer had these events",
        ),
    ),
    panel=(
        PanelStep("active in the window", 2_500, 0, 2_500),
        PanelStep("deleted, taken down or suspended", 2_500, 12, 2_488, "at the window's end"),
        PanelStep("bots", 2_488, 178, 2_310, "handle has 'bot' as a word 150, self-label 28"),
    ),
    notes=("The topic's words are this project's own.",),
    version="0.0.0",
)


TIERS = (
    TierShare("top", 23, 0.13147, 0.31206, 0.31206, 13, 0.3),
    TierShare("middle", 208, 0.10104, 0.23983, 0.23983, 73, 0.16),
    TierShare("tail", 2_079, 0.18879, 0.44811, 0.44811, 337, 0.3),
)
SIGNED_TIERS = (
    TierShare("top", 23, 0.75, 1.5, 0.5, 13, 1.25),
    TierShare("middle", 208, 0.125, 0.25, 0.1875, 73, 0.25),
    TierShare("tail", 2_079, -0.375, -0.75, 0.3125, 337, -0.5),
)


AGENTS = pl.DataFrame(
    {
        "did": ["did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "did:web:example.org", "=1+1"],
        "tier": pl.Series(["top", "tail", "tail"], dtype=pl.Enum(["top", "middle", "tail"])),
        "a": [3.0, 1.0, 0.1],
        "b": [1e-90, 2.0, 1 / 3],
        "c": [0.0, 0.5, 1e90],
        "value": [0.3, 0.2, -0.1],
        "share": [0.75, 0.5, -0.25],
    }
)


NONLINEAR = Remarks(Linearity("nonlinear", 16), aggregates=False)
LINEAR = Remarks(Linearity("linear", 16))
OWN = Remarks(
    Linearity("nonlinear", 16),
    aggregates=False,
    quadrature=Quadrature(30, 6.5e-05, 1.6e-05),
    info=IndicatorInfo(
        formula="log(1 + abc)",
        statistics=("a", "b", "c"),
        gradient="complex step",
        origin="mine.py",
        object_name="mine",
        file="/home/user/mine.py",
        sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
)


LEADERS = (
    Leader(
        "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "ann.example.org", "top", 3.0, 1e-90, 0.0, 0.3, 0.75,
        posts=12, replies=3, reposts=5, replies_received=40, reposts_received=2,
        quotes_received=6, follows_received=7, followers=1_234.0,
    ),
    Leader("did:web:example.org", None, "tail", 1.0, 2.0, 0.5, 0.2, 0.5),
)  # fmt: skip
SAMPLE = SampleSummary(
    protocol="visibility",
    size=100,
    seeds=10,
    undefined_seeds=0,
    deterministic=False,
    tiers=(
        TierSpread("top", 0.85, 0.0707),
        TierSpread("middle", 0.1, 0.05),
        TierSpread("tail", 0.05, 0.02),
    ),
    flip_mean=0.5379,
    flip_std=0.0707,
    rescaling=None,
    runs=(),
)
ATTRIBUTION = AttributionResult(
    indicator="heat",
    aggregator=Aggregator(),
    method="closed form",
    steps=None,
    n_agents=2_310,
    n_involved=423,
    total=0.4213,
    attributed=0.4213,
    means=(0.7, 1.9, 0.394),
    moment=0.52402,
    cutoffs=(1.0, 10.0),
    tiers=TIERS,
    agents=AGENTS,
    provenance=ORIGIN,
    remarks=NONLINEAR,
    leaders=LEADERS,
    sample=SAMPLE,
)
GROUPS = GroupShares(
    by=("domain",),
    groups=(
        Group("bsky.social", 2_103, 0.375, 0.375 / 0.4213, 0.3865, None, 0.0125, 0.5, 390, 0.8),
        Group("=cmd|'/c calc'", 198, 0.0463, 0.0463 / 0.4213, 0.0348, None, 0.4, 0.41, 31, 0.09),
        Group("unknown", 9, 0.0, 0.0, 0.0, None, 0.4213, 0.4213, 2, 0.0),
    ),
    interactions=(
        Interaction("bsky.social", "=cmd|'/c calc'", 0.0625, 0.03),
        Interaction("bsky.social", "unknown", 0.0, 0.0),
        Interaction("=cmd|'/c calc'", "unknown", None, -0.25),
    ),
    owen="exact",
)
NESTED = GroupShares(
    by=("list.csv", "tier"),
    groups=(
        Group(
            "press", 1_300, 0.3, 0.3 / 0.4213, 0.29, 0.01, 0.125, 0.2, 200, 0.6,
            groups=(
                Group("top", 20, 0.2, 0.2 / 0.4213, 0.1875, 0.0075, 0.25, 0.25, 10, 0.4),
                Group("tail", 1_280, 0.1, 0.1 / 0.4213, 0.1025, 0.005, 0.3, 0.5, 190, 0.2),
            ),
        ),
        Group(
            "others", 1_010, 0.1213, 0.1213 / 0.4213, 0.1313, 0.01, 0.25, None, 223, 0.2,
            groups=(
                Group("tail", 1_010, 0.1213, 0.1213 / 0.4213, 0.1313, 0.01, 0.25, None, 223, 0.2),
            ),
            joined=("top", "middle"),
        ),
    ),
    interactions=(Interaction("press", "others", 0.125, 0.1),),
    joined=("a list\x1b[31m", "unknown"),
    owen="sampled",
    orders=1_000,
    notes=("not named: groups of fewer than 10 accounts.",),
)  # fmt: skip
COMMUNITIES = Communities(
    np.array([0, 0, 1, 0, 1, -1]), np.array([3, 2]), np.array([0, 2]), seed=7, seeds=10,
    stability=0.7225, modularity=0.3747,
)  # fmt: skip
GROUPED = replace(ATTRIBUTION, groups=replace(GROUPS, communities=COMMUNITIES))
GROUPED_TWICE = replace(ATTRIBUTION, groups=NESTED)
INVOLVED = replace(
    ATTRIBUTION,
    n_agents=423,
    total=12.5,
    attributed=12.5,
    tiers=tuple(
        replace(tier, agents=tier.agents_involved, share_involved=tier.share) for tier in TIERS
    ),
    panel="involved",
    active=ActivePanel(2_310, (23, 208, 2_079), 0.4213),
)
INTERVALS = replace(
    ATTRIBUTION,
    leaders=(
        replace(
            LEADERS[0],
            rank_low=1,
            rank_high=1_234,
            choices=(
                ChoiceRank("default", "", 1),
                ChoiceRank("scale", "raw", 17),
                ChoiceRank("panel", "involved", None),
            ),
        ),
        replace(
            LEADERS[1],
            rank_low=2,
            rank_high=2,
            choices=(
                ChoiceRank("default", "", 2),
                ChoiceRank("scale", "raw", 2),
                ChoiceRank("panel", "involved", 2),
            ),
        ),
    ),
    intervals=RankIntervals(14, 1_000, 7, undefined_resamples=3),
)
QUADRATURE = replace(
    ATTRIBUTION,
    method="quadrature",
    steps=5,
    attributed=0.4196,
    remarks=replace(NONLINEAR, quadrature=Quadrature(5, 4.04e-3, 1.01e-3)),
)
OWN_INDICATOR = replace(
    ATTRIBUTION, indicator="mine", method="quadrature", steps=30, attributed=0.42133, remarks=OWN
)
VAR = replace(
    ATTRIBUTION,
    indicator="var",
    total=0.5,
    attributed=0.5,
    tiers=SIGNED_TIERS,
    remarks=Remarks(Linearity("nonlinear", 16)),
)
FEATURES_FILE = replace(ATTRIBUTION, provenance=Provenance(source="panel.csv", version="0.0.0"))


EXACT = Rescaling(23.1, 1.1e-16, 1.0, 1.0, 1.0, 1.0000000000000002)
INEXACT = Rescaling(
    20.9, 0.3417, 0.9398, 0.81, 0.93, math.inf,
    (0.125, 0.25, 0.625), Misfit(3, 2, 1.0, "did:web:example.org"),
)  # fmt: skip
FINITE = replace(INEXACT, ratio_spread=12.75, kendall_tau=None, spearman_rho=None)


_RUNS = (
    SampleRun(0, 100, 1.5, (0.9, 0.08, 0.02), 0.5879, INEXACT, ""),
    SampleRun(1, 100, 1.25, (0.8, 0.15, 0.05), 0.4879, FINITE, ""),
    SampleRun(2, 100, 0.0, None, None, None, "c is 0 for every agent, so that M = 0"),
)
_SAMPLES = (
    SampleSummary(
        protocol="visibility",
        size=100,
        seeds=3,
        undefined_seeds=1,
        deterministic=False,
        tiers=(
            TierSpread("top", 0.85, 0.0707),
            TierSpread("middle", 0.115, 0.0495),
            TierSpread("tail", 0.035, 0.0212),
        ),
        flip_mean=0.5379,
        flip_std=0.0707,
        rescaling=INEXACT,
        runs=_RUNS,
        corrected=CorrectedSamples(
            tiers=(
                CorrectedTier("top", 0.3231, 0.0401, 0.2544, 0.3918, 61.25, 2, 2),
                CorrectedTier("middle", 0.2272, 0.0313, 0.1651, 0.2893, 118.5, 2, 1),
                CorrectedTier("tail", 0.4497, 0.0512, None, None, 21.75, 0, 0),
            ),
            flip_mean=0.01104,
            n_eff=48.5,
            tiers_known=True,
            seeds=2,
            intervals=0,
            coverage=0,
        ),
    ),
    SampleSummary(
        protocol="top",
        size=100,
        seeds=1,
        undefined_seeds=0,
        deterministic=True,
        tiers=(
            TierSpread("top", 0.4, 0.0),
            TierSpread("middle", 0.6, 0.0),
            TierSpread("tail", 0.0, 0.0),
        ),
        flip_mean=0.08794,
        flip_std=0.0,
        rescaling=FINITE,
        runs=(SampleRun(None, 100, 2.0, (0.4, 0.6, 0.0), 0.08794, FINITE, ""),),
        why="the most followed are chosen, not drawn, so that all others had no chance",
    ),
    SampleSummary(
        protocol="random",
        size=100,
        seeds=1,
        undefined_seeds=1,
        deterministic=False,
        tiers=(),
        flip_mean=None,
        flip_std=None,
        rescaling=None,
        runs=(replace(_RUNS[2], seed=0),),
    ),
)
COMPARISON = ScaleComparison(
    indicators=(
        IndicatorScales("heat", FullScale(0.4213, 0.4213, TIERS), _SAMPLES, remarks=NONLINEAR),
        IndicatorScales(
            "lin",
            FullScale(1.0, 1.0, TIERS),
            (replace(_SAMPLES[1], rescaling=EXACT, flip_mean=-0.02),),
            remarks=LINEAR,
        ),
    ),
    n_agents=2_310,
    n_involved=423,
    panel="active",
    protocols=("visibility", "top", "random"),
    sizes=(100,),
    seeds=3,
    seed=0,
    aggregator=Aggregator("log", (0.5, 0.25, 0.25)),
    cutoffs=(1.0, 10.0),
    method="closed form",
    steps=None,
    means=(0.7, 1.9, 0.394),
    moment=0.52402,
    provenance=ORIGIN,
)


STATUS = Report(
    kind="status",
    tables=(
        Table(
            name="events",
            title="Events by day",
            columns=(
                Column("day", "day", "date"),
                Column("kind", "kind"),
                Column("events", "events", "int"),
                Column("share", "share", "share"),
                Column("bytes_per_event", "bytes each", "float"),
                Column("last", "last seen", "time"),
                Column("complete", "complete", "bool"),
            ),
            rows=(
                (
                    date(2026, 4, 1),
                    "post",
                    1_234_567,
                    0.75,
                    57.25,
                    datetime(2026, 4, 1, 23, 59, 59, 123_456, tzinfo=UTC),
                    True,
                ),
                (date(2026, 4, 2), "follow", 0, None, None, None, False),
            ),
            notes=("Follows of the second day: none, so they have no size.",),
            bars="share",
        ),
        Table("rejected", "Rejected lines", (Column("reason", "reason"),), ()),
    ),
    facts=(Fact("store", "data/blueattr.duckdb"),),
)
