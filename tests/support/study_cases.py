"""Small results of the studies with numbers made by hand, for the goldens of their reports."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

from blueattr.analysis.carriers.graphs import CommunityPart, EdgeCount, GraphResult
from blueattr.attribution.by_feature import FeatureSplit
from blueattr.attribution.change.result import ChangePart, ChangeResult, WindowValue
from blueattr.attribution.days import Day, DayShares
from blueattr.attribution.groups.games import Without
from blueattr.attribution.value import Remarks
from blueattr.indicators.base import Aggregator
from blueattr.provenance import Provenance, TopicInfo, Window
from blueattr.report import (
    bootstrap_report,
    change_report,
    changes_report,
    days_report,
    grid_report,
    sensitivity_report,
)
from blueattr.report.results.graphs import graph_report
from blueattr.report.results.own_samples import correction_report, design_report
from blueattr.report.results.posts import posts_report
from blueattr.report.results.why import why_report
from blueattr.studies.bootstrap import Bootstrap, IndicatorBootstrap, ShareInterval
from blueattr.studies.carriers.leaders import Leader
from blueattr.studies.carriers.movers import Mover
from blueattr.studies.carriers.posts import DayPart, HourPart, Post, PostsResult, Rest
from blueattr.studies.carriers.ranks import ChoiceRank, RankIntervals
from blueattr.studies.carriers.records import RecordValue
from blueattr.studies.carriers.why import (
    AccountDay,
    Alone,
    FeaturePart,
    Partner,
    Partners,
    WhyResult,
)
from blueattr.studies.grid import ScaleGrid
from blueattr.studies.samples.design import Design, DesignPoint, Designs
from blueattr.studies.samples.own_sample import (
    Chance,
    Correction,
    IndicatorCorrection,
    TierEstimate,
)
from blueattr.studies.samples.samples import FullScale
from blueattr.studies.sensitivity import IndicatorSensitivity, Sensitivity, SensitivityRow
from blueattr.studies.shape import Cascade, Cascades, Peak
from support.report_cases import (
    ATTRIBUTION,
    COMMUNITIES,
    COMPARISON,
    NONLINEAR,
    ORIGIN,
    OWN,
    TIERS,
    VAR,
)

BOOTSTRAP = Bootstrap(
    indicators=(
        IndicatorBootstrap(
            "heat", "closed form", None, 0.4213,
            (
                ShareInterval("top", 0.31206, 0.2811, 0.3432, 0.0161, 13, 0.15603),
                ShareInterval("middle", 0.23983, 0.2291, 0.2502, 0.0053, 73, 0.119915),
                ShareInterval("tail", 0.44811, 0.4189, 0.4761, 0.0144, 337, 0.224055),
            ),
            3, NONLINEAR,
        ),
        IndicatorBootstrap(
            "mine", "quadrature", 30, 1.5,
            (
                ShareInterval("top", 0.5, 0.4, 0.6, 0.05, 13, 0.25),
                ShareInterval("middle", 0.3, 0.25, 0.35, 0.025, 73, 0.15),
                ShareInterval("tail", 0.2, 0.15, 0.25, 0.025, 337, 0.1),
            ),
            0, OWN,
        ),
    ),
    resamples=1_000, seed=7, level=0.95, n_agents=2_310, n_involved=423,
    panel="active", aggregator=Aggregator(), cutoffs=(1.0, 10.0), means=(0.7, 1.9, 0.394),
    moment=0.52402,
    provenance=ORIGIN,
)  # fmt: skip


CORRECTION = Correction(
    indicators=(
        IndicatorCorrection(
            "heat", "closed form", None,
            (
                TierEstimate("top", 0.5, 0.3125, 0.03, 0.2537, 0.3713, 61.5),
                TierEstimate("middle", 0.375, 0.25, 0.04, 0.1716, 0.3284, 130.25),
                TierEstimate("tail", 0.125, 0.4375, 0.08, None, None, 21.0),
            ),
        ),
    ),
    n_agents=500, population_estimate=2_250.5, population=2_310, n_eff=337.25,
    chance=Chance("size", "w", 8_364.0, 2_310), tiers_known=False, aggregator=Aggregator(),
    cutoffs=(1.0, 10.0),
    provenance=Provenance(source="sample.csv", ranked_by="followers", version="0.0.0"),
)  # fmt: skip
DESIGNS = Designs(
    indicators=(
        Design(
            "heat", "visibility", 0.02, 1_114,
            (
                DesignPoint(100, (0.1, 0.2, 0.25), (18.5, 40.0, 35.0)),
                DesignPoint(1_000, (0.01, 0.025, 0.02), (46.0, 120.0, 110.0)),
                DesignPoint(1_114, (0.0095, 0.02, 0.0185), (50.5, 131.0, 120.0)),
            ),
        ),
    ),
    protocol="visibility", within=0.02, population=2_310.0, pilot=500, cutoffs=(1.0, 10.0),
    panel="active", provenance=ORIGIN,
)  # fmt: skip


_DEFAULT = SensitivityRow(
    "default", "", "default", "", 2_310, 0.4213, TIERS, 0.5379, 0.0707, 2_310, 10, 1.0
)
SENSITIVITY = Sensitivity(
    indicators=(
        IndicatorSensitivity(
            "heat", "closed form", None,
            (
                _DEFAULT,
                replace(_DEFAULT, choice="aggregator", setting="log", effect="no effect"),
                replace(_DEFAULT, choice="scale", setting="raw", effect="computed",
                        tiers=TIERS[::-1], flip_mean=-0.125, top_overlap=7, kendall_tau=None),
                replace(_DEFAULT, choice="window", setting="shifted by -1 day", effect="computed",
                        n_agents=2_250, common=2_001, top_overlap=9, kendall_tau=0.8125),
                SensitivityRow("window", "shifted by +1 day", "not available",
                               "no source covers all of that window"),
                replace(_DEFAULT, choice="bots", setting="kept", effect="computed",
                        flip_mean=None, flip_std=None, why="no flip: c is 0 in the samples"),
            ),
            NONLINEAR,
        ),
    ),
    n_agents=2_310, n_involved=423, panel="active", protocol="visibility", size=100, seeds=3,
    seed=0,
    aggregator=Aggregator(), cutoffs=(1.0, 10.0), means=(0.7, 1.9, 0.394), moment=0.52402,
    provenance=ORIGIN,
)  # fmt: skip


_FIRST = Window(datetime(2026, 4, 1, 12, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC))
_SECOND = Window(datetime(2026, 4, 2, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC))
DAYS = tuple(
    DayShares(
        whole,
        (
            Day(date(2026, 4, 1), _FIRST, 130, 0.21, 0.21, whole.tiers, ""),
            Day(date(2026, 4, 2), _SECOND, 0, 0.0, 0.0, (), "a and c are 0 for every agent"),
        ),
    )
    for whole in (ATTRIBUTION, VAR)
)


_UNHEARD = "c is 0 for every agent, so that M = 0"
_LOUD = replace(
    COMPARISON,
    indicators=(
        COMPARISON.indicators[0],
        replace(COMPARISON.indicators[1], samples=COMPARISON.indicators[0].samples),
    ),
)
_QUIET = replace(
    _LOUD,
    indicators=(
        replace(
            COMPARISON.indicators[0], full=FullScale(0.0, 0.0, ()), samples=(), undefined=_UNHEARD
        ),
        _LOUD.indicators[1],
    ),
    provenance=replace(ORIGIN, topic=TopicInfo("quiet", "Quiet", "test", ("quiet",))),
)
GRID = ScaleGrid((_LOUD, _QUIET))


CHANGE = ChangeResult(
    indicator="heat",
    aggregator=Aggregator(),
    rule="Gauss-Legendre",
    nodes=32,
    before=WindowValue(
        2_310, 423, 0.25, (0.7, 1.9, 0.25),
        replace(ORIGIN, gaps=(), window=Window(datetime(2026, 3, 18, tzinfo=UTC),
                                               datetime(2026, 4, 1, tzinfo=UTC))),
    ),
    after=WindowValue(2_500, 517, 0.4213, (0.7, 1.9, 0.394), ORIGIN),
    n_agents=3_000,
    change=0.1713,
    size=-0.0212,
    movement=0.75,
    kinds=(
        ChangePart("entered", 690, 0.2, 0.2 / 0.1713, 201, 0.15),
        ChangePart("left", 500, -0.1, -0.1 / 0.1713, 140, -0.0625),
        ChangePart("raised", 700, 0.125, 0.125 / 0.1713, 90, 0.1),
        ChangePart("lowered", 610, -0.0325, -0.0325 / 0.1713, 75, -0.0225),
        ChangePart("same", 500, 0.0, 0.0, 3, 0.0),
    ),
    tiers=(
        ChangePart("top", 30, 0.1, 0.1 / 0.1713, 19, 0.075),
        ChangePart("middle", 270, 0.05, 0.05 / 0.1713, 110, 0.05),
        ChangePart("tail", 2_700, 0.0425, 0.0425 / 0.1713, 380, 0.04),
    ),
    agents=ATTRIBUTION.agents.select("did", "tier", "value", "share"),
    cutoffs=(1.0, 10.0),
    remarks=Remarks(None, aggregates=False),
    notes=("Follower counts are those of one moment.",),
    movers=(
        Mover(
            "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "ann.example.org", "top", "raised", 0.03,
            0.03 / 0.1713, written_before=2, written_after=12, received_before=0,
            received_after=42, follows_before=5, follows_after=7, followers=1_234.0,
        ),
        Mover(
            "did:web:example.org", None, "tail", "left", -0.02, -0.02 / 0.1713,
            written_before=1, received_before=40, follows_before=0, followers=2.0,
        ),
    ),
)  # fmt: skip
GROUPED_CHANGE = replace(
    CHANGE,
    by="domain",
    groups=(
        ChangePart("bsky.social", 2_900, 0.2, 0.2 / 0.1713, 480, 0.2),
        ChangePart("=others", 100, -0.0075, -0.0075 / 0.1713, 29, -0.0025),
    ),
    joined=("a.example", "b.example"),
)
UNSHARED = replace(
    CHANGE,
    indicator="var",
    rule="closed form",
    nodes=None,
    change=1e-12,
    undefined="var changed by no more than a millionth of what accounts added and took away",
    kinds=tuple(replace(part, share=None) for part in CHANGE.kinds),
    tiers=tuple(replace(part, share=None) for part in CHANGE.tiers),
    remarks=Remarks(),
    movers=(),
)


_HOUR = datetime(2026, 4, 9, 11, tzinfo=UTC)
_MOST = Post(
    "did:plc:ann",
    "ann.test",
    RecordValue(
        "at://did:plc:ann/app.bsky.feed.post/3mj2dnn5zh2y2", "post", "counted",
        _HOUR + timedelta(minutes=5), 7, 12, 4, 0.02, 0.1, 0.12, 0.2848,
        "A card for the =SUM(1) system,\nand \x1b[31mmore of it than anybody would read in a line",
        "A title",
    ),
)  # fmt: skip
POSTS = PostsResult(
    indicator="heat", total=0.4213, split="exact",
    posts=(
        _MOST,
        Post("did:plc:bob", None, RecordValue(
            "at://did:plc:bob/app.bsky.feed.post/lost", None, "unseen", None, 1, 0, 0, 0.0, 0.01,
            0.01, 0.0237,
        )),
    ),
    rest=Rest(421, 0.15087, 0.3581), popularity=0.14043,
    hours=(HourPart(_HOUR, 23, 0.13, 0.3086),
           HourPart(_HOUR + timedelta(days=1), 3, 0.15087, 0.3581)),
    days=(DayPart(_HOUR.date(), 23, 0.13, 0.3086),
          DayPart(_HOUR.date() + timedelta(days=1), 3, 0.15087, 0.3581)),
    peak=Peak(83, 23, 24, 2.5, 15.27), begins=_HOUR - timedelta(hours=83),
    cascades=Cascades(196, 6, 95, Cascade(4, 147, 3, 95)), largest=_MOST,
    n_agents=2_310, n_involved=423, panel="active", aggregator=Aggregator(), provenance=ORIGIN,
)  # fmt: skip

_VALUE = 0.02
WHY = WhyResult(
    indicator="heat", aggregator=Aggregator(), method="closed form", steps=None, n_agents=2_310,
    n_involved=423, total=0.4213, attributed=0.4213, means=(0.7, 1.9, 0.394), moment=0.524,
    cutoffs=(1.0, 10.0), panel="active", remarks=NONLINEAR, provenance=ORIGIN,
    account=Leader(
        "did:plc:ann", "ann.test\x1b[1m", "top", 2.1, 3.4, 2.9, _VALUE, _VALUE / 0.4213,
        posts=5, replies=1, reposts=1, replies_received=7, reposts_received=12,
        quotes_received=0, follows_received=29, followers=29, share_a=0.0095, share_b=0.0142,
        share_c=0.0237, rank_low=2, rank_high=11, synthetic=False, records=(_MOST.record,),
        choices=(ChoiceRank("default", "", 3), ChoiceRank("bots", "kept", None)),
    ),
    rank=3, is_involved=True, split=FeatureSplit("exact"),
    by_feature=(FeaturePart("a", 7, 2.1, 0.004, 0.2), FeaturePart("b", 29, 3.4, 0.006, 0.3),
                FeaturePart("c", 19, 2.9, 0.01, 0.5)),
    intervals=RankIntervals(14, 1_000, 0, undefined_resamples=2, ranks=((2, 11),)),
    without=Without(0.4102, None), rest=Rest(6, 0.002, 0.002 / 0.4213),
    days=(AccountDay(_HOUR.date(), 4, 1, 0, 7, 3, 20, 0, 0.011, 0.55),
          AccountDay(_HOUR.date() + timedelta(days=1), 1, 0, 1, 0, 9, 9, 0, 0.003, 0.15)),
    addressed=Partners(
        2, (Partner("did:plc:bob", "bob.test", True, 1, 0, 1, 0.0012, 0.06),), 1, 1, 1, 0.0018, 0.09
    ),
    alone=Alone(4, 0.0022, 0.11),
    amplified=Partners(
        9, (Partner("did:plc:cat", None, False, 3, 4, 0, 0.0037, 0.185),), 7, 12, 0, 0.01, 0.5
    ),
)  # fmt: skip
WHY_OF_OWN = replace(
    WHY, indicator="mine", method="quadrature", steps=30, remarks=OWN,
    account=replace(WHY.account, share_a=None, share_b=None, share_c=None, rank_low=None,
                    rank_high=None, records=(), choices=(), handle=None, value=-0.02, share=-0.04),
    is_involved=False, split=FeatureSplit(None, "mine is no sum of parts of a, b and c"),
    by_feature=(), without=Without(0.43, 0.44), rest=None,
    no_record="mine is no sum of parts of a, b and c", days=(), addressed=None, alone=None,
    amplified=None,
    intervals=RankIntervals(0, 1_000, 0, why="there are no days to resample"),
)  # fmt: skip


GRAPH = GraphResult(
    indicator="heat",
    nodes=pl.DataFrame({"id": [f"did:plc:{k}" for k in range(6)]}),
    edges=pl.DataFrame({"source": [], "target": [], "kind": [], "time": []}),
    counts=(
        EdgeCount("replies", "reply", 412, 230, 190, 46),
        EdgeCount("follows", "follow", 5_591, 400, 401, None),
    ),
    share=0.7612, n_agents=2_310, n_involved=423,
    communities=COMMUNITIES,
    parts=(
        CommunityPart("1 (@=ann.test)", 3, 0.2, 0.4746),
        CommunityPart("2 (did:plc:2)", 2, 0.1, 0.2373),
        CommunityPart("none", 1, 0.0207, 0.0493),
    ),
    panel="active", aggregator=Aggregator(), provenance=ORIGIN,
)  # fmt: skip


STUDIES = {
    "bootstrap": bootstrap_report(BOOTSTRAP),
    "change": change_report(CHANGE),
    "change-groups": change_report(GROUPED_CHANGE),
    "changes": changes_report([CHANGE, UNSHARED]),
    "correction": correction_report(CORRECTION),
    "design": design_report(DESIGNS),
    "graph": graph_report(GRAPH),
    "posts": posts_report(POSTS),
    "sensitivity": sensitivity_report(SENSITIVITY),
    "days": days_report(DAYS),
    "grid": grid_report(GRID),
    "why": why_report(WHY),
    "why-of-own": why_report(WHY_OF_OWN),
}
