"""A topic's report, or several topics', as one HTML file that loads nothing and runs nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueattr.atomic import write
from blueattr.provenance import spell_window
from blueattr.report.citation import bibtex, citation
from blueattr.report.figures.agents import leaders_report
from blueattr.report.figures.charts.drawing import Drawing, Spec
from blueattr.report.figures.corrected import corrected_sentences
from blueattr.report.figures.days import hours_exhibit
from blueattr.report.figures.exhibit import Exhibit, topic_title
from blueattr.report.figures.posts import posts_layout
from blueattr.report.figures.scales import flips_exhibit
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.formats.html import environment, leaders_layout, table_layout
from blueattr.report.numbers import plural
from blueattr.report.pages.file_names import report_name
from blueattr.report.pages.key_facts import (
    headline_sentence,
    key_facts,
    other_sentences,
    remarks,
)
from blueattr.report.pages.layout import exhibit_layout, style_of_pages
from blueattr.report.parts.answer import question_line
from blueattr.report.parts.groups import interaction_tables, spelled_levels
from blueattr.report.parts.involvement import involvement
from blueattr.report.provenance import (
    coverage_table,
    gap_warnings,
    influence_warnings,
    ranking_warnings,
    so_far,
    synthetic_banner,
    time_warnings,
)
from blueattr.report.results.changes import change_report
from blueattr.report.results.comparisons import comparison_report
from blueattr.report.results.posts import posts_report
from blueattr.report.tables import Fact, Table

if TYPE_CHECKING:
    from blueattr.provenance import Provenance
    from blueattr.studies.topic import TopicReport

__all__ = ["page_html", "write_page"]


_OTHERS = ("-others", "-signed")
_PAIRS = "What pairs of groups do together"
_MOVERS = "Accounts with the largest parts, up or down"


_WEIGHT = (
    "A large share says how much an account's activity weighs in the indicator. It says nothing "
    "about intent, merit or blame."
)


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
        "All agents ranked once by followers and cut at the stated percentages; in a sample, "
        "agents keep the tier they have among all.",
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
                *time_warnings(first.provenance.times_from),
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
        origin = report.provenance
        laid_out = comparison_report(report.comparison)
        exhibits = {exhibit.name: exhibit for exhibit in topic_exhibits(report)}
        file = report_name(origin)
        answer = exhibits.get("answer")
        sections: list[dict[str, Any]] = []

        def add(name: str, title: str, figures: Sequence[str] = (), **parts: Any) -> None:
            shown = [
                self._exhibit(exhibits[figure], file, prefix=prefix)
                for figure in figures
                if figure in exhibits
            ]
            if not shown and not any(parts.values()):
                return
            empty: dict[str, Any] = {
                **dict.fromkeys(("text", "command"), ""),
                **dict.fromkeys(
                    ("list", "sentences", "tables", "folds", "facts", "groups", "people"), ()
                ),
            }
            sections.append(
                {**empty, "id": f"{prefix}-{name}", "title": title, "exhibits": shown, **parts}
            )

        first = None if answer is None else self._exhibit(answer, file, prefix=prefix)
        leaders = self._leaders(report, prefix)
        add(
            "leaders",
            "Who carried it",
            text=_WEIGHT if leaders else "",
            tables=[table for one, table in leaders if one == _headline(report)],
            people=[
                person
                for one in report.leaders
                if one.indicator == _headline(report)
                for person in posts_layout(one)
            ],
        )
        carried = None if report.carried is None else posts_report(report.carried)
        if carried is not None:
            add(
                "posts",
                "Which posts carried it",
                sentences=carried.summary[1:2],
                tables=[table_layout(table, f"{prefix}-posts-table") for table in carried.lists],
            )
        by_day = () if report.days is None else (f"{report.days.whole.indicator}-by-day",)
        hours = None if report.days is None else hours_exhibit(report.days)
        by_hour = () if hours is None else (hours.report.tables[0],)
        add(
            "when",
            "When",
            by_day,
            sentences=() if carried is None else carried.summary[2:],
            folds=[table_layout(table, f"{prefix}-hours") for table in by_hour],
        )
        if report.change is not None:
            laid = change_report(report.change)
            add(
                "change",
                "What carried the change",
                (f"{report.change.indicator}-change",),
                sentences=(laid.summary[1], *laid.notes),
                folds=[
                    table_layout(replace(table, title=_MOVERS), f"{prefix}-movers")
                    for table in laid.lists
                ],
            )
        if report.groups is not None:
            add(
                "groups",
                f"Groups by {spelled_levels(report.groups.groups)}",
                (f"{report.groups.indicator}-groups",),
                folds=[
                    table_layout(replace(table, title=_PAIRS), f"{prefix}-interactions")
                    for table in interaction_tables([report.groups])
                ],
            )
        add("certainty", "How sure is this?", ("certainty", "sensitivity"))
        tests = [table for table in laid_out.tables if table.name == "rescaling"]
        of_headline = [t for t in tests if t.title.startswith(f"{_headline(report)}: ")]
        add(
            "scale",
            "What a sample would have said",
            ("tier-shares", "share-by-size"),
            list=_rescaling(of_headline),
            folds=[
                table_layout(table, f"{prefix}-rescaling-{k}")
                for k, table in enumerate(of_headline)
            ],
        )
        add(
            "corrected",
            "What a sample could say, put right",
            ("corrected",),
            list=()
            if report.headline is None
            else corrected_sentences(report.headline, report.comparison.cutoffs),
        )
        add("concentration", "How concentrated it is", ("concentration",))
        others = [
            one.indicator
            for one in report.comparison.indicators
            if one.indicator != _headline(report) and not one.undefined
        ]
        add(
            "others",
            f"Other indicators: {', '.join(others)}",
            list=other_sentences(report),
            groups=self._others(report, prefix, exhibits, tests=tests, leaders=leaders)
            if others
            else (),
        )
        panels = laid_out.details
        everyone = f"All {plural(report.comparison.n_agents, 'account')} of {origin.source}."
        add(
            "panel",
            "Who counts",
            text="" if panels else everyone,
            sentences=involvement(
                report.comparison,
                [
                    (one.indicator, one.full.tiers, one.full.active, one.full.total)
                    for one in report.comparison.indicators
                    if not one.undefined
                ],
            ),
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
            "question": question_line(origin, report.comparison.n_agents),
            "headline": headline_sentence(report),
            "answer": first,
            "facts": key_facts(report),
            "remarks": remarks(report),
            "sections": sections,
        }

    def _leaders(self, report: "TopicReport", prefix: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (
                one.indicator,
                leaders_layout(
                    one,
                    leaders_report(one, report.provenance).tables[0],
                    f"{prefix}-leaders-{k}",
                ),
            )
            for k, one in enumerate(report.leaders)
            if one.agents
        ]

    def _others(
        self,
        report: "TopicReport",
        prefix: str,
        exhibits: dict[str, Exhibit],
        *,
        tests: Sequence[Table],
        leaders: Sequence[tuple[str, dict[str, Any]]],
    ) -> list[dict[str, Any]]:
        """Return what is folded about the indicators other than the headline's."""
        headline = _headline(report)
        file = report_name(report.provenance)
        # Only shares are drawn; `--format svg` draws all.
        groups: list[dict[str, Any]] = [
            {
                "title": "Shares",
                "exhibits": [
                    self._exhibit(exhibits[f"tier-shares{suffix}"], file, prefix=prefix)
                    for suffix in _OTHERS
                    if f"tier-shares{suffix}" in exhibits
                ],
                "tables": (),
                "list": (),
            },
            *(
                {
                    "title": title,
                    "exhibits": (),
                    "list": (),
                    "tables": [
                        table_layout(
                            exhibits[kind + suffix].report.tables[0],
                            f"{prefix}-table-{kind}{suffix}",
                            grouped=kind == "share-by-size",
                        )
                        for suffix in _OTHERS
                        if kind + suffix in exhibits
                    ],
                }
                for title, kind in (
                    ("Shares by size of the sample", "share-by-size"),
                    ("Samples put right", "corrected"),
                    ("Concentration", "concentration"),
                )
            ),
        ]
        of_others = [t for t in tests if not t.title.startswith(f"{headline}: ")]
        groups.append({
            "title": "Can a factor repair a sample?", "exhibits": (), "list": _rescaling(of_others),
            "tables": [
                table_layout(table, f"{prefix}-rescaling-others-{k}")
                for k, table in enumerate(of_others)
            ],
        })  # fmt: skip
        groups.append({
            "title": "Accounts with the largest values", "exhibits": (), "list": (),
            "tables": [table for one, table in leaders if one != headline],
        })  # fmt: skip
        return [group for group in groups if group["exhibits"] or group["tables"]]

    def _exhibit(self, exhibit: Exhibit, topic: str, *, prefix: str = "all") -> dict[str, Any]:
        self._figures += 1
        return exhibit_layout(exhibit, self._figures, topic, prefix=prefix, draw=self._draw)


def _headline(report: "TopicReport") -> str:
    return "" if report.headline is None else report.headline.indicator


def _rescaling(tests: Sequence[Table]) -> list[str]:
    """Say what a test for one factor found, in a sentence each."""
    return [f"{test.title.split(':')[0]}: {test.notes[0]}" for test in tests if test.notes]


def _meta(report: "TopicReport") -> str:
    origin, n_agents = report.provenance, report.comparison.n_agents
    if origin.window is None:
        return f"{plural(n_agents, 'account')} of {origin.source}"
    return (
        f"{spell_window(origin.window)}{so_far(origin)}, {plural(n_agents, 'account')} of "
        f"{origin.source}"
    )


def _coverage(origin: "Provenance") -> tuple[str, ...]:
    if origin.window is None:
        return ("A features file has no window, so there is nothing to cover.",)
    if not origin.gaps:
        return (f"Sources cover the whole window{so_far(origin)}; there are no gaps.",)
    return gap_warnings(origin.gaps)
