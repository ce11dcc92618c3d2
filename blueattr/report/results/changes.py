"""A change laid out as a report: from one total to the other, by kind, by tier and by account."""

from typing import TYPE_CHECKING

from blueattr.provenance import spell_window
from blueattr.report.drawn import drawn_json, drawn_warnings
from blueattr.report.fields import Fields, tidy_table
from blueattr.report.numbers import count, percent, plural, short
from blueattr.report.parts.answer import about, rounded, tier_names
from blueattr.report.parts.first_screen import MORE
from blueattr.report.parts.groups import level_name, shown_name
from blueattr.report.parts.remarks import definition_json, remark_facts
from blueattr.report.parts.shared_fields import (
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    CUTOFFS,
    INDICATOR,
    SIZE,
)
from blueattr.report.provenance import (
    gap_facts,
    gap_warnings,
    origin_facts,
    panel_table,
    so_far,
    synthetic_banner,
    synthetic_mark,
    time_warnings,
    times_json,
    window_days,
)
from blueattr.report.results.attributions import aggregator_text
from blueattr.report.results.fields.change import (
    CHANGE,
    COMMON,
    COMMON_COLUMNS,
    DATES,
    GROUP,
    KIND,
    KIND_WORDS,
    MOVER,
    ROW,
    RULE,
    SEEN,
    SIZE_WORDS,
    TIER,
    WINDOW_VALUE,
    change_rows,
)
from blueattr.report.tables import SCHEMA_VERSION, Cell, Column, Fact, Json, Report, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.attribution.change.result import ChangeResult, WindowValue
    from blueattr.studies.carriers.movers import Mover

__all__ = ["change_report", "changes_report", "signed", "way_table"]


def change_report(result: "ChangeResult") -> Report:
    """Lay out what carried the change of one indicator.

    Parameters
    ----------
    result
        The result of `blueattr.attribution.change.change.change`.

    Returns
    -------
    Report
        For people the way from the total before to the total after, the tiers, and the accounts
        with the largest parts; as data one row per kind, one for the panel's size, and one per
        tier; as JSON everything but the per-agent frame.
    """
    return _report("change", (result,), _content(result))


def changes_report(results: "Sequence[ChangeResult]") -> Report:
    """Lay out changes of several indicators between the same two windows.

    Parameters
    ----------
    results
        At least one.

    Returns
    -------
    Report
        In JSON ``results`` has for each indicator the whole object of `change_report`.
    """
    return _report(
        "changes",
        results,
        {
            "results": [
                {"schema_version": SCHEMA_VERSION, "kind": "change", **_content(result)}
                for result in results
            ]
        },
    )


def _report(kind: str, results: "Sequence[ChangeResult]", content: dict[str, Json]) -> Report:
    main = next((one for one in results if one.indicator == "heat"), results[0])
    several = len(results) > 1
    return Report(
        kind=kind,
        summary=(_question(main), *map(_sentence, results)),
        tables=(
            *(way_table(one, several=several) for one in results),
            *(_groups_table(one, several=several) for one in results if one.groups),
        ),
        notes=(*main.notes, *_caveats(main)),
        lists=(_movers_table(main, several=several),) if _moved(main) else (),
        details=(
            *(_tiers_table(one, several=several) for one in results),
            *_panel_tables(main),
        ),
        more=MORE,
        facts=_facts(results),
        warnings=_warnings(main),
        data=_tidy(results),
        content=content,
    )


# --- sentences ------------------------------------------------------------------------------------


def _when(window: "WindowValue") -> str:
    origin = window.provenance
    if origin.window is None:
        return plural(window.n_agents, "account")
    return spell_window(origin.window) + so_far(origin)


def _question(result: "ChangeResult") -> str:
    mark = synthetic_mark(result.provenance)
    return (
        f"What carried the change of {about(result.provenance)}? {_when(result.before)}, then "
        f"{_when(result.after)}{f', {mark}' if mark else ''}"
    )


def _sentence(result: "ChangeResult") -> str:
    before, after = result.before.total, result.after.total
    totals = f"from {short(before)} to {short(after)}"
    if result.change == 0:
        return f"{result.indicator} is {short(after)} in both windows."
    verb = "rose" if result.change > 0 else "fell"
    if result.undefined:
        return f"{result.indicator} {verb} {totals}; {result.undefined}."
    clauses = ", ".join(
        f"{KIND_WORDS[one.name]} {rounded(one.share)}"
        for one in result.kinds
        if one.share is not None and one.agents and one.name != "same"
    )
    noun = "rise" if result.change > 0 else "fall"
    accounts = f"accounts that {clauses}; " if clauses else ""
    size = rounded(result.size / result.change)
    return (
        f"{result.indicator} {verb} {totals}. The {noun} is made of: {accounts}{SIZE_WORDS} {size}."
    )


