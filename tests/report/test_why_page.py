"""The page of one account: figures and words of the answer, inert whatever strangers wrote."""

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from blueattr.report.figures.why import parts_exhibit, ranks_exhibit
from blueattr.report.pages.answer import answer_html
from blueattr.report.pages.notebook import report_of
from blueattr.studies.carriers.why import WhyResult
from support.cli_world import harmless, ok, refused, write_store
from support.hostile_text import HOSTILE
from support.html_pages import inert, tree
from support.study_cases import WHY, WHY_OF_OWN

ATTACKS = ["<script>alert(1)</script>", "javascript:alert(1)", '"><img src=x onerror=alert(1)>']


def named(text: str) -> WhyResult:
    """An account with this name, this text in its posts, and partners of this name."""
    assert WHY.amplified is not None
    records = tuple(replace(one, text=text, title=text) for one in WHY.account.records)
    partner = replace(WHY.amplified.shown[0], handle=text)
    return replace(
        WHY,
        account=replace(WHY.account, handle=text, records=records),
        amplified=replace(WHY.amplified, shown=(partner,)),
    )


@pytest.mark.parametrize("result", [WHY, WHY_OF_OWN], ids=["whole", "without parts"])
def test_the_page_is_inert_and_says_what_the_report_says(result: WhyResult) -> None:
    root = tree(answer_html(result))
    inert(root)
    report = report_of(result)
    (title,) = root.all("h1")
    assert title.text().replace("\u00a0", " ") in report.summary[1].replace("\x1b", "\\x1b")
    said = [p.text() for p in root.all("main")[0].all("p")]
    for sentence in report.summary[2:]:
        assert sentence in said
    expected = 0 if result is WHY_OF_OWN else 2
    assert len(root.all("figure")) == expected
    levels = [int(e.tag[1]) for e in root.walk() if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in root.all("table"):
        assert table.all("caption")


def test_the_policy_of_the_page_permits_its_own_style_and_nothing_else() -> None:
    root = tree(answer_html(WHY))
    (policy,) = [m.attributes["content"] for m in root.all("meta")
                 if m.attributes.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    (style,) = root.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text().encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


@pytest.mark.few(2)
@pytest.mark.parametrize("text", [*ATTACKS, *HOSTILE])
def test_hostile_names_and_posts_are_shown_and_do_nothing(text: str) -> None:
    html = answer_html(named(text))
    html.encode()
    root = tree(html)
    inert(root)
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    assert harmless(body)
    plain = tree(answer_html(named("plain")))
    outside_figures = [e.tag for e in root.walk() if e.tag not in {"text", "tspan", "g", "path"}]
    assert len(outside_figures) == len(
        [e.tag for e in plain.walk() if e.tag not in {"text", "tspan", "g", "path"}]
    )


def test_posts_have_links_and_a_table_behind_a_figure_is_not_shown_twice() -> None:
    root = tree(answer_html(WHY))
    links = [a.attributes["href"] for a in root.all("a")]
    assert WHY.account.records[0].link in links
    headings = [h.text() for h in root.all("h2")]
    assert headings == [
        "What each day carries of it", "Whom it replied to, reposted and quoted",
        "Who replied to it, reposted it and quoted it", "Posts", "Methods and parameters",
    ]  # fmt: skip


def test_figures_end_at_the_value_and_hold_the_interval() -> None:
    parts = parts_exhibit(WHY)
    assert parts is not None
    data = parts.report.data
    assert data is not None
    names = [column.name for column in data.columns]
    steps = [dict(zip(names, row, strict=True)) for row in data.rows]
    assert [row["step"] for row in steps] == ["a", "b", "c", "value"]
    for before, after in pairwise(steps[:3]):
        assert before["to"] == after["from"]
    assert steps[2]["to"] == pytest.approx(WHY.value)
    assert (steps[3]["from"], steps[3]["to"]) == (0.0, WHY.value)
    ranks = ranks_exhibit(WHY)
    assert ranks is not None
    assert ranks.report.data is not None
    assert ranks.report.data.rows[0][3:8] == ("days resampled", "", 3, 2, 11)
    # One that is not on a panel has no point there, and a row that says so.
    assert ranks.report.data.rows[2][5] is None
    assert parts_exhibit(WHY_OF_OWN) is None
    assert ranks_exhibit(WHY_OF_OWN) is None


@pytest.mark.parametrize("kind", ["parts", "ranks"])
def test_figures_of_an_account_are_drawn(kind: str) -> None:
    assert "<svg" in WHY.plot(kind).svg()
    negative = replace(
        WHY,
        account=replace(WHY.account, value=-0.02),
        by_feature=tuple(replace(one, value=-one.value) for one in WHY.by_feature),
    )
    assert "\u2212" in negative.plot("parts").svg()


@pytest.mark.slow
def test_the_command_writes_the_page_whole_or_says_why_not(tmp_path: Path) -> None:
    db = write_store(tmp_path / "world.duckdb")
    asked = ["why", "user1.bsky.social", "--topic", "mythos", "--db", db, "--resamples", 100]
    done = ok(*asked, "--out", tmp_path / "why.HTML")
    assert done.stdout == b""
    root = tree((tmp_path / "why.HTML").read_text())
    inert(root)
    assert "user1.bsky.social carries" in root.all("h1")[0].text()
    refused(ExitCode.USAGE, *asked, "--out", tmp_path / "x.html", "--format", "json",
            says="name two formats")  # fmt: skip
    refused(ExitCode.OUTPUT, *asked, "--out", tmp_path / "no" / "x.html", says="there is no folder")
    refused(
        ExitCode.USAGE, *asked, "--out", tmp_path / "x.docx", says="end the name in .html, .txt"
    )
