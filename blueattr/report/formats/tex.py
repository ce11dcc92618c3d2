"""A report as LaTeX, for a paper: each table with its title as caption and its notes below."""

import re
from collections.abc import Iterator

from blueattr.report.escape import safe_text
from blueattr.report.formats.text import cell_text
from blueattr.report.numbers import UNDEFINED
from blueattr.report.tables import Block, Cell, Column, Facts, Report, Table

__all__ = ["tex_bytes"]


_HEAD = (
    "% Needs \\usepackage{booktabs}. Names in other scripts than Latin need LuaLaTeX or XeLaTeX,\n"
    "% and a font that has them.\n"
)
_SPELLINGS = str.maketrans({
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"\char34{}",  # a shorthand of some languages
    "[": "{[}",  # after the end of a row, an option
    "]": "{]}",
    "*": "{*}",
    "\u00a0": "~",
    "±": r"$\pm$",
    "×": r"$\times$",  # noqa: RUF001 - the sign is what is spelled
    "·": r"$\cdot$",
    "λ": r"$\lambda$",
    "τ": r"$\tau$",
    "φ": r"$\varphi$",
    "Σ": r"$\Sigma$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "\u2212": "$-$",
    "–": r"\textendash{}",  # noqa: RUF001 - the dash is what is spelled
    "—": r"\textemdash{}",
    "…": r"\dots{}",
    "‘": r"\textquoteleft{}",  # noqa: RUF001 - the quote is what is spelled
    "’": r"\textquoteright{}",  # noqa: RUF001 - the quote is what is spelled
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
})  # fmt: skip
# Two of these make another sign.
_PAIRED = re.compile(r"([-',])(?=\1)")


def tex_bytes(report: Report, *, verbose: bool = True) -> bytes:
    r"""Encode what a terminal shows of a report as LaTeX, to be read by ``\input``, in UTF-8.

    Parameters
    ----------
    report
        Any.
    verbose
        Whether details and facts are included.

    Returns
    -------
    bytes
        Every text is shown as it is: none of it is a command, a comment, or the end of a cell.
    """
    blocks = ("\n".join(_block(block)) for block in report.blocks(verbose=verbose))
    return "\n\n".join([_HEAD.rstrip(), *filter(None, blocks), ""]).encode()


def _text(text: str) -> str:
    spelled = _PAIRED.sub(r"\1{}", safe_text(text).translate(_SPELLINGS))
    return spelled.replace(r" \%", r"~\%")


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Facts):
        yield r"\begin{description}"
        for fact in block.facts:
            yield rf"  \item[{{{_text(fact.label)}}}] {_text(fact.text)}"
        yield r"\end{description}"
    elif block.kind != "more":
        style = r"\textbf{%s}" if block.kind == "warning" else "%s"
        yield "\n\n".join(style % _text(text) for text in block.texts)


def _table(whole: Table) -> Iterator[str]:
    table = whole.shown
    yield r"\begin{table}"
    yield r"  \centering"
    if table.title:
        yield rf"  \caption{{{_text(table.title)}}}"
    alignment = "".join("l" if column.kind == "text" else "r" for column in table.columns)
    yield rf"  \begin{{tabular}}{{{alignment}}}"
    yield r"    \toprule"
    yield _row([_text(column.heading) for column in table.columns])
    yield r"    \midrule"
    for row in table.rows:
        yield _row([_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)])
    yield r"    \bottomrule"
    yield r"  \end{tabular}"
    for note in table.notes:
        yield rf"  \par\smallskip{{\footnotesize {_text(note)}\par}}"
    yield r"\end{table}"


def _row(cells: list[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _cell(cell: Cell, column: Column) -> str:
    text = cell_text(cell, column.kind)
    if column.kind == "text":
        return _text(text)
    if text == UNDEFINED:
        return r"\textendash{}"
    return "$-$" + _text(text[1:]) if text.startswith("-") else _text(text)
