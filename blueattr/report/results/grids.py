"""A grid of scale comparisons laid out as a report: how many flips are positive, and where."""

from dataclasses import replace
from typing import TYPE_CHECKING

from blueattr.report.fields import Field, Fields
from blueattr.report.numbers import percent, plural, points
from blueattr.report.parts.first_screen import MORE
from blueattr.report.parts.involvement import involvement
from blueattr.report.parts.shared_fields import INDICATOR, UNDEFINED
from blueattr.report.provenance import (
    origin_facts,
    origin_warnings,
    panel_tables,
    ranking_warnings,
)
from blueattr.report.results.comparisons import method_lines
from blueattr.report.results.fields.comparison import (
    FLIP_NOTE,
    SAMPLE,
    comparison_content,
    comparison_table,
)
from blueattr.report.tables import SCHEMA_VERSION, Cell, Column, Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.studies.grid import Flip, FlipCount, ScaleGrid
    from blueattr.studies.scales import ScaleComparison

__all__ = ["COUNT", "FLIPS", "GRID_FLIP", "PARTS", "grid_report"]


PARTS: "Fields[ScaleGrid]" = Fields(
    Field("topics", "The comparison of each topic."),
    Field("flips", "The flips of all comparisons, and how many are positive."),
)
FLIPS: "Fields[ScaleGrid]" = Fields(
    Field("flips", "One object for each topic, indicator, protocol and size."),
    Field("counts", "One object for each protocol and size."),
    inside="flips",
)
GRID_FLIP: "Fields[Flip]" = Fields(
    Field("topic", "The topic's name."),
    INDICATOR["indicator"],
    SAMPLE["protocol"],
    SAMPLE["size"],
    Field("flip_mean", kind="share", get=lambda flip: flip.mean),
    Field("flip_std", kind="share", get=lambda flip: flip.std),
    Field(
        "positive",
        "Whether `flip_mean` > 0; none where there is no flip.",
        "bool",
        get=lambda flip: None if flip.mean is None else flip.positive,
    ),
    UNDEFINED["undefined"],
    inside="flips",
)
COUNT: "Fields[FlipCount]" = Fields(
    SAMPLE["protocol"],
    SAMPLE["size"],
    Field("positive", "Flips above 0.", "int", "flips"),
    Field(
        "defined",
        "Flips that there are: topics times indicators, less those without an answer.",
        "int",
        "flips",
    ),
    inside="counts",
)


_OF_THE_TOPIC = frozenset({"topic", "keywords", "hashtags", "patterns"})


def grid_report(result: "ScaleGrid") -> Report:
    """Lay out a grid.

    Parameters
    ----------
    result
        The result of `blueattr.studies.grid.scale_grid`.

    Returns
    -------
    Report
        For people the flips of topics by indicators for the first protocol and size, how many are
        positive for each, and shares by sample size; as data the rows of every comparison; as JSON
        every comparison whole.
    """
    first = result.topics[0]
    flips = result.flips()
    tables = [_flip_table(result, flips), _count_table(result), _size_table(result)]
    names = ", ".join(_topic(comparison) for comparison in result.topics)
    origin = [fact for fact in origin_facts(first.provenance) if fact.label not in _OF_THE_TOPIC]
    return Report(
        kind="scale_grid",
        summary=(_sentence(result),),
        tables=tuple(tables),
        notes=_involvement(result),
        details=panel_tables(first.provenance),
        more=MORE,
        facts=(
            Fact("topics", names),
            *(fact for fact in method_lines(first) if fact.label != "feature means"),
            *origin,
        ),
        warnings=(
            *origin_warnings(replace(first.provenance, ranking=())),
            *ranking_warnings([topic.provenance for topic in result.topics]),
        ),
        data=comparison_table(result.topics),
        content=_content(result, flips),
    )


def _topic(comparison: "ScaleComparison") -> str:
    topic = comparison.provenance.topic
    return "all" if topic is None else topic.name


def _involvement(result: "ScaleGrid") -> tuple[str, ...]:
    """Say of each topic who was involved, and what the others carry of its first indicator."""
    sentences = []
    for comparison in result.topics:
        answered = [one for one in comparison.indicators if not one.undefined]
        if not answered:
            continue
        main = next((one for one in answered if one.indicator == "heat"), answered[0])
        full = main.full
        parts = involvement(comparison, [(main.indicator, full.tiers, full.active, full.total)])
        sentences.append(f"{_topic(comparison)}: {' '.join(parts)}")
    return tuple(sentences)


