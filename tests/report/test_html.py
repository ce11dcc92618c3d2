"""The page: what is in it, that nothing in it acts, and that its numbers are the results'."""

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.atomic import write
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import ExitCode, OutputError, UsageError
from blueattr.provenance import Provenance
from blueattr.report import render
from blueattr.report.citation import bibtex
from blueattr.report.figures.agents import leaders_report
from blueattr.report.figures.charts.drawing import Drawing
from blueattr.report.figures.charts.theme import PAPER
from blueattr.report.figures.posts import records_report
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.formats.html import environment, table_layout
from blueattr.report.mentions import mentions
from blueattr.report.pages import gallery
from blueattr.report.pages.file_names import slug
from blueattr.report.pages.gallery import write_report
from blueattr.report.pages.page import page_html, write_page
from blueattr.report.tables import Column, Table
from blueattr.studies.carriers.leaders import Leader
from blueattr.studies.topic import TopicReport, concentration, curve_sizes, topic_report
from support.cli_world import harmless, ok, run, write_store
from support.effort import law
from support.events_builder import plc_did
from support.hostile_text import HOSTILE
from support.html_pages import Element, inert, tree
from support.topic_cases import COMMAND, VERSIONS, hostile, make, origin_of, panel, report, topics

LAW = law(40)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'


def drawn(_: object) -> str:
    """Drawing takes a while, and most tests are not about it."""
    return SVG


def page(*reports: TopicReport) -> str:
    return page_html(reports or (report(),), drawn)


# --- what a page is -------------------------------------------------------------------------------


def test_a_page_is_a_function_of_its_reports() -> None:
    assert page() == page()
    assert page() != page(report("the-masters"))


def test_the_policy_permits_the_page_its_own_style_and_nothing_else() -> None:
    html = page(*topics())
    root = tree(html)
    policy = next(m.attributes["content"] for m in root.all("meta")
                  if m.attributes.get("http-equiv") == "Content-Security-Policy")  # fmt: skip
    assert policy is not None
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    (style,) = root.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text().encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'", "style-src": f"'sha256-{digest}'", "img-src": "data:",
        "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip
    # Nothing stands before the policy that it would not cover.
    assert [e.tag for e in root.all("head")[0].walk()][:3] == ["head", "meta", "meta"]


@pytest.mark.parametrize("reports", [(), "all"], ids=["one", "several"])
def test_nothing_in_a_page_acts(reports: object) -> None:
    root = tree(page(*topics()) if reports else page())
    inert(root)
    assert len(root.all("figure")) == (31 if reports else 10)


@pytest.mark.slow
def test_the_drawn_page_is_inert_too() -> None:
    inert(tree(page_html([report()])))


def test_a_page_has_landmarks_headings_in_order_and_named_tables() -> None:
    for html in (page(), page(*topics())):
        root = tree(html)
        assert [len(root.all(tag)) for tag in ("header", "nav", "main", "footer", "h1")] == [1] * 5
        assert root.all("html")[0].attributes["lang"] == "en"
        levels = [int(e.tag[1]) for e in root.walk() if re.fullmatch(r"h[1-6]", e.tag)]
        assert all(after - before <= 1 for before, after in pairwise(levels))
        for table in root.all("table"):
            assert table.all("caption")
            heads = table.all("thead")[0].all("th")
            assert all(th.attributes["scope"] == "col" for th in heads)
            for row in table.all("tbody")[0].all("tr"):
                scopes = [th.attributes["scope"] for th in row.all("th")]
                assert "row" in scopes
        for figure in root.all("figure"):
            images = [e for e in figure.walk() if e.attributes.get("role") == "img"]
            assert len(images) == 2
            for image in images:
                assert len(image.attributes["aria-label"] or "") > 40
            assert figure.all("figcaption")
        assert root.by_id("main").attributes["tabindex"] == "-1"


