"""A topic's report, or several topics', as one HTML file that loads nothing and runs nothing."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from blueattr.atomic import write
from blueattr.report.figures.agents import leaders_report
from blueattr.report.figures.drawing import Drawing, Spec
from blueattr.report.figures.exhibit import Exhibit, topic_title
from blueattr.report.figures.scales import flips_exhibit
from blueattr.report.figures.theme import PAGE, PAGE_NARROW
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.formats.html import environment, leaders_layout, table_layout
from blueattr.report.formats.tabular import csv_bytes
from blueattr.report.numbers import count, percent, plural, short
from blueattr.report.provenance import ORIGIN, coverage_table, gap_warnings, seen_fraction
from blueattr.report.results.comparisons import comparison_report
from blueattr.report.tables import Fact, Report, Table

if TYPE_CHECKING:
    from blueattr.provenance import Provenance
    from blueattr.studies.topic import TopicReport

__all__ = ["page_html", "slug", "write_page"]


# Most bytes of data that a page carries for one figure; larger data need CSV, JSON or Parquet.
_MOST_DATA = 200_000


_TERMS = (
    Fact("agent", "An account that was active in the window and passes the panel's filters."),
    Fact(
        "a, b, c",
        "What an agent did (posts, replies and reposts), how many followed it, and how often "
        "others replied to it or reposted it; of the topic, but for follows.",
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
        "All agents ranked once by followers and cut at the stated percentages; in a sample, "
        "agents keep the tier they have among all.",
    ),
    Fact(
        "visibility, top, active, random",
        "Samples drawn with probability in proportion to followers + 1, the most followed, in "
        "proportion to activity, or with equal probability.",
    ),
    Fact("flip", "Share of all tiers but the top, full panel less sample, in percentage points."),
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
        Draws a specification as SVG; by default `blueattr.report.figures.drawing.Drawing.svg`.

    Returns
    -------
    str
        HTML that needs nothing else: figures, style and data are in it. Its security policy
        permits no script, no connection and no style but its own. The same for the same reports,
        fonts and versions of the libraries.
    """
    style = (resources.files("blueattr.report") / "templates/page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment().get_template("page.html.jinja").render(
        **_Page(draw or (lambda spec: Drawing(spec).svg())).context(reports),
        style=Markup(style),  # noqa: S704 - a file of this package
        style_hash=f"sha256-{digest}",
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


def slug(text: str) -> str:
    """Make a name fit for a file and an address.

    >>> slug("Trump/Tariffs …"), slug("../..")
    ('trump-tariffs', 'report')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "report"


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
        overview = None if at_a_glance is None else self._exhibit(at_a_glance, "all", folded=False)
        topics = [
            self._topic(report, f"t{k}" if several else "r") for k, report in enumerate(reports, 1)
        ]
        if several:
            title = f"{len(reports)} topics"
            sentence = "" if at_a_glance is None else at_a_glance.report.tables[0].notes[0]
            lede = sentence or "No indicator has an answer on these panels."
            contents = [
                *([{"id": "overview", "title": "At a glance"}] if overview else []),
                *topics,
            ]
        else:
            title, lede = topics[0]["title"], topics[0]["lede"]
            contents = topics[0]["sections"]
        return {
            "title": title,
            "lede": lede,
            "meta": _meta(first.provenance, first.comparison.n_agents),
            "warnings": gap_warnings(first.provenance.gaps),
            "contents": [*contents, {"id": "terms", "title": "What the words mean"}],
            "overview": overview,
            "topics": topics,
            "terms": _TERMS,
            "version": first.provenance.version,
        }

    def _topic(self, report: "TopicReport", prefix: str) -> dict[str, Any]:
        origin = report.provenance
        laid_out = comparison_report(report.comparison)
        lede, *others = _sentences(report, laid_out)
        sections: list[dict[str, Any]] = []

        def add(name: str, title: str, **parts: Any) -> None:
            empty: dict[str, Any] = {
                **dict.fromkeys(("text", "command"), ""),
                **dict.fromkeys(("list", "sentences", "tables", "folds", "facts"), ()),
                "exhibit": None,
            }
            sections.append({**empty, "id": f"{prefix}-{name}", "title": title, **parts})

        for exhibit in topic_exhibits(report):
            folded = exhibit.name not in {"tier-shares", "concentration"}
            add(exhibit.name, exhibit.title,
                exhibit=self._exhibit(exhibit, slug(topic_title(origin)), folded=folded,
                                      prefix=prefix))  # fmt: skip
            if exhibit.name == "share-by-size":
                tests = [table for table in laid_out.tables if table.name == "rescaling"]
                add(
                    "rescaling",
                    "Can a factor repair a sample?",
                    text="If a sample's attribution were the full panel's on a smaller scale, one "
                    "factor λ would turn one into the other.",
                    list=[
                        f"{table.title.split(':')[0]}: {table.notes[0]}"
                        for table in tests
                        if table.notes
                    ],
                    folds=[
                        table_layout(table, f"{prefix}-rescaling-{k}")
                        for k, table in enumerate(tests)
                    ],
                )
        leaders = [
            leaders_layout(
                one.agents, leaders_report(one, origin).tables[0], f"{prefix}-leaders-{k}"
            )
            for k, one in enumerate(sorted(report.leaders, key=lambda one: one.indicator != "heat"))
        ]
        if leaders:
            add("leaders", "Agents with the largest attribution",
                text="A large attribution says how much an account's activity weighs in the "
                "indicator. It says nothing of intent, merit or blame.",
                tables=leaders[:1], folds=leaders[1:])  # fmt: skip
        panels = [table for table in laid_out.tables if table.name == "panel"]
        everyone = f"All {plural(report.comparison.n_agents, 'agent')} of {origin.source}."
        add(
            "panel",
            "Who counts",
            text="" if panels else everyone,
            tables=[table_layout(table, f"{prefix}-panel-table") for table in panels],
        )
        gaps = [coverage_table(origin.gaps)] if origin.gaps else []
        add(
            "coverage",
            "Coverage and gaps",
            sentences=_coverage(origin),
            tables=[table_layout(table, f"{prefix}-gaps") for table in gaps],
        )
        add(
            "methods",
            "Methods and parameters",
            facts=[
                *laid_out.facts,
                Fact("versions", ", ".join(f"{name} {number}" for name, number in report.versions)),
            ],
            command=report.command,
        )
        return {
            "id": prefix,
            "title": topic_title(origin),
            "lede": lede,
            "sentences": others,
            "numbers": _numbers(report),
            "sections": sections,
        }

    def _exhibit(
        self, exhibit: Exhibit, topic: str, *, folded: bool, prefix: str = "all"
    ) -> dict[str, Any]:
        self._figures += 1
        data = exhibit.report.data
        assert data is not None  # noqa: S101 - an exhibit's report always has data
        bare = Report(data.name, (), data=_without_origin(data))
        content = csv_bytes(bare)
        fits = len(content) <= _MOST_DATA
        encoded = base64.b64encode(content).decode() if fits else ""
        return {
            "id": f"{prefix}-figure-{exhibit.name}",
            "number": self._figures,
            "caption": exhibit.caption,
            "alt": exhibit.alt,
            "wide": self._svg(exhibit.chart(PAGE)),
            "narrow": self._svg(exhibit.chart(PAGE_NARROW)),
            "table": table_layout(
                exhibit.report.tables[0], f"{prefix}-table-{exhibit.name}",
                grouped=exhibit.name in {"tier-shares", "share-by-size"},
            ),
            "folded": folded,
            "file": f"{topic}-{exhibit.name}.csv",
            "csv": Markup("data:text/csv;charset=utf-8;base64," + encoded) if fits else "",  # noqa: S704 - base64
        }  # fmt: skip

    def _svg(self, spec: Spec) -> Markup:
        # The drawing library has escaped all text in it.
        return Markup(self._draw(spec))  # noqa: S704


def _sentences(report: "TopicReport", laid_out: Report) -> tuple[str, ...]:
    """Return the sentences, that on heat first: it is what makes a topic hot."""
    undefined = [
        f"{scales.indicator} has no answer on this panel: {scales.undefined}."
        for scales in report.comparison.indicators
        if scales.undefined
    ]
    sentences = [*laid_out.summary, *undefined]
    sentences.sort(key=lambda sentence: not sentence.startswith("Of heat "))
    return tuple(sentences) or ("No sample has an answer.",)


def _numbers(report: "TopicReport") -> list[Fact]:
    origin, comparison = report.provenance, report.comparison
    numbers = [Fact("agents", count(comparison.n_agents))]
    heat = next(
        (s for s in comparison.indicators if s.indicator == "heat" and not s.undefined), None
    )
    if heat is not None:
        numbers.append(Fact("heat", short(heat.full.total)))
    half = next((c for c in report.concentrations if heat is None or c.indicator == "heat"), None)
    if half is not None:
        numbers.append(Fact(f"agents that carry half of {half.indicator}", count(half.half)))
    if origin.window is not None:
        numbers.append(Fact("of the window seen", percent(seen_fraction(origin))))
    return numbers


def _meta(origin: "Provenance", n_agents: int) -> str:
    window = origin.window
    if window is None:
        return f"{plural(n_agents, 'agent')} of {origin.source}."
    return (
        f"{window.start:%-d %B %Y, %H:%M} to {window.end:%-d %B %Y, %H:%M} UTC; "
        f"{plural(n_agents, 'agent')} of {origin.source}."
    )


def _coverage(origin: "Provenance") -> tuple[str, ...]:
    if origin.window is None:
        return ("A features file has no window, so there is nothing to cover.",)
    if not origin.gaps:
        return ("Sources cover the whole window; there are no gaps.",)
    return gap_warnings(origin.gaps)


def _without_origin(table: Table) -> Table:
    """Leave out the columns that are equal in every row: the page has them once."""
    keep = len(table.columns) - len(ORIGIN.columns())
    return Table(table.name, "", table.columns[:keep], tuple(row[:keep] for row in table.rows))
