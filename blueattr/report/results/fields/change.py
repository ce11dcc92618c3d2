"""The fields of a change: totals, parts by kind and by tier, the accounts, and the two windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.parts.shared_fields import LEADER, SIZE, TOTALS
from blueattr.report.parts.shared_fields import TIER as SHARED_TIER
from blueattr.report.provenance import ORIGIN, ORIGIN_OBJECT

if TYPE_CHECKING:
    from blueattr.attribution.change.result import ChangePart, ChangeResult, WindowValue
    from blueattr.provenance import Provenance, Window
    from blueattr.studies.carriers.movers import Mover

__all__ = [
    "CHANGE",
    "COMMON",
    "COMMON_COLUMNS",
    "DATES",
    "GROUP",
    "GROUP_OBJECTS",
    "KIND",
    "KIND_WORDS",
    "MOVER",
    "OBJECTS",
    "ROW",
    "RULE",
    "SEEN",
    "SIZE_WORDS",
    "TIER",
    "WINDOW_VALUE",
    "ChangeRow",
    "change_rows",
]


KIND_WORDS = {
    "entered": "came",
    "left": "went",
    "raised": "did more",
    "lowered": "did less",
    "same": "did the same",
}
"""Kinds for people, to end a sentence that begins with *accounts that*."""

SIZE_WORDS = "the panel's size"


_UNIT = "the indicator's"
_TOTAL = (
    "v(N) in each window on its own panel: what `blueattr attribute` prints as `total`, to the "
    "bit; 0 where it has no answer because the indicator is 0."
)
CHANGE: "Fields[ChangeResult]" = Fields(
    Field("total_before", _TOTAL, "float", _UNIT, get=lambda result: result.before.total),
    Field("total_after", _TOTAL, "float", _UNIT, get=lambda result: result.after.total),
    Field("change", "`total_after` - `total_before`.", "float", _UNIT),
    Field(
        "size",
        "What [the panel's size](change.md#what-they-did-and-the-size-of-the-panel) adds. With the "
        "values of all `kinds`, or of all `tiers`, it sums to `change`.",
        "float",
        _UNIT,
    ),
    Field("movement", r"Σ\|φ_i\|: what all agents added and took away, together.", "float", _UNIT),
    Field(
        "movement_ratio",
        r"`movement` / \|`change`\|, at least 1; none where `undefined` says why.",
        "float",
        "times",
    ),
    Field(
        "undefined",
        get=lambda result: result.undefined or None,
    ),
    Field("n_either", "Agents of either panel.", "int", "agents", get=lambda r: r.n_agents),
)
_VALUE: Field[Any] = Field(
    "value",
    "What they [added by what they did](change.md#what-they-did-and-the-size-of-the-panel), "
    "Σ own_i; the part of the panel's size is not in it.",
    "float",
    _UNIT,
)
_SHARE: Field[Any] = Field("share", "`value` / `change`; none where `undefined` says why.", "share")
_AGENTS: Field[Any] = Field("agents", "How many agents, of either panel.", "int", "agents")
_INVOLVED: tuple[Field[Any], ...] = (
    Field(
        "agents_involved",
        "How many of them were [involved](methods.md#who-is-on-the-panel) in at least one window.",
        "int",
        "agents",
    ),
    Field("value_involved", "The part of `value` that these added.", "float", _UNIT),
)
KIND: "Fields[ChangePart]" = Fields(
    Field(
        "kind",
        "[What they did](change.md#kinds-and-tiers): `entered`, `left`, `raised`, `lowered` or "
        "`same`.",
        get=lambda part: part.name,
    ),
    _AGENTS,
    _VALUE,
    _SHARE,
    *_INVOLVED,
)
TIER: "Fields[ChangePart]" = Fields(
    Field("tier", get=lambda part: part.name),
    _AGENTS,
    _VALUE,
    _SHARE,
    *_INVOLVED,
)
GROUP: "Fields[ChangePart]" = Fields(
    Field(
        "group",
        "The [group](groups.md), that of the window after where an agent is in both.",
        get=lambda part: part.name,
    ),
    _AGENTS,
    _VALUE,
    _SHARE,
    *_INVOLVED,
)
GROUP_OBJECTS: Fields[Any] = Fields(
    Field("by", "What groups the agents, as the only one of a list."),
    Field("groups", "One object for each group, where they were asked for."),
    Field("joined", "Small groups, beyond 16, that were joined into the last one, by name."),
)
_WRITTEN = "Posts, replies and reposts of the topic that it wrote in each window."
_RECEIVED = "Replies and reposts on the topic that it received from others in each window."
_FOLLOWS = "Follows that it received in each window."
_NAMED: Fields[Any] = Fields(LEADER["did"], LEADER["handle"], LEADER["link"])
MOVER: "Fields[Mover]" = Fields(
    _NAMED["did"],
    _NAMED["handle"],
    SHARED_TIER["tier"],
    Field("kind"),
    _VALUE,
    _SHARE,
    Field("written_before", _WRITTEN, "int", "records"),
    Field("written_after", _WRITTEN, "int", "records"),
    Field("received_before", _RECEIVED, "int", "records"),
    Field("received_after", _RECEIVED, "int", "records"),
    Field("follows_before", _FOLLOWS, "int", "follows"),
    Field("follows_after", _FOLLOWS, "int", "follows"),
    Field(
        "followers",
        "What ranks it: in the window after, or before if it left.",
        "float",
        "accounts",
    ),
    _NAMED["link"],
)
RULE: "Fields[ChangeResult]" = Fields(
    Field(
        "rule",
        "How the [integrals](change.md#the-integrals) were computed: `closed form` or "
        "`Gauss-Legendre`.",
    ),
    Field("nodes", "At how many points; none for a closed form.", "int", "points"),
)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A tidy row of a change: of a kind, of the panel's size, or of a tier."""

    part: str
    name: str
    agents: int | None
    value: float
    share: float | None
    agents_involved: int | None = None
    value_involved: float | None = None


