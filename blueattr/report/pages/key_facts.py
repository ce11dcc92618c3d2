"""The words of a page's first screen: the headline, and the facts that stand beside it."""

from datetime import timedelta
from typing import TYPE_CHECKING

from blueattr.report.figures.answer import control_sample, headline_intervals
from blueattr.report.numbers import count, percent, plural
from blueattr.report.parts.answer import (
    MEASURES,
    rounded,
    rounded_range,
    sampled_accounts,
    tier_names,
)
from blueattr.report.parts.first_screen import indicator_sentence
from blueattr.report.parts.involvement import amplified, parts_by_tier, share_of_others
from blueattr.report.provenance import WHOLE, seen_fraction, so_far, window_days
from blueattr.report.results.comparisons import first_sample
from blueattr.report.tables import Fact

if TYPE_CHECKING:
    from blueattr.provenance import Provenance
    from blueattr.studies.scales import IndicatorScales
    from blueattr.studies.topic import TopicReport

__all__ = ["headline_sentence", "key_facts", "other_sentences", "remarks"]


_DAY = timedelta(days=1)


def headline_sentence(report: "TopicReport") -> str:
    """Return the answer in a sentence; where there is none, why."""
    if report.headline is None:
        whys = dict.fromkeys(one.undefined for one in report.comparison.indicators)
        return f"No answer: {'; '.join(whys)}."
    return _sentence(report, report.headline)


def other_sentences(report: "TopicReport") -> list[str]:
    """Return the same sentence for every other indicator that has an answer."""
    return [
        _sentence(report, one)
        for one in report.comparison.indicators
        if not one.undefined and one is not report.headline
    ]


def _sentence(report: "TopicReport", scales: "IndicatorScales") -> str:
    return indicator_sentence(
        scales.indicator, report.comparison, scales.full.tiers, first_sample(scales)
    )


def key_facts(report: "TopicReport") -> list[Fact]:
    """Return who was involved, how sure the answer is, and what was seen and measured."""
    if report.headline is None:
        return []
    facts = [_involved(report, report.headline)]
    sure = _sure(report)
    return [*facts, *([sure] if sure is not None else []), _seen(report)]


def _involved(report: "TopicReport", headline: "IndicatorScales") -> Fact:
    comparison = report.comparison
    about = " about it" if comparison.provenance.topic is not None else ""
    did = amplified(comparison.provenance)
    if headline.full.active is not None:
        n = headline.full.active.n_agents
        return Fact(
            f"{count(comparison.n_agents)} of {count(n)}",
            f"active accounts wrote{about} or were {did}. This report is about them here.",
        )
    label = f"{count(comparison.n_involved)} of {count(comparison.n_agents)}"
    wrote = f"accounts wrote{about} or were {did}."
    others = share_of_others(headline.full.tiers)
    if comparison.n_involved == comparison.n_agents:
        return Fact(label, wrote)
    return Fact(
        label,
        f"{wrote} The others carry {rounded(others)} just by being followed: "
        f"{parts_by_tier(headline.full.tiers)} of the tiers' shares.",
    )


def _sure(report: "TopicReport") -> Fact | None:
    intervals, control = headline_intervals(report), control_sample(report)
    if not intervals:
        return None
    top = tier_names(report.comparison.cutoffs)[0]
    text = f"is the 95 % interval of the share of the {top}."
    sample = None if report.headline is None else first_sample(report.headline)
    if control is not None and sample is not None and sample.protocol != control.protocol:
        drawn = [run.shares[0] for run in control.runs if run.shares is not None]
        accounts = sampled_accounts(control.protocol, control.size)
        text += (
            f" Samples of {accounts} say {rounded(control.tiers[0].share_mean)} on average, from "
            f"{rounded_range(min(drawn), max(drawn))}."
        )
    return Fact(rounded_range(intervals[0].low, intervals[0].high), text)


def _seen(report: "TopicReport") -> Fact:
    origin = report.provenance
    indicator = "" if report.headline is None else report.headline.indicator
    measure = f"Measure: {MEASURES.get(indicator, indicator)}."
    if origin.window is None:
        return Fact(indicator, f"{measure} A panel of your own has no window.")
    total, whole = _days(origin)
    seen = f"{percent(seen_fraction(origin))} of the window was seen"
    gaps = f"{seen}." if origin.gaps else "no gaps."
    if total and total == whole:
        return Fact(f"{whole} of {plural(total, 'day')}", f"seen whole; {gaps} {measure}")
    label = f"{whole} of {plural(total, 'day')}" if total else percent(seen_fraction(origin))
    return Fact(
        label,
        f"{f'seen whole{so_far(origin)}; {gaps}' if total else 'of the window seen.'} {measure}",
    )


def _days(origin: "Provenance") -> tuple[int, int]:
    """Return the number of whole UTC days in a window, and how many of them were seen whole."""
    window = origin.window
    assert window is not None  # noqa: S101 - asked before
    days, whole = window_days(window) or 0, 0
    for k in range(days):
        start, end = window.start + k * _DAY, window.start + (k + 1) * _DAY
        over = end if origin.so_far is None else min(end, origin.so_far)
        unseen = sum(
            (
                max(min(gap.end, end) - max(gap.start, start), timedelta())
                for gap in origin.gaps
            ),
            timedelta(),
        )  # fmt: skip
        whole += over - start - unseen >= _DAY - WHOLE
    return days, whole


def remarks(report: "TopicReport") -> list[str]:
    """Return what a reader must know before the numbers: no answers, and sizes that do not fit."""
    notes = [report.comparison.sizes_note] if report.comparison.sizes_note else []
    if report.headline is None:
        return notes
    return notes + [
        f"{one.indicator} has no answer on this panel: {one.undefined}."
        for one in report.comparison.indicators
        if one.undefined
    ]