def test_the_headline_is_made_from_the_numbers() -> None:
    root = tree(page())
    heat = report().comparison.indicators[1]
    (headline,) = [e.text() for e in root.all("h1")]
    assert headline == (
        f"The 1 % most followed accounts carry {100 * heat.full.tiers[0].share:.0f} % of Mythos. A "
        f"sample of 20 visible accounts would have said "
        f"{100 * heat.samples[0].tiers[0].share_mean:.0f} %."
    )
    facts = {dt.text(): dd.text() for dt, dd in zip(*(
        [e for e in root.all("dl")[0].walk() if e.tag == tag] for tag in ("dt", "dd")
    ), strict=True)}  # fmt: skip
    involved, interval, days = facts
    assert involved.endswith(" of 400")
    others = sum(tier.share - tier.share_involved for tier in heat.full.tiers)
    assert f"The others carry {100 * others:.0f} %" in facts[involved]
    resampled = report().bootstrap
    assert resampled is not None
    top = resampled.indicators[1].tiers[0]
    assert interval == f"{100 * top.low:.0f} to {100 * top.high:.0f} %"
    control = report().control
    assert control is not None
    mean = control.indicators[0].samples[0].tiers[0].share_mean
    assert f"20 accounts drawn at random say {100 * mean:.0f} % on average" in facts[interval]
    assert days == "99.0 %"  # of a window that ends within a day
    assert "heat, which multiplies" in facts[days]


def test_the_headline_is_of_heat_whatever_stands_first_and_without_a_topic() -> None:
    made = topic_report(
        panel(), Question(("lin", "heat")), Sampling(sizes=(20,), seeds=2),
        provenance=Provenance("small.csv"),
    )  # fmt: skip
    (headline,) = [e.text() for e in tree(page(made)).all("h1")]
    assert " carry " in headline
    assert "lin" not in headline
    only = topic_report(panel(), Question(("lin",)), FEW, provenance=Provenance("small.csv"))
    (headline,) = [e.text() for e in tree(page(only)).all("h1")]
    assert "of lin on small.csv" in headline


def test_other_indicators_are_folded_and_signed_ones_have_an_axis_of_their_own() -> None:
    root = tree(page())
    folded = {
        e.attributes["id"] for d in root.all("details") for e in d.walk() if e.tag == "figure"
    }
    assert folded == {"r-figure-tier-shares-others", "r-figure-tier-shares-signed"}
    open_tables = {e.attributes["id"] for e in root.all("table")} - {
        e.attributes["id"] for d in root.all("details") for e in d.walk() if e.tag == "table"
    }
    assert {name for name in open_tables if "leaders" in (name or "")} == {"r-leaders-1"}
    for exhibit in topic_exhibits(report()):
        if exhibit.name.startswith(("tier-shares", "share-by-size", "concentration")):
            rows = json.loads(render(exhibit.report, "json"))["data"]
            named = {row["indicator"] for row in rows}
            suffix = exhibit.name.rpartition("-")[2]
            expected = {"others": {"lin", "gini"}, "signed": {"var"}}.get(suffix, {"heat"})
            assert named == expected


def made_up(sources: tuple[str, ...], *, every: bool) -> TopicReport:
    """The report of a store with synthetic sources."""
    base = report()
    origin = replace(base.provenance, synthetic=sources, all_synthetic=every)
    assert base.days is not None
    assert base.sensitivity is not None

    def marked(agent: Leader) -> Leader:
        records = tuple(replace(record, synthetic=True) for record in agent.records)
        return replace(agent, synthetic=True, records=records)

    return replace(
        base,
        comparison=replace(base.comparison, provenance=origin),
        curve=replace(base.curve, provenance=origin),
        days=replace(base.days, whole=replace(base.days.whole, provenance=origin)),
        sensitivity=replace(base.sensitivity, provenance=origin),
        leaders=tuple(replace(one, agents=tuple(map(marked, one.agents))) for one in base.leaders),
    )


@pytest.mark.slow
def test_synthetic_data_say_so_first_link_nowhere_and_mark_every_figure() -> None:
    made = made_up(("sample.jsonl.zst",), every=True)
    root = tree(page(made))
    inert(root)
    (banner,) = [e.text() for e in root.walk() if e.attributes.get("class") == "banner"]
    assert banner.startswith("Synthetic data: these accounts are made up.")
    assert "bsky.app" not in page(made)
    assert "bsky.app" in page()
    assert "banner" not in {e.attributes.get("class") for e in tree(page()).walk()}
    partly = tree(page(made_up(("synth.jsonl",), every=False))).text()
    assert "Partly synthetic data: accounts of synth.jsonl are made up." in partly
    exhibits = topic_exhibits(made)
    assert len(exhibits) == 16
    for marked, plain in zip(exhibits, topic_exhibits(report()), strict=True):
        assert ">synthetic data</text>" in Drawing(marked.chart(PAPER)).svg(), marked.name
        assert "synthetic" not in Drawing(plain.chart(PAPER)).svg()