def _sentence(result: "ScaleGrid") -> str:
    count = result.counts()[0]
    flips = len(result.topics) * len(result.topics[0].indicators)
    undefined = flips - count.defined
    exception = f" ({undefined} without an answer)" if undefined else ""
    return (
        f"{count.positive} of {plural(count.defined, 'flip')} are positive{exception}: the tiers "
        f"below the top carry less in {count.protocol} samples of {count.size:,} than at full "
        "scale."
    )


def _flip_table(result: "ScaleGrid", flips: "tuple[Flip, ...]") -> Table:
    first = result.topics[0]
    protocol, size = first.protocols[0], result.sizes[0]
    by_topic = {
        (f.topic, f.indicator): f for f in flips if (f.protocol, f.size) == (protocol, size)
    }
    names = [scales.indicator for scales in first.indicators]
    rows: list[tuple[Cell, ...]] = []
    notes = [FLIP_NOTE]
    if first.seeds > 1 and protocol != "top":
        notes.append("±: standard deviation over seeds.")
    for comparison in result.topics:
        topic = _topic(comparison)
        cells: list[Cell] = []
        for name in names:
            flip = by_topic.get((topic, name))
            if flip is None:
                cells.append(None)
                continue
            several = first.seeds > 1 and protocol != "top"
            cells.append(None if flip.mean is None else points(flip.mean, flip.std)
                         if several else points(flip.mean, None))  # fmt: skip
            if flip.mean is None:
                notes.append(f"{name} on {topic}: no answer ({flip.undefined}).")
        rows.append((topic, *cells))
    return Table(
        name="flips",
        title=f"Flips, {protocol} samples of {size:,}",
        columns=(Column("topic", "topic"), *(Column(name, name, "figure") for name in names)),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _count_table(result: "ScaleGrid") -> Table:
    first = result.topics[0]
    counts = {(c.protocol, c.size): f"{c.positive} of {c.defined}" for c in result.counts()}
    return Table(
        name="positive",
        title="Positive flips, by protocol and sample size",
        columns=(
            Column("protocol", "sample"),
            *(Column(str(size), f"{size:,}", "figure") for size in result.sizes),
        ),
        rows=tuple(
            (protocol, *(counts.get((protocol, size)) for size in result.sizes))
            for protocol in first.protocols
        ),
    )


def _size_table(result: "ScaleGrid") -> Table:
    """Average over topics what all tiers but the top carry; the full panel comes last."""
    first = result.topics[0]
    # Those involved are others, and another number of them, in each topic.
    ns = {comparison.n_agents for comparison in result.topics}
    whole = f"full: {first.n_agents:,}" if len(ns) == 1 else "full"
    rows: list[tuple[Cell, ...]] = []
    for k, scales in enumerate(first.indicators):
        with_answer = [c.indicators[k] for c in result.topics if not c.indicators[k].undefined]
        for size in result.sizes:
            cells: list[Cell] = []
            for protocol in first.protocols:
                shares = [
                    sum(tier.share_mean for tier in sample.tiers[1:])
                    for one_topic in with_answer
                    for sample in one_topic.samples
                    if (sample.protocol, sample.size) == (protocol, size) and sample.tiers
                ]
                cells.append(percent(sum(shares) / len(shares)) if shares else None)
            rows.append((scales.indicator, f"{size:,}", *cells))
        full = [sum(tier.share for tier in one_topic.full.tiers[1:]) for one_topic in with_answer]
        mean = percent(sum(full) / len(full)) if full else None
        rows.append((scales.indicator, whole, *[mean] * len(first.protocols)))
    return Table(
        name="sizes",
        title="What all tiers but the top carry, by sample size (mean over topics)",
        columns=(
            Column("indicator", "indicator"),
            Column("size", "agents", "figure"),
            *(Column(protocol, protocol, "figure") for protocol in first.protocols),
        ),
        rows=tuple(rows),
        notes=("--format json and csv have every tier, topic and seed.",),
    )


def _content(result: "ScaleGrid", flips: "tuple[Flip, ...]") -> dict[str, Json]:
    return {
        "topics": [
            {
                "schema_version": SCHEMA_VERSION,
                "kind": "scale_comparison",
                **comparison_content(comparison),
            }
            for comparison in result.topics
        ],
        "flips": {
            "counts": [COUNT.json(count) for count in result.counts()],
            "flips": [GRID_FLIP.json(flip) for flip in flips],
        },
    }
