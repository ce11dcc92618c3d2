"""A validation laid out as a report: every method on the same panels, how close, at what cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from blueattr.report.attributions import (
    aggregator_json,
    aggregator_text,
    method_text,
    weights_text,
)
from blueattr.report.figures import count, percent, plural, short
from blueattr.report.origin import (
    ORIGIN_COLUMNS,
    gap_warnings,
    origin_cells,
    origin_facts,
    origin_json,
    panel_table,
)
from blueattr.report.remarks import definition_json, origin_text
from blueattr.report.tables import Cell, Column, Fact, Json, Report, Table

if TYPE_CHECKING:  # the arithmetic need not be imported to lay out its results
    from blueattr.agreement import Agreement
    from blueattr.validation import MethodRun, Validation, ValidationBlock

__all__ = ["duration", "validation_report"]


def validation_report(result: "Validation") -> Report:
    """Lay out a validation.

    Parameters
    ----------
    result
        What `blueattr.validation.validate` gives.

    Returns
    -------
    Report
        For people two tables per indicator (agreement, cost) and the provenance; as data one row
        per indicator, panel, method and budget; as JSON everything.
    """
    indicators = dict.fromkeys(block.indicator for block in result.blocks)
    tables = []
    for indicator in indicators:
        blocks = [block for block in result.blocks if block.indicator == indicator]
        tables += [_agreement_table(indicator, blocks), _cost_table(indicator, blocks, result)]
    if result.provenance.panel:
        tables.append(panel_table(result.provenance.panel))
    return Report(
        kind="validation",
        summary=tuple(s for block in result.blocks for s in _sentences(block)),
        tables=tuple(tables),
        facts=_facts(result),
        warnings=gap_warnings(result.provenance.gaps),
        data=_tidy(result),
        content=_content(result),
    )


def _sentences(block: "ValidationBlock") -> tuple[str, ...]:
    """Say how far the Aumann-Shapley value is from the exact one, and the best estimate too."""
    if block.reference != "exact Shapley":
        return ()
    value, sampled = (
        [run for run in block.runs if run.method == method and run.agreement is not None]
        for method in ("Aumann-Shapley", "sampled Shapley")
    )
    if not value or not sampled:
        return ()
    close, best = value[-1].agreement, sampled[-1]
    assert close is not None and best.agreement is not None  # noqa: PT018, S101 - as chosen above
    sentence = (
        f"Of {block.indicator} on {plural(block.n_agents, 'agent')}, the Aumann-Shapley value is "
        f"{short(close.mae)} from the exact Shapley value on average; sampling with "
        f"{plural(best.budget or 0, 'permutation')} is {short(best.agreement.mae)} from it."
    )
    return (sentence,)


_AGREEMENT_NOTES = (
    (
        "MAE: mean absolute error; top 10: how many of the ten largest are the same; "
        "s.e.: standard error."
    ),
    "Banzhaf values are normalised to sum to v(N).",
)
_COST_NOTES = (
    (
        "Efficiency error: how far the values are from summing to v(N); of Banzhaf values before "
        "they are normalised."
    ),
    (
        "Time: from checked features to values, on every core, the median of up to five runs. On "
        "all agents: from the largest panel by the law beside it where marked extrapolated; large "
        "panels outgrow a processor's caches, which the law leaves out."
    ),
)
_BUDGETS = {
    "exact Shapley": "coalition",
    "sampled Shapley": "permutation",
    "sampled Banzhaf": "coalition",
}


def _budget(run: "MethodRun") -> str | None:
    return None if run.budget is None else plural(run.budget, _BUDGETS[run.method])


def _agreement_table(indicator: str, blocks: Sequence["ValidationBlock"]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    notes = []
    for block in blocks:
        for run in block.runs:
            lead = (block.n_agents, run.method, _budget(run))
            errors = (_short(run.largest_standard_error), _short(run.largest_deviation))
            rows.append((*lead, *_agreement_figures(run, block), *errors))
            if run.agreement is None:
                notes.append(
                    f"n = {count(block.n_agents)}, {_budget(run)}: no positive factor makes the "
                    "Banzhaf estimates sum to v(N); draw more coalitions."
                )
        if block.undefined:
            notes.append(f"n = {count(block.n_agents)}: no answer ({block.undefined}).")
    exact = [count(b.n_agents) for b in blocks if b.reference == "exact Shapley"]
    others = [count(b.n_agents) for b in blocks if b.reference != "exact Shapley"]
    against = [
        f"n = {', '.join(sizes)}: compared with {name}."
        for sizes, name in (
            (exact, "the exact Shapley value"),
            (others, "the Aumann-Shapley value"),
        )
        if sizes
    ]
    return Table(
        name="agreement",
        title=f"{indicator}: how close",
        columns=(
            Column("n_agents", "n", "int"),
            Column("method", "method"),
            Column("budget", "budget"),
            Column("mae", "MAE", "figure"),
            Column("cosine", "cosine", "figure"),
            Column("kendall_tau", "Kendall", "figure"),
            Column("top_overlap", "top 10", "figure"),
            Column("largest_standard_error", "largest s.e.", "figure"),
            Column("largest_deviation", "largest error / s.e.", "figure"),
        ),
        rows=tuple(rows),
        notes=(
            *against,
            *_AGREEMENT_NOTES,
            *notes,
        ),
    )


def _short(value: float | None) -> str | None:
    return None if value is None else short(value)


def _agreement_figures(run: "MethodRun", block: "ValidationBlock") -> tuple[Cell, ...]:
    if run.method == block.reference:
        return ("reference", None, None, None)
    close = run.agreement
    if close is None:
        return (None,) * 4
    return (
        short(close.mae),
        _short(close.cosine),
        _short(close.kendall_tau),
        percent(close.top_overlap),
    )


def _cost_table(indicator: str, blocks: Sequence["ValidationBlock"], result: "Validation") -> Table:
    return Table(
        name="cost",
        title=f"{indicator}: at what cost",
        columns=(
            Column("n_agents", "n", "int"),
            Column("method", "method"),
            Column("budget", "budget"),
            Column("efficiency_error", "efficiency error", "figure"),
            Column("seconds", "time", "figure"),
            Column("law", "grows as"),
            Column("full_seconds", f"on all {count(result.n_agents)}", "figure"),
        ),
        rows=tuple(
            (
                block.n_agents,
                run.method,
                _budget(run),
                short(run.efficiency_error),
                duration(run.seconds),
                run.law,
                _full(run),
            )
            for block in blocks
            for run in block.runs
        ),
        notes=_COST_NOTES,
    )


def _full(run: "MethodRun") -> str | None:
    if run.full_seconds is None:
        return None
    return duration(run.full_seconds) + (" extrapolated" if run.extrapolated else " measured")


def duration(seconds: float) -> str:
    """Give a time to three digits, in the unit that suits it.

    >>> duration(0.0001234), duration(12.34), duration(600), duration(90_000)
    ('0.123 ms', '12.3 s', '10 min', '25 h')
    """
    for unit, size, most in (("ms", 1e-3, 0.1), ("s", 1.0, 120.0), ("min", 60.0, 7200.0)):
        if seconds < most:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 3600:,.3g} h" if seconds < 3.6e6 else f"{seconds / 3600:,.0f} h"


def _facts(result: "Validation") -> tuple[Fact, ...]:
    m_a, m_b, m_c = (short(mean) for mean in result.means)
    draws = {block.n_agents: block.draw for block in result.blocks}
    later = [f"n = {count(n)}: draw {draw}" for n, draw in draws.items() if draw]
    drawn = f"uniform, without replacement, from seed {result.seed}; draw 0" + (
        f", but where an indicator is 0 on it the next ({', '.join(later)})" if later else ""
    )
    pairs = "; antithetic pairs" if result.antithetic else ""
    facts = [
        *_method_facts(result.blocks),
        Fact("aggregator", aggregator_text(result.aggregator)),
        Fact("full panel", plural(result.n_agents, "agent")),
        Fact("feature means", f"a {m_a}, b {m_b}, c {m_c}; their product M {short(result.moment)}"),
        Fact("panels", drawn),
        Fact("seed", f"{result.seed}{pairs}"),
    ]
    if result.left_out:
        sizes = ", ".join(map(count, result.left_out))
        facts.append(Fact("left out", f"n = {sizes}: more than there are"))
    return (*facts, *origin_facts(result.provenance))


def _method_facts(blocks: Sequence["ValidationBlock"]) -> tuple[Fact, ...]:
    """Say how each indicator is computed, and where one that does not ship comes from."""
    methods = {b.indicator: method_text(b.method, b.steps) for b in blocks}
    if len(set(methods.values())) == 1:
        facts = [Fact("method", f"Aumann-Shapley value, {next(iter(methods.values()))}")]
    else:
        each = "; ".join(f"{name}: {method}" for name, method in methods.items())
        facts = [Fact("method", f"Aumann-Shapley value, {each}")]
    infos = {b.indicator: b.info for b in blocks if b.info is not None}
    facts.extend(Fact("indicator", f"{name}: {origin_text(info)}") for name, info in infos.items())
    return tuple(facts)


def _content(result: "Validation") -> dict[str, Json]:
    m_a, m_b, m_c = result.means
    return {
        "n_agents": result.n_agents,
        "sizes": list(result.sizes),
        "left_out": list(result.left_out),
        "permutations": list(result.permutations),
        "coalitions": list(result.coalitions),
        "antithetic": result.antithetic,
        "seed": result.seed,
        "aggregator": aggregator_json(result.aggregator),
        "means": {"a": m_a, "b": m_b, "c": m_c},
        "moment": result.moment,
        "blocks": [
            {
                "indicator": block.indicator,
                "definition": definition_json(block.info),
                "method": block.method,
                "steps": block.steps,
                "n_agents": block.n_agents,
                "draw": block.draw,
                "total": block.total,
                "reference": block.reference,
                "runs": [_run_json(run) for run in block.runs],
                "undefined": block.undefined or None,
            }
            for block in result.blocks
        ],
        **origin_json(result.provenance),
    }


def _run_json(run: "MethodRun") -> dict[str, Json]:
    close = run.agreement
    return {
        "method": run.method,
        "budget": run.budget,
        "agreement": None
        if close is None
        else {
            "mae": close.mae,
            "cosine": close.cosine,
            "kendall_tau": close.kendall_tau,
            "top_overlap": close.top_overlap,
        },
        "efficiency_error": run.efficiency_error,
        "largest_standard_error": run.largest_standard_error,
        "largest_deviation": run.largest_deviation,
        "undetermined": run.undetermined,
        "seconds": run.seconds,
        "runs": run.runs,
        "law": run.law,
        "full_seconds": run.full_seconds,
        "extrapolated": run.extrapolated,
    }


_TIDY_COLUMNS = (
    Column("indicator", "indicator"),
    Column("steps", "steps", "int"),
    Column("n_agents", "n", "int"),
    Column("draw", "draw", "int"),
    Column("total", "total", "float"),
    Column("reference", "reference"),
    Column("method", "method"),
    Column("budget", "budget", "int"),
    Column("mae", "MAE", "float"),
    Column("cosine", "cosine", "float"),
    Column("kendall_tau", "Kendall τ-b", "float"),
    Column("top_overlap", "top-10 overlap", "share"),
    Column("efficiency_error", "efficiency error", "float"),
    Column("largest_standard_error", "largest s.e.", "float"),
    Column("largest_deviation", "largest error / s.e.", "float"),
    Column("undetermined", "undetermined", "int"),
    Column("seconds", "seconds", "float"),
    Column("runs", "runs", "int"),
    Column("law", "law"),
    Column("full_seconds", "seconds on all", "float"),
    Column("extrapolated", "extrapolated", "bool"),
    Column("full_agents", "full n", "int"),
    Column("seed", "seed", "int"),
    Column("antithetic", "antithetic", "bool"),
    Column("aggregator", "aggregator"),
    Column("weights", "weights"),
    *ORIGIN_COLUMNS,
)


def _tidy(result: "Validation") -> Table:
    common: tuple[Cell, ...] = (
        result.n_agents,
        result.seed,
        result.antithetic,
        result.aggregator.name,
        weights_text(result.aggregator),
        *origin_cells(result.provenance),
    )
    rows = tuple(
        (
            *(block.indicator, block.steps, block.n_agents, block.draw, block.total),
            block.reference,
            *(run.method, run.budget),
            *_agreement_cells(run.agreement),
            run.efficiency_error,
            run.largest_standard_error,
            run.largest_deviation,
            *(run.undetermined, run.seconds, run.runs, run.law),
            *(run.full_seconds, run.extrapolated),
            *common,
        )
        for block in result.blocks
        for run in block.runs
    )
    return Table("validation", "", _TIDY_COLUMNS, rows)


def _agreement_cells(close: "Agreement | None") -> tuple[Cell, ...]:
    if close is None:
        return (None,) * 4
    return (close.mae, close.cosine, close.kendall_tau, close.top_overlap)
