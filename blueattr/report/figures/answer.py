"""Figures of the answer itself: two bars to look at first, and how sure they are."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Fields
from blueattr.report.figures.charts import charts, study_charts
from blueattr.report.figures.exhibit import Exhibit, data_report, marked, rows_of
from blueattr.report.figures.scales import SAMPLED, SHARE
from blueattr.report.numbers import count, percent, plural, spread
from blueattr.report.parts.answer import rounded_range, sampled_accounts, tier_names
from blueattr.report.parts.involvement import involved_note
from blueattr.report.parts.resampled import INTERVAL
from blueattr.report.results.comparisons import first_sample, has_deviation
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from blueattr.studies.bootstrap import ShareInterval
    from blueattr.studies.samples.samples import SampleSummary
    from blueattr.studies.scales import IndicatorScales, ScaleComparison
    from blueattr.studies.topic import TopicReport

__all__ = ["ANSWER", "answer_exhibit", "certainty_exhibit", "control_sample", "headline_intervals"]


ANSWER: Fields[Any] = Fields(
    *SHARE, INTERVAL["low"], INTERVAL["high"],
)  # fmt: skip
_COLUMNS = ANSWER.columns()


def control_sample(report: "TopicReport") -> "SampleSummary | None":
    """Return the random samples of the same size; None if they have no answer."""
    if report.control is None:
        return None
    samples = report.control.indicators[0].samples
    return next((sample for sample in samples if sample.tiers), None)


def headline_intervals(report: "TopicReport") -> "tuple[ShareInterval, ...]":
    """Return the intervals of the headline's tier shares; none if there are none."""
    headline, resampled = report.headline, report.bootstrap
    if headline is None or resampled is None:
        return ()
    return next(one.tiers for one in resampled.indicators if one.indicator == headline.indicator)


def answer_exhibit(report: "TopicReport") -> Exhibit | None:
    """Show two bars: all accounts, and the samples of the headline."""
    headline = report.headline
    if headline is None:
        return None
    sample = first_sample(headline)
    comparison = report.comparison
    names = tier_names(comparison.cutoffs)
    rows = _rows(report, [sample] if sample is not None else [])
    everyone = f"all {plural(comparison.n_agents, 'account')}"
    intervals = headline_intervals(report)
    notes = {"full": ""}
    if intervals:
        notes["full"] = f"{names[0]}: {rounded_range(intervals[0].low, intervals[0].high)}"
    panels = {"full": everyone}
    if sample is not None:
        panels[sample.protocol] = sampled_accounts(sample.protocol, sample.size)
        drawn = sample.seeds - sample.undefined_seeds
        notes[sample.protocol] = (
            f"mean of {plural(drawn, 'draw')}" if not sample.deterministic else ""
        )
    bars = _named(rows, names, panels, notes)
    table = Table(
        name="answer",
        title="Tier shares, all accounts and a sample",
        columns=_table_columns(headline, names),
        rows=tuple(
            (
                panels[kind],
                *(
                    _share(row["share"], row["std"], row["low"], row["high"])
                    for row in rows_of(_COLUMNS, rows)
                    if row["sample"] == kind
                ),
            )
            for kind in panels
        ),
        notes=("In brackets: 95 % interval. ±: standard deviation over samples.",),
    )
    shares = "; ".join(
        f"{row[0]}: " + ", ".join(f"{n} {cell}" for n, cell in zip(names, row[1:], strict=True))
        for row in table.rows
    )
    return Exhibit(
        name="answer",
        title="The answer",
        caption=f"Shares of {headline.indicator}, of accounts ranked by followers: "
        + ("all accounts" if sample is None else f"all accounts, and {panels[sample.protocol]}")
        + ".",
        alt=f"Stacked bars of shares. {shares}.",
        report=data_report("answer", _COLUMNS, rows, table, report.provenance),
        chart=marked(
            report.provenance,
            lambda look: charts.answer_chart(bars, names, look),
            _note(comparison, headline),
        ),
    )


def _note(comparison: "ScaleComparison", headline: "IndicatorScales") -> tuple[str, ...]:
    if comparison.panel != "active":
        return ()
    return involved_note(comparison.n_involved, comparison.n_agents, headline.full.tiers)