def _warnings(result: "ChangeResult") -> tuple[str, ...]:
    """Return what nobody must overlook of the two windows."""
    found = []
    before, after = result.before.provenance, result.after.provenance
    if not after.all_synthetic and (banner := synthetic_banner(after)):
        found.append(banner)
    for which, origin in (("Before", before), ("After", after)):
        texts = (
            *gap_warnings(origin.gaps),
            *time_warnings(origin.time_from),
            *drawn_warnings(origin),
        )
        found += [f"{which}: {text}" for text in texts]
    return (*found, *((" ".join(after.ranking),) if after.ranking else ()))


def _caveats(result: "ChangeResult") -> tuple[str, ...]:
    """Say who was on the panels, who of them was involved, and how much was seen."""
    before, after = result.before, result.after
    sentences = []
    if result.panel == "active":
        involved = sum(part.agents_involved for part in result.kinds)
        theirs = sum(part.value_involved for part in result.kinds)
        own = sum(part.value for part in result.kinds)
        text = f"{count(involved)} of {plural(result.n_agents, 'account')} were involved"
        if result.undefined or involved == result.n_agents:
            sentences.append(f"{text}.")
        else:
            others = rounded((own - theirs) / result.change)
            sentences.append(
                f"{text}; the others account for {others} of the change just by being followed."
            )
    sentences.append(
        f"The panel has {count(before.n_agents)} accounts before and {count(after.n_agents)} after."
    )
    windows = [one.provenance for one in (before, after)]
    if all(one.window is not None and not one.gaps and not so_far(one) for one in windows):
        days = {window_days(one.window) for one in windows if one.window is not None}
        if days != {None}:
            sentences.append("All days of both windows were seen whole.")
    return (" ".join(sentences),)


# --- tables ---------------------------------------------------------------------------------------


def way_table(result: "ChangeResult", *, several: bool = False) -> Table:
    """Lay out the way from the total before to the total after.

    Parameters
    ----------
    result
        The change.
    several
        Whether those of other indicators stand beside it.
    """
    rows: list[tuple[Cell, ...]] = [
        ("before", result.before.n_agents, short(result.before.total), None),
        *(
            (KIND_WORDS[one.name], one.agents, signed(one.value), _share(one.share))
            for one in result.kinds
        ),
        (SIZE_WORDS, None, signed(result.size), _share(_size_share(result))),
        ("after", result.after.n_agents, short(result.after.total), None),
    ]
    return Table(
        name=f"way_{result.indicator}",
        title=f"The change of {result.indicator}" if several else "",
        columns=(
            Column("part", "accounts that"),
            Column("agents", "accounts", "int"),
            Column("value", result.indicator, "figure"),
            Column("share", "of the change", "figure"),
        ),
        rows=tuple(rows),
    )


def signed(value: float) -> str:
    """Write a part of a change, with its sign."""
    return ("+" if value > 0 else "") + short(value)


def _share(share: float | None) -> str | None:
    return None if share is None else percent(share)


def _size_share(result: "ChangeResult") -> float | None:
    return None if result.undefined else result.size / result.change


def _tiers_table(result: "ChangeResult", *, several: bool) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, part in zip(tier_names(result.cutoffs), result.tiers, strict=True):
        others = None if part.share is None else (part.value - part.value_involved) / result.change
        rows.append((
            name, part.agents, signed(part.value), _share(part.share), part.agents_involved,
            _share(others),
        ))  # fmt: skip
    return Table(
        name=f"tiers_{result.indicator}",
        title=f"The change of {result.indicator} by tier" if several else "By tier",
        columns=(
            Column("tier", "tier"),
            Column("agents", "accounts", "int"),
            Column("value", result.indicator, "figure"),
            Column("share", "of the change", "figure"),
            Column("agents_involved", "involved", "int"),
            Column("others", "others", "figure"),
        ),
        rows=tuple(rows),
        notes=(
            "others: the part of the change that comes from accounts that were not involved.",
            f"{SIZE_WORDS} adds {signed(result.size)} more.",
        ),
    )


def _groups_table(result: "ChangeResult", *, several: bool) -> Table:
    by = level_name(result.by or "")
    notes = [f"{SIZE_WORDS} adds {signed(result.size)} more."]
    if result.joined:
        notes.append(f"The last row is {len(result.joined):,} small groups, joined.")
    return Table(
        name=f"groups_{result.indicator}",
        title=f"The change of {result.indicator} by {by}" if several else f"By {by}",
        columns=(
            Column("group", "group", priority=0),
            Column("agents", "accounts", "int"),
            Column("value", result.indicator, "figure"),
            Column("share", "of the change", "figure"),
            Column("agents_involved", "involved", "int", priority=2),
        ),
        rows=tuple(
            (
                shown_name(part.name),
                part.agents,
                signed(part.value),
                _share(part.share),
                part.agents_involved,
            )
            for part in result.groups
        ),
        notes=tuple(notes),
    )


_COUNTED = ("written", "received", "follows")


def _moved(result: "ChangeResult") -> "list[Mover]":
    """Return those who have a part in the change: of equal windows, nobody."""
    return [one for one in result.movers if one.value]


