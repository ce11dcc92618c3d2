"""The command collect: a past topic, from what services still show of it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis.asked import parse
from blueattr.cli import completion
from blueattr.cli.grouping import grouped
from blueattr.cli.options import DryRun, OutputOptions, Quiet, StoreOptions, TopicsFile
from blueattr.cli.output import say
from blueattr.cli.progress import console, is_terminal
from blueattr.cli.signals import interrupting
from blueattr.errors import ExitCode

if TYPE_CHECKING:
    from blueattr.ingest.collection import Collection


# Seconds; shorter waits are not reported.
_LONG_WAIT = 5.0
# Seconds between lines about the progress without a terminal.
_SELDOM = 600.0


@dataclass
class CollectOptions:
    """What to collect, and whom to ask."""

    topic: Annotated[
        str | None,
        typer.Option(
            "--topic",
            metavar="NAME",
            help="The topic to collect (see: blueattr topics list).",
            show_default=False,
            autocompletion=completion.topic,
        ),
    ] = None
    topics: TopicsFile = None
    uris: Annotated[
        Path | None,
        typer.Option(
            "--uris",
            metavar="FILE",
            help="Begin with these posts (lines with AT-URIs), in place of a search.",
            show_default=False,
        ),
    ] = None
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DATE", help="Posts from this UTC time on.", show_default=False
        ),
    ] = None
    end: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="DATE", help="Posts before this UTC time.", show_default=False
        ),
    ] = None
    links: Annotated[
        str | None,
        typer.Option(
            "--links",
            metavar="URL",
            help="A backlink index, such as Constellation, which knows when a post was reposted.",
            show_default=False,
        ),
    ] = None
    appview: Annotated[
        str, typer.Option("--appview", metavar="URL", help="Address of the AppView.")
    ] = "https://public.api.bsky.app"
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            help="Where to log in; by default the server that your account's document names.",
            show_default=False,
        ),
    ] = None
    max_requests: Annotated[
        int, typer.Option("--max-requests", metavar="N", help="Most requests that are sent.")
    ] = 3000
    pace: Annotated[float, typer.Option("--pace", metavar="N", help="Most requests a second.")] = (
        4.0
    )
    contact: Annotated[
        str | None,
        typer.Option(
            "--contact",
            metavar="ADDRESS",
            help="Whom operators can write to; sent with each request.",
            show_default=False,
        ),
    ] = None
    dry_run: DryRun = False


@grouped()
def collect(
    *, asked: CollectOptions, store: StoreOptions, output: OutputOptions, quiet: Quiet = False
) -> None:
    """Collect a past topic: its posts, and who answered, reposted and quoted them.

    No archive key is needed. Posts are searched for at the AppView, by the topic's keywords and
    hashtags. Searching further than a page needs a login: BLUEATTR_HANDLE and BLUEATTR_APP_PASSWORD
    in the environment. What comes is kept all the time; the same command goes on where the last one
    stopped. It ends with exit code 9 where --max-requests ended it. --dry-run asks for one page of
    each query.

    Example: blueattr collect --topic mythos --from 2026-04-09 --to 2026-04-23
    """
    from blueattr.analysis.upkeep.collect import means, wanted
    from blueattr.ingest.collect import collect as run
    from blueattr.ingest.collect_plan import dry_run, intent
    from blueattr.panel.topics import shipped_rules
    from blueattr.report.inventory.collections import collect_plan_report, collect_report

    output.check()
    what = wanted(
        store.db,
        asked.topic,
        parse.moment(asked.start, "--from"),
        parse.moment(asked.end, "--to"),
        topics=asked.topics,
        uris=asked.uris,
        memory=store.memory_limit,
    )
    by = means(
        appview=asked.appview,
        links=asked.links,
        server=asked.server,
        max_requests=asked.max_requests,
        contact=asked.contact,
        rate=asked.pace,
    )
    with interrupting(), _Line(quiet=quiet) as line:
        for sentence in () if quiet else intent(what, by):
            say(f"blueattr: {sentence}")
        if asked.dry_run:
            planned = dry_run(store.db, what, by, memory=store.memory_limit, on_wait=line.wait)
            output.emit(collect_plan_report(planned))
            return
        done = run(
            store.db,
            what,
            by,
            rules=(*shipped_rules(), what.rule),
            memory=store.memory_limit,
            progress=line.show,
            on_wait=line.wait,
        )
    output.emit(collect_report(done))
    if done.failure:
        say(f"blueattr: {done.failure}")
        raise typer.Exit(ExitCode.SOURCE)
    if done.is_limited:
        say("blueattr: --max-requests is reached; run the same command again to go on")
        raise typer.Exit(ExitCode.GAPS)


class _Line:
    """The progress on stderr: a line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._drawn = not quiet and is_terminal()
        self._shown_at = time.monotonic()

    def __enter__(self) -> "_Line":
        if self._drawn:
            from rich.live import Live

            self._live = Live(console=console(), transient=True, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            self._live.stop()

    def show(self, done: "Collection") -> None:
        text = (
            f"{done.requests:,} of {done.most:,} requests  {done.posts:,} posts of {done.topic}  "
            f"all interactions of {done.closed:,}"
        )
        now = time.monotonic()
        if self._drawn:
            from rich.text import Text

            self._live.update(Text(text, no_wrap=True, overflow="ellipsis"))
        elif not self._quiet and now - self._shown_at >= _SELDOM:
            self._shown_at = now
            say(f"blueattr: {text}")

    def wait(self, seconds: float, why: str) -> None:
        if not self._quiet and seconds >= _LONG_WAIT:
            say(f"blueattr: {why}; continuing in {seconds:,.0f} s")
