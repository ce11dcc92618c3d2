"""Groups of agents in a report: their fields, rows, tables and JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.numbers import percent, short
from blueattr.report.parts.communities import COMMUNITIES
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult
    from blueattr.attribution.groups.result import Group, GroupShares, Interaction
    from blueattr.report.tables import Json

__all__ = [
    "GROUP",
    "GROUPED",
    "GROUP_OBJECTS",
    "INTERACTION",
    "ROW",
    "GroupRow",
    "group_rows",
    "group_tables",
    "groups_json",
    "interaction_tables",
    "level_name",
    "shown_name",
    "spelled_levels",
]


_UNIT = "the indicator's"
_PAIR = "The two groups."
_LONGEST_NAME = 48
_MOST_ROWS, _MOST_PAIRS = 40, 12

GROUP: Fields[Any] = Fields(
    Field(
        "group",
        "The [group](groups.md), as the data name it; `unknown` for agents of whom it is unknown.",
    ),
    Field("agents", "How many agents are in it.", "int", "agents", heading="accounts"),
    Field("value", "Σφ_i over the group's agents.", "float", _UNIT),
    Field("share", "`value` / `attributed`.", "share"),
    Field(
        "owen",
        "The [Owen value](groups.md#the-owen-value) of the group: what it adds when groups enter "
        "whole, one after another in any order. They sum to `total`.",
        "float",
        _UNIT,
        heading="Owen",
    ),
    Field(
        "std_error",
        "Of `owen`, where orders of groups were drawn; else none.",
        "float",
        _UNIT,
    ),
    Field(
        "without_silent",
        "The indicator if the group [had done nothing](groups.md#the-panel-without-a-group): n "
        "stays.",
        "float",
        _UNIT,
        heading="if silent",
    ),
    Field(
        "without_absent",
        "The indicator on the [panel without the group](groups.md#the-panel-without-a-group); none "
        "where that has no agents, or the indicator no value on it.",
        "float",
        _UNIT,
        heading="if absent",
    ),
    Field(
        "agents_involved",
        "How many of the group's agents were [involved](methods.md#who-is-on-the-panel).",
        "int",
        "agents",
        heading="involved",
    ),
    Field("share_involved", "The part of the group's `share` that these carry.", "share"),
)
"""What all forms have of a group."""

INTERACTION: "Fields[Interaction]" = Fields(
    Field("group", _PAIR),
    Field("other", _PAIR),
    Field(
        "value",
        "Their [interaction](groups.md#interactions): of each pair of their agents along the "
        "diagonal, summed up; none where the integrals do not converge.",
        "float",
        _UNIT,
    ),
    Field(
        "merged",
        "v of both groups alone, less v of each: what they are more together than apart.",
        "float",
        _UNIT,
    ),
    inside="interactions",
)

GROUPED: "Fields[GroupShares]" = Fields(
    Field(
        "by",
        "What groups the agents, one name a level, the outer one first.",
        get=lambda groups: ",".join(groups.by),
        json=lambda groups: groups.by,
    ),
    Field(
        "owen_rule",
        "`value`: the Owen value equals the value, by theorem; `exact`: from all coalitions of "
        "groups; `sampled`: from orders of groups that were drawn.",
        get=lambda groups: groups.owen,
    ),
    Field("orders", "How many orders were drawn; none where none were.", "int", "orders"),
)

GROUP_OBJECTS: Fields[Any] = Fields(
    Field(
        "groups",
        "One object for each group; of two levels, in each one for each group within it.",
    ),
    Field("interactions", "One object for each pair of the first 16 groups."),
    Field("joined", "Small groups that were joined into the last one, by name."),
    Field("group_notes", "What else a reader must know of the groups, a sentence each."),
)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A tidy row of a group; of two levels, of an outer group or of one within it."""

    group: str
    inner_group: str | None
    of: "Group"


def group_rows(groups: "GroupShares") -> Iterator[GroupRow]:
    """Yield each group, and after it the groups within it."""
    for one in groups.groups:
        yield GroupRow(one.group, None, one)
        yield from (GroupRow(one.group, inner.group, inner) for inner in one.groups)


def _of_row(field: Field[Any]) -> Field[GroupRow]:
    return Field(
        field.name, field.sentence, field.kind, field.unit, get=lambda row: field.value(row.of)
    )


ROW: Fields[Any] = Fields(
    GROUP["group"],
    Field(
        "inner_group",
        "In CSV and Parquet, of two levels: the group within `group`; none in the row of the whole "
        "group.",
    ),
    *(_of_row(one) for one in GROUP if one.name != "group"),
)


def groups_json(groups: "GroupShares | None") -> "dict[str, Json]":
    """Return what JSON has of groups; nothing where they were not asked for."""
    if groups is None:
        return {}
    return {
        **GROUPED.json(groups),
        "groups": [_group_json(one, nested=len(groups.by) > 1) for one in groups.groups],
        "interactions": [INTERACTION.json(one) for one in groups.interactions],
        "joined": list(groups.joined),
        "group_notes": list(groups.notes),
        "communities": None if groups.communities is None else COMMUNITIES.json(groups.communities),
    }


def _group_json(group: "Group", *, nested: bool) -> "dict[str, Json]":
    inner: dict[str, Json] = {}
    if nested:
        inner = {
            "groups": [_group_json(one, nested=False) for one in group.groups],
            "joined": list(group.joined),
        }
    return {**GROUP.json(group), **inner}


# --- tables for people ----------------------------------------------------------------------------