def test_a_report_that_names_nobody_has_no_empty_tables_of_accounts() -> None:
    named = replace(report(), leaders=tuple(replace(o, agents=()) for o in report().leaders))
    root = tree(page(named))
    assert "Who carried it" not in [e.text() for e in root.all("h2")]
    assert all(table.all("tbody")[0].all("tr") for table in root.all("table"))


def test_the_foot_says_how_to_cite() -> None:
    text = tree(page()).all("footer")[0].text()
    assert "How to cite." in text
    assert f"blueattr {report().provenance.version}" in text
    assert "arXiv:2605.11404" in text
    html = page()
    assert f'<pre tabindex="0">{bibtex(report().provenance.version)}</pre>' in html


def test_what_reproduces_it_is_in_it() -> None:
    text = " ".join(tree(page()).text().split())
    assert COMMAND in text
    for name, version in VERSIONS:
        assert f"{name} {version}" in text
    for fact in ("3 seeds each, from base seed 6", "ranked by followers", "feature scale log1p"):
        assert fact.replace(" log1p", "log1p") in text or fact in text
    assert "handle has 'bot' as a word 150" in text
    assert "the server no longer had these events" in text
    assert "1 gap, 3 h 20 min in all" in text


# --- numbers --------------------------------------------------------------------------------------


def table_rows(table: Element) -> list[list[str]]:
    """The cells of a table's body, a cell that spans rows repeated in each of them."""
    rows = []
    for body in table.all("tbody"):
        spanning: list[str] = []
        for row in body.all("tr"):
            cells = [e for e in row.children if isinstance(e, Element)]
            own = [e.text() for e in cells]
            if cells[0].attributes.get("scope") == "rowgroup":
                spanning = own[:1]
                rows.append(own)
            else:
                rows.append([*spanning, *own])
    return rows


def shown(value: Any, kind: str) -> str:
    if value is None:
        return "-"
    text = f"{value:,}" if kind == "int" else str(value)
    return text if kind == "text" else re.sub(r"(?<!\w)-(?=\d)", "\u2212", text)


def test_tables_are_those_of_the_json() -> None:
    root = tree(page())
    for exhibit in topic_exhibits(report()):
        document = json.loads(render(exhibit.report, "json"))
        table = exhibit.report.tables[0]
        expected = [
            [shown(row[column.name], column.kind) for column in table.columns]
            for row in document["table"]
        ]
        assert len(expected) >= 2
        found = table_rows(root.by_id(f"r-table-{exhibit.name}"))
        assert [[cell or "" for cell in row] for row in expected] == found


def test_the_largest_agents_are_those_of_the_json_to_the_last_bit() -> None:
    root = tree(page())
    for k, one in enumerate(report().leaders):
        rows = json.loads(render(leaders_report(one, report().provenance), "json"))["data"]
        table = root.by_id(f"r-leaders-{k}")
        assert one.indicator in table.all("caption")[0].text()
        found = [
            [data.attributes["value"] for data in row.all("data")]
            for row in table.all("tbody")[0].all("tr")
        ]
        assert found == [
            [repr(row[name]) for name in ("rank", "a", "b", "c", "value", "share")] for row in rows
        ]
        names = [row.all("th")[0] for row in table.all("tbody")[0].all("tr")]
        for row, name in zip(rows, names, strict=True):
            (link,) = name.all("a")
            assert link.attributes["href"] == f"https://bsky.app/profile/{row['did']}"
            assert link.attributes["rel"] == "noopener noreferrer"
            short = f"{row['did'][:14]}\u2026{row['did'][-4:]}"
            assert link.text() == (row["handle"] or short)
            assert short in name.text()
            assert link.attributes["title"] == row["did"]
        assert any(row["handle"] for row in rows)
        assert not all(row["handle"] for row in rows)


