"""A report as Markdown, for an issue, a README or a notebook: tables as GitHub has them."""

import re
from collections.abc import Iterator

from blueattr.report.escape import safe_text
from blueattr.report.formats.text import cell_text
from blueattr.report.tables import Block, Facts, Report, Table

__all__ = ["markdown_bytes"]


# Marks of text, code, links, HTML, tables and formulas; and what GitHub makes links of.
_MARK = re.compile(r"[\\`*_\[\]<>|~$&]|:(?=//)|(?<=www)\.", re.IGNORECASE)
# At the start of a paragraph: a list, a heading, a rule.
_START = re.compile(r"^([-+#=]|\d+(?=[.)]))")


def markdown_bytes(report: Report, *, verbose: bool = True) -> bytes:
    """Encode what a terminal shows of a report as Markdown, in UTF-8.

    Parameters
    ----------
    report
        Any.
    verbose
        Whether details and facts are included.

    Returns
    -------
    bytes
        Every text is shown as it is: none of it becomes a link, HTML, or another cell.
    """
    return "\n".join(
        line + "\n" for block in report.blocks(verbose=verbose) for line in _block(block)
    ).encode()


def _text(text: str) -> str:
    return _MARK.sub(lambda mark: "\\" + mark[0], safe_text(text).strip())


def _paragraph(text: str) -> str:
    return _START.sub(
        lambda start: start[0] + "\\" if start[0].isdigit() else "\\" + start[0], _text(text)
    )


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Facts):
        yield "\n".join(f"- {_paragraph(fact.label)}: {_text(fact.text)}" for fact in block.facts)
    elif block.kind == "warning":
        yield from (f"> **{text}**" for text in map(_text, block.texts) if text)
    elif block.kind == "plain":
        yield from map(_paragraph, block.texts)


def _table(table: Table) -> Iterator[str]:
    if title := _text(table.title):
        yield f"**{title}**"
    shown = table.shown
    columns = shown.columns
    rows = [
        [column.heading for column in columns],
        *(
            [cell_text(cell, column.kind) for cell, column in zip(row, columns, strict=True)]
            for row in shown.rows
        ),
    ]
    lines = ["| " + " | ".join(map(_text, row)) + " |" for row in rows]
    rule = (":--" if column.kind == "text" else "--:" for column in columns)
    yield "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])
    yield from map(_paragraph, table.notes)
