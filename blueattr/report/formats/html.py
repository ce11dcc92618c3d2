"""Tables as HTML, and the templates, which escape all text from outside."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from blueattr.report.escape import safe_text
from blueattr.report.formats.text import cell_text
from blueattr.report.numbers import MINUS, iso, short
from blueattr.report.parts.ranks import RANK_CHOICES, rank_cells, rank_columns, rank_notes
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from blueattr.studies.carriers.leaders import Leaders

__all__ = ["environment", "leaders_layout", "table_layout"]


# What one expression of the template shows at most; longer text ends in a note of how much more.
_LONGEST_TEXT = 4_000
_LONGEST_CELL = 300
_LONGEST_WORD = 24
_PER_CENT = re.compile(r"(?<=\d) %")
_SIGN = re.compile(r"(?<!\w)-(?=\d)")
# What a narrow screen leaves out.
_ASIDE = "aside"
_LONGEST_DID = 20
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]+")
_DID_START = 14
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_COUNTED = ("written", "received", "followers")


@cache
def environment() -> Environment:
    """Return the templates' environment, which escapes the value of every expression."""
    templates = Environment(
        loader=PackageLoader("blueattr.report"),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["whole"] = _whole
    templates.filters["prose"] = _prose
    return templates


def _visible(value: object) -> object:
    """Spell out hidden and control characters in everything that the template shows."""
    return safe_text(value, _LONGEST_TEXT) if type(value) is str else value


def _whole(value: str) -> Markup:
    """Show text that must stay whole, such as a command to copy."""
    return escape(safe_text(value, None))


def _prose(sentence: str) -> str:
    """Keep numbers and their per cent signs on one line."""
    return _PER_CENT.sub("\u00a0%", sentence)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell: what is shown, and what it is exactly where that is a number or a time."""

    text: str
    kind: str = "text"
    tag: str = "td"
    classes: str = ""
    exact: str | None = None
    time: str | None = None
    words: tuple[str, ...] = ()
    did: str = ""
    whole_did: str = ""
    handle: str | None = None
    link: str | None = None


_RIGHT = {"int", "float", "share", "figure"}


def _short_did(did: str) -> str:
    """Return the ends of a long DID, which tell accounts apart as well as all of it."""
    return did if len(did) <= _LONGEST_DID else f"{did[:_DID_START]}\u2026{did[-4:]}"


def table_layout(
    table: Table, name: str, *, grouped: bool = False, aside: Collection[str] = ()
) -> dict[str, Any]:
    """Lay out a table for the template.

    Parameters
    ----------
    table
        Any.
    name
        Its id in the page.
    grouped
        Show equal cells of the first column as one that spans their rows.
    aside
        Names of columns that a narrow screen leaves out.
    """
    shown = table.shown
    visible_columns, rows = shown.columns, shown.rows
    is_aside = [column.name in aside for column in visible_columns]
    if grouped:
        groups = [
            {
                "name": safe_text(str(key), _LONGEST_CELL),
                "rows": [_row(visible_columns[1:], row[1:], header=True) for row in of_key],
            }
            for key, of_key in groupby(rows, key=lambda row: row[0])
        ]
    else:
        cells = [_row(visible_columns, row, header=True) for row in rows]
        groups = [{"name": "", "rows": [_put_aside(row, is_aside) for row in cells]}]
    return {
        "id": name,
        "title": table.title,
        "columns": [
            {"heading": column.heading, "classes": _beside(_classes(column, column.heading), left)}
            for column, left in zip(visible_columns, is_aside, strict=True)
        ],
        "groups": groups,
        "notes": _notes(table.notes, [c for c in visible_columns if c.name in aside]),
    }


def _notes(notes: Iterable[str], left_out: Iterable[Column]) -> list[dict[str, str]]:
    """Leave out with a column the note that explains it, which begins with its heading."""
    beginnings = tuple(f"{column.heading}: " for column in left_out)
    return [{"text": note, "classes": _ASIDE * note.startswith(beginnings)} for note in notes]


def _put_aside(row: list[_Cell], is_aside: list[bool]) -> list[_Cell]:
    return [
        replace(cell, classes=_beside(cell.classes, left))
        for cell, left in zip(row, is_aside, strict=True)
    ]


def _beside(classes: str, left: bool) -> str:
    """Mark what a narrow screen leaves out."""
    return f"{classes} {_ASIDE}".strip() if left else classes


def _row(columns: Iterable[Column], row: Iterable[Cell], *, header: bool) -> list[_Cell]:
    cells = [_cell(cell, column) for column, cell in zip(columns, row, strict=True)]
    if header:
        cells[0] = replace(cells[0], tag="th")
    return cells


def _cell(cell: Cell, column: Column) -> _Cell:
    words = (
        short(cell)
        if isinstance(cell, float) and column.kind == "float"
        else cell_text(cell, column.kind)
    )
    text = safe_text(words, _LONGEST_CELL)
    if _DID.fullmatch(text):
        shown = _short_did(text)
        classes = "long" if shown != text else _classes(column, text)
        return _Cell("", "agent", classes=classes, did=shown, whole_did=text)
    if column.kind in _RIGHT:
        # A number keeps its sign; a line may end before its deviation.
        text = text.replace(" %", "\u00a0%").replace("± ", "±\u00a0")
        text = _SIGN.sub(MINUS, text)
    exact = repr(cell) if column.kind in {"int", "float", "share"} and cell is not None else None
    time = iso(cell) if isinstance(cell, date) else None
    # A line may end between a day and its time, and nowhere else in them.
    parts = tuple(text.split()) if _MOMENT.fullmatch(text) else ()
    return _Cell(text, classes=_classes(column, text), exact=exact, time=time, words=parts)


def _classes(column: Column, text: str) -> str:
    """Align numbers to the right, keep days on a line, and break only the longest words."""
    classes = ["num"] if column.kind in _RIGHT else []
    if column.kind == "date":
        classes.append("nowrap")
    if any(len(word) > _LONGEST_WORD for word in text.split()):
        classes.append("long")
    return " ".join(classes)


def leaders_layout(leaders: "Leaders", table: Table, name: str) -> dict[str, Any]:
    """Lay out agents with a link under the handle, or under the DID where no handle is known.

    Parameters
    ----------
    leaders, table, name
        The agents, the table of all about them, and its id in the page.
    """
    agents = leaders.agents
    names = [column.name for column in table.columns]
    sure = rank_columns(agents, leaders.intervals)
    counted = any(agent.posts is not None for agent in agents)
    kept = ("tier", *_COUNTED, "share") if counted else ("tier", "a", "b", "c", "value", "share")
    columns = [table.columns[names.index(one)] for one in kept]
    rows = []
    for agent, row in zip(agents, table.rows, strict=True):
        handle = None if agent.handle is None else safe_text(agent.handle, _LONGEST_CELL)
        did = safe_text(agent.did, _LONGEST_CELL)
        who = _Cell(
            "",
            "agent",
            "th",
            "long",
            did=_short_did(did),
            whole_did=did,
            handle=handle,
            link=agent.link,
        )
        cells = _row(columns, [row[names.index(one)] for one in kept], header=False)
        cells[0] = replace(cells[0], classes=_ASIDE)
        cells += [
            replace(_cell(text, column), classes=_leader_classes(column, text))
            for text, column in zip(rank_cells(agent, sure), sure, strict=True)
        ]
        rows.append([_cell(row[0], table.columns[0]), who, *cells])
    return {
        "id": name,
        "title": table.title,
        "columns": [
            {"heading": "rank", "classes": "num"},
            {"heading": "account", "classes": ""},
            *(
                {
                    "heading": column.heading,
                    "classes": _ASIDE
                    if column.name == "tier"
                    else _leader_classes(column, column.heading),
                }
                for column in (*columns, *sure)
            ),
        ],
        "groups": [{"name": "", "rows": rows}],
        "notes": _notes(
            rank_notes(agents, leaders.intervals), [c for c in sure if c.name == RANK_CHOICES]
        ),
    }


def _leader_classes(column: Column, text: str) -> str:
    """Leave out on a narrow screen what it has no room for."""
    classes = _classes(column, text)
    return f"{classes} {_ASIDE}" if column.name == RANK_CHOICES else classes
