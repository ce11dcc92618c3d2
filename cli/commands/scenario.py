"""The commands of scenarios: run and import them, say who drove what, and compare methods."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.help import SectionedCommand, WholeGroup
from blueattr.cli.option_groups import OutputOptions
from blueattr.cli.options import Seed
from blueattr.cli.output import say
from blueattr.cli.page_output import OrPageOptions
from blueattr.cli.recorded import OwnScenario, RecordFile, RecordOptions, keep_records
from blueattr.errors import UsageError
from blueattr.user_path import named_file

scenario = typer.Typer(
    name="scenario",
    cls=WholeGroup,
    help="Run small simulations, and say who drove what happened in them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@dataclass
class ScenarioOptions(RecordOptions):
    """What is asked of a record, and what its methods may spend."""

    players: Annotated[
        str,
        typer.Option(
            "--players", metavar="KIND", help="agents, or cells: each agent in each step."
        ),
    ] = "agents"
    regulariser: Annotated[
        float | None,
        typer.Option(
            "--regulariser",
            metavar="X",
            help="What keeps ratios of the smooth game from jumping: of the economy a reserve "
            "stock (0.1 potential outputs by default), of the market a dealer's depth (0.25), of "
            "opinion views (0.5).",
            show_default=False,
        ),
    ] = None
    steps: Annotated[int, typer.Option("--steps", metavar="K", help="Steps of the path value.")] = (
        30
    )
    permutations: Annotated[
        int, typer.Option("--permutations", metavar="N", help="Permutations of Shapley values.")
    ] = 1000
    coalitions: Annotated[
        int, typer.Option("--coalitions", metavar="N", help="Coalitions of Banzhaf values.")
    ] = 200
    seed: Seed = 0

    def asked(self) -> dict[str, Any]:
        """Return the options by their names."""
        return dict(vars(self))


@dataclass
class ComparedOptions:
    """What methods are compared on, and scores of judges beside them."""

    records: Annotated[
        list[str],
        typer.Argument(
            metavar="[RECORD]...",
            help="Files that scenario run or import wrote.",
            show_default=False,
        ),
    ] = field(default_factory=list)
    scenario: Annotated[
        list[str],
        typer.Option(
            "--scenario",
            metavar="FILE.py:NAME",
            help="A simulation of your own; blueattr runs the file; repeatable.",
            show_default=False,
        ),
    ] = field(default_factory=list)
    judged: Annotated[
        list[str],
        typer.Option(
            "--judged",
            metavar="FILE",
            help="Scores of a judge, which blueattr judge wrote; repeatable.",
            show_default=False,
        ),
    ] = field(default_factory=list)


@scenario.command("list", cls=SectionedCommand)
@grouped()
def scenario_list(*, output: OutputOptions) -> None:
    """List the simulations that ship, with their indicators and baselines.

    Example: blueattr scenario list
    """
    from blueattr.report.results.scenarios import scenario_list_report

    output.check()
    output.emit(scenario_list_report())


@scenario.command("run", cls=SectionedCommand)
@grouped()
def scenario_run(
    *,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCENARIO]", help="economy, market or opinion.", show_default=False
        ),
    ] = None,
    scenario: OwnScenario = None,
    agents: Annotated[
        int, typer.Option("--agents", metavar="N", help="How many agents, up to 1,000.")
    ] = 20,
    steps: Annotated[int, typer.Option("--steps", metavar="N", help="How many steps.")] = 24,
    stocks: Annotated[
        int | None,
        typer.Option(
            "--stocks",
            metavar="N",
            help="How many stocks the market has, up to 10, from the heaviest down; 10 by default.",
            show_default=False,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            metavar="ba:M",
            help="Opinion: agents read neighbours in a Barabási-Albert network of M links each.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=named_file,
            metavar="FILE",
            help="The record: a .json file, or .json.zst, which is compressed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a scripted simulation, and record states, actions and random numbers.

    The same seed makes the same record. A simulation of your own is checked, and its recorded steps
    are replayed: it is its own record.

    Example: blueattr scenario run economy --seed 1 --out record.json
    """
    from blueattr.cli.output import emit
    from blueattr.report.results.scenarios import scenario_replay_report, scenario_run_report
    from blueattr.scenarios.own import find_scenario
    from blueattr.scenarios.record_file import record_path, write_record
    from blueattr.scenarios.shipped import run_scenario

    if (name is None) == (scenario is None):
        raise UsageError("name economy, market or opinion, or your own: --scenario mine.py:name")
    if scenario is not None:
        if (agents, steps, stocks, network, seed, out) != (20, 24, None, None, 0, None):
            raise UsageError(
                "a simulation of your own has its agents, steps and random numbers, and is its "
                "own record: with --scenario leave out --agents, --steps, --stocks, "
                "--network, --seed, --out"
            )
        emit(scenario_replay_report(find_scenario(scenario)))
        return
    if out is None:
        raise UsageError("where to write the record is missing: --out record.json")
    record_path(out)
    assert name is not None  # noqa: S101 - one of both is given
    record = run_scenario(
        name, agents=agents, steps=steps, seed=seed, stocks=stocks, network=network
    )
    write_record(record, out)
    emit(scenario_run_report(record, out))