def test_a_table_has_room_for_its_accounts_on_a_phone() -> None:
    """DIDs have 32 letters: their ends are shown, and all of one where one points at it."""
    who = (plc_did("any"), "user1.bsky.social", "3 others", "did:web:short")
    table = Table("t", "T", (Column("account", "account"), Column("n", "n", "int")),
                  tuple((one, 1) for one in who))  # fmt: skip
    macros = environment().get_template("tables.html.jinja").module
    root = tree(str(macros.table_of(table_layout(table, "t"))))  # type: ignore[attr-defined]
    cells = [row.all("th")[0] for row in root.all("tbody")[0].all("tr")]
    short = f"{who[0][:14]}\u2026{who[0][-4:]}"
    assert [cell.text() for cell in cells] == [short, *who[1:]]
    assert [cell.attributes.get("class") for cell in cells][:2] == ["long", None]
    assert cells[0].all("span")[0].attributes["title"] == who[0]


def test_a_phone_shows_no_note_of_a_column_that_it_has_no_room_for() -> None:
    columns = (Column("account", "account"), Column("n", "number", "int"), Column("m", "m", "int"))
    notes = ("number: how many.", "m: how much.", "numbers are rounded")
    table = Table("t", "T", columns, (("a", 1, 2),), notes=notes)
    macros = environment().get_template("tables.html.jinja").module
    root = tree(str(macros.table_of(table_layout(table, "t", aside=("n",)))))  # type: ignore[attr-defined]
    shown = [note.text() for note in root.all("li") if "class" not in note.attributes]
    assert shown == [*notes[1:]]
    asides = [head for head in root.all("th") if "aside" in (head.attributes.get("class") or "")]
    assert [head.text() for head in asides] == ["number"]


def test_a_search_finds_a_handle_in_one_piece_and_no_line_begins_with_a_per_cent_sign(
    tmp_path: Path,
) -> None:
    columns = (Column("account", "account"), Column("n", "n", "figure"))
    rows = (("user1.bsky.social", "0.0091"), ("<b>.org", "1.5"))
    table = Table("t", "T", columns, rows, notes=("In 95 % of 10 draws.",))
    macros = environment().get_template("tables.html.jinja").module
    page = str(macros.table_of(table_layout(table, "t")))  # type: ignore[attr-defined]
    (tmp_path / "page.html").write_text(page)
    names = frozenset({"user1.bsky.social"})
    assert mentions(tmp_path / "page.html", names) == names, "who is forgotten would stay"
    assert "&lt;b&gt;.org" in page
    assert "In 95\u00a0% of 10 draws." in page


MARKS = {
    "counted": "",
    "off topic": "off topic itself",
    "outside the window": "older than the window",
    "unseen": "No source",
}


def test_the_page_shows_the_posts_that_carry_most_of_each_leader_s_share() -> None:
    root = tree(page())
    (headline,) = (one for one in report().leaders if one.indicator == "heat")
    people = [e for e in root.all("details") if e.attributes.get("class") == "posts"]
    shown = [agent for agent in headline.agents if agent.records]
    assert len(people) == len(shown) == len(headline.agents) - 1
    for person, agent in zip(people, shown, strict=True):
        assert person.all("summary")[0].text() == (agent.handle or agent.did)
        posts = person.all("li")
        assert len(posts) == len(agent.records) == 2
        for post, record in zip(posts, agent.records, strict=True):
            assert f"{100 * record.share:.2f} % of heat" in post.text()
            links = [a.attributes["href"] for a in post.all("a")]
            assert links == ([] if record.link is None else [record.link])
            quotes = [quote.text() for quote in post.all("blockquote")]
            assert quotes == ([] if record.text is None else [record.text.replace("\n", " ")])
            assert MARKS[record.state] in post.text()
            assert ("what counts" in post.text()) == (record.state != "counted")
        assert "50 % of the account's own" in posts[0].text()
    alike = made_up(("synth",), every=True)
    people = [e for e in tree(page(alike)).all("details") if e.attributes.get("class") == "posts"]
    assert people
    assert not any(person.all("a") for person in people)


