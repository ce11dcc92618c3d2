"""A validation laid out as a report: the error and the cost of every method on the same panels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from blueattr.report.numbers import count, percent, plural, short
from blueattr.report.parts.first_screen import MORE
from blueattr.report.parts.remarks import origin_text
from blueattr.report.provenance import origin_facts, origin_warnings, panel_tables
from blueattr.report.results.attributions import aggregator_text, means_fact, methods_text
from blueattr.report.results.fields.validation import (
    AGREEMENT,
    BLOCK,
    BUDGET,
    RUN,
    TIME,
    validation_content,
    validation_table,
)
from blueattr.report.tables import Cell, Fact, Report, Table

if TYPE_CHECKING:
    from blueattr.studies.validation.result import MethodRun, Validation, ValidationBlock

__all__ = ["duration", "validation_report"]


def validation_report(result: "Validation") -> Report:
    """Lay out a validation.

    Parameters
    ----------
    result
        The result of `blueattr.studies.validation.validate.validate`.

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
    return Report(
        kind="validation",
        summary=tuple(s for block in result.blocks for s in _sentences(block)),
        tables=tuple(tables),
        details=panel_tables(result.provenance),
        more=MORE,
        facts=_facts(result),
        warnings=origin_warnings(result.provenance),
        data=validation_table(result),
        content=validation_content(result),
    )


def _sentences(block: "ValidationBlock") -> tuple[str, ...]:
    """Compare the Aumann-Shapley value and the best estimate with the exact value."""
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
        f"For {block.indicator} on {plural(block.n_agents, 'agent')}, the Aumann-Shapley value "
        f"differs from the exact Shapley value by {short(close.mae)} on average, and sampling with "
        f"{plural(best.budget or 0, 'permutation')} by {short(best.agreement.mae)}."
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
    "Efficiency error: |sum of the values - v(N)|; of Banzhaf values before they are normalised.",
    (
        "Time: from checked features to values, on every core, the median of up to five runs. The "
        "time on all agents is extrapolated from the largest panel by the law beside it, which "
        "ignores that large panels do not fit into a processor's caches."
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
            *BLOCK.columns(),
            RUN["method"].column(),
            BUDGET["budget"].column("text"),
            *(field.column("figure") for field in AGREEMENT),
            TIME["largest_standard_error"].column("figure"),
            TIME["largest_deviation"].column("figure"),
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
            *BLOCK.columns(),
            RUN["method"].column(),
            BUDGET["budget"].column("text"),
            TIME["efficiency_error"].column("figure"),
            TIME["seconds"].column("figure"),
            TIME["law"].column(),
            TIME["full_seconds"].column("figure", f"on all {count(result.n_agents)}"),
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
    """Format a duration to three digits, in a suitable unit.

    >>> duration(0.0001234), duration(12.34), duration(600), duration(90_000)
    ('0.123 ms', '12.3 s', '10 min', '25 h')
    """
    for unit, size, most in (("ms", 1e-3, 0.1), ("s", 1.0, 120.0), ("min", 60.0, 7200.0)):
        if seconds < most:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 3600:,.3g} h" if seconds < 3.6e6 else f"{seconds / 3600:,.0f} h"


def _facts(result: "Validation") -> tuple[Fact, ...]:
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
        means_fact(result),
        Fact("panels", drawn),
        Fact("seed", f"{result.seed}{pairs}"),
    ]
    if result.left_out:
        sizes = ", ".join(map(count, result.left_out))
        facts.append(Fact("left out", f"n = {sizes}: more than there are"))
    return (*facts, *origin_facts(result.provenance))


def _method_facts(blocks: Sequence["ValidationBlock"]) -> tuple[Fact, ...]:
    """Return labelled lines: how each indicator is computed, and the origin of a custom one."""
    infos = {block.indicator: block.info for block in blocks if block.info is not None}
    return (
        Fact("method", f"Aumann-Shapley value, {methods_text(blocks)}"),
        *(Fact("indicator", f"{name}: {origin_text(info)}") for name, info in infos.items()),
    )
