"""Judges laid out as reports: what a run would send, and what a judge says who drove it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from blueattr.judges.score_file import KIND
from blueattr.report.numbers import count, plural, short
from blueattr.report.tables import Cell, Column, Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.analysis.judging import RecordJudgement, RecordJudgingPlan, RecordTrace
    from blueattr.judges.judge import Judged, Judgement, JudgeSettings

__all__ = ["judgement_report", "judging_plan_report"]


_SHOWN = 20
# Cells of text are cut after 400 characters; a prompt is shown whole.
_PIECE = 320
_ESTIMATE = (
    "Tokens are an estimate: characters / 4. Answers that are not whole are asked for again, up to "
    "twice, which adds to this."
)


def judging_plan_report(result: "RecordJudgingPlan") -> Report:
    """Lay out what asking a judge would send, which nothing was of yet.

    Parameters
    ----------
    result
        As `blueattr.analysis.judging.plan_judging` returns it.
    """
    about, plan = result.about, result.plan
    columns = (
        Column("requests", "requests", "int"),
        Column("prompt_tokens", "tokens of prompts", "int"),
        Column("answer_tokens", "tokens of answers", "int"),
    )
    row: tuple[Cell, ...] = (plan.requests, plan.prompt_tokens, plan.answer_tokens)
    table = Table(
        "plan", "what would be sent", columns, (row,),
        notes=(_ESTIMATE,),
    )  # fmt: skip
    lines = [
        (message["role"], piece)
        for message in plan.prompt
        for line in message["content"].splitlines()
        for piece in _pieces(line)
    ]
    prompt = Table(
        "prompt",
        "the first prompt",
        (Column("role", "role"), Column("text", "text", priority=0)),
        tuple(lines),
    )
    times = plural(plan.requests, "time")
    return Report(
        kind="judging_plan",
        summary=(f"Nothing was sent. {plan.model} at {plan.host} would be asked {times}.",),
        tables=(table, prompt),
        facts=(*_about(about), *_how(plan.settings)),
        content={
            "dry_run": True,
            **_question(about),
            **_asked(plan.settings),
            "host": plan.host,
            "url": plan.url,
            "model": plan.model,
            "requests": plan.requests,
            "estimated_prompt_tokens": plan.prompt_tokens,
            "estimated_answer_tokens": plan.answer_tokens,
            "prompt": [{"role": one["role"], "content": one["content"]} for one in plan.prompt],
        },
    )


def _pieces(line: str) -> Iterator[str]:
    for start in range(0, max(len(line), 1), _PIECE):
        yield line[start : start + _PIECE]


def judgement_report(result: "RecordJudgement") -> Report:
    """Lay out what a judge says who drove an indicator.

    Parameters
    ----------
    result
        As `blueattr.analysis.judging.ask_judge` returns it.
    """
    about, found = result.about, result.judgement
    order = sorted(found.agents, key=_best_first)
    rows: list[tuple[Cell, ...]] = [
        (one.index, one.agent, one.score, one.value, one.share, one.spread) for one in order
    ]
    columns = (
        Column("index", "index", "int"),
        Column("agent", "agent", priority=0),
        Column("score", "score", "float", priority=0),
        Column("value", "value", "float"),
        Column("share", "share", "share"),
        Column("spread", "spread of the share", "share", priority=2),
    )
    notes = ["A judge gives no negative scores: who held the indicator back has 0 at best."]
    if found.missing:
        notes.append("An agent without a number was not scored; it is not 0.")
    table = Table("agents", "who drove it, as a model judges", columns, tuple(rows), tuple(notes))
    return Report(
        kind=KIND,
        summary=(_sentence(result),),
        warnings=tuple(_warnings(found)),
        tables=(table.first(_SHOWN),),
        facts=(*_about(about), *_how(found.settings), *_cost(found)),
        data=table,
        content={
            **_question(about),
            **_asked(found.settings),
            "host": found.host,
            "url": found.url,
            "model": found.model,
            "wanted": found.wanted,
            "missing": found.missing,
            "tossed": found.tossed,
            "undefined": found.undefined or None,
            "position_bias": _bias(found),
            **_counts(found),
            "agents": [
                {
                    "index": one.index,
                    "agent": one.agent,
                    "score": one.score,
                    "value": one.value,
                    "share": one.share,
                    "spread": one.spread,
                }
                for one in found.agents
            ],
        },
    )


def _best_first(one: "Judged") -> tuple[bool, float, int]:
    return one.score is None, -(one.score or 0.0), one.index


def _question(about: "RecordTrace") -> dict[str, Json]:
    trace = about.trace
    return {
        "scenario": about.scenario,
        "record": about.record,
        "indicator": trace.indicator,
        "step": about.step,
        "window": trace.width,
        "baseline": about.baseline,
        "recorded": about.recorded,
        "total": trace.value,
        "v_empty": trace.baseline_value,
        "change": trace.change,
    }


def _asked(settings: "JudgeSettings") -> dict[str, Json]:
    return {
        "judge": settings.judge,
        "score_is": settings.method.score_is,
        "repeats": settings.repeats,
        "seed": settings.seed,
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "rows": settings.rows,
        "first": settings.first,
    }


def _bias(found: "Judgement") -> Mapping[str, Json]:
    bias = found.bias
    return {
        "taus": list(bias.taus),
        "mean": bias.mean,
        "expected": bias.expected,
        "standard_error": bias.standard_error,
        "distance": bias.distance,
        "found": bias.found,
    }


def _counts(found: "Judgement") -> dict[str, Json]:
    counts = found.counts
    return {
        "requests": counts.requests,
        "sent": found.sent,
        "from_folder": found.from_folder,
        "again": counts.again,
        "halved": counts.halved,
        "unknown": counts.unknown,
        "twice": counts.twice,
        "wrong": counts.wrong,
        "form": counts.form,
        "estimated_prompt_tokens": found.estimated_tokens,
        "estimated_answer_tokens": found.estimated_answer_tokens,
        "prompt_tokens": counts.prompt_tokens,
        "answer_tokens": counts.answer_tokens,
        "uncounted": counts.uncounted,
    }


def _sentence(result: "RecordJudgement") -> str:
    about, found = result.about, result.judgement
    trace = about.trace
    lead = (
        f"{trace.indicator} at step {about.step} of the {about.scenario} is {short(trace.value)}, "
        f"and {short(trace.baseline_value)} had everyone done the baseline '{about.baseline}'"
    )
    known = [one for one in found.agents if one.score is not None]
    if found.undefined or not known:
        return f"{lead}."
    most = max(known, key=lambda one: (one.score or 0.0, -one.index))
    return f"{lead}; as {found.model} judges, {most.agent} drove it most."


def _warnings(found: "Judgement") -> Iterator[str]:
    bias = found.bias
    if bias.found and bias.mean is not None and bias.distance is not None:
        later = "later" if bias.distance > 0 else "earlier"
        yield (
            f"The judge scores by position: rows that stand {later} get more, whatever they say. "
            f"τ of score and place is {bias.mean:.2f}, {abs(bias.distance):.1f} standard errors "
            f"from the {bias.expected:.2f} of shuffled places."
        )
    if found.undefined:
        yield f"There are no values: {found.undefined}."
    if found.missing:
        yield (
            f"{count(found.missing)} of {count(found.wanted)} scores were never given, after two "
            "further requests for each."
        )
    if found.tossed:
        yield f"{plural(found.tossed, 'answer')} said neither half: a coin was tossed for each."


def _about(about: "RecordTrace") -> Iterator[Fact]:
    trace = about.trace
    yield Fact("window", f"{plural(trace.width, 'step')} up to step {about.step}")
    yield Fact(
        "ends", f"v(N) {trace.value:.6g}, v(nobody) {trace.baseline_value:.6g}, discrete rules"
    )
    yield Fact("record", f"SHA-256 {about.record}")
    yield Fact("open loop", "others' recorded actions do not react to who is absent")


def _how(settings: "JudgeSettings") -> Iterator[Fact]:
    yield Fact("judge", f"{settings.judge}: a score is {settings.method.score_is}")
    yield Fact(
        "asked",
        f"{plural(settings.repeats, 'repeat')}, in each of which rows are shuffled and agents "
        f"renamed; temperature {settings.temperature:g}, seed {settings.seed}",
    )


def _cost(found: "Judgement") -> Iterator[Fact]:
    counts, bias = found.counts, found.bias
    yield Fact("model", f"{found.model} at {found.host}")
    yield Fact(
        "requests",
        f"{count(found.sent)} sent, {count(found.from_folder)} answered from the folder; "
        f"{count(counts.again)} because an answer was not whole, {count(counts.halved)} batches "
        f"halved; answers asked for as {counts.form}",
    )
    by_server = (
        f"{count(counts.prompt_tokens)} in prompts and {count(counts.answer_tokens)} in answers"
    )
    if counts.uncounted:
        by_server += f", without {plural(counts.uncounted, 'answer')} that it did not count"
    yield Fact(
        "tokens",
        f"{by_server}, as the server counted; an estimate of {count(found.estimated_tokens)} and "
        f"{count(found.estimated_answer_tokens)}, characters / 4",
    )
    given = found.wanted - found.missing
    yield Fact("coverage", f"{count(given)} of {count(found.wanted)} scores")
    if counts.unknown or counts.twice or counts.wrong:
        yield Fact(
            "not used",
            f"{count(counts.unknown)} keys that were not asked for, {count(counts.twice)} given "
            f"twice, {count(counts.wrong)} with something else than was asked for",
        )
    if bias.mean is not None:
        taus = ", ".join("-" if tau is None else f"{tau:.2f}" for tau in bias.taus)
        beside = ""
        if bias.distance is not None and bias.expected is not None:
            beside = f"; shuffled places give {bias.expected:.2f} ± {bias.standard_error:.2f}"
        yield Fact(
            "position", f"τ of score and place, by repeat: {taus}; mean {bias.mean:.2f}{beside}"
        )
    else:
        yield Fact("position", "τ of score and place is undefined: scores do not differ")
