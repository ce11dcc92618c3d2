"""The command collect: a past topic, from what services still show of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis.asked import parse
from blueattr.cli import completion
from blueattr.cli.asking import Appview, Contact, MaxRequests, Pace, end_asking
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import OutputOptions, StoreOptions
from blueattr.cli.options import DryRun, Quiet, TopicsFile
from blueattr.cli.output import say
from blueattr.cli.request_line import RequestLine
from blueattr.cli.signals import interrupting

if TYPE_CHECKING:
    from blueattr.ingest.collection import Collection


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
    appview: Appview = "https://public.api.bsky.app"
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            help="Where to log in; by default the server that your account's document names.",
            show_default=False,
        ),
    ] = None
    max_requests: MaxRequests = 3000
    pace: Pace = 4.0
    contact: Contact = None
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
    with interrupting(), RequestLine(quiet=quiet) as line:
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
            progress=lambda done: line.show(_so_far(done)),
            on_wait=line.wait,
        )
    output.emit(collect_report(done))
    end_asking(done)


def _so_far(done: "Collection") -> str:
    return (
        f"{done.requests:,} of {done.most:,} requests  {done.posts:,} posts of {done.topic}  "
        f"all interactions of {done.closed:,}"
    )
