"""The records that carry most of each leader's value: as data, and as a page shows them."""

from typing import TYPE_CHECKING, Any

from blueattr.report.figures.agents import RANK
from blueattr.report.figures.exhibit import data_report
from blueattr.report.numbers import listed, plural
from blueattr.report.parts.records import RECORD
from blueattr.report.parts.shared_fields import INDICATOR, LEADER
from blueattr.report.tables import Cell, Report, Table

if TYPE_CHECKING:
    from blueattr.provenance import Provenance
    from blueattr.studies.carriers.leaders import Leader, Leaders
    from blueattr.studies.carriers.records import RecordValue

__all__ = ["posts_layout", "records_report"]


def records_report(leaders: "Leaders", origin: "Provenance") -> Report | None:
    """Lay out the records of the agents with the largest attribution; None if there are none."""
    columns = (
        *INDICATOR.columns(),
        *RANK.columns(),
        LEADER["did"].column(),
        LEADER["handle"].column(),
        *RECORD.columns(),
    )
    rows: list[tuple[Cell, ...]] = []
    for rank, agent in enumerate(leaders.agents, 1):
        for record in agent.records:
            who = (leaders.indicator, rank, agent.did, agent.handle)
            rows.append((*who, *RECORD.cells(record)))
    if not rows:
        return None
    table = Table(
        name="records",
        title=f"The records that carry most of each account's share of {leaders.indicator}",
        columns=columns[1:],
        rows=tuple(row[1:] for row in rows),
        bars="share",
    )
    return data_report("records", columns, rows, table, origin)


def posts_layout(leaders: "Leaders") -> list[dict[str, Any]]:
    """Lay out the records of each agent for the template, which escapes them.

    Parameters
    ----------
    leaders
        With records.
    """
    return [
        {
            "who": agent.handle or agent.did,
            "records": [_post(record, agent, leaders.indicator) for record in agent.records],
        }
        for agent in leaders.agents
        if agent.records
    ]


def _post(record: "RecordValue", agent: "Leader", indicator: str) -> dict[str, Any]:
    received = [
        plural(count, noun).replace("replys", "replies")
        for count, noun in (
            (record.replies_received, "reply"),
            (record.reposts_received, "repost"),
            (record.quotes_received, "quote"),
        )
        if count
    ]
    what = record.kind or "record"
    when = "" if record.time is None else f" of {record.time:%-d %B %Y, %H:%M} UTC"
    got = f", with {listed(received)} received" if received else ""
    return {
        "link": record.link,
        "name": f"{what.capitalize()}{when}",
        "uri": record.uri,
        "share": f"{100 * record.share:.2f} % of {indicator}{_of_own(record, agent)}{got}",
        "mark": "" if record.state == "counted" else _MARKS[record.state],
        "text": (record.text or "").replace("\n", " "),
        "title": record.title or "",
    }


_MARKS = {
    "off topic": "It is off topic itself: what counts are answers to it that are not.",
    "outside the window": "It is older than the window: what counts is what it received in it.",
    "unseen": "No source had it: what counts is what it received.",
}


def _of_own(record: "RecordValue", agent: "Leader") -> str:
    """Say how much of the agent's own share a record has, where that is a part of a whole."""
    if agent.value <= 0 or not 0 <= record.value <= agent.value:
        return ""
    return f", {100 * record.value / agent.value:.0f} % of the account's own"