def change_rows(result: "ChangeResult") -> Iterator[ChangeRow]:
    """Yield the rows of a change: kinds, then the panel's size, then tiers."""
    yield from (_row("kind", one) for one in result.kinds)
    share = None if result.undefined else result.size / result.change
    yield ChangeRow("size", "size", None, result.size, share)
    yield from (_row("tier", one) for one in result.tiers)
    yield from (_row("group", one) for one in result.groups)


def _row(part: str, one: "ChangePart") -> ChangeRow:
    return ChangeRow(
        part, one.name, one.agents, one.value, one.share, one.agents_involved, one.value_involved
    )


ROW: Fields[ChangeRow] = Fields(
    Field(
        "part",
        "In CSV and Parquet: a `kind`, the `size`, a `tier` or a `group`. Kinds and the size sum "
        "to the change; so do tiers and the size, and groups and the size. On a terminal, what "
        "the row adds.",
    ),
    Field("name", "In CSV and Parquet: which kind, tier or group."),
    _AGENTS,
    _VALUE,
    _SHARE,
    *_INVOLVED,
)
_DATES = "The ends of the two windows, in CSV and Parquet."


def _end(which: str, end: str) -> "Field[ChangeResult]":
    def get(result: "ChangeResult") -> datetime | None:
        window: Window | None = getattr(result, which).provenance.window
        return None if window is None else getattr(window, end)

    return Field(f"{which}_{end}", _DATES, "time", get=get)


DATES: "Fields[ChangeResult]" = Fields(
    *(_end(which, end) for which in ("before", "after") for end in ("start", "end"))
)
OBJECTS: Fields[Any] = Fields(
    Field("kinds", "One object for each of the five kinds."),
    Field(
        "accounts",
        "The accounts with the largest parts, up or down, `--top` of them: one object each.",
    ),
    Field("before", "The two windows: what is theirs alone."),
    Field("after", "The two windows: what is theirs alone."),
)
WINDOW_VALUE: "Fields[WindowValue]" = Fields(SIZE["n_agents"], SIZE["n_involved"], TOTALS["total"])
SEEN: "Fields[Provenance]" = Fields(
    *(ORIGIN_OBJECT[name] for name in ("window", "gaps", "so_far", "panel"))
)
COMMON: "Fields[Provenance]" = Fields(
    *(one for one in ORIGIN_OBJECT if one.name not in {"window", "gaps", "so_far", "panel"})
)
COMMON_COLUMNS: "Fields[Provenance]" = Fields(
    *(
        one
        for one in ORIGIN
        if one.name not in {"window_start", "window_end", "gaps", "gap_seconds"}
    )
)
