"""Small simulations in a program: run one, import logs, and ask who drove an indicator of it."""

from collections.abc import Sequence
from pathlib import Path

from blueattr.analysis.scenarios import ask_record, compare_records
from blueattr.errors import UsageError
from blueattr.library.options import words_of_a_program
from blueattr.scenarios import shipped
from blueattr.scenarios.games.attribution import ScenarioAttribution
from blueattr.scenarios.games.compared import ScenarioComparison
from blueattr.scenarios.logs.importing import import_logs
from blueattr.scenarios.record import Record
from blueattr.user_path import named_file, refuse_address, user_path

__all__ = [
    "attribute_scenario",
    "compare_scenarios",
    "import_scenario",
    "run_scenario",
    "write_scenario_page",
]


def run_scenario(
    name: str,
    *,
    agents: int = 20,
    steps: int = 24,
    stocks: int | None = None,
    network: str | None = None,
    seed: int = 0,
) -> Record:
    """Run a scripted simulation, and record states, actions and random numbers.

    Parameters
    ----------
    name
        ``economy``, ``market`` or ``opinion``.
    agents
        How many, up to 1,000.
    steps
        How many.
    stocks
        How many the market has, up to 10, from the heaviest down; by default 10.
    network
        Of opinion: ``ba:M``, a Barabási-Albert network that says who can be read.
    seed
        The same seed makes the same record.

    Returns
    -------
    Record

    Raises
    ------
    UsageError
        There is no such simulation, or a number makes no sense.
    """
    with words_of_a_program():
        return shipped.run_scenario(
            name, agents=agents, steps=steps, seed=seed, stocks=stocks, network=network
        )


def import_scenario(system: str, folder: str | Path) -> Record:
    """Make a record of the logs of EconAgent, TwinMarket or SocialLLM.

    Parameters
    ----------
    system
        ``econagent``, ``twinmarket`` or ``socialllm``.
    folder
        Where its logs are. Pickles are never read.

    Returns
    -------
    Record
        ``deviation`` has the largest differences between a replay by the rules and the logs.

    Raises
    ------
    UsageError
        There is no such system.
    InputError
        A file is missing, or is not what it should be.

    Notes
    -----
    docs/scenarios.md, "Logs of the original systems".
    """
    with words_of_a_program():
        return import_logs(system, folder)


def attribute_scenario(
    record: str | Path | Record | None = None,
    *,
    scenario: object = None,
    indicator: str | None = None,
    step: int | str = "peak",
    window: int = 1,
    players: str = "agents",
    baseline: str | None = None,
    game: str | None = None,
    method: str = "auto",
    steps: int = 30,
    permutations: int = 1000,
    coalitions: int = 200,
    seed: int = 0,
    regulariser: float | None = None,
) -> ScenarioAttribution:
    """Say which agents of a simulation drove an indicator.

    Parameters
    ----------
    record
        What `run_scenario` or `import_scenario` returned, or a file that ``blueattr scenario run``
        or ``blueattr scenario import`` wrote.
    scenario
        In place of a record a simulation of your own: ``mine.py:name``, or an object that keeps
        the protocol `blueattr.scenarios.protocol.Scenario`.
    indicator
        What to attribute; by default the simulation's first.
    step
        The label of the target step; ``peak`` is that of the largest recorded value.
    window
        Steps up to the target that agents may be absent in.
    players
        ``agents``, or ``cells``: each agent in each step.
    baseline
        What an absent agent does; by default the simulation's first.
    game
        ``smooth`` or ``discrete``; by default smooth, of the market discrete.
    method
        ``auto``, ``path``, ``exact``, ``shapley``, ``banzhaf``, ``leave-one-out`` or ``random``.
    steps
        Of the path value.
    permutations
        Of sampled Shapley values.
    coalitions
        Of sampled Banzhaf values.
    seed
        Of everything that is drawn.
    regulariser
        What keeps ratios of the smooth game from jumping: of the economy a reserve stock (0.1
        potential outputs by default), of the market a dealer's depth (0.25), of opinion views
        (0.5).

    Returns
    -------
    ScenarioAttribution
        ``values`` has a number for each agent; they sum to ``change``.

    Raises
    ------
    InputError
        The file is no sound record.
    UsageError
        The simulation has no such indicator, step, baseline or method.
    ScenarioError
        A simulation of your own breaks the protocol.
    NoAnswerError
        The path value does not converge, or nobody moves the indicator.

    Notes
    -----
    docs/scenarios.md, "Who drove it".
    """
    with words_of_a_program():
        return ask_record(
            record, scenario=scenario, indicator=indicator, step=step, window=window,
            players=players, baseline=baseline, form=game, method=method, steps=steps,
            permutations=permutations, coalitions=coalitions, seed=seed,
            regulariser=regulariser,
        )  # fmt: skip