def test_the_records_in_files_are_those_of_the_page() -> None:
    (headline,) = (one for one in report().leaders if one.indicator == "heat")
    laid_out = records_report(headline, report().provenance)
    assert laid_out is not None
    rows = json.loads(render(laid_out, "json"))["data"]
    expected = [
        (rank, agent.did, record.uri, record.share, record.link)
        for rank, agent in enumerate(headline.agents, 1)
        for record in agent.records
    ]
    found = [tuple(row[k] for k in ("rank", "did", "uri", "share", "link")) for row in rows]
    assert found == expected
    alike = made_up(("synth",), every=True)
    (theirs,) = (one for one in alike.leaders if one.indicator == "heat")
    laid_out = records_report(theirs, alike.provenance)
    assert laid_out is not None
    rows = json.loads(render(laid_out, "json"))["data"]
    assert {row["link"] for row in rows} == {None}
    assert records_report(replace(headline, agents=()), alike.provenance) is None


def test_the_csv_in_the_page_is_the_data_behind_the_figure() -> None:
    root = tree(page())
    links = [a for a in root.all("a") if "download" in a.attributes]
    drawn_ids = {e.attributes["id"] for e in root.all("figure")}
    exhibits = [e for e in topic_exhibits(report()) if f"r-figure-{e.name}" in drawn_ids]
    assert [a.attributes["download"] for a in links] == [f"mythos-{e.name}.csv" for e in exhibits]
    for link, exhibit in zip(links, exhibits, strict=True):
        data = base64.b64decode((link.attributes["href"] or "").split("base64,")[1]).decode()
        rows = list(csv.DictReader(io.StringIO(data), strict=True))
        expected = json.loads(render(exhibit.report, "json"))["data"]
        assert len(rows) == len(expected) > 5
        for row, given_row in zip(rows, expected, strict=True):
            assert list(row) == list(given_row)
            for name, value in given_row.items():
                match value:
                    case None:
                        assert row[name] == ""
                    case float() | int():
                        assert float(row[name]) == value
                    case _:
                        assert row[name] == value


# --- what it is computed from ---------------------------------------------------------------------


@given(n=st.integers(1, 3_000_000))
@LAW
def test_curve_sizes_ascend_from_100_to_the_panel(n: int) -> None:
    sizes = curve_sizes(n)
    assert sizes[-1] == n
    assert list(sizes) == sorted(set(sizes))
    assert sizes[0] == (100 if n > 100 else 1) or n == 1
    assert len(sizes) <= 16


@given(values=st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=2, max_size=60))
@LAW
def test_concentration_is_a_plain_running_sum(values: list[tuple[int, int, int]]) -> None:
    from blueattr.attribution.attribute import (  # noqa: PLC0415 - the rest needs no arithmetic
        attribute,
    )
    from blueattr.errors import ZeroTotalError  # noqa: PLC0415

    frame = {"agent": list(range(len(values)))} | {
        name: [row[k] for row in values] for k, name in enumerate("abc")
    }
    for indicator in ("heat", "var"):
        try:
            result = attribute(frame, indicator)
        except ZeroTotalError:
            continue
        curve = concentration(result)
        shares = result.agents["share"].to_list()
        assert curve.agents[0] == 1
        assert curve.agents[-1] == curve.n_agents == len(values)
        for k, share in zip(curve.agents, curve.shares, strict=True):
            assert share == pytest.approx(sum(shares[:k]), abs=1e-9)
        sums = np.cumsum(shares)
        assert sums[curve.half - 1] >= 0.5 - 1e-9
        assert curve.half == 1 or sums[curve.half - 2] < 0.5 + 1e-9


def test_the_curve_ends_at_the_full_panel_and_agrees_with_the_comparison() -> None:
    for scales, curve in zip(
        report().comparison.indicators, report().curve.indicators, strict=True
    ):
        last = curve.samples[-1]
        assert last.size == 400
        for tier, spread in zip(scales.full.tiers, last.tiers, strict=True):
            assert spread.share_mean == pytest.approx(tier.share)
            assert spread.share_std == pytest.approx(0, abs=1e-12)
        same = next(s for s in curve.samples if s.size == 100)
        beside = next(s for s in scales.samples if s.size == 100)
        assert same.tiers == beside.tiers
        assert same.rescaling is None
        assert beside.rescaling is not None


