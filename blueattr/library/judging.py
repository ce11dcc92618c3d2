"""Language models as judges of a simulation, in a program."""

from pathlib import Path

from blueattr.analysis.judging import (
    RecordJudgement,
    RecordJudgingPlan,
    ask_judge,
    kept_in,
    plan_judging,
    server_of,
    trace_of_record,
)
from blueattr.errors import UsageError
from blueattr.judges.export import EXPORTS, exported
from blueattr.judges.judge import JudgeSettings
from blueattr.library.options import words_of_a_program
from blueattr.scenarios.record import Record

__all__ = ["judge_scenario", "scenario_trace"]


def judge_scenario(
    record: str | Path | Record | None = None,
    *,
    scenario: object = None,
    judge: str = "mast",
    base_url: str | None = None,
    model: str | None = None,
    indicator: str | None = None,
    step: int | str = "peak",
    window: int = 1,
    baseline: str | None = None,
    repeats: int = 3,
    seed: int = 0,
    temperature: float = 0.7,
    max_tokens: int | None = None,
    rows: int = 100,
    first: bool = False,
    keep: str | Path | None = None,
    dry_run: bool = False,
) -> RecordJudgement | RecordJudgingPlan:
    """Ask a language model who drove an indicator of a simulation, as ``blueattr judge``.

    Parameters
    ----------
    record
        What `run_scenario` returned, or a file that ``blueattr scenario run`` wrote.
    scenario
        In place of a record a simulation of your own, by its name in a file, or an object; see
        `attribute_scenario`. Its indicator needs a docstring that says how it is computed.
    judge
        ``mast``, ``mast-modes``, ``who-when``, ``who-when-once``, ``who-when-steps`` or
        ``who-when-halves``.
    base_url
        The address of an OpenAI-compatible server, such as ``http://127.0.0.1:8080/v1``. There is
        no default. A key to it is taken from the environment: ``BLUEATTR_JUDGE_KEY``.
    model
        Its name at that server.
    indicator
        What it is asked about; by default the simulation's first.
    step
        The label of the target step; ``peak`` is that of the largest recorded value.
    window
        Steps up to the target that it is shown.
    baseline
        What an absent agent does; by default the simulation's first.
    repeats
        How often it is asked, each time with rows shuffled and agents renamed.
    seed
        Of the shuffles, and of the model where it takes one.
    temperature
        Of the model.
    max_tokens
        Of an answer; by default the server's own limit.
    rows
        In a request of ``mast`` and ``who-when``, at most.
    first
        Let ``who-when-steps`` stop at the first yes.
    keep
        The folder where prompts and answers are kept, and looked for first; by default one beside
        the file of the record or the simulation, and of what is no file none.
    dry_run
        Send nothing, and return what would be sent.

    Returns
    -------
    RecordJudgement or RecordJudgingPlan
        ``agents`` has what the judge says of each; ``judgement.bias`` says whether it scores by
        position, and ``judgement.missing`` how many scores it never gave.

    Raises
    ------
    InputError
        The file is no sound record.
    ScenarioError
        The simulation breaks the protocol, or does not say how the indicator is computed.
    UsageError
        An option makes no sense, or there is no server or model.
    NoAnswerError
        The indicator is the same with and without the agents' actions.
    SourceError
        The server cannot be reached, refuses, or cuts answers off.
    OutputError
        The folder cannot be written.

    Notes
    -----
    docs/judges.md.
    """
    with words_of_a_program():
        settings = JudgeSettings(judge, repeats, seed, temperature, max_tokens, rows, first)
        server = server_of(base_url, model)
        about = trace_of_record(
            record, scenario=scenario, indicator=indicator, step=step, window=window,
            baseline=baseline,
        )  # fmt: skip
        if dry_run:
            return plan_judging(about, settings, server)
        return ask_judge(about, settings, server, kept_in(record, scenario, keep))


def scenario_trace(
    record: str | Path | Record | None = None,
    form: str = "text",
    *,
    scenario: object = None,
    indicator: str | None = None,
    step: int | str = "peak",
    window: int = 1,
    baseline: str | None = None,
) -> str:
    """Return what a judge is shown of a simulation, as ``blueattr judge --export`` writes it.

    Parameters
    ----------
    record
        As of `judge_scenario`.
    form
        ``text``, such as the tool MAST takes, or ``who-when``, the JSON of a log for Who&When.
    scenario, indicator, step, window, baseline
        As of `judge_scenario`.

    Returns
    -------
    str
        ASCII. No text of the record can leave its cell.

    Raises
    ------
    InputError
        The file is no sound record.
    ScenarioError
        The simulation breaks the protocol, or does not say how the indicator is computed.
    UsageError
        An option makes no sense.
    """
    with words_of_a_program():
        if form not in EXPORTS:
            raise UsageError(f"--form {form!r} is none of {', '.join(EXPORTS)}")
        about = trace_of_record(
            record, scenario=scenario, indicator=indicator, step=step, window=window,
            baseline=baseline,
        )  # fmt: skip
        return exported(about.trace, "who-when" if form == "who-when" else "text")
