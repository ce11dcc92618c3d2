"""Tables as Markdown and as LaTeX: a reader of either finds every text as it was, and no more."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from blueattr.report import Column, Fact, Report, Table, render, safe_text
from blueattr.report.formats.text import Terminal
from support.effort import law
from support.golden_cases import REPORTS
from support.hostile_text import HOSTILE, harmless

MARKS = [
    "a|b", "**x**", "_x_ *y* `z`", "# x", "1. x", "2) x", "- x", "+ x", "> x", "---", "===", "***",
    "[x](https://example.test)", "![x](y)", "<b>x</b>", "<!-- x", "&lt;&amp;&#0;", "~~x~~", "$x$",
    "$$y$$", "\\", "\\\\", "\\|", "https://example.test/x", "www.example.test", "x\ty", "    x",
    "``", "|", ":--", "\\end{tabular}", "\\input{/etc/passwd}", "%x", "a & b \\\\", "{", "}", "}{",
    "x^2_3", "~", "#1", '"x"', "--", "---x", "''", ",,", "?`", "<<x>>", "*", "[x]", "\\\\[1em]",
    "45 %", "±λτφΣ≤≥∞–—…‘’“”×·\u2212",  # noqa: RUF001 - signs that LaTeX spells
]  # fmt: skip
ANY = st.sampled_from([*HOSTILE, *MARKS]) | st.text(
    st.sampled_from("\\|*_`#-+=>[](){}<>&$%^~!:/.'\",?@0aw \n\t"), min_size=1, max_size=30
)


def report_with(text: str) -> Report:
    columns = (Column("x", text), Column("y", "other"), Column("n", "number", "float"))
    table = Table("t", text, columns, ((text, text, -1.5), (text, text, None)), (text,))
    return Report("any", (table,), (text,), (Fact(text, text),), (text,))


# --- Markdown ------------------------------------------------------------------------------------


def inline(data: bytes) -> list[Token]:
    tokens = MarkdownIt("commonmark").enable("table").parse(data.decode())
    assert {token.type for token in tokens} <= {
        f"{name}_{end}"
        for name in ("paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list",
                     "list_item", "blockquote")
        for end in ("open", "close")
    } | {"inline"}  # fmt: skip
    return [token for token in tokens if token.type == "inline"]


def shown(token: Token) -> str:
    children = token.children or []
    assert {child.type for child in children} <= {"text", "strong_open", "strong_close"}
    return "".join(child.content for child in children)


@law(200)
@given(ANY)
def test_text_in_markdown_is_read_as_something_else(text: str) -> None:
    found = [shown(token) for token in inline(render(report_with(text), "md"))]
    seen = safe_text(text).strip()
    # What reads Markdown takes a tab or several spaces between words as they are.
    expected = [
        *[seen] * 2,  # a sentence, a warning
        *[seen] * bool(seen),  # the title
        seen, "other", "number", seen, seen, "-1.5", seen, seen, "-",
        seen,  # a note
        f"{seen}: {seen}",
    ]  # fmt: skip
    assert [one.strip() for one in found if one] == [one.strip() for one in expected if one]


def test_an_address_in_markdown_becomes_a_link() -> None:
    data = render(report_with("https://x.test www.x.test"), "md").decode()
    assert "https://" not in data
    assert "www." not in data


# --- LaTeX ---------------------------------------------------------------------------------------

_SIGNS = {
    "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<",
    "textgreater": ">", "textbar": "|", "textasciigrave": "`", "char34": '"', "textendash": "–",  # noqa: RUF001 - the dash
    "textemdash": "—", "dots": "…", "textquoteleft": "‘", "textquoteright": "’",  # noqa: RUF001 - quotes
    "textquotedblleft": "“", "textquotedblright": "”",
}  # fmt: skip
_MATH = {
    "pm": "±", "times": "×", "cdot": "·", "lambda": "λ", "tau": "τ", "varphi": "φ", "Sigma": "Σ",  # noqa: RUF001 - signs
    "leq": "≤", "geq": "≥", "infty": "∞",
}  # fmt: skip
_TOKEN = re.compile(
    r"\$(?:\\(?P<math>[A-Za-z]+)|-)\$|\\(?P<sign>[A-Za-z]+(?:34)?)\{\}|\\(?P<mark>[{}$&#%_])"
    r"|\{(?P<held>[\[\]*])\}|(?P<empty>\{\})|(?P<tie>~)|(?P<plain>[^\\{}$&#%^_~<>|`\"\[\]*])"
)


def read_tex(text: str) -> str:
    """Read text back as TeX would; anything that is no spelling of a character fails."""
    out, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token is not None, text[at:]
        at = token.end()
        name, value = token.lastgroup, token[token.lastgroup] if token.lastgroup else "\u2212"
        if name == "math":
            value = _MATH[value]
        elif name == "sign":
            value = _SIGNS[value]
        elif name == "empty":
            value = ""
        elif name == "tie":
            value = " "
        out.append(value)
    return "".join(out)


def tex_texts(data: bytes) -> Iterator[str]:
    """Yield the texts of a document, and hold everything around them to what is expected."""
    frames = [
        r"  \\caption\{(.*)\}", r"    (.*) \\\\", r"  \\par\\smallskip\{\\footnotesize (.*)\\par\}",
        r"  \\item\[\{(.*)\}\] (.*)", r"\\textbf\{(.*)\}", r"(?![\\% ])(.*)",
    ]  # fmt: skip
    fixed = (
        r"(% .*|\\(begin|end)\{(table|description)\}|  \\centering|  \\begin\{tabular\}\{[lr]+\}"
        r"|    \\(top|mid|bottom)rule|  \\end\{tabular\}|)"
    )
    for line in data.decode().split("\n"):
        if re.fullmatch(fixed, line):
            continue
        # A sentence may begin with a spelling or a space; all else has a frame.
        match = next((m for f in frames if (m := re.fullmatch(f, line))), None)
        texts = (line,) if match is None else match.groups()
        for text in texts:
            yield from re.split(r" & ", text) if line.startswith("    ") and match else (text,)


@law(200)
@given(ANY)
def test_text_in_latex_is_read_as_something_else(text: str) -> None:
    data = render(report_with(text), "tex")
    assert all(harmless(c) for c in data.decode().replace("\n", ""))
    found = [read_tex(one) for one in tex_texts(data)]
    seen = safe_text(text).replace("\u00a0", " ")
    numbers = ["\u22121.5", "–"]  # noqa: RUF001 - a dash where there is no number
    expected = [
        seen, seen, seen,
        seen, "other", "number", seen, seen, numbers[0], seen, seen, numbers[1],
        seen, seen, seen,
    ]  # fmt: skip
    assert [one.strip() for one in found] == [one.strip() for one in expected]
    for pair in ("--", "''", ",,", "?`", "<<", ">>"):  # each would be set as one sign
        assert pair not in data.decode().split("\n", 2)[2]


# --- both ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPORTS)
def test_a_real_report_has_no_markdown_or_latex_or_not_all_its_rows(name: str) -> None:
    report = REPORTS[name]
    tables = (*report.tables, *report.lists, *report.details)
    rows = sum(len(table.rows) + 1 for table in tables)
    markdown, tex = render(report, "md"), render(report, "tex").decode()
    cells = [line for line in markdown.decode().split("\n") if line.startswith("|")]
    assert len(cells) == rows + len(tables)
    assert cells or name == "store-status-empty"
    assert sum(line.endswith(r" \\") for line in tex.split("\n")) == rows
    assert inline(markdown)
    for text in tex_texts(tex.encode()):
        read_tex(text)


def test_details_are_in_markdown_and_latex_unasked() -> None:
    report = REPORTS["attribution"]
    for form in ("md", "tex"):
        brief = render(report, form, Terminal(verbose=False))
        whole = render(report, form, Terminal(verbose=True))
        assert b"feature scale" in whole
        assert b"feature scale" not in brief
        assert b"--verbose" not in brief
