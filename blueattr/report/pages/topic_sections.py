"""The sections of one topic on a page, in their order, as the page's template takes them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from blueattr.report.figures.agents import leaders_report
from blueattr.report.figures.corrected import corrected_sentences
from blueattr.report.figures.days import hours_exhibit
from blueattr.report.figures.exhibit import Exhibit
from blueattr.report.figures.posts import posts_layout
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.formats.html import leaders_layout, table_layout
from blueattr.report.numbers import plural
from blueattr.report.pages.file_names import report_name
from blueattr.report.pages.key_facts import other_sentences
from blueattr.report.parts.groups import interaction_tables, spelled_levels
from blueattr.report.parts.involvement import involvement
from blueattr.report.provenance import coverage_table, gap_warnings, so_far
from blueattr.report.results.changes import change_report
from blueattr.report.results.comparisons import comparison_report
from blueattr.report.results.posts import posts_report
from blueattr.report.tables import Fact, Table

if TYPE_CHECKING:
    from blueattr.provenance import Provenance
    from blueattr.studies.topic import TopicReport

__all__ = ["TopicSections"]


_OTHERS = ("-others", "-signed")
_PAIRS = "What pairs of groups do together"
_MOVERS = "Accounts with the largest parts, up or down"
_WEIGHT = (
    "A large share says how much an account's activity weighs in the indicator. It says nothing "
    "about intent, merit or blame."
)
# Columns of posts that a narrow screen has no room for: what is shown is in order of the share.
_RECEIVED = ("replies_received", "reposts_received", "quotes_received")
# What a section may have beside its figures; what it lacks is empty for the template.
_TEXTS = ("text", "command")
_LISTS = ("list", "sentences", "tables", "folds", "facts", "groups", "people")


class TopicSections:
    """What a page says of one topic, a method for each section.

    Parameters
    ----------
    report
        The topic's.
    prefix
        Of the names that links lead to.
    number_exhibit
        Gives a figure the next number of the page, and lays it out.
    """

    def __init__(
        self, report: "TopicReport", prefix: str, number_exhibit: Callable[..., dict[str, Any]]
    ) -> None:
        self._report = report
        self._prefix = prefix
        self._number_exhibit = number_exhibit
        self._headline = "" if report.headline is None else report.headline.indicator
        self._file = report_name(report.provenance)
        self._exhibits = {exhibit.name: exhibit for exhibit in topic_exhibits(report)}
        self._comparison = comparison_report(report.comparison)
        self._tests = [table for table in self._comparison.tables if table.name == "rescaling"]
        self._posts_report = None if report.carried is None else posts_report(report.carried)

    def answer(self) -> dict[str, Any] | None:
        """Return the figure of the answer, which is the first; None where there is no answer."""
        exhibit = self._exhibits.get("answer")
        return None if exhibit is None else self._laid_out(exhibit)

    def in_order(self) -> list[dict[str, Any]]:
        """Return all sections that have something in them, from the top of the page down."""
        leaders = self._leaders()
        # The order of the calls is that of the numbers of figures, too.
        sections = (
            self._carried_by(leaders),
            self._posts(),
            self._when(),
            self._change(),
            self._groups(),
            self._section("certainty", "How sure is this?", ("certainty", "sensitivity")),
            self._scale(),
            self._corrected(),
            self._section("concentration", "How concentrated it is", ("concentration",)),
            self._others(leaders),
            self._panel(),
            self._coverage(),
            self._methods(),
        )
        return [section for section in sections if section is not None]

    def _section(
        self, name: str, title: str, figures: Sequence[str] = (), **parts: Any
    ) -> dict[str, Any] | None:
        """Return a section for the template; None if nothing would be in it."""
        exhibits = [self._laid_out(self._exhibits[f]) for f in figures if f in self._exhibits]
        if not exhibits and not any(parts.values()):
            return None
        return {
            **dict.fromkeys(_TEXTS, ""),
            **dict.fromkeys(_LISTS, ()),
            "id": f"{self._prefix}-{name}",
            "title": title,
            "exhibits": exhibits,
            **parts,
        }

    def _laid_out(self, exhibit: Exhibit) -> dict[str, Any]:
        return self._number_exhibit(exhibit, self._file, prefix=self._prefix)

    def _tables(self, tables: Iterable[Table], name: str) -> list[dict[str, Any]]:
        return [table_layout(table, f"{self._prefix}-{name}") for table in tables]

    def _numbered(self, tables: Iterable[Table], name: str) -> list[dict[str, Any]]:
        return [table_layout(table, f"{self._prefix}-{name}-{k}") for k, table in enumerate(tables)]

    def _leaders(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the tables of the accounts with the largest values, by indicator."""
        return [
            (
                one.indicator,
                leaders_layout(
                    one,
                    leaders_report(one, self._report.provenance).tables[0],
                    f"{self._prefix}-leaders-{k}",
                ),
            )
            for k, one in enumerate(self._report.leaders)
            if one.agents
        ]

    def _carried_by(self, leaders: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any] | None:
        return self._section(
            "leaders",
            "Who carried it",
            text=_WEIGHT if leaders else "",
            tables=[table for one, table in leaders if one == self._headline],
            people=[
                person
                for one in self._report.leaders
                if one.indicator == self._headline
                for person in posts_layout(one)
            ],
        )

    def _posts(self) -> dict[str, Any] | None:
        if self._posts_report is None:
            return None
        return self._section(
            "posts",
            "Which posts carried it",
            sentences=self._posts_report.summary[1:2],
            tables=[
                table_layout(table, f"{self._prefix}-posts-table", aside=_RECEIVED)
                for table in self._posts_report.lists
            ],
        )

    def _when(self) -> dict[str, Any] | None:
        days = self._report.days
        hours = None if days is None else hours_exhibit(days)
        return self._section(
            "when",
            "When",
            () if days is None else (f"{days.whole.indicator}-by-day",),
            sentences=() if self._posts_report is None else self._posts_report.summary[2:],
            folds=self._tables(() if hours is None else hours.report.tables[:1], "hours"),
        )

    def _change(self) -> dict[str, Any] | None:
        if self._report.change is None:
            return None
        change = change_report(self._report.change)
        return self._section(
            "change",
            "What carried the change",
            (f"{self._report.change.indicator}-change",),
            sentences=(change.summary[1], *change.notes),
            folds=self._tables((replace(table, title=_MOVERS) for table in change.lists), "movers"),
        )

    def _groups(self) -> dict[str, Any] | None:
        grouped = self._report.groups
        if grouped is None:
            return None
        return self._section(
            "groups",
            f"Groups by {spelled_levels(grouped.groups)}",
            (f"{grouped.indicator}-groups",),
            folds=self._tables(
                (replace(table, title=_PAIRS) for table in interaction_tables([grouped])),
                "interactions",
            ),
        )

    def _scale(self) -> dict[str, Any] | None:
        of_headline = [test for test in self._tests if self._is_of_headline(test)]
        return self._section(
            "scale",
            "What a sample would have said",
            ("tier-shares", "share-by-size"),
            list=_rescaling(of_headline),
            folds=self._numbered(map(_without_verdict, of_headline), "rescaling"),
        )

    def _corrected(self) -> dict[str, Any] | None:
        headline, cutoffs = self._report.headline, self._report.comparison.cutoffs
        return self._section(
            "corrected",
            "What a sample could say, put right",
            ("corrected",),
            list=() if headline is None else corrected_sentences(headline, cutoffs),
        )

    def _others(self, leaders: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any] | None:
        others = [
            one.indicator
            for one in self._report.comparison.indicators
            if one.indicator != self._headline and not one.undefined
        ]
        return self._section(
            "others",
            f"Other indicators: {', '.join(others)}",
            list=other_sentences(self._report),
            groups=self._folded_others(leaders) if others else (),
        )

    def _folded_others(self, leaders: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return what is folded about the indicators other than the headline's."""
        of_others = [test for test in self._tests if not self._is_of_headline(test)]
        # Only shares are drawn; `--format svg` draws all.
        groups = [
            _group(
                "Shares",
                exhibits=[
                    self._laid_out(self._exhibits[f"tier-shares{suffix}"])
                    for suffix in _OTHERS
                    if f"tier-shares{suffix}" in self._exhibits
                ],
            ),
            *(
                _group(
                    title,
                    tables=[
                        table_layout(
                            self._exhibits[kind + suffix].report.tables[0],
                            f"{self._prefix}-table-{kind}{suffix}",
                            grouped=kind == "share-by-size",
                        )
                        for suffix in _OTHERS
                        if kind + suffix in self._exhibits
                    ],
                )
                for title, kind in (
                    ("Shares by size of the sample", "share-by-size"),
                    ("Samples put right", "corrected"),
                    ("Concentration", "concentration"),
                )
            ),
            _group(
                "Can a factor repair a sample?",
                tables=self._numbered(map(_without_verdict, of_others), "rescaling-others"),
                sentences=_rescaling(of_others),
            ),
            _group(
                "Accounts with the largest values",
                tables=[table for one, table in leaders if one != self._headline],
            ),
        ]
        return [group for group in groups if group["exhibits"] or group["tables"]]

    def _panel(self) -> dict[str, Any] | None:
        comparison, panels = self._report.comparison, self._comparison.details
        source = self._report.provenance.source
        return self._section(
            "panel",
            "Who counts",
            text="" if panels else f"All {plural(comparison.n_agents, 'account')} of {source}.",
            sentences=involvement(
                comparison,
                [
                    (one.indicator, one.full.tiers, one.full.active, one.full.total)
                    for one in comparison.indicators
                    if not one.undefined
                ],
            ),
            tables=self._tables(panels, "panel-table"),
        )

    def _coverage(self) -> dict[str, Any] | None:
        origin = self._report.provenance
        return self._section(
            "coverage",
            "Coverage and gaps",
            sentences=_coverage(origin),
            tables=self._tables([coverage_table(origin.gaps)] if origin.gaps else [], "gaps"),
        )

    def _methods(self) -> dict[str, Any] | None:
        versions = ", ".join(f"{name} {number}" for name, number in self._report.versions)
        return self._section(
            "methods",
            "Methods and parameters",
            facts=[*self._comparison.facts, Fact("versions", versions)],
            command=self._report.command,
        )

    def _is_of_headline(self, test: Table) -> bool:
        return test.title.startswith(f"{self._headline}: ")


def _group(
    title: str,
    *,
    exhibits: Sequence[dict[str, Any]] = (),
    tables: Sequence[dict[str, Any]] = (),
    sentences: Sequence[str] = (),
) -> dict[str, Any]:
    return {"title": title, "exhibits": exhibits, "tables": tables, "list": sentences}


def _rescaling(tests: Sequence[Table]) -> list[str]:
    """Say what a test for one factor found, in a sentence each."""
    return [f"{test.title.split(':')[0]}: {test.notes[0]}" for test in tests if test.notes]


def _without_verdict(test: Table) -> Table:
    """Leave out of a table what `_rescaling` says above it."""
    return replace(test, notes=test.notes[1:])


def _coverage(origin: "Provenance") -> tuple[str, ...]:
    if origin.window is None:
        return ("A features file has no window, so there is nothing to cover.",)
    if not origin.gaps:
        return (f"Sources cover the whole window{so_far(origin)}; there are no gaps.",)
    return gap_warnings(origin.gaps)
