"""What the conditions of a run measure, taken from its reports and its store."""

from typing import TYPE_CHECKING

from blueattr.panel import topics
from blueattr.panel.measured import LEADERS, busiest_hour, made_in_week
from blueattr.store.database import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.notify.condition import Condition
    from blueattr.panel.query import PanelQuery
    from blueattr.studies.topic import TopicReport

__all__ = ["measured"]


def measured(
    conditions: "Sequence[Condition]", reports: "Sequence[TopicReport]", query: "PanelQuery"
) -> dict[str, float | None]:
    """Measure what conditions are about.

    Parameters
    ----------
    conditions
        What to measure.
    reports
        Of one run.
    query
        Their store, with the window of the reports.

    Returns
    -------
    dict
        A value for the key of each condition; None where there is none, such as the share of a
        group that nobody is in. Shares are in percent.
    """
    by_topic = {_name(report): report for report in reports}
    values: dict[str, float | None] = {}
    for one in conditions:
        report = by_topic.get(one.topic)
        values[one.key] = None if report is None else _value(one, report, query)
    return values


def _name(report: "TopicReport") -> str:
    topic = report.provenance.topic
    return topics.ALL if topic is None else topic.name


def _value(condition: "Condition", report: "TopicReport", query: "PanelQuery") -> float | None:
    match condition.measure:
        case "agents":
            value: float | None = report.comparison.n_agents
        case "involved":
            value = report.comparison.n_involved
        case "participants":
            value = _participants(condition.topic, report, query)
        case "new-accounts":
            value = _new_accounts(report, query)
        case _:
            value = _of_group(condition, report) if condition.group else _found(condition, report)
    return value


def _of_group(condition: "Condition", report: "TopicReport") -> float | None:
    groups = None if report.groups is None else report.groups.groups
    shares = {} if groups is None else {one.group: one.share for one in groups.groups}
    return _percent(shares.get(condition.group))


def _found(condition: "Condition", report: "TopicReport") -> float | None:
    """Return the share of a tier, or the total, of an indicator that has an answer."""
    wanted = condition.indicator or ("" if report.headline is None else report.headline.indicator)
    answered = {
        one.indicator: one.full for one in report.comparison.indicators if not one.undefined
    }
    if wanted not in answered:
        return None
    if condition.measure == "total":
        return answered[wanted].total
    tiers = {tier.tier: tier.share for tier in answered[wanted].tiers}
    return _percent(tiers.get(condition.tier))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _participants(name: str, report: "TopicReport", query: "PanelQuery") -> float:
    window = report.provenance.window
    assert window is not None  # noqa: S101 - it is of a store
    with Store.open(query.db, query.memory) as store:
        topic = topics.choose(store, name, None, query.topics_file)
        return busiest_hour(store, topic, query.influence, window)


def _new_accounts(report: "TopicReport", query: "PanelQuery") -> float | None:
    window, headline = report.provenance.window, report.headline
    if window is None or headline is None:
        return None
    leaders = next(one for one in report.leaders if one.indicator == headline.indicator)
    dids = [agent.did for agent in leaders.agents[:LEADERS]]
    with Store.open(query.db, query.memory) as store:
        return made_in_week(store, dids, window.end)
