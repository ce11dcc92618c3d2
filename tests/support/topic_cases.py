"""A topic's report of a small made-up panel, for the tests of pages, figures and notebooks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl

from blueattr.analysis.carriers.records import SCHEMA
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.days import DayFeatures, DayShares, Hour, attribute_days
from blueattr.attribution.question import Question, Sampling
from blueattr.indicators.find import find_indicator
from blueattr.provenance import Gap, PanelStep, Provenance, TopicInfo, Window
from blueattr.studies.scales import ScaleComparison
from blueattr.studies.topic import TopicReport, topic_report
from support.report_cases import ORIGIN

N_AGENTS = 400
N_DAYS = 14
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
VERSIONS = (("blueattr", "0.0.0"), ("Python", "3.11.0"))
COMMAND = "blueattr report --topic mythos --seed 0"


def did(k: int) -> str:
    """Make a DID as the network has them."""
    return "did:plc:" + "".join(_BASE32[(k * 7 + i * i) % 32] for i in range(22)) + f"{k:02d}"[-2:]


def panel(n: int = N_AGENTS) -> pl.DataFrame:
    """Few are followed by many; two in three say something."""
    return pl.DataFrame(
        {
            "did": [f"{did(k)[:-4]}{_BASE32[k // 1024 % 32]}{_BASE32[k // 32 % 32]}"
                    f"{_BASE32[k % 32]}a" for k in range(n)],
            "a": [float(k * k % 11 if k % 3 else 0) for k in range(n)],
            "b": [2.0 * n / (k + 1) for k in range(n)],
            "c": [float(k * 5 % 7 if k % 4 else 0) for k in range(n)],
        }
    )  # fmt: skip


def days(frame: pl.DataFrame, origin: Provenance) -> DayShares:
    """Heat of the first week and nothing after it; the last day is not a whole one."""
    heat = find_indicator("heat")
    window = origin.window
    assert window is not None

    def each() -> list[DayFeatures]:
        found = []
        for k in range(N_DAYS):
            start = window.start + timedelta(days=k)
            end = min(start + timedelta(days=1), window.end)
            busy = pl.when(pl.int_range(pl.len()) % 7 == k).then(pl.col("a", "b", "c"))
            found.append(DayFeatures(start.date(), Window(start, end),
                                     frame.with_columns(busy.otherwise(0.0))))  # fmt: skip
        return found

    whole = attribute(frame, heat, provenance=origin)
    return attribute_days([(heat, whole)], each())[0]


def by_hour(made: TopicReport) -> DayShares:
    """The first two days of a report with what was written in each hour: in the k-th k records."""
    assert made.days is not None
    first = made.days.days[0].window.start
    each = [Window(first + timedelta(hours=k), first + timedelta(hours=k + 1)) for k in range(48)]
    hours = tuple(Hour(window, k, k // 2) for k, window in enumerate(each))
    return replace(made.days, days=made.days.days[:2], hours=hours)


def handles(dids: Sequence[str]) -> Mapping[str, str]:
    """Every second handle is known."""
    return {one: f"agent{k}.bsky.social" for k, one in enumerate(dids) if k % 2}


def records(result: AttributionResult, dids: Sequence[str]) -> pl.DataFrame:
    """Two records of each account but the last: one that counts, and one of each other state."""
    rows = []
    for k, one in enumerate(dids[:-1]):
        value = result.agents.filter(pl.col("did") == one)["value"][0]
        other = ("off topic", "outside the window", "unseen")[k % 3]
        gone = other == "unseen"
        time = datetime(2026, 4, 3, 12, k, tzinfo=UTC)
        for state, part, known in (("counted", 0.5, True), (other, 0.25, not gone)):
            rows.append({
                "did": one,
                "uri": f"at://{one}/app.bsky.feed.post/3k{state[:3]}{k:02}",
                "kind": "post" if known else None,
                "state": state,
                "time": time if known else None,
                "replies_received": k,
                "reposts_received": 1,
                "quotes_received": 0,
                "value_own": value * part / 2 if state == "counted" else 0.0,
                "value_received": value * part / (2 if state == "counted" else 1),
                "value": value * part,
                "share": value * part / result.attributed,
                "text": f"Post {k} says\nso" if known else None,
                "title": "A page" if k == 1 and known else None,
            })  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


def make(frame: pl.DataFrame, origin: Provenance, topic: str = "mythos") -> TopicReport:
    """Compute a report; a topic of another name has its own seed."""
    return topic_report(
        frame,
        Question(("lin", "heat", "var", "gini")),
        Sampling(sizes=(20, 100), seeds=3, seed=len(topic)),
        provenance=origin,
        top=12,
        handles=handles,
        days=days(frame, origin),
        records=records,
        command=COMMAND,
        versions=VERSIONS,
    )


def origin_of(name: str = "mythos") -> Provenance:
    assert ORIGIN.window is not None
    window = Window(ORIGIN.window.start, ORIGIN.window.end - timedelta(hours=6))
    topic = replace(ORIGIN.topic or TopicInfo(name, name, ""), name=name, title=name.capitalize())
    return replace(ORIGIN, window=window, topic=topic)


@cache
def report(name: str = "mythos") -> TopicReport:
    return make(panel(), origin_of(name), name)


@cache
def topics() -> tuple[TopicReport, ...]:
    return tuple(report(name) for name in ("mythos", "the-masters", "earth-day"))


def large() -> TopicReport:
    """Numbers as long as those of the whole network, and as small."""
    base = report()

    def grown(result: ScaleComparison, sizes: Sequence[int]) -> ScaleComparison:
        return replace(
            result,
            n_agents=1_670_000,
            indicators=tuple(
                replace(
                    scales,
                    samples=tuple(
                        replace(
                            sample,
                            size=size,
                            tiers=tuple(
                                replace(tier, share_mean=-0.45678, share_std=0.12345)
                                for tier in sample.tiers
                            ),
                            flip_mean=-0.45678,
                            flip_std=0.12345,
                            rescaling=None
                            if sample.rescaling is None
                            else replace(
                                sample.rescaling, relative_residual=9.634e-17, scale_factor=1234.5
                            ),
                        )
                        for sample, size in zip(scales.samples, sizes, strict=False)
                    ),
                )
                for scales in result.indicators
            ),
        )

    sizes = (100, 1_000, 50_000, 1_670_000)
    return replace(
        base,
        comparison=grown(base.comparison, sizes),
        curve=grown(base.curve, sizes),
        leaders=tuple(
            replace(one, agents=tuple(
                replace(agent, a=12.3456, value=-1.2345e-12, share=-1.2345) for agent in one.agents
            ))
            for one in base.leaders
        ),
    )  # fmt: skip


def hostile(text: str) -> TopicReport:
    """Put a text wherever a stranger can put one."""
    base = report()
    moment = datetime(2026, 4, 3, tzinfo=UTC)
    origin = replace(
        base.provenance,
        source=text,
        topic=TopicInfo(text, text, text, (text,), (text,), (text,)),
        gaps=(Gap(moment, moment + timedelta(hours=1), text),),
        panel=(PanelStep(text, 3, 1, 2, text),),
        notes=(text,),
        popularity=text,
        influence_note=text,
    )
    assert base.days is not None
    renamed = tuple(
        replace(
            one,
            agents=tuple(
                replace(
                    agent,
                    did=text if k % 2 else agent.did,
                    handle=text,
                    records=tuple(
                        replace(record, uri=text, text=text, title=text) for record in agent.records
                    ),
                )
                for k, agent in enumerate(one.agents)
            ),
        )
        for one in base.leaders
    )
    named = replace(base.comparison.indicators[0], indicator=text)
    return replace(
        base,
        comparison=replace(base.comparison, provenance=origin,
                           indicators=(named, *base.comparison.indicators[1:])),
        curve=replace(base.curve, provenance=origin),
        concentrations=(replace(base.concentrations[0], indicator=text),),
        leaders=renamed,
        days=replace(base.days, whole=replace(base.days.whole, provenance=origin)),
        command=text,
        versions=((text, text),),
    )  # fmt: skip
