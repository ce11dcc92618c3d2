"""A topic's report, or several topics', as one HTML file that loads nothing and runs nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueattr.atomic import write
from blueattr.provenance import spell_window
from blueattr.report.citation import bibtex, citation
from blueattr.report.drawn import drawn_warnings
from blueattr.report.figures.charts.drawing import Drawing, Spec
from blueattr.report.figures.exhibit import Exhibit, topic_title
from blueattr.report.figures.scales import flips_exhibit
from blueattr.report.formats.html import environment
from blueattr.report.numbers import plural
from blueattr.report.pages.key_facts import headline_sentence, key_facts, remarks
from blueattr.report.pages.layout import exhibit_layout, style_of_pages
from blueattr.report.pages.topic_sections import TopicSections
from blueattr.report.parts.answer import question_line
from blueattr.report.provenance import (
    gap_warnings,
    influence_warnings,
    ranking_warnings,
    so_far,
    synthetic_banner,
    time_warnings,
)
from blueattr.report.tables import Fact

if TYPE_CHECKING:
    from blueattr.studies.topic import TopicReport

__all__ = ["page_html", "write_page"]


_TERMS = (
    Fact("agent", "An account that was active in the window and passes the panel's filters."),
    Fact(
        "a, b, c",
        "What an agent did (posts, replies and reposts), how many followed it, and how often "
        "others replied to it, reposted it or quoted it. All but the follows are about the topic.",
    ),
    Fact(
        "attribution",
        "The Aumann-Shapley value: each agent's part of an indicator, such that the parts of all "
        "agents sum to it.",
    ),
    Fact("lin", "The mean of the agents' activity, popularity and influence taken together."),
    Fact("heat", "log(1 + M), where M is the product of the means of a, b and c."),
    Fact("var", "The variance among agents, which rises as opinion or activity polarises."),
    Fact("gini", "The Gini index among agents, which rises as attention concentrates."),
    Fact(
        "tiers",
        "The top, the middle and the tail: all agents ranked once by followers and cut at the "
        "stated percentages; in a sample, agents keep the tier they have among all.",
    ),
    Fact(
        "visibility, top, active, random",
        "How samples are drawn: with probability in proportion to followers + 1; the most "
        "followed; in proportion to activity; or all with equal probability.",
    ),
    Fact(
        "flip",
        "The share of all tiers but the top among all agents, minus the same in the sample, in "
        "percentage points.",
    ),
    Fact(
        "λ, residual",
        "The factor that best rescales the full panel's values to the sample's, and the relative "
        "error that it leaves.",
    ),
)  # fmt: skip


def page_html(reports: "Sequence[TopicReport]", draw: Callable[[Spec], str] | None = None) -> str:
    """Lay out reports as one page.

    Parameters
    ----------
    reports
        One topic, or several of one panel and window.
    draw
        Draws a specification as SVG; by default
        `blueattr.report.figures.charts.drawing.Drawing.svg`.

    Returns
    -------
    str
        HTML that needs nothing else: figures, style and data are in it. Its security policy
        permits no script, no connection and no style but its own. The same for the same reports,
        fonts and versions of the libraries.
    """
    style, digest = style_of_pages()
    return environment().get_template("page.html.jinja").render(
        **_Page(draw or (lambda spec: Drawing(spec).svg())).context(reports),
        style=style,
        style_hash=digest,
    )  # fmt: skip


def write_page(reports: "TopicReport | Sequence[TopicReport]", path: Path) -> None:
    """Write one page of one or several reports to a file, whole or not at all.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    several = reports if isinstance(reports, Sequence) else (reports,)
    write(path, page_html(several).encode())


# --- the context of the template -----------------------------------------------------------------


class _Page:
    """The context of one page; it numbers the figures in order."""

    def __init__(self, draw: Callable[[Spec], str]) -> None:
        self._draw = draw
        self._figures = 0

    def context(self, reports: "Sequence[TopicReport]") -> dict[str, Any]:
        first = reports[0]
        several = len(reports) > 1
        at_a_glance = flips_exhibit([report.comparison for report in reports]) if several else None
        overview = None if at_a_glance is None else self._exhibit(at_a_glance, "all")
        topics = [
            self._topic(report, f"t{k}" if several else "r") for k, report in enumerate(reports, 1)
        ]
        if several:
            title, question = f"{len(reports)} topics", _meta(first)
            headline = "" if at_a_glance is None else at_a_glance.report.tables[0].notes[0]
            headline = headline or "No indicator has an answer on these panels."
            contents = [
                *([{"id": "overview", "title": "At a glance"}] if overview else []),
                *topics,
            ]
        else:
            title, question = topics[0]["title"], topics[0]["question"]
            headline, contents = topics[0]["headline"], topics[0]["sections"]
        return {
            "title": title,
            "question": question,
            "headline": headline,
            "banner": synthetic_banner(first.provenance),
            "warnings": (
                *gap_warnings(first.provenance.gaps),
                *time_warnings(first.provenance.time_from),
                *drawn_warnings(first.provenance),
                *influence_warnings(first.provenance),
                *ranking_warnings([report.provenance for report in reports]),
            ),
            "contents": [*contents, {"id": "terms", "title": "What the words mean"}],
            "overview": overview,
            "topics": topics,
            "terms": _TERMS,
            "version": first.provenance.version,
            "citation": citation(first.provenance.version),
            "bibtex": bibtex(first.provenance.version).splitlines(),
        }

    def _topic(self, report: "TopicReport", prefix: str) -> dict[str, Any]:
        sections = TopicSections(report, prefix, self._exhibit)
        # Figures are numbered as they are laid out, and that of the answer stands above all others.
        answer = sections.answer()
        return {
            "id": prefix,
            "title": topic_title(report.provenance),
            "question": question_line(report.provenance, report.comparison.n_agents),
            "headline": headline_sentence(report),
            "answer": answer,
            "facts": key_facts(report),
            "remarks": remarks(report),
            "sections": sections.in_order(),
        }

    def _exhibit(self, exhibit: Exhibit, topic: str, *, prefix: str = "all") -> dict[str, Any]:
        self._figures += 1
        return exhibit_layout(exhibit, self._figures, topic, prefix=prefix, draw=self._draw)


def _meta(report: "TopicReport") -> str:
    origin, n_agents = report.provenance, report.comparison.n_agents
    if origin.window is None:
        return f"{plural(n_agents, 'account')} of {origin.source}"
    return (
        f"{spell_window(origin.window)}{so_far(origin)}, {plural(n_agents, 'account')} of "
        f"{origin.source}"
    )
