"""Judges asked about a record: the trace of a question, whom to ask, and what would be sent."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueattr.analysis.scenarios import scenario_asked
from blueattr.display import Presented
from blueattr.errors import UsageError
from blueattr.judges.judge import Judged, Judgement, JudgeSettings, JudgingPlan, judge, plan
from blueattr.judges.kept import Server
from blueattr.judges.trace import Trace
from blueattr.scenarios.games.attribution import ScenarioQuestion, game_of
from blueattr.scenarios.record import Record
from blueattr.scenarios.trace import trace_of
from blueattr.sources.chat import ChatClient, JudgeKey
from blueattr.user_path import refuse_address, user_path

__all__ = [
    "RecordJudgement",
    "RecordJudgingPlan",
    "RecordTrace",
    "ask_judge",
    "kept_in",
    "plan_judging",
    "server_of",
    "trace_of_record",
]


@dataclass(frozen=True, slots=True)
class RecordTrace:
    """What a judge is shown of a record, and what of it the trace is.

    Parameters
    ----------
    scenario
        The name of the scenario.
    record
        The digest of the record.
    step
        The label of the target step.
    baseline
        The kind of baseline.
    recorded
        The indicator as it was recorded.
    trace
        What is shown. Its values are those of the discrete rules, which the record was made by.
    """

    scenario: str
    record: str
    step: int | str
    baseline: str
    recorded: float
    trace: Trace


@dataclass(frozen=True, repr=False)
class RecordJudgement(Presented):
    """What a judge says of a record.

    Parameters
    ----------
    about
        What it was shown.
    judgement
        What it said.
    """

    about: RecordTrace
    judgement: Judgement

    @property
    def agents(self) -> tuple[Judged, ...]:
        """What it says of each agent, in the order of the record."""
        return self.judgement.agents

    def _in_short(self) -> Iterator[str]:
        yield from _in_short(self.about, self.judgement.settings, self.judgement.model)


@dataclass(frozen=True, repr=False)
class RecordJudgingPlan(Presented):
    """What asking a judge about a record would send.

    Parameters
    ----------
    about
        What it would be shown.
    plan
        What would be sent.
    """

    about: RecordTrace
    plan: JudgingPlan

    def _in_short(self) -> Iterator[str]:
        yield from _in_short(self.about, self.plan.settings, self.plan.model)
        yield f"{self.plan.requests:,} requests"


def _in_short(about: RecordTrace, settings: JudgeSettings, model: str) -> Iterator[str]:
    yield settings.judge
    yield model
    yield about.trace.indicator
    yield f"{len(about.trace.agents):,} agents"


def trace_of_record(
    record: str | Path | Record | None,
    *,
    scenario: object = None,
    indicator: str | None,
    step: int | str,
    window: int,
    baseline: str | None,
) -> RecordTrace:
    """Return what a judge is shown of a record.

    Parameters
    ----------
    record, scenario
        One of both, see `blueattr.analysis.scenarios.ask_record`.
    indicator, step, window, baseline
        See `blueattr.scenarios.games.attribution.ScenarioQuestion`.

    Raises
    ------
    InputError
        The file is no sound record.
    UsageError
        The scenario has no such indicator, step or baseline, or not so many steps.
    ScenarioError
        A simulation of one's own breaks the protocol, or does not say how the indicator is
        computed.
    """
    asked, digest = scenario_asked(record, scenario)
    question = ScenarioQuestion(
        indicator=indicator, step=step, window=window, baseline=baseline, form="discrete"
    )
    game, recorded = game_of(asked, question)
    return RecordTrace(
        scenario=asked.name,
        record=digest,
        step=game.scenario.steps[game.window[-1]],
        baseline=game.baseline,
        recorded=recorded,
        trace=trace_of(game),
    )


def server_of(
    base_url: str | None,
    model: str | None,
    on_wait: Callable[[float, str], None] | None = None,
    **client: Any,
) -> ChatClient:
    """Return the server to ask; the key to it comes from the environment.

    Parameters
    ----------
    base_url, model, on_wait, client
        See `blueattr.sources.chat.ChatClient`.

    Raises
    ------
    UsageError
        There is no address or no model, or one of them makes no sense. There is no default.
    """
    if base_url is None or model is None:
        raise UsageError(
            "name a server with --base-url and a model with --model: there is no default, and "
            "nothing leaves this machine unasked"
        )
    key = JudgeKey.from_environment()
    return ChatClient(base_url, model, key, on_wait=on_wait, **client)


def kept_in(
    record: str | Path | Record | None, scenario: object, keep: str | Path | None
) -> Path | None:
    """Return the folder where prompts and answers are kept.

    Parameters
    ----------
    record, scenario
        What is asked about.
    keep
        The folder; by default one beside the file of the record or of the simulation, which is
        called like it. Of what is no file none.

    Raises
    ------
    OutputError
        It is an address.
    """
    if keep is None:
        named = record if isinstance(record, str | Path) else _file_of(scenario)
        if named is None:
            return None
        where = user_path(named)
        name = where.name.removesuffix(".zst").removesuffix(".json").removesuffix(".py")
        keep = where.with_name(f"{name}.judge")
    refuse_address(keep)
    return user_path(keep)


def _file_of(scenario: object) -> str | None:
    """Return the file that a simulation is named by."""
    found = re.match(r"(.*\.py)(?::|$)", scenario) if isinstance(scenario, str) else None
    return None if found is None else found[1]


def plan_judging(about: RecordTrace, settings: JudgeSettings, server: Server) -> RecordJudgingPlan:
    """Find out what asking a judge would send, and send nothing."""
    return RecordJudgingPlan(about, plan(about.trace, settings, server))


def ask_judge(
    about: RecordTrace,
    settings: JudgeSettings,
    server: Server,
    keep: Path | None,
    on_answer: Callable[[], None] = lambda: None,
) -> RecordJudgement:
    """Ask a judge who drove an indicator of a record.

    Parameters
    ----------
    about
        What it is shown.
    settings
        How it is asked.
    server
        Who is asked.
    keep
        The folder of prompts and answers; None keeps nothing.
    on_answer
        Told after every reply.

    Raises
    ------
    ZeroTotalError, SourceError, OutputError
        See `blueattr.judges.judge.judge`.
    """
    return RecordJudgement(about, judge(about.trace, settings, server, keep, on_answer))
