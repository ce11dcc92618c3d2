"""The command judge: a language model is asked who drove an indicator of a simulation."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import OutputOptions
from blueattr.cli.options import DryRun, Quiet, Seed
from blueattr.cli.output import check_page, put, say
from blueattr.cli.progress import Bars
from blueattr.cli.recorded import OwnScenario, RecordFile, RecordOptions, keep_records
from blueattr.cli.signals import interrupting
from blueattr.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from blueattr.analysis.judging import RecordTrace
    from blueattr.judges.judge import JudgeSettings, JudgingPlan


# Seconds; shorter waits are not reported.
_LONG_WAIT = 5.0


@dataclass
class ServerOptions:
    """Who is asked."""

    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            metavar="URL",
            help="An OpenAI-compatible server, such as http://127.0.0.1:8080/v1; no default.",
            show_default=False,
        ),
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="The model, as the server calls it; no default.",
            show_default=False,
        ),
    ] = None


@dataclass
class AboutOptions(RecordOptions):
    """What of a record is judged."""

    def trace(self, record: str | None, scenario: str | None) -> "RecordTrace":
        """Return what a judge is shown of a record, or of a simulation of one's own."""
        from blueattr.analysis.judging import trace_of_record

        return trace_of_record(record, scenario=scenario, **asdict(self))


@dataclass
class JudgeOptions:
    """How a judge is asked."""

    judge: Annotated[
        str,
        typer.Option(
            "--judge",
            metavar="NAME",
            help="mast, mast-modes, who-when, who-when-once, who-when-steps or who-when-halves.",
        ),
    ] = "mast"
    repeats: Annotated[
        int,
        typer.Option(
            "--repeats", metavar="N", help="Times, each with rows shuffled and agents renamed."
        ),
    ] = 3
    seed: Seed = 0
    temperature: Annotated[
        float, typer.Option("--temperature", metavar="T", help="Of the model, from 0 to 2.")
    ] = 0.7
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens",
            metavar="N",
            help="Longest answer; by default as the server has it.",
            show_default=False,
        ),
    ] = None
    rows: Annotated[
        int,
        typer.Option("--rows", metavar="N", help="Rows a request, of mast and who-when, at most."),
    ] = 100
    first: Annotated[
        bool,
        typer.Option(
            "--first", help="Let who-when-steps stop at the first yes.", show_default=False
        ),
    ] = False

    def settings(self) -> "JudgeSettings":
        """Return these options as settings."""
        from blueattr.judges.judge import JudgeSettings

        return JudgeSettings(**vars(self))


@grouped(
    (
        "record", "scenario", "judge", "base_url", "model", "indicator", "step", "window",
        "baseline",
        "repeats", "seed", "temperature", "max_tokens", "rows", "first", "keep", "dry_run",
        "export", "form", "out", "quiet",
    )
)  # fmt: skip
def judge(
    *,
    record: RecordFile = None,
    scenario: OwnScenario = None,
    how: JudgeOptions,
    server: ServerOptions,
    about: AboutOptions,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="FOLDER",
            help="Where prompts and answers are kept, and looked for first; by default beside "
            "the record.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    export: Annotated[
        Literal["who-when", "text"] | None,
        typer.Option(
            "--export",
            metavar="FORM",
            help="Ask nobody; write what a judge is shown for the original tools: who-when, "
            "or text (MAST).",
            show_default=False,
        ),
    ] = None,
    output: OutputOptions,
    quiet: Quiet = False,
) -> None:
    """Ask a language model who drove an indicator of a simulation.

    Any OpenAI-compatible server can be asked. There is no default, and a key to it is taken from
    BLUEATTR_JUDGE_KEY in the environment. --dry-run sends nothing and shows the prompt, how many
    requests there would be and about how many tokens. Prompts and answers are kept: the same
    command asks nothing twice, and goes on where one was interrupted. It ends with exit code 9
    where scores are missing, and with 4 where there are no values.

    Example: blueattr judge r.json --base-url http://127.0.0.1:8080 --model m
    """
    keep_records([record], output.out)
    if export is not None:
        _export(about.trace(record, scenario), export, output)
        return
    from blueattr.analysis.judging import ask_judge, kept_in, plan_judging, server_of
    from blueattr.report.results.judgements import judgement_report, judging_plan_report

    output.check()
    settings = how.settings()
    asked = server_of(server.base_url, server.model, _on_wait(quiet=quiet))
    folder = kept_in(record, scenario, keep)
    trace = about.trace(record, scenario)
    planned = plan_judging(trace, settings, asked)
    if dry_run:
        output.emit(judging_plan_report(planned))
        return
    if not quiet:
        kept = "prompts and answers are kept in" if folder else "--keep FOLDER would keep answers"
        say(f"blueattr: {_intent(planned.plan)}; {kept} {folder or ''}".rstrip())
    with interrupting(), Bars(quiet=quiet, unit="time") as bars:
        on_answer = _counting(bars, planned.plan.requests)
        found = ask_judge(trace, settings, asked, folder, on_answer)
    output.emit(judgement_report(found))
    judged = found.judgement
    if judged.undefined:
        say(f"blueattr: there are no values: {judged.undefined}")
        raise typer.Exit(ExitCode.NO_ANSWER)
    if judged.missing:
        say(f"blueattr: {judged.missing:,} of {judged.wanted:,} scores were never given")
        raise typer.Exit(ExitCode.GAPS)


def _export(about: "RecordTrace", form: Literal["who-when", "text"], output: OutputOptions) -> None:
    """Write what a judge is shown, and ask nobody."""
    from blueattr.atomic import write
    from blueattr.judges.export import exported

    if output.form is not None:
        raise UsageError("--export has a form of its own; leave out --format")
    if output.out is not None:
        check_page(output.out, None)
    data = exported(about.trace, form).encode()
    if output.out is None:
        put(data)
    else:
        write(output.out, data)
        say(f"written: {output.out}")


def _intent(plan: "JudgingPlan") -> str:
    """Say what is going to be sent."""
    return (
        f"{plan.requests:,} requests to {plan.host}, model {plan.model}: about "
        f"{plan.prompt_tokens:,} tokens of prompts and {plan.answer_tokens:,} of answers, an "
        "estimate of characters / 4"
    )


def _on_wait(*, quiet: bool) -> Callable[[float, str], None]:
    def wait(seconds: float, why: str) -> None:
        if not quiet and seconds >= _LONG_WAIT:
            say(f"blueattr: {why}; continuing in {seconds:,.0f} s")

    return wait


def _counting(bars: Bars, requests: int) -> Callable[[], None]:
    done = 0

    def on_answer() -> None:
        nonlocal done
        done += 1
        if bars.progress is not None:
            bars.progress("answers", done, max(done, requests))

    return on_answer