FEW = Sampling(sizes=(20,), seeds=2)


def test_an_indicator_without_an_answer_is_said_to_have_none() -> None:
    frame = panel().with_columns(c=pl.lit(0.0))
    made = topic_report(frame, Question(("heat", "lin")), FEW, provenance=origin_of())
    assert [one.indicator for one in made.leaders] == ["lin"]
    text = tree(page(made)).text()
    assert "heat has no answer on this panel: c is 0 for every agent" in " ".join(text.split())
    none = topic_report(frame, Question(("heat",)), FEW, provenance=origin_of())
    root = tree(page(none))
    inert(root)
    assert root.all("figure") == []
    assert "No answer: c is 0 for every agent" in root.text()
    inert(tree(page(none, none)))


def test_a_panel_of_ones_own_has_no_window_and_no_days() -> None:
    made = topic_report(panel(), Question(("heat",)), FEW, provenance=Provenance("mine.csv"))
    text = " ".join(tree(page(made)).text().split())
    assert "mine.csv" in text
    assert "A features file has no window" in text
    assert "by day" not in text


@pytest.mark.parametrize("top", [-1, 1001])
def test_how_many_agents_are_named_has_bounds(top: int) -> None:
    with pytest.raises(UsageError, match="names 0 to 1,000 agents"):
        topic_report(panel(), Question(("heat",)), FEW, top=top)


@pytest.mark.slow
def test_tiny_panels_and_many_tiers_have_pages(tmp_path: Path) -> None:
    for n, cutoffs in ((1, (50.0,)), (2, (1.0, 10.0)), (30, (1.0, 5.0, 20.0, 50.0))):
        frame = panel(n).with_columns(pl.col("a", "c") + 1)
        made = topic_report(
            frame, Question(("lin", "heat"), cutoffs=cutoffs), Sampling(sizes=(1,), seeds=2)
        )
        inert(tree(page_html([made])))


# --- hostile text ---------------------------------------------------------------------------------

ATTACKS = [
    "<script>alert(1)</script>",
    "</title></style><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)\" x='",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "]]><!--",
    "&lt;b&gt;&amp;",
    "did:plc:aaaa\"><script>alert(1)</script>",
    "did:plc:aaaa/../../evil?x#y",
    "=HYPERLINK(\"http://evil.example\")",
    "\u202egnp.exe\u2066",
    "a\u0000b\u001b[31m\r\n",
    "\ud800",
    "z\u0301" * 50,
]  # fmt: skip


@cache
def plain() -> Element:
    return tree(page(hostile("plain")))


@pytest.mark.parametrize("text", [*ATTACKS, *HOSTILE])
def test_hostile_text_is_shown_and_does_nothing(text: str) -> None:
    html = page(hostile(text))
    html.encode()
    root = tree(html)
    inert(root)
    assert root.all("script") == []
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    assert harmless(body)
    # The tags of the page are the same whatever the text is.
    assert [e.tag for e in root.walk() if e.tag != "a"] == [
        e.tag for e in plain().walk() if e.tag != "a"
    ]


@pytest.mark.slow
@given(text=st.text(max_size=60))
@LAW
def test_any_text_is_shown_and_does_nothing(text: str) -> None:
    root = tree(page(hostile(text)))
    inert(root)


@pytest.mark.slow
@pytest.mark.parametrize("text", [ATTACKS[0], ATTACKS[2], "\u202e\x00\ud800&<"])
def test_hostile_text_in_figures_is_drawn_and_does_nothing(text: str) -> None:
    html = page_html([hostile(text)])
    html.encode()
    inert(tree(html))