def write_scenario_page(result: ScenarioAttribution, path: str | Path) -> Path:
    """Write who drove an indicator of a simulation as a page: one file that loads nothing.

    Parameters
    ----------
    result
        What `attribute_scenario` returned.
    path
        A ``.html`` file; one that is there is replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        It is another kind of file.
    OutputError
        It cannot be written.
    NoAnswerError
        A value of a coalition is not finite.

    Notes
    -----
    docs/scenarios.md, "A page".
    """
    from blueattr.report.pages.scenario import write_scenario

    refuse_address(path)
    where = user_path(named_file(path))
    if where.suffix.lower() != ".html":
        raise UsageError(f"a page is a .html file, not {path}")
    write_scenario(result, where)
    return where


def compare_scenarios(
    records: str | Path | Record | Sequence[str | Path | Record] = (),
    *,
    scenario: object = (),
    indicator: str | None = None,
    step: int | str = "peak",
    window: int = 1,
    players: str = "agents",
    baseline: str | None = None,
    judged: Sequence[str | Path] = (),
    steps: int = 30,
    permutations: int = 1000,
    coalitions: int = 200,
    seeds: int = 10,
    seed: int = 0,
    regulariser: float | None = None,
) -> ScenarioComparison:
    """Compare every method with exact Shapley values, in the smooth and in the discrete game.

    Parameters
    ----------
    records
        What `run_scenario` returned, or files that ``blueattr scenario run`` or
        ``blueattr scenario import`` wrote; up to 20 players each.
    scenario
        Simulations of your own, one or a list: each ``mine.py:name``, or an object that keeps the
        protocol `blueattr.scenarios.protocol.Scenario`.
    indicator
        What to attribute; by default the first of each simulation.
    step
        The label of the target step; ``peak`` is that of the largest recorded value.
    window
        Steps up to the target that agents may be absent in.
    players
        ``agents``, or ``cells``: each agent in each step.
    baseline
        What an absent agent does; by default the first of each simulation.
    judged
        Files with scores of judges, which ``blueattr judge`` wrote.
    steps
        Of the path value.
    permutations
        Of sampled Shapley values.
    coalitions
        Of sampled Banzhaf values.
    seeds
        How many times what is sampled is drawn.
    seed
        The first seed.
    regulariser
        As of `attribute_scenario`.

    Returns
    -------
    ScenarioComparison
        ``records`` has each run, ``lines()`` the means over records and seeds.

    Raises
    ------
    InputError
        A file is no sound record, or holds no scores that fit.
    UsageError
        A simulation has no such indicator, step or baseline, or too many players.
    ScenarioError
        A simulation of your own breaks the protocol.
    NoAnswerError
        Nobody moves the indicator.

    Notes
    -----
    docs/scenarios.md, "How close methods come".
    """
    some = [records] if isinstance(records, str | Path | Record) else [*records]
    own = [*scenario] if isinstance(scenario, list | tuple) else [scenario]
    with words_of_a_program():
        return compare_records(
            some,
            scenarios=own,
            indicator=indicator, step=step, window=window, players=players, baseline=baseline,
            judged=judged, steps=steps, permutations=permutations, coalitions=coalitions,
            seeds=seeds, seed=seed, regulariser=regulariser,
        )  # fmt: skip
