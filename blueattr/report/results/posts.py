"""Records, hours and days laid out as a report: what carried an indicator, and when."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.numbers import count, percent, plural, short
from blueattr.report.parts.answer import question_line, rounded
from blueattr.report.parts.first_screen import MORE
from blueattr.report.parts.records import RECORD
from blueattr.report.parts.shared_fields import (
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    INDICATOR,
    LEADER,
    SIZE,
)
from blueattr.report.provenance import (
    ORIGIN,
    origin_facts,
    origin_json,
    origin_warnings,
    panel_tables,
)
from blueattr.report.results.attributions import aggregator_text
from blueattr.report.tables import Cell, Column, Fact, Json, Report, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.studies.carriers.posts import DayPart, HourPart, Post, PostsResult, Rest
    from blueattr.studies.carriers.records import RecordValue
    from blueattr.studies.shape import Cascade

__all__ = [
    "AUTHOR",
    "CASCADES",
    "DAY",
    "HOUR",
    "LARGEST",
    "NO_POST",
    "OBJECTS",
    "POSTS",
    "REST",
    "SHAPE",
    "posts_report",
    "posts_table",
]


_UNIT = "the indicator's"
_OF_TIME = (
    "What its records are worth by activity, and what was received in it by influence "
    "([By record](methods.md#by-record))."
)
POSTS: "Fields[PostsResult]" = Fields(
    Field(
        "total",
        "The sum of all agents' values, as `blueattr attribute` has it: all `posts`, `rest` and "
        "`no_post` together, or all `hours` (or `days`) and `no_post`.",
        "float",
        _UNIT,
    ),
    Field(
        "split",
        "`exact`, or `convention` for gini: see [By feature](methods.md#by-feature).",
    ),
)
AUTHOR: "Fields[Any]" = Fields(LEADER["did"], LEADER["handle"])
REST: "Fields[Rest]" = Fields(
    Field("records", "How many records are not among `posts`.", "int", "records"),
    Field("value", "What they are worth together.", "float", _UNIT),
    Field("share", "`value` / `total`.", "share"),
    inside="rest",
)
NO_POST: "Fields[PostsResult]" = Fields(
    Field(
        "value",
        "What popularity carries, which is of no post and no hour.",
        "float",
        _UNIT,
        get=lambda result: result.popularity,
    ),
    Field(
        "share",
        "`value` / `total`.",
        "share",
        get=lambda result: result.popularity / result.total,
    ),
    inside="no_post",
)
OBJECTS: Fields[Any] = Fields(
    Field("posts", "The records with the largest values, `--top` of them: one object each."),
    Field("rest", "All other records together."),
    Field("no_post", "What popularity carries."),
    Field("hours", "One object for each UTC hour in which there is something."),
    Field("days", "One object for each UTC day in which there is something."),
    Field("shape", "The shape of the topic in time, and of its cascades."),
    Field(
        "largest",
        "The root of the cascade with most records; none without a cascade. Of one that was "
        "deleted only the sizes are shown.",
    ),
)
_EVENTS = "Posts, replies and reposts of the panel's agents, of the topic, in it."
HOUR: "Fields[HourPart]" = Fields(
    Field("hour", "The start of the hour; hours in which there is nothing are left out.", "time"),
    Field("events", _EVENTS, "int", "records"),
    Field("value", _OF_TIME, "float", _UNIT),
    Field("share", "`value` / `total`.", "share"),
    inside="hours",
)
DAY: "Fields[DayPart]" = Fields(
    Field("day", "The UTC day.", "date"),
    Field("events", _EVENTS, "int", "records"),
    Field(
        "value",
        "The sum of its hours. Another number than the share by day of `attribute --by day`, for "
        "which each day is a panel of its own.",
        "float",
        _UNIT,
    ),
    Field("share", "`value` / `total`.", "share"),
    inside="days",
)
SHAPE: "Fields[PostsResult]" = Fields(
    Field("peak", "The hour with most events, the first of equal ones.", "time",
          get=lambda result: result.peak_hour),
    Field("peak_events", "How many it has.", "int", "records",
          get=lambda result: None if result.peak is None else result.peak.events),
    Field("half_life", "Hours from the peak until half of what follows it is over; none if "
          "nothing follows.", "int", "hours",
          get=lambda result: None if result.peak is None else result.peak.half_life),
    Field("usual", "Mean events of the same hour on the window's earlier days; none if there are "
          "none.", "float", "records",
          get=lambda result: None if result.peak is None else result.peak.usual),
    Field("burst", "-log10 P(X ≥ `peak_events`) for a Poisson variable with mean `usual`; none if "
          "that is none or 0.", "float",
          get=lambda result: None if result.peak is None else result.peak.burst),
    inside="shape",
)  # fmt: skip
CASCADES: "Fields[PostsResult]" = Fields(
    Field("cascades", "How many posts were answered or reposted, and answer none themselves.",
          "int", "posts", get=lambda result: result.cascades and result.cascades.count),
    Field("depth", "The longest chain of answers and reposts from such a post.", "int",
          get=lambda result: result.cascades and result.cascades.depth),
    Field("width", "The most answers and reposts at one distance from such a post.", "int",
          "records", get=lambda result: result.cascades and result.cascades.width),
    inside="shape",
)  # fmt: skip


LARGEST: "Fields[Cascade]" = Fields(
    Field("records", "Answers and reposts in it, beside the root.", "int", "records"),
    Field("depth", "Its longest chain.", "int"),
    Field("width", "The most of its records at one distance from the root.", "int", "records"),
    inside="shape.largest",
)


def posts_report(result: "PostsResult") -> Report:
    """Lay out what carried an indicator, and when.

    Parameters
    ----------
    result
        The result of `blueattr.analysis.carriers.posts.posts_store`.

    Returns
    -------
    Report
        For people the posts with the largest values and the days; as data one row a post; as JSON
        also every hour.
    """
    origin = result.provenance
    return Report(
        kind="posts",
        summary=(
            question_line(origin, result.n_agents),
            _sentence(result),
            *_shape_sentences(result),
        ),
        tables=(_days_table(result),),
        lists=(posts_table(result.posts),) if result.posts else (),
        details=panel_tables(origin),
        more=MORE,
        facts=(
            Fact("split", f"by record, {result.split}"),
            Fact("aggregator", aggregator_text(result.aggregator)),
            *origin_facts(origin),
        ),
        warnings=origin_warnings(origin, marked=True),
        data=tidy_table(
            "posts",
            _TIDY,
            (
                {"post": post, "record": post.record, "result": result, "origin": origin}
                for post in result.posts
            ),
        ),
        content=_content(result),
    )


_TIDY = (
    ("result", INDICATOR),
    ("post", AUTHOR),
    ("record", RECORD),
    ("result", POSTS),
    ("result", SIZE),
    ("result", AGGREGATOR),
    ("origin", ORIGIN),
)


def _root(result: "PostsResult") -> dict[str, Json]:
    if result.largest is None:
        return {field.name: None for fields in (AUTHOR, RECORD) for field in fields}
    return {**AUTHOR.json(result.largest), **RECORD.json(result.largest.record)}


def _content(result: "PostsResult") -> dict[str, Json]:
    largest: Json = None
    if result.cascades is not None:
        largest = {**_root(result), **LARGEST.json(result.cascades.largest)}
    return {
        **INDICATOR.json(result),
        **POSTS.json(result),
        **SIZE.json(result),
        "posts": [{**AUTHOR.json(one), **RECORD.json(one.record)} for one in result.posts],
        "rest": REST.json(result.rest),
        "no_post": NO_POST.json(result),
        "days": [DAY.json(one) for one in result.days],
        "hours": [HOUR.json(one) for one in result.hours],
        "shape": {**SHAPE.json(result), **CASCADES.json(result), "largest": largest},
        **AGGREGATOR_OBJECT.json(result),
        **origin_json(result.provenance),
    }


# --- sentences ------------------------------------------------------------------------------------


def _sentence(result: "PostsResult") -> str:
    shown = sum(one.record.share for one in result.posts)
    parts = [
        *([f"the {plural(len(result.posts), 'post')} shown carry {rounded(shown)}"]
          if result.posts else []),
        *([f"{plural(result.rest.records, 'other record')} {rounded(result.rest.share)}"]
          if result.rest.records else []),
        f"popularity, which belongs to no post, {rounded(result.popularity / result.total)}",
    ]  # fmt: skip
    return f"{result.indicator} is {short(result.total)}: {'; '.join(parts)}."


def _shape_sentences(result: "PostsResult") -> tuple[str, ...]:
    peak, hour = result.peak, result.peak_hour
    if peak is None or hour is None:
        return ()
    text = f"Most happened in the hour from {hour:%H:%M} UTC on {hour:%-d %B %Y}: " + plural(
        peak.events, "record"
    )
    if peak.usual is not None:
        text += f", where {short(peak.usual)} were usual on earlier days"
    if peak.burst is not None:
        # They do not, so that this is a measure, and not a probability.
        odds = f" (1 in 10^{peak.burst:.0f}, if records came independently)"
        text += odds if peak.burst >= 1 else ""
    if peak.half_life is not None:
        text += f". Half of what followed was over {plural(peak.half_life, 'hour')} later"
    found = result.cascades
    if found is None:
        return (f"{text}.",)
    largest = found.largest
    trees = (
        f"{plural(found.count, 'post')} were answered or reposted; the largest cascade has "
        f"{plural(largest.records, 'record')}, is {plural(largest.depth, 'step')} deep and at most "
        f"{count(largest.width)} wide."
    )
    return f"{text}.", trees


# --- tables ---------------------------------------------------------------------------------------


def _days_table(result: "PostsResult") -> Table:
    return Table(
        name="days",
        title=f"What each day carries of {result.indicator}",
        columns=(
            DAY["day"].column(),
            DAY["events"].column(),
            Column("share", "share", "share"),
        ),
        rows=tuple((one.day, one.events, one.share) for one in result.days),
        notes=(
            f"popularity, which is of no day: {percent(result.popularity / result.total)}.",
            "A record counts on its own day, what it received on that of what others did.",
        ),
        bars="share",
    )


def posts_table(
    posts: "Sequence[Post]",
    title: str = "",
    notes: "Sequence[str]" = (),
    *,
    whole: float | None = None,
) -> Table:
    """Lay out records for people.

    Parameters
    ----------
    posts
        With their authors.
    title, notes
        Of the table.
    whole
        The value of the account that all of them are of: who wrote them is not said again, and
        what they carry is a part of it. None for posts of any account.
    """
    author = whole is None
    kinds = [
        kind
        for kind in ("replies", "reposts", "quotes")
        if any(getattr(one.record, f"{kind}_received") is not None for one in posts)
    ]
    rows: list[tuple[Cell, ...]] = []
    for one in posts:
        record = one.record
        rows.append((
            *([one.handle or one.did] if author else []), record.kind or record.state,
            None if record.time is None else f"{record.time:%Y-%m-%d %H:%M}",
            *(getattr(record, f"{kind}_received") for kind in kinds),
            _carried(record, whole), _words(record.text or record.title),
        ))  # fmt: skip
    return Table(
        name="posts",
        title=title,
        columns=(
            *([Column("account", "account")] if author else []),
            RECORD["kind"].column(),
            Column("time", "time, UTC", "figure"),
            *(Column(f"{kind}_received", kind, "int", priority=3) for kind in kinds),
            Column("share", "share" if author else "of its value", "figure", priority=0),
            Column("text", "text", priority=0, breaks=True),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _carried(record: "RecordValue", whole: float | None) -> str | None:
    if whole is None:
        return f"{100 * record.share:.2f} %"
    return f"{100 * record.value / whole:.2f} %" if whole else None


_LONGEST = 60


def _words(text: str | None) -> str | None:
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