@pytest.mark.slow
def test_long_names_are_cut_where_people_read_and_whole_where_programs_do(tmp_path: Path) -> None:
    name = "x" * 100_000
    one = replace(hostile(name), concentrations=(), comparison=hostile("x").comparison)
    html = page(one)
    longest = max(
        len(word)
        for word in re.split(
            r"[<>\s]",
            re.sub(
                r"<code>.*?</code>|base64,[A-Za-z0-9+/=]+|[a-z-]+=\"[^\"]*\"",
                "",
                html,
                flags=re.DOTALL,
            ),
        )
    )
    assert longest <= 4_100
    assert "more characters]" in html
    assert len(html) < 3_000_000
    document = json.loads(render(leaders_report(one.leaders[0], one.provenance), "json"))
    assert document["data"][0]["handle"] == name
    leaders = render(leaders_report(one.leaders[0], one.provenance), "csv").decode()
    assert name in leaders


def test_only_what_has_the_form_of_a_did_is_linked() -> None:
    for text, linked in (("did:plc:abc", True), ("did:web:example.org", True), ("did:x", False),
                         ("did:plc:", False), ("did:plc:a b", False), ("did:plc:a\n", False),
                         ("javascript:x", False), ("did:plc:á", False)):  # fmt: skip
        root = tree(page(hostile(text)))
        row = root.by_id("r-leaders-0").all("tbody")[0].all("tr")[1]
        assert bool(row.all("a")) == linked, text


# --- files ----------------------------------------------------------------------------------------


def test_file_names_hold_nothing_but_letters_digits_and_hyphens() -> None:
    assert slug("../../etc/passwd") == "etc-passwd"
    assert slug("\u202e") == "report"
    assert len(slug("a" * 500)) == 60


@pytest.mark.slow
def test_forms_of_a_report(tmp_path: Path) -> None:
    (one,) = write_report([report()], tmp_path / "deep" / "er")
    assert one == tmp_path / "deep" / "er" / "mythos.html"
    (all_of_them,) = write_report(topics()[:2], tmp_path)
    assert all_of_them.name == "all-topics.html"
    (named,) = write_report([report()], tmp_path / "x.html")
    assert named.read_bytes() == one.read_bytes()
    data = write_report(topics()[:2], tmp_path / "data", "csv")
    assert len(data) == 1 + 2 * (8 + 4 + 1)
    assert len({path.name for path in data}) == len(data)
    for path in data:
        rows = list(csv.DictReader(path.read_text().splitlines(), strict=True))
        assert rows
        assert rows[0]["topic"] in {"mythos", "the-masters", "earth-day"} | {
            "Mythos", "The-masters", "Earth-day"}  # fmt: skip
    for path in write_report([report()], tmp_path / "data", "parquet"):
        assert len(pl.read_parquet(path)) > 3
    for path in write_report([report()], tmp_path / "data", "json"):
        assert json.loads(path.read_text())["schema_version"] == 1


def test_a_report_that_cannot_be_written_to_its_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def fails(path: Path, data: bytes) -> None:
        written.append(path)
        if len(written) == 3:
            raise OutputError(f"cannot write {path}: No space left on device")
        write(path, data)

    monkeypatch.setattr(gallery, "write", fails)
    with pytest.raises(OutputError, match=rf"write {tmp_path}/new/er/mythos-.*No space"):
        write_report([report()], tmp_path / "new" / "er", "json")
    assert (len(written), list(tmp_path.iterdir())) == (3, [])


def test_topics_of_one_name_do_not_share_files(tmp_path: Path) -> None:
    twice = [make(panel(), origin_of(name)) for name in ("a/b", "a b")]
    paths = write_report(twice, tmp_path, "json")
    assert len(set(paths)) == len(paths) == 1 + 2 * 13


def test_a_place_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    for out, form in (("x.html", "png"), ("x.pdf", "html"), ("x.json", "json"), ("x.png", "png")):
        with pytest.raises(UsageError):
            write_report([report()], tmp_path / out, form)  # type: ignore[arg-type] # as from a user
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        write_report([report()], tmp_path / "file" / "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "p.html"
    path.write_text("old")
    with pytest.raises(AttributeError):
        write_page(replace(report(), comparison=None), path)  # type: ignore[arg-type] # a fault
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["p.html"]


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("events") / "world.duckdb")


def command_of(html: str) -> list[str]:
    import shlex  # noqa: PLC0415

    (command,) = {code.text() for code in tree(html).all("code")}
    return shlex.split(command)[1:]