def certainty_exhibit(report: "TopicReport") -> Exhibit | None:
    """Show how sure each share is, beside samples of visible and of random accounts."""
    headline, intervals = report.headline, headline_intervals(report)
    if headline is None or not intervals:
        return None
    comparison = report.comparison
    names = tier_names(comparison.cutoffs)
    found = (first_sample(headline), control_sample(report))
    samples = {one.protocol: one for one in found if one is not None}
    rows = _rows(report, list(samples.values()))
    panels = {"full": f"all {plural(comparison.n_agents, 'account')}"} | {
        protocol: sampled_accounts(protocol, one.size) for protocol, one in samples.items()
    }
    tiers = [part.tier for part in headline.full.tiers]
    dots = []
    for row in rows_of(_COLUMNS, rows):
        k = tiers.index(row["tier"])
        runs = samples[row["sample"]].runs if row["sample"] in samples else ()
        drawn = [run.shares[k] for run in runs if run.shares is not None]
        dots.append({
            "indicator": row["indicator"],
            "row": f"all {count(row['size'])}" if row["sample"] == "full"
            else f"{count(row['size'])} {SAMPLED.get(row['sample'], row['sample'])}",
            "tier": names[k],
            "share": row["share"],
            "low": min(drawn, default=row["low"]),
            "high": max(drawn, default=row["high"]),
        })  # fmt: skip
    table = Table(
        name="certainty",
        title=f"How sure the shares of {headline.indicator} are",
        columns=_table_columns(headline, names),
        rows=tuple(
            (
                panel,
                *(
                    _share(row["share"], row["std"], row["low"], row["high"])
                    for row in rows_of(_COLUMNS, rows)
                    if row["sample"] == kind
                ),
            )
            for kind, panel in panels.items()
        ),
        notes=("In brackets: 95 % interval. ±: standard deviation over samples.",),
    )
    resamples = 0 if report.bootstrap is None else report.bootstrap.resamples
    return Exhibit(
        name="certainty",
        title="How sure the shares are",
        caption=f"Shares of {headline.indicator}. All accounts: 95 % intervals over "
        f"{resamples:,} resamples of the accounts. Samples: mean and range of the draws."
        + (
            " Accounts drawn at random are the control: they scatter, but do not favour "
            "visible accounts."
            if "random" in samples
            else ""
        ),
        alt="Points with intervals. "
        + "; ".join(f"{row[0]}: {', '.join(map(str, row[1:]))}" for row in table.rows)
        + ".",
        report=data_report("certainty", _COLUMNS, rows, table, report.provenance),
        chart=marked(report.provenance, lambda look: study_charts.dots_chart(dots, names, look)),
    )


def _rows(report: "TopicReport", samples: "list[SampleSummary]") -> list[tuple[Cell, ...]]:
    """Return the tidy rows: the full panel, with intervals if there are any, and samples."""
    headline = report.headline
    assert headline is not None  # noqa: S101 - nobody asks for the rows of nothing
    intervals = {part.tier: (part.low, part.high) for part in headline_intervals(report)}
    rows: list[tuple[Cell, ...]] = [
        (
            headline.indicator, "full", report.comparison.n_agents, None, part.tier, part.share,
            None, *intervals.get(part.tier, (None, None)),
        )
        for part in headline.full.tiers
    ]  # fmt: skip
    for sample in samples:
        several = has_deviation(sample)
        rows += [
            (
                headline.indicator, sample.protocol, sample.size,
                sample.seeds - sample.undefined_seeds, part.tier, part.share_mean,
                part.share_std if several else None, None, None,
            )
            for part in sample.tiers
        ]  # fmt: skip
    return rows


def _table_columns(headline: "IndicatorScales", names: tuple[str, ...]) -> tuple[Column, ...]:
    return (
        SHARE["sample"].column(heading="accounts"),
        *(
            Column(part.tier, name, "figure")
            for part, name in zip(headline.full.tiers, names, strict=True)
        ),
    )


def _named(
    rows: list[tuple[Cell, ...]],
    names: tuple[str, ...],
    panels: dict[str, str],
    notes: dict[str, str],
) -> list[dict[str, Any]]:
    """Return the rows under the names that people read."""
    tiers = list(dict.fromkeys(row["tier"] for row in rows_of(_COLUMNS, rows)))
    return [
        {
            "panel": panels[row["sample"]], "note": notes[row["sample"]],
            "tier": names[tiers.index(row["tier"])], "share": row["share"],
        }
        for row in rows_of(_COLUMNS, rows)
    ]  # fmt: skip


def _share(share: float, std: float | None, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return spread(share, std)
    return f"{percent(share)} ({percent(low, unit=False)} to {percent(high, unit=False)})"
