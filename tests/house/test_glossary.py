"""docs/glossary.md: one line a term, in order, of terms that the project uses."""

import re
from functools import cache

import pytest

from support.places import ROOT

PAGE = ROOT / "docs" / "glossary.md"


# Terms of the field that are fixed before docs or code need them.
RESERVED = {"inclusion probability", "Owen value", "stratum", "tombstone", "watermark"}


def entries(page: str) -> list[tuple[str, str]]:
    """Return the terms, without their symbols in brackets, and their meanings."""
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", page, re.MULTILINE)
    assert rows[0] == ("term", "meaning")
    return [(re.sub(r" \(.\)$", "", term), meaning) for term, meaning in rows[1:]]


@cache
def prose() -> str:
    """The text of all pages but the glossary, of the code and of the queries."""
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs/recipes").glob("*.md"),
    ]
    code = [*(ROOT / "blueattr").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]
    queries = (ROOT / "sql").rglob("*.sql")
    files = [path for path in (*pages, *code, *queries) if path != PAGE]
    assert len(files) > 100
    return " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in files)


def used(term: str, text: str) -> bool:
    """Whether a text has a term as words of its own, in the singular or the plural."""
    return re.search(rf"(?<!\w){re.escape(term)}s?(?!\w)", text, re.IGNORECASE) is not None


def unused(page: str) -> list[str]:
    return [term for term, _ in entries(page) if term not in RESERVED and not used(term, prose())]


def test_terms_are_sorted_and_each_is_there_once() -> None:
    terms = [term.casefold() for term, _ in entries(PAGE.read_text(encoding="utf-8"))]
    assert len(terms) > 90
    assert terms == sorted(set(terms))


def test_each_meaning_is_a_short_sentence() -> None:
    for term, meaning in entries(PAGE.read_text(encoding="utf-8")):
        assert meaning[0].isupper() or meaning.startswith("n agents"), term
        assert meaning.endswith("."), term
        assert len(meaning) < 160, term


def test_every_term_is_used() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert {term for term, _ in entries(page)} >= RESERVED
    assert unused(page) == []


def test_a_term_that_nothing_uses_is_noticed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert unused(f"{page}| quasi-panel | What nobody says. |\n") == ["quasi-panel"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("two panels", True), ("a Panel.", True), ("`panel`", True), ("quasipanel", False),
     ("panel_size", False)],
)  # fmt: skip
def test_what_counts_as_a_use(text: str, found: bool) -> None:
    assert used("panel", text) == found