def _movers_table(result: "ChangeResult", *, several: bool) -> Table:
    counted = any(
        one.written_before is not None or one.written_after is not None for one in result.movers
    )
    columns = [
        Column("account", "account"),
        Column("kind", "kind"),
        Column("value", result.indicator, "figure"),
        Column("share", "of the change", "figure"),
    ]
    if counted:
        columns += [Column(name, name, "figure") for name in _COUNTED]
    rows: list[tuple[Cell, ...]] = []
    for one in _moved(result):
        share = None if one.share is None else f"{100 * one.share:.2f} %"
        cells: tuple[Cell, ...] = (one.handle or one.did, one.kind, signed(one.value), share)
        if counted:
            cells += (
                _from_to(one.written_before, one.written_after),
                _from_to(one.received_before, one.received_after),
                _from_to(one.follows_before, one.follows_after),
            )
        rows.append(cells)
    title = f"The largest parts of the change of {result.indicator}" if several else ""
    return Table(
        name=f"accounts_{result.indicator}",
        title=title,
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(f"{', '.join(_COUNTED)}: in the window before, then in the window after.",)
        if counted
        else (),
    )


def _from_to(before: int | None, after: int | None) -> str:
    return f"{count(before)} to {count(after)}"


def _panel_tables(result: "ChangeResult") -> tuple[Table, ...]:
    tables = []
    for which, one in (("before", result.before), ("after", result.after)):
        if one.provenance.panel:
            table = panel_table(one.provenance.panel)
            tables.append(
                Table(f"panel_{which}", f"Panel {which}", table.columns, table.rows, table.notes)
            )
    return tuple(tables)


def _facts(results: "Sequence[ChangeResult]") -> tuple[Fact, ...]:
    first = results[0]
    remarks = {one.indicator: one.remarks for one in results}
    cutoffs = " and ".join(f"{cutoff:.12g}" for cutoff in first.cutoffs)
    unused = [name for name, remark in remarks.items() if not remark.aggregates]
    exception = f"; not used by {', '.join(unused)}" if unused else ""
    origin = first.provenance
    windows = [
        fact
        for which, one in (("before", first.before), ("after", first.after))
        for fact in (
            Fact(f"window {which}", _when(one) if one.provenance.window else "none"),
            *gap_facts(one.provenance.gaps),
        )
    ]
    others = [fact for fact in origin_facts(origin) if fact.label not in {"window", "gap", "gaps"}]
    return (
        *(Fact("movement", f"{one.indicator}: {_movement(one)}") for one in results),
        Fact(
            "method", "Aumann-Shapley value between the windows; " + "; ".join(map(_rule, results))
        ),
        *remark_facts(remarks),
        Fact("aggregator", aggregator_text(first.aggregator) + exception),
        Fact(
            "tiers",
            f"cut at {cutoffs} % of the agents of both windows, ranked by followers after, else "
            "before",
        ),
        *windows,
        *others,
    )


def _movement(result: "ChangeResult") -> str:
    ratio = result.movement_ratio
    times = "" if ratio is None else f", {short(ratio)} times the change"
    return f"all parts taken together are {short(result.movement)}{times}"


def _rule(result: "ChangeResult") -> str:
    nodes = "" if result.nodes is None else f" with {plural(result.nodes, 'node')}"
    return f"{result.indicator}: {result.rule}{nodes}"


# --- data -----------------------------------------------------------------------------------------


def _content(result: "ChangeResult") -> dict[str, Json]:
    origin = result.provenance
    return {
        **INDICATOR.json(result),
        **CHANGE.json(result),
        "kinds": [KIND.json(one) for one in result.kinds],
        "tiers": [TIER.json(one) for one in result.tiers],
        **_groups_json(result),
        "accounts": [MOVER.json(one) for one in result.movers],
        **RULE.json(result),
        **CUTOFFS.json(result),
        **AGGREGATOR_OBJECT.json(result),
        **_PANEL_OF.json(result),
        "before": _window_json(result.before),
        "after": _window_json(result.after),
        "definition": definition_json(result.remarks.info),
        **COMMON.json(origin, notes=[*result.notes, *origin.notes, *origin.ranking]),
    }


def _groups_json(result: "ChangeResult") -> dict[str, Json]:
    if result.by is None:
        return {}
    return {
        "by": [result.by],
        "groups": [GROUP.json(one) for one in result.groups],
        "joined": list(result.joined),
    }


def _window_json(window: "WindowValue") -> dict[str, Json]:
    origin = window.provenance
    return {
        **WINDOW_VALUE.json(window),
        **SEEN.json(origin),
        **times_json(origin.time_from),
        **drawn_json(origin),
    }


_PANEL_OF = Fields(SIZE["panel_of"])
_TIDY = (
    ("result", INDICATOR),
    ("row", ROW),
    ("result", CHANGE),
    ("result", DATES),
    ("result", _PANEL_OF),
    ("result", CUTOFFS),
    ("result", AGGREGATOR),
    ("result", RULE),
    ("origin", COMMON_COLUMNS),
)


def _tidy(results: "Sequence[ChangeResult]") -> Table:
    rows = [
        {"result": result, "row": row, "origin": result.provenance}
        for result in results
        for row in change_rows(result)
    ]
    return tidy_table("parts", _TIDY, rows)
