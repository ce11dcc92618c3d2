"""Collects the shares of a run from its reports."""

from typing import TYPE_CHECKING

from blueattr.indicators.find import find_indicator
from blueattr.report.parts.answer import about, tier_names
from blueattr.report.provenance import synthetic_banner
from blueattr.runs.basis import question_digest
from blueattr.runs.history.shares import IndicatorShares, RunShares, TopicShares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.runs.plan import Plan
    from blueattr.studies.topic import TopicReport

__all__ = ["found_shares"]


def found_shares(
    reports: "Sequence[TopicReport]", plan: "Plan", events: int, report: str = ""
) -> RunShares:
    """Collect the shares of all tiers from the reports of a run.

    Parameters
    ----------
    reports
        One for each topic, of one panel and window.
    plan
        What was asked.
    events, report
        As in `RunShares`.
    """
    origin = reports[0].provenance
    return RunShares(
        report=report,
        method_version=origin.method_version,
        events=events,
        banner=synthetic_banner(origin),
        topics=tuple(_topic(one, plan) for one in reports),
    )


def _topic(report: "TopicReport", plan: "Plan") -> TopicShares:
    origin, comparison = report.provenance, report.comparison
    names = tier_names(comparison.cutoffs)
    found = []
    for asked, one in zip(plan.question.indicators, comparison.indicators, strict=True):
        question = question_digest(plan, origin, find_indicator(asked))
        shares = tuple(tier.share for tier in one.full.tiers)
        tiers = names if shares else ()
        found.append(IndicatorShares(one.indicator, question, tiers, shares, one.undefined))
    first = "" if report.headline is None else report.headline.indicator
    found.sort(key=lambda one: one.indicator != first)
    return TopicShares(
        topic=origin.topic.name if origin.topic is not None else "all",
        title=about(origin),
        n_agents=comparison.n_agents,
        n_involved=comparison.n_involved,
        found=tuple(found),
    )