@scenario.command("import", cls=SectionedCommand)
@grouped()
def scenario_import(
    *,
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="econagent, twinmarket or socialllm.")
    ],
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The folder of its logs.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            parser=named_file,
            metavar="FILE",
            help="The record: a .json file, or .json.zst, which is compressed.",
            show_default=False,
        ),
    ],
) -> None:
    """Make a record of the logs of EconAgent, TwinMarket or SocialLLM.

    The logs are replayed by the original rules, and the largest deviation is reported. Pickles
    are never read.

    Example: blueattr scenario import econagent logs/ --out record.json
    """
    from blueattr.cli.output import emit
    from blueattr.report.results.scenarios import scenario_import_report
    from blueattr.scenarios.logs.importing import import_logs
    from blueattr.scenarios.record_file import record_path, write_record

    record_path(out)
    record = import_logs(system, folder)
    write_record(record, out)
    emit(scenario_import_report(record, out))


@scenario.command("attribute", cls=SectionedCommand)
@grouped(
    (
        "record", "scenario", "indicator", "step", "window", "players", "baseline", "game",
        "method", "regulariser", "steps", "permutations", "coalitions", "seed", "agents", "form",
        "out",
    )
)  # fmt: skip
def scenario_attribute(
    *,
    record: RecordFile = None,
    scenario: OwnScenario = None,
    question: ScenarioOptions,
    game: Annotated[
        str | None,
        typer.Option(
            "--game",
            metavar="FORM",
            help="smooth or discrete; by default smooth, of the market discrete.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="auto, path, exact, shapley, banzhaf, leave-one-out or random.",
        ),
    ] = "auto",
    agents: Annotated[
        Path | None,
        typer.Option(
            "--agents",
            parser=named_file,
            metavar="FILE",
            help="Also write the values of all agents to a .parquet, .csv, .json or .jsonl file.",
            show_default=False,
        ),
    ] = None,
    output: OrPageOptions,
) -> None:
    """Say which agents of a simulation drove an indicator.

    Each agent gets its value: what it adds to the indicator of the target step, compared with an
    agent that does the baseline. The values sum to the indicator less what it would be had
    everyone done the baseline. A page also shows the indicator over time, both games, how methods
    agree, and what the baseline changes.

    Example: blueattr scenario attribute record.json --out page.html
    """
    from blueattr.analysis.scenarios import ask_record
    from blueattr.report.results.scenarios import scenario_attribution_report

    output.check(agents)
    keep_records([record], agents, output.out)
    result = ask_record(record, scenario=scenario, form=game, method=method, **question.asked())
    report = scenario_attribution_report(result)
    if agents is not None:
        from blueattr.report.formats.render import rows_to

        rows_to(agents, report)
        say(f"written: {agents}")
    if output.is_page:
        from blueattr.report.pages.scenario import write_scenario

        output.emit_page(partial(write_scenario, result))
    else:
        output.emit(report)


@scenario.command("compare", cls=SectionedCommand)
@grouped(
    (
        "records", "scenario", "indicator", "step", "window", "players", "baseline", "judged",
        "regulariser",
        "steps", "permutations", "coalitions", "seeds", "seed", "form", "out",
    )
)  # fmt: skip
def scenario_compare(
    *,
    what: ComparedOptions,
    question: ScenarioOptions,
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="N", help="How many times what is sampled is drawn.")
    ] = 10,
    output: OutputOptions,
) -> None:
    """Compare all methods with exact Shapley values, which up to 20 players have.

    Path values, sampled Shapley and Banzhaf values, leave-one-out, random numbers, and judges where
    their scores are given, in the smooth and in the discrete game. Records of the same simulation
    are averaged.

    Example: blueattr scenario compare record.json --seeds 5
    """
    from blueattr.analysis.scenarios import compare_records
    from blueattr.report.results.scenario_comparisons import scenario_comparison_report

    output.check()
    keep_records([*what.records, *what.judged], output.out)
    result = compare_records(
        what.records, scenarios=what.scenario, judged=what.judged, seeds=seeds, **question.asked()
    )
    output.emit(scenario_comparison_report(result))
