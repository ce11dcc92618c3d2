"""Small simulations in a program: run one, import logs, and ask who drove an indicator of it."""

from collections.abc import Sequence
from pathlib import Path

from blueattr.analysis.scenarios import ask_record, compare_records
from blueattr.library.options import words_of_a_program
from blueattr.scenarios import shipped
from blueattr.scenarios.games.attribution import ScenarioAttribution
from blueattr.scenarios.games.compared import ScenarioComparison
from blueattr.scenarios.logs.importing import import_logs
from blueattr.scenarios.record import Record

__all__ = ["attribute_scenario", "compare_scenarios", "import_scenario", "run_scenario"]


def run_scenario(
    name: str, *, agents: int = 20, steps: int = 24, stocks: int | None = None, seed: int = 0
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
        return shipped.run_scenario(name, agents=agents, steps=steps, seed=seed, stocks=stocks)


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
        )  # fmt: skip


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
) -> ScenarioComparison:
    """Compare every method with exact Shapley values, in the smooth and in the discrete game.

    Parameters
    ----------
    records
        What `run_scenario` returned, or files that ``blueattr scenario run`` wrote; up to 20
        players each.
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
            seeds=seeds, seed=seed,
        )  # fmt: skip