def shown_name(name: str) -> str:
    """Return the name of a group, cut if it is long; formats make it harmless."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def spelled_levels(groups: "GroupShares") -> str:
    """Return what groups the agents, in words."""
    return " and ".join(map(level_name, groups.by))


_IN_WORDS = {"lang": "language", "domain:links": "linked domain"}


def level_name(level: str) -> str:
    """Return what groups the agents, in short: a file without its folder."""
    if level in _IN_WORDS:
        return _IN_WORDS[level]
    column = level.removeprefix("column:")
    is_file = column == level and PurePath(level).suffix
    return shown_name(PurePath(level).name if is_file else column)


def group_tables(results: "Sequence[AttributionResult]") -> tuple[Table, ...]:
    """Lay out the groups of each indicator; nothing where they were not asked for."""
    several = len(results) > 1
    return tuple(
        _group_table(result, result.groups, several=several)
        for result in results
        if result.groups is not None
    )


def _group_table(result: "AttributionResult", groups: "GroupShares", *, several: bool) -> Table:
    nested, owen = len(groups.by) > 1, groups.owen != "value"
    others = result.n_involved < result.n_agents
    columns = [Column("group", level_name(groups.by[0]) if nested else "group", priority=0)]
    if nested:
        columns.append(Column("inner_group", level_name(groups.by[1]), priority=0))
    columns += [
        GROUP["agents"].column(),
        GROUP["share"].column("figure"),
        *([GROUP["owen"].column("figure")] if owen else []),
        GROUP["without_silent"].column("figure"),
        GROUP["without_absent"].column("figure"),
        *([Column("agents_involved", "involved", "int", priority=2)] if others else []),
    ]
    rows: list[tuple[Cell, ...]] = []
    for row in group_rows(groups):
        one = row.of
        names = [shown_name(row.group)]
        if nested:
            inner = row.inner_group
            names = [*names, ""] if inner is None else ["", shown_name(inner)]
        rows.append((
            *names,
            one.agents,
            percent(one.share),
            *([_owen(one, result.total)] if owen else []),
            _change(one.without_silent, result.total),
            _change(one.without_absent, result.total),
            *([one.agents_involved] if others else []),
        ))  # fmt: skip
    by = spelled_levels(groups)
    title = f"{result.indicator} by {by}" if several else f"By {by}"
    table = Table(
        name=f"groups_{result.indicator}",
        title=title,
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(*_notes(result, groups), *groups.notes),
    )
    return table.first(_MOST_ROWS)


def _owen(group: "Group", total: float) -> str:
    share = percent(group.owen / total, unit=group.std_error is None)
    if group.std_error is None:
        return share
    return f"{share} ± {percent(group.std_error / abs(total))}"


def _change(value: float | None, total: float) -> str | None:
    """Write by how much an indicator is less, or more, without a group."""
    if value is None:
        return None
    change = percent(value / total - 1)
    return change if change.startswith("-") or change == "0.0 %" else f"+{change}"


def _notes(result: "AttributionResult", groups: "GroupShares") -> Iterator[str]:
    name = result.indicator
    if groups.owen == "value":
        yield (
            f"The Owen value of {name}, by which groups enter whole, is the share: for this "
            "indicator it is so for all groups."
        )
    elif groups.owen == "exact":
        yield "Owen: what a group adds if groups enter whole, in any order; as a part of the whole."
    else:
        yield (
            f"Owen: what a group adds if groups enter whole, in any order; from {groups.orders:,} "
            "orders, with a standard error."
        )
    yield f"if silent: the change of {name} if the group had done nothing."
    yield "if absent: its change if the group were not on the panel, so that n is smaller."
    counted = len(groups.joined)
    if counted:
        apart = "" if groups.owen == "sampled" else "; --many-groups sample tells them apart"
        yield f"The last row is {counted:,} small groups, joined{apart}."
    inner = sum(len(one.joined) for one in groups.groups)
    if inner:
        yield f"{inner:,} small groups within others are joined, too."


def interaction_tables(results: "Sequence[AttributionResult]") -> tuple[Table, ...]:
    """Lay out the pairs of groups that do most together or against one another."""
    several = len(results) > 1
    return tuple(
        _interaction_table(result, result.groups, several=several)
        for result in results
        if result.groups is not None and result.groups.interactions
    )


def _interaction_table(
    result: "AttributionResult", groups: "GroupShares", *, several: bool
) -> Table:
    pairs = sorted(
        groups.interactions,
        key=lambda one: -abs(one.merged if one.value is None else one.value),
    )
    notes = [
        "value: what pairs of their agents do together, summed up along the diagonal.",
        "merged: what both groups are more together than apart.",
    ]
    if any(one.value is None for one in pairs):
        notes.append(f"{result.indicator} has no such value: its slope is infinite at 0.")
    if len(pairs) > _MOST_PAIRS:
        notes.append(f"The largest {_MOST_PAIRS} of {len(pairs):,} pairs; --format json has all.")
    return Table(
        name=f"interactions_{result.indicator}",
        title=f"Interactions of groups ({result.indicator})" if several else "Interactions",
        columns=(
            Column("group", "group"),
            Column("other", "and"),
            Column("value", "value", "figure"),
            Column("merged", "merged", "figure"),
        ),
        rows=tuple(
            (
                shown_name(one.group),
                shown_name(one.other),
                None if one.value is None else short(one.value),
                short(one.merged),
            )
            for one in pairs[:_MOST_PAIRS]
        ),
        notes=tuple(notes),
    )
