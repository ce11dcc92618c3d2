"""Reports on topics, their participants by day, and the panel."""

from typing import TYPE_CHECKING

from blueattr.provenance import spell_window
from blueattr.report.drawn import drawn_json, drawn_warnings
from blueattr.report.fields import Fields
from blueattr.report.formats.json import table_json
from blueattr.report.numbers import count, plural
from blueattr.report.parts.involvement import involved_sentence
from blueattr.report.parts.shared_fields import SIZE
from blueattr.report.provenance import (
    GAP,
    WINDOW,
    gap_warnings,
    origin_facts,
    origin_json,
    origin_warnings,
    panel_table,
    time_warnings,
    times_json,
)
from blueattr.report.tables import Column, Fact, Report, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.analysis.panel import PanelResult
    from blueattr.panel.topics import Topic, TopicDays

__all__ = ["panel_report", "topic_days_report", "topics_report"]


# Facts that a panel does not depend on: it is made before a topic is matched or counted.
_NOT_OF_A_PANEL = ("topic", "feature scale", "popularity")
_INVOLVED: "Fields[PanelResult]" = Fields(SIZE["n_agents"], SIZE["n_involved"])


def topics_report(topics: "Sequence[Topic]") -> Report:
    """Lay out topics and the words that they match."""
    return Report(
        kind="topics",
        tables=(
            Table(
                name="topics",
                title="Topics",
                columns=(
                    Column("topic", "topic"),
                    Column("title", "title"),
                    Column("category", "category"),
                    Column("origin", "defined by"),
                ),
                rows=tuple((t.name, t.title, t.category, t.origin) for t in topics),
                notes=("The published keyword lists are not known; these are our own.",),
            ),
        ),
        facts=tuple(Fact(topic.name, ", ".join(_matches(topic))) for topic in topics),
        data=Table(
            name="matches",
            title="",
            columns=tuple(
                Column(name, name)
                for name in ("topic", "title", "category", "kind", "matches", "origin")
            ),
            rows=tuple(
                (topic.name, topic.title, topic.category, kind, match, topic.origin)
                for topic in topics
                for kind, matches in _kinds(topic)
                for match in matches
            ),
        ),
        content={
            "topics": [
                {
                    "topic": topic.name,
                    "title": topic.title,
                    "category": topic.category,
                    "origin": topic.origin,
                    **{f"{kind}s": list(matches) for kind, matches in _kinds(topic)},
                }
                for topic in topics
            ]
        },
    )


def _kinds(topic: "Topic") -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("keyword", topic.keywords),
        ("hashtag", topic.hashtags),
        ("pattern", topic.patterns),
    )


def _matches(topic: "Topic") -> list[str]:
    return [
        *topic.keywords,
        *(f"#{tag}" for tag in topic.hashtags),
        *(f"/{pattern}/" for pattern in topic.patterns),
    ]


_PARTICIPANTS = (
    "Participants are all accounts that wrote about the topic on the day; the panel's filters are "
    "not applied."
)


def topic_days_report(results: "Sequence[TopicDays]") -> Report:
    """Lay out participants and events of topics by day, and the verdict on the criterion."""
    days = Table(
        name="days",
        bars="participants",
        title="Participants and events by day (UTC)",
        columns=(
            Column("topic", "topic"),
            Column("day", "day", "date"),
            Column("participants", "participants", "int"),
            Column("events", "events", "int"),
        ),
        rows=tuple(
            (result.topic.name, *row) for result in results for row in result.days.iter_rows()
        ),
        notes=(_PARTICIPANTS,),
    )
    verdicts = Table(
        name="topics",
        title="Criterion: at least 1,000 participants on each of at least 10 days",
        columns=(
            Column("topic", "topic"),
            Column("days_over", "days with 1,000 or more", "int"),
            Column("days", "days of the window", "int"),
            Column("events", "events", "int"),
            Column("holds", "holds", "bool"),
        ),
        rows=tuple(
            (
                result.topic.name,
                result.days_over,
                len(result.days),
                int(result.days["events"].sum()),
                result.holds,
            )
            for result in results
        ),
    )
    window, influence, origin = results[0].window, results[0].influence, results[0].provenance
    return Report(
        kind="topic_days",
        tables=(days, verdicts),
        facts=(Fact("window", spell_window(window)),),
        warnings=(
            *gap_warnings(origin.gaps),
            *time_warnings(origin.time_from),
            *drawn_warnings(origin),
            *([influence.note] if influence.note else []),
        ),
        content={
            "window": WINDOW.json(window),
            "gaps": [GAP.json(gap) for gap in origin.gaps],
            **times_json(origin.time_from),
            **drawn_json(origin),
            "influence": list(influence.kinds),
            "notes": [influence.note] if influence.note else [],
            "topics": table_json(verdicts),
            "days": table_json(days),
        },
    )


def panel_report(result: "PanelResult") -> Report:
    """Lay out how many accounts each filter of a panel removed, and who is involved in a topic."""
    origin = result.provenance
    table = panel_table(origin.panel)
    last = origin.panel[-1]
    summary = [f"{plural(last.after, 'agent')} of {count(origin.panel[0].before)} active accounts."]
    of_none: tuple[str, ...] = _NOT_OF_A_PANEL
    content = origin_json(origin)
    if result.n_involved is not None:
        summary.append(involved_sentence(result))
        of_none = tuple(label for label in of_none if label != "topic")
        content |= _INVOLVED.json(result)
    return Report(
        kind="panel",
        summary=tuple(summary),
        tables=(table,),
        facts=tuple(fact for fact in origin_facts(origin) if fact.label not in of_none),
        warnings=origin_warnings(origin),
        content=content,
    )
