"""Compare methods with exact values of three scenarios and ten seeds, and write docs/truth.md.

    python bench/scenario_study.py --out docs/truth.md

Each seed makes a record of 20 agents, whose 2^20 coalitions are all counted, in both games.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from machine import describe

from blueattr.report.results.scenario_comparisons import scenario_comparison_report
from blueattr.report.tables import Cell, Report
from blueattr.scenarios.games.attribution import ScenarioQuestion
from blueattr.scenarios.games.comparison import Compared, compare_scenarios, scenario_seeds
from blueattr.scenarios.shipped import run_scenario, scenario_of

HERE = Path(__file__).parent
STEPS = 24
QUESTIONS = (
    ("economy", "inflation", "zero"),
    ("economy", "inflation", "mean"),
    ("economy", "pressure", "zero"),
    ("market", "loss", "hold"),
    ("opinion", "polarisation", "silent"),
)


def compared(name: str, agents: int, seeds: Sequence[int], question: ScenarioQuestion) -> Report:
    """Compare all methods on a record of each seed."""
    some = [
        Compared(
            f"seed {seed}", scenario_of(run_scenario(name, agents=agents, steps=STEPS, seed=seed))
        )
        for seed in seeds
    ]
    return scenario_comparison_report(compare_scenarios(some, question, seeds=(0,)))


def section(name: str, question: ScenarioQuestion, report: Report) -> Iterator[str]:
    """Yield the lines of a chapter: the answer in words, and the table."""
    yield f"## {name.capitalize()}: {question.indicator}, baseline {question.baseline}"
    yield ""
    yield from report.summary
    yield ""
    (table,) = report.tables
    headings = [column.heading.replace("|", r"\|") for column in table.columns]
    yield row(headings)
    yield row(["---", "---", *["---:"] * (len(headings) - 2)])
    yield from (row(cells) for cells in table.rows)
    yield ""
    undefined = [note for note in table.notes if "undefined" in note]
    if undefined:
        yield " ".join(undefined)
        yield ""


def row(cells: Sequence[Cell]) -> str:
    """Write a row of a table in Markdown."""
    return f"| {' | '.join('-' if cell is None else str(cell) for cell in cells)} |"


def main() -> None:
    """Compare all, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--agents", type=int, default=20)
    options = parser.parse_args()
    started = time.perf_counter()
    seeds = scenario_seeds(0, options.seeds)
    lines: list[str] = []
    for name, indicator, baseline in QUESTIONS:
        question = ScenarioQuestion(indicator=indicator, baseline=baseline)
        report = compared(name, options.agents, seeds, question)
        lines += section(name, question, report)
        print(f"{name} {indicator} {baseline}: {time.perf_counter() - started:.0f} s", flush=True)
    made = describe()
    text = (HERE / "truth.template.md").read_text(encoding="utf-8")
    options.out.write_text(
        text.format(
            seeds=options.seeds,
            agents=options.agents,
            coalitions=f"{1 << options.agents:,}",
            parts="\n".join(lines).rstrip(),
            minutes=f"{(time.perf_counter() - started) / 60:.0f}",
            cores=made["cores"],
            processor=made["processor"],
            python=made["python"],
            numpy=made["numpy"],
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
