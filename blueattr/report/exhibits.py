"""The figures of a topic's report: each in words, with the data behind it and how to draw it.

An exhibit is a pure function of a result. Its data are tidy, so that CSV, Parquet and JSON carry
them as they are; its table is the same for people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from blueattr.report import charts
from blueattr.report.attributions import tier_extents
from blueattr.report.charts import Look, Row
from blueattr.report.comparisons import sample_name
from blueattr.report.drawing import Spec
from blueattr.report.figures import count, iso, number, percent, plural, points, short, spread
from blueattr.report.jsonform import table_json
from blueattr.report.origin import ORIGIN_COLUMNS, origin_cells, origin_json
from blueattr.report.tables import Cell, Column, Report, Table

if TYPE_CHECKING:  # the arithmetic need not be imported to lay out its results
    from blueattr.days import Day, DayShares
    from blueattr.overview import Concentration, Leaders, TopicReport
    from blueattr.provenance import Gap, Provenance
    from blueattr.scales import SampleSummary, ScaleComparison

__all__ = [
    "Exhibit",
    "concentration_exhibit",
    "days_exhibit",
    "exhibits",
    "flips_exhibit",
    "leaders_report",
    "shares_exhibit",
    "sizes_exhibit",
    "topic_title",
]

# Of the agents, these parts are named in the table and labelled in the figure.
_LANDMARKS = (0.0001, 0.001, 0.01, 0.1, 0.5)
_LABELLED = (0.001, 0.01, 0.1)


@dataclass(frozen=True)
class Exhibit:
    """A figure with what stands beside it.

    Parameters
    ----------
    name
        Of its file.
    title
        What it is of.
    caption
        How to read it.
    alt
        What it shows, for who cannot see it.
    report
        The data behind it; its table is for people.
    chart
        How it is drawn, wherever it is shown.
    """

    name: str
    title: str
    caption: str
    alt: str
    report: Report
    chart: Callable[[Look], Spec]


def exhibits(report: "TopicReport") -> tuple[Exhibit, ...]:
    """Give the figures of a report; those that have nothing to show are left out."""
    found = (
        shares_exhibit(report.comparison),
        sizes_exhibit(report.curve),
        concentration_exhibit(report.concentrations, report.provenance),
        None if report.days is None else days_exhibit(report.days),
    )
    return tuple(exhibit for exhibit in found if exhibit is not None)


def topic_title(origin: "Provenance") -> str:
    """Name what a report is about."""
    topic = origin.topic
    if topic is not None:
        return topic.title or topic.name
    return "All events" if origin.window is not None else origin.source


def _deviates(sample: "SampleSummary") -> bool:
    """Tell whether there are several answers, so that a standard deviation says something."""
    return sample.seeds - sample.undefined_seeds > 1


def _tidy(
    name: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[Cell, ...]],
    origin: "Provenance",
) -> Table:
    cells = origin_cells(origin)
    return Table(name, "", (*columns, *ORIGIN_COLUMNS), tuple((*row, *cells) for row in rows))


def _rows(columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]]) -> list[Row]:
    names = [column.name for column in columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _report(
    name: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[Cell, ...]],
    table: Table,
    origin: "Provenance",
) -> Report:
    return Report(
        kind=name,
        tables=(table,),
        data=_tidy(name, columns, rows, origin),
        content={
            "title": table.title,
            "table": table_json(table),
            "notes": list(table.notes),
            "data": table_json(Table(name, "", tuple(columns), tuple(rows))),
            **origin_json(origin),
        },
    )


# --- tier shares at full scale and in samples -----------------------------------------------------

_SHARE_COLUMNS = (
    Column("indicator", "indicator"),
    Column("sample", "sample"),
    Column("size", "agents", "int"),
    Column("samples", "samples", "int"),
    Column("tier", "tier"),
    Column("share", "share", "share"),
    Column("std", "standard deviation", "share"),
)


def shares_exhibit(result: "ScaleComparison") -> Exhibit | None:
    """Show tier shares at full scale beside those of samples."""
    answered = [scales for scales in result.indicators if not scales.undefined]
    if not answered:
        return None
    tiers = [tier.tier for tier in answered[0].full.tiers]
    rows: list[tuple[Cell, ...]] = []
    shown: list[tuple[Cell, ...]] = []
    for scales in answered:
        parts = [tier.share for tier in scales.full.tiers]
        rows += [
            (scales.indicator, "full", result.n_agents, None, tier, share, None)
            for tier, share in zip(tiers, parts, strict=True)
        ]
        shown.append((scales.indicator, "all agents", result.n_agents, *map(percent, parts), None))
        for sample in scales.samples:
            several = _deviates(sample)
            given = {
                part.tier: (part.share_mean, part.share_std if several else None)
                for part in sample.tiers
            }
            answers = sample.seeds - sample.undefined_seeds
            rows += [
                (scales.indicator, sample.protocol, sample.size, answers, tier,
                 *given.get(tier, (None, None)))
                for tier in tiers
            ]  # fmt: skip
            flip = points(sample.flip_mean, sample.flip_std if several else None)
            shares = (spread(*given[tier]) if tier in given else None for tier in tiers)
            shown.append((scales.indicator, sample.protocol, sample.size, *shares, flip))
    extents = tier_extents(tiers, result.cutoffs)
    table = Table(
        name="shares",
        title="Tier shares: all agents against samples",
        columns=(
            Column("indicator", "indicator"),
            Column("sample", "sample"),
            Column("size", "agents", "int"),
            *(Column(t, extent, "figure") for t, extent in zip(tiers, extents, strict=True)),
            Column("flip", "flip", "figure"),
        ),
        rows=tuple(shown),
        notes=(
            "flip: what all tiers but the top lose in the sample, in percentage points.",
            "±: standard deviation over samples.",
            *(
                f"{scales.indicator} has no answer on this panel: {scales.undefined}."
                for scales in result.indicators
                if scales.undefined
            ),
        ),
    )
    drawn = [
        {**row, "panel": "all agents" if row["sample"] == "full"
         else f"{row['sample']} {row['size']:,}"}
        for row in _rows(_SHARE_COLUMNS, rows)
    ]  # fmt: skip
    alt = "; ".join(
        f"{scales.indicator}: "
        + ", ".join(
            f"{tier} {percent(part.share)}"
            for tier, part in zip(extents, scales.full.tiers, strict=True)
        )
        + "".join(
            f", against {', '.join(percent(part.share_mean) for part in sample.tiers)} in "
            f"{sample_name(sample)}"
            for sample in scales.samples
            if sample.tiers
        )
        for scales in answered
    )
    return Exhibit(
        name="tier-shares",
        title="Who carried it, and what a sample would have said",
        caption="Share of each indicator carried by each tier of agents: "
        + ", ".join(extents)
        + ", ranked by followers among all agents. Each block sets the full panel over the "
        "samples, as means over seeds.",
        alt=f"Stacked bars of tier shares. {alt}.",
        report=_report("tier_shares", _SHARE_COLUMNS, rows, table, result.provenance),
        chart=lambda look: charts.shares_chart(drawn, tiers, look),
    )


# --- shares by sample size ------------------------------------------------------------------------

_SIZE_COLUMNS = (
    Column("indicator", "indicator"),
    Column("protocol", "protocol"),
    Column("size", "agents", "int"),
    Column("samples", "samples", "int"),
    Column("tier", "tier"),
    Column("share", "share", "share"),
    Column("std", "standard deviation", "share"),
)


def sizes_exhibit(result: "ScaleComparison") -> Exhibit | None:
    """Show how tier shares change with the size of the sample, up to the full panel."""
    answered = [scales for scales in result.indicators if not scales.undefined]
    if not answered:
        return None
    tiers = [tier.tier for tier in answered[0].full.tiers]
    rows: list[tuple[Cell, ...]] = []
    shown: list[tuple[Cell, ...]] = []
    for scales in answered:
        for sample in scales.samples:
            several = _deviates(sample)
            given = {
                part.tier: (part.share_mean, part.share_std if several else None)
                for part in sample.tiers
            }
            answers = sample.seeds - sample.undefined_seeds
            rows += [
                (scales.indicator, sample.protocol, sample.size, answers, tier,
                 *given.get(tier, (None, None)))
                for tier in tiers
            ]  # fmt: skip
            shares = (spread(*given[tier]) if tier in given else None for tier in tiers)
            shown.append((scales.indicator, sample.protocol, sample.size, *shares))
    extents = tier_extents(tiers, result.cutoffs)
    table = Table(
        name="sizes",
        title="Tier shares by sample size",
        columns=(
            Column("indicator", "indicator"),
            Column("protocol", "sample"),
            Column("size", "agents", "int"),
            *(Column(t, extent, "figure") for t, extent in zip(tiers, extents, strict=True)),
        ),
        rows=tuple(shown),
        notes=("±: standard deviation over samples; a sample of all agents is the full panel.",),
    )
    single = len(result.protocols) == 1
    drawn = [
        {**row, "facet": row["indicator"] if single else f"{row['indicator']}, {row['protocol']}"}
        for row in _rows(_SIZE_COLUMNS, rows)
    ]
    protocols = ", ".join(result.protocols)
    alt = "; ".join(
        f"{scales.indicator}: the {tiers[-1]} goes from "
        f"{percent(first.tiers[-1].share_mean)} in samples of {first.size:,} to "
        f"{percent(last.tiers[-1].share_mean)} of {last.size:,}"
        for scales in answered
        if (seen := [sample for sample in scales.samples if sample.tiers])
        for first, last in [(seen[0], seen[-1])]
    )
    sizes = f"{result.sizes[0]:,} to {result.sizes[-1]:,} agents"
    return Exhibit(
        name="share-by-size",
        title="The answer depends on how many you ask",
        caption=f"Tier shares in {protocols} samples of {sizes} (logarithmic axis); at the right "
        "end, the full panel. Bands: one standard deviation over seeds.",
        alt=f"Lines of tier shares against sample size. {alt}.",
        report=_report("share_by_size", _SIZE_COLUMNS, rows, table, result.provenance),
        chart=lambda look: charts.sizes_chart(drawn, tiers, look),
    )


# --- concentration --------------------------------------------------------------------------------

_CURVE_COLUMNS = (
    Column("indicator", "indicator"),
    Column("agents", "agents", "int"),
    Column("part", "part of the panel", "share"),
    Column("share", "share", "share"),
)


def concentration_exhibit(
    curves: "Sequence[Concentration]", origin: "Provenance"
) -> Exhibit | None:
    """Show how much the agents with the largest attribution carry."""
    if not curves:
        return None
    n = curves[0].n_agents
    landmarks = {part: k for part in _LANDMARKS if (k := max(1, round(n * part))) < n}
    # On a small panel several parts are the same few agents; the largest part names them.
    landmarks = {part: k for k, part in {k: part for part, k in landmarks.items()}.items()}
    rows = [
        (curve.indicator, agents, agents / n, share)
        for curve in curves
        for agents, share in zip(curve.agents, curve.shares, strict=True)
    ]
    by_agents = [dict(zip(curve.agents, curve.shares, strict=True)) for curve in curves]
    shown: list[tuple[Cell, ...]] = [
        (f"{100 * part:g} %", k, *(percent(shares.get(k)) for shares in by_agents))
        for part, k in landmarks.items()
    ]
    table = Table(
        name="concentration",
        title="Cumulative share of the agents with the largest attribution",
        columns=(
            Column("part", "of the agents", "figure"),
            Column("agents", "agents", "int"),
            *(Column(curve.indicator, curve.indicator, "figure") for curve in curves),
        ),
        rows=tuple(shown),
        notes=tuple(
            f"Half of {curve.indicator} is carried by {plural(curve.half, 'agent')}, "
            f"{_fine_percent(curve.half / n)} of all."
            for curve in curves
        ),
    )
    labelled = {landmarks[part] for part in _LABELLED if part in landmarks}
    drawn = [{**row, "landmark": row["agents"] in labelled} for row in _rows(_CURVE_COLUMNS, rows)]
    alt = " ".join(table.notes)
    return Exhibit(
        name="concentration",
        title="How concentrated it is",
        caption="A Lorenz curve read from the top: the share carried by the agents with the "
        "largest attribution, against how many of all agents they are (logarithmic axis). Dashed: "
        "everyone carries the same.",
        alt=f"Lines of cumulative share. {alt}",
        report=_report("concentration", _CURVE_COLUMNS, rows, table, origin),
        chart=lambda look: charts.concentration_chart(drawn, look),
    )


def _fine_percent(fraction: float) -> str:
    return f"{100 * fraction:.2g} %" if fraction < 0.01 else percent(fraction)


# --- by day ---------------------------------------------------------------------------------------

_DAY_COLUMNS = (
    Column("day", "day", "date"),
    Column("start", "start", "time"),
    Column("end", "end", "time"),
    Column("participants", "active", "int"),
    Column("total", "total", "float"),
    Column("tier", "tier"),
    Column("value", "value", "float"),
    Column("share", "share", "share"),
    Column("unseen_seconds", "seconds not seen", "float"),
)


def days_exhibit(result: "DayShares") -> Exhibit | None:
    """Show an indicator day by day, shared out by tier, and what was not seen."""
    whole, origin = result.whole, result.whole.provenance
    if not result.days:
        return None
    tiers = [tier.tier for tier in whole.tiers]
    rows: list[tuple[Cell, ...]] = []
    shown: list[tuple[Cell, ...]] = []
    for day in result.days:
        given = {part.tier: part for part in day.tiers}
        unseen = _unseen(day, origin.gaps)
        rows += [
            (
                *(day.day, day.window.start, day.window.end, day.participants, day.total, tier),
                *((given[tier].value, given[tier].share) if tier in given else (None, None)),
                unseen.total_seconds(),
            )
            for tier in tiers
        ]
        shares = (percent(given[tier].share) if tier in given else None for tier in tiers)
        total = None if day.undefined else short(day.total)
        shown.append((day.day, day.participants, total, *shares, _seen_note(day, unseen)))
    table = Table(
        name="days",
        title=f"{whole.indicator} by day (UTC)",
        columns=(
            Column("day", "day", "date"),
            Column("participants", "active agents", "int"),
            Column("total", whole.indicator, "figure"),
            *(
                Column(tier, extent, "figure")
                for tier, extent in zip(tiers, tier_extents(tiers, whole.cutoffs), strict=True)
            ),
            Column("note", "note"),
        ),
        rows=tuple(shown),
        notes=(
            "Each day is a window of its own, with the panel and tiers of the whole.",
            *(
                f"{iso(day.day)}: no answer ({day.undefined})."
                for day in result.days
                if day.undefined
            ),
        ),
    )
    drawn = [
        {**row, "day": iso(row["day"]),
         "partial": row["end"] - row["start"] < timedelta(days=1)}
        for row in _rows(_DAY_COLUMNS, rows)
    ]  # fmt: skip
    gaps = [{"start": iso(gap.start), "end": iso(gap.end)} for gap in origin.gaps]
    most = max(result.days, key=lambda day: day.total)
    note = " Shaded: not seen by any source." if gaps else ""
    return Exhibit(
        name=f"{whole.indicator}-by-day",
        title=f"{whole.indicator.capitalize()} by day",
        caption=f"{whole.indicator.capitalize()} of each UTC day by itself, shared out by tier. "
        f"Pale: days that the window has only a part of.{note}",
        alt=f"Stacked bars of {whole.indicator} on {plural(len(result.days), 'day')}: the most, "
        f"{number(most.total)}, on {iso(most.day)}, with {count(most.participants)} active "
        "agents.",
        report=_report("by_day", _DAY_COLUMNS, rows, table, origin),
        chart=lambda look: charts.days_chart(drawn, gaps, tiers, whole.indicator, look),
    )


def _unseen(day: "Day", gaps: "Sequence[Gap]") -> timedelta:
    window = day.window
    parts = (min(gap.end, window.end) - max(gap.start, window.start) for gap in gaps)
    return sum((part for part in parts if part > timedelta()), timedelta())


def _seen_note(day: "Day", unseen: timedelta) -> str:
    notes = []
    length = day.window.end - day.window.start
    if length < timedelta(days=1):
        notes.append(f"{_hours(length)} in the window")
    if unseen:
        notes.append(f"{_hours(unseen)} not seen")
    return ", ".join(notes)


def _hours(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 3600:.1f} h" if seconds >= 360 else f"{seconds:.0f} s"


# --- several topics -------------------------------------------------------------------------------

_FLIP_COLUMNS = (
    Column("topic", "topic"),
    Column("indicator", "indicator"),
    Column("protocol", "protocol"),
    Column("size", "agents", "int"),
    Column("full", "all agents", "share"),
    Column("sample", "sample", "share"),
    Column("flip", "flip", "share"),
    Column("flip_std", "standard deviation", "share"),
)


def flips_exhibit(reports: "Sequence[TopicReport]") -> Exhibit | None:
    """Show for several topics what all tiers but the top carry, and what a sample says."""
    first = reports[0].comparison
    rows: list[tuple[Cell, ...]] = []
    shown: list[tuple[Cell, ...]] = []
    for report in reports:
        name = topic_title(report.provenance)
        cells: list[str | None] = []
        for scales in report.comparison.indicators:
            sample = next((s for s in scales.samples if s.tiers), None)
            if sample is None or sample.flip_mean is None:
                cells.append(None)
                continue
            several = _deviates(sample)
            rows.append((
                name, scales.indicator, sample.protocol, sample.size,
                sum(part.share for part in scales.full.tiers[1:]),
                sum(part.share_mean for part in sample.tiers[1:]),
                sample.flip_mean, sample.flip_std if several else None,
            ))  # fmt: skip
            cells.append(points(sample.flip_mean, sample.flip_std if several else None))
        shown.append((name, *cells))
    if not rows:
        return None
    positive = sum(row[6] > 0 for row in rows if isinstance(row[6], float))
    kinds = dict.fromkeys(f"{row[2]} samples of {row[3]:,}" for row in rows)
    sentence = f"{positive} of {len(rows)} flips are positive."
    table = Table(
        name="flips",
        title="Flips by topic and indicator, in percentage points",
        columns=(
            Column("topic", "topic"),
            *(Column(s.indicator, s.indicator, "figure") for s in first.indicators),
        ),
        rows=tuple(shown),
        notes=(f"{sentence} A flip is what all tiers but the top lose in the sample.",),
    )
    drawn = _rows(_FLIP_COLUMNS, rows)
    return Exhibit(
        name="flips",
        title="All topics at a glance",
        caption="Share carried by all tiers but the top: among all agents (filled) and in "
        f"{', '.join(kinds)} (open).",
        alt=f"Pairs of points by topic and indicator. {sentence}",
        report=_report("flips", _FLIP_COLUMNS, rows, table, reports[0].provenance),
        chart=lambda look: charts.flips_chart(drawn, look),
    )


# --- the largest agents ---------------------------------------------------------------------------


def leaders_report(found: "Leaders", origin: "Provenance") -> Report:
    """Lay out the agents with the largest attribution of one indicator."""
    columns = (
        Column("indicator", "indicator"),
        Column("rank", "rank", "int"),
        Column("did", "DID"),
        Column("handle", "handle"),
        Column("tier", "tier"),
        Column("a", "a", "float"),
        Column("b", "b", "float"),
        Column("c", "c", "float"),
        Column("value", "value", "float"),
        Column("share", "share", "share"),
    )
    rows = tuple(
        (found.indicator, rank, agent.did, agent.handle, agent.tier, agent.a, agent.b, agent.c,
         agent.value, agent.share)
        for rank, agent in enumerate(found.agents, 1)
    )  # fmt: skip
    table = Table(
        name="leaders",
        title=f"Agents with the largest attribution of {found.indicator}",
        columns=columns[1:],
        rows=tuple(row[1:] for row in rows),
        bars="share",
    )
    return _report("leaders", columns, rows, table, origin)