def test_the_command_in_the_page_gives_the_same_page(db: Path, tmp_path: Path) -> None:
    asked = ["report", "--topic", "mythos", "--db", db, "--sizes", "5,20", "--seeds", "2",
             "--indicator", "heat,hill,gini", "--tiers", "5,20", "--seed", "3", "--top", "7",
             "--scale", "raw", "--max-rate", "500/3", "--weights", "0.5,0.3,0.2",
             "--protocol", "active,top", "--window", "5d"]  # fmt: skip
    done = ok(*asked, "--out", tmp_path / "one.html")
    assert done.stdout == b""
    assert done.stderr == f"written: {tmp_path / 'one.html'}\n"
    html = (tmp_path / "one.html").read_text()
    inert(tree(html))
    ok(*command_of(html), "--out", tmp_path / "two.html")
    assert (tmp_path / "two.html").read_text() == html


@pytest.mark.slow
def test_every_figure_says_what_it_is_of_and_what_was_not_seen(db: Path, tmp_path: Path) -> None:
    ok("report", "--topic", "mythos", "--db", db, "--window", "20d", "--sizes", "5", "--seeds", "1",
       "--indicator", "gini", "--format", "json", "--out", tmp_path)  # fmt: skip
    documents = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert documents.keys() == {
        f"mythos-{name}"
        for name in (
            "answer",
            "certainty",
            "sensitivity",
            "tier-shares",
            "share-by-size",
            "corrected",
            "concentration",
            "heat-by-day",
            "leaders-gini",
            "records-gini",
        )
    }
    for document in documents.values():
        assert document["topic"]["name"] == "mythos"
        assert len(document["gaps"]) == 1
        assert document["source"] == str(db)
    days = documents["mythos-heat-by-day"]
    assert sum(row["unseen_seconds"] for row in days["data"]) > 3 * 86_400
    assert any("h not seen" in row["note"] for row in days["table"])


@pytest.mark.slow
def test_the_posts_of_a_page_are_those_of_the_command_and_nobody_s_where_nobody_is_named(
    db: Path, tmp_path: Path
) -> None:
    about = ("--topic", "mythos", "--db", db)
    ok("report", *about, "--out", tmp_path / "page.html", "--sizes", "5", "--seeds", "1")
    root = tree((tmp_path / "page.html").read_text())
    rows = root.by_id("r-posts-table").all("tbody")[0].all("tr")
    found = ok("posts", *about, "--format", "json").json
    assert len(rows) == len(found["posts"]) == 10
    for row, post in zip(rows, found["posts"], strict=True):
        assert (post["handle"] or post["did"]) in row.text()
        assert f"{100 * post['share']:.2f} %" in row.text()
    more = ("--top", "0", "--sizes", "5", "--seeds", "1")
    ok("report", *about, "--out", tmp_path / "nobody.html", *more)
    assert "r-posts" not in (tmp_path / "nobody.html").read_text()


@pytest.mark.slow
def test_report_of_all_topics_and_of_a_features_file(db: Path, tmp_path: Path) -> None:
    base = ["--sizes", "5", "--seeds", "1", "--indicator", "lin"]
    ok("report", "--all-topics", "--db", db, "--out", tmp_path / "all", *base)
    root = tree((tmp_path / "all" / "all-topics.html").read_text())
    assert len(root.all("article")) == 5
    ok("features", "--topic", "mythos", "--db", db, "--out", tmp_path / "f.parquet")
    done = ok("report", "--features", tmp_path / "f.parquet", "--out", tmp_path / "own", *base)
    (page_of_it,) = (tmp_path / "own").iterdir()
    assert done.stderr == f"written: {page_of_it}\n"
    assert page_of_it.suffix == ".html"
    inert(tree(page_of_it.read_text()))


def test_report_refuses_what_makes_no_sense(db: Path, tmp_path: Path) -> None:
    for asked in (
        ["--topic", "mythos", "--all-topics"],
        ["--topic", "mythos", "--format", "png", "--out", tmp_path / "x.html"],
        ["--topic", "mythos", "--top", "-1"],
    ):
        done = run("report", "--db", db, *asked)
        assert done.code == ExitCode.USAGE, done.stderr
        assert done.stdout == b""
    assert list(tmp_path.iterdir()) == []
