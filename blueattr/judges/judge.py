"""A judge asked about a trace: its scores become values that sum to what the indicator moved by."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from blueattr.errors import UsageError, ZeroTotalError
from blueattr.judges.asking import Asking, Counts, estimated_tokens
from blueattr.judges.bias import PositionBias, position_bias
from blueattr.judges.deal import Deal, deal
from blueattr.judges.kept import Folder, Server
from blueattr.judges.methods import METHODS, Method, Sheet
from blueattr.judges.rehearsal import Rehearsal
from blueattr.judges.score_file import shared_out
from blueattr.judges.trace import Trace
from blueattr.kernels import FloatArray
from blueattr.sources.chat import Message

__all__ = ["JudgeSettings", "Judged", "Judgement", "JudgingPlan", "judge", "plan"]


_MOST_REPEATS = 100
_NO_CHANGE = 1e-12  # of the larger end: less is rounding


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """How a judge is asked.

    Parameters
    ----------
    judge
        Its name.
    repeats
        How often, each time with rows shuffled and agents renamed.
    seed
        Of the shuffles, and of the model where it takes one.
    temperature
        Of the model.
    max_tokens
        Of an answer; None leaves it to the server.
    rows
        In a request of ``mast`` and ``who-when``, at most.
    first
        Let ``who-when-steps`` stop at the first yes, as the original tool does.

    Raises
    ------
    UsageError
        There is no such judge, or a number makes no sense.
    """

    judge: str = "mast"
    repeats: int = 3
    seed: int = 0
    temperature: float = 0.7
    max_tokens: int | None = None
    rows: int = 100
    first: bool = False

    def __post_init__(self) -> None:
        if self.judge not in METHODS:
            raise UsageError(f"--judge {self.judge!r} is none of {', '.join(METHODS)}")
        if not 1 <= self.repeats <= _MOST_REPEATS:
            raise UsageError(f"--repeats takes 1 to {_MOST_REPEATS}, not {self.repeats}")
        if self.seed < 0:
            raise UsageError(f"--seed is a whole number from 0 on, not {self.seed}")
        if not 0 <= self.temperature <= 2:
            raise UsageError(f"--temperature takes 0 to 2, not {self.temperature:g}")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise UsageError(f"--max-tokens is at least 1, not {self.max_tokens}")
        if self.rows < 1:
            raise UsageError(f"--rows is at least 1, not {self.rows}")
        if self.first and self.judge != "who-when-steps":
            raise UsageError(
                f"--first is for who-when-steps, and would change nothing of {self.judge}"
            )

    @property
    def method(self) -> Method:
        """The judge."""
        return METHODS[self.judge]

    @property
    def parameters(self) -> dict[str, Any]:
        """What every request asks for."""
        limit = {} if self.max_tokens is None else {"max_tokens": self.max_tokens}
        return {"temperature": self.temperature, **limit}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge says of one agent.

    Parameters
    ----------
    index, agent
        Its number and its name.
    score
        The mean over the repeats; None where a part of it was never given.
    value
        (v(N) - v(∅)) · score / the sum of all scores; None without a score, or where all are 0.
    share
        score / the sum of all scores.
    spread
        Standard deviation of the share over the repeats that scored the agent; None where fewer
        than two did.
    """

    index: int
    agent: str
    score: float | None
    value: float | None
    share: float | None
    spread: float | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of all agents, and what is known of how well it judged.

    Parameters
    ----------
    settings
        How it was asked.
    trace
        About what.
    host, url, model
        Who was asked.
    agents
        In the order of the trace.
    wanted, missing
        How many scores there should be in all repeats, and how many there are not.
    tossed
        Answers that a coin was tossed for.
    bias
        Whether it scores by position.
    counts
        Requests and tokens.
    sent, from_folder
        Requests sent, those that failed included; replies that had been kept.
    undefined
        Why there are no values; empty where there are.
    """

    settings: JudgeSettings
    trace: Trace
    host: str
    url: str
    model: str
    agents: tuple[Judged, ...]
    wanted: int
    missing: int
    tossed: int
    bias: PositionBias
    counts: Counts
    sent: int
    from_folder: int
    undefined: str

    @property
    def values(self) -> FloatArray:
        """The values, float64 (n,); NaN where there is none."""
        return np.array([np.nan if a.value is None else a.value for a in self.agents])

    @property
    def estimated_tokens(self) -> int:
        """Tokens of the prompts by their length."""
        return estimated_tokens(self.counts.characters)

    @property
    def estimated_answer_tokens(self) -> int:
        """Tokens of the answers by their length."""
        return estimated_tokens(self.counts.answer_characters)


@dataclass(frozen=True, slots=True)
class JudgingPlan:
    """What a run would send.

    Parameters
    ----------
    settings, trace, host, url, model
        As of a `Judgement`.
    requests
        If every answer is whole.
    characters, answer_characters
        Of all prompts and answers.
    prompt
        The first conversation.
    """

    settings: JudgeSettings
    trace: Trace
    host: str
    url: str
    model: str
    requests: int
    characters: int
    answer_characters: int
    prompt: tuple[Message, ...]

    @property
    def prompt_tokens(self) -> int:
        """An estimate: a quarter of the characters."""
        return estimated_tokens(self.characters)

    @property
    def answer_tokens(self) -> int:
        """An estimate: a quarter of the characters of an answer that says no more than it must."""
        return estimated_tokens(self.answer_characters)


def _ask(trace: Trace, settings: JudgeSettings, asking: Asking) -> tuple[list[Sheet], list[Deal]]:
    deals = [deal(trace, settings.seed, repeat) for repeat in range(settings.repeats)]
    run = settings.method.run
    return [run(shown, asking, settings.rows, settings.first) for shown in deals], deals


def plan(trace: Trace, settings: JudgeSettings, server: Server) -> JudgingPlan:
    """Find out what a run would send, and send nothing.

    Parameters
    ----------
    trace
        What is judged.
    settings
        How.
    server
        Who would be asked.
    """
    stand_in = Rehearsal(server.url, server.host, server.model)
    asking = Asking(Folder(stand_in, None), server.host, settings.parameters)
    _ask(trace, settings, asking)
    counts = asking.counts
    return JudgingPlan(
        settings,
        trace,
        server.host,
        server.url,
        server.model,
        counts.requests,
        counts.characters,
        counts.answer_characters,
        stand_in.prompt,
    )


def judge(
    trace: Trace,
    settings: JudgeSettings,
    server: Server,
    keep: Path | None = None,
    on_answer: Callable[[], None] = lambda: None,
) -> Judgement:
    """Ask a judge.

    Parameters
    ----------
    trace
        What is judged.
    settings
        How.
    server
        Who is asked.
    keep
        The folder where prompts and replies are kept, and looked for first.
    on_answer
        Told after every reply.

    Raises
    ------
    ZeroTotalError
        The indicator is the same with and without the agents' actions.
    SourceError
        The server cannot be reached, refuses, or cuts answers off.
    OutputError
        The folder cannot be written.
    """
    if abs(trace.change) <= _NO_CHANGE * max(abs(trace.value), abs(trace.baseline_value)):
        raise ZeroTotalError(
            f"{trace.indicator} is {trace.value:g} with everyone's action and without: there is "
            "nothing to share out among the agents"
        )
    folder = Folder(server, keep)
    asking = Asking(folder, server.host, settings.parameters, on_answer)
    sheets, deals = _ask(trace, settings, asking)
    by_agent = settings.method.by_agent
    agents, undefined = _agents(trace, sheets, by_agent=by_agent)
    scores = np.array([sheet.scores for sheet in sheets])
    return Judgement(
        settings=settings,
        trace=trace,
        host=server.host,
        url=server.url,
        model=server.model,
        agents=agents,
        wanted=scores.size,
        missing=int(np.isnan(scores).sum()),
        tossed=sum(sheet.tossed for sheet in sheets),
        bias=position_bias(sheets, deals, by_agent=by_agent),
        counts=asking.counts,
        sent=server.calls,
        from_folder=folder.from_folder,
        undefined=undefined,
    )


def _agents(trace: Trace, sheets: list[Sheet], *, by_agent: bool) -> tuple[tuple[Judged, ...], str]:
    """Average over the repeats what was given, sum it up by agent, and share the change out."""
    scores = np.array([sheet.scores for sheet in sheets])
    given = ~np.isnan(scores)
    counts = given.sum(axis=0)
    mean = np.full(scores.shape[1], np.nan)
    np.divide(np.where(given, scores, 0.0).sum(axis=0), counts, out=mean, where=counts > 0)
    totals = _by_agent(trace, mean, by_agent=by_agent)
    shares = shared_out(totals)
    spreads = np.array([shared_out(_by_agent(trace, one, by_agent=by_agent)) for one in scores])
    undefined = ""
    if np.isnan(totals).all():
        undefined = "the judge scored nobody"
    elif np.isnan(shares).all():
        undefined = "the judge gave everybody 0"
    return (
        tuple(
            Judged(
                index=agent,
                agent=name,
                score=_known(totals[agent]),
                value=_known(trace.change * shares[agent]),
                share=_known(shares[agent]),
                spread=_deviation(spreads[:, agent]),
            )
            for agent, name in enumerate(trace.agents)
        ),
        undefined,
    )


def _by_agent(trace: Trace, scores: FloatArray, *, by_agent: bool) -> FloatArray:
    if by_agent:
        return scores
    totals = np.zeros(len(trace.agents))
    np.add.at(totals, [row.agent for row in trace.rows], scores)
    return totals


def _deviation(shares: FloatArray) -> float | None:
    known = shares[~np.isnan(shares)]
    return float(np.std(known, ddof=1)) if known.size > 1 else None


def _known(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
