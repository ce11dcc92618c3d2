"""The command watch: shares that move as events arrive."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from blueattr.analysis.asked import parse
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import ABOUT, HOW, WHO, QuestionOptions, TopicOptions
from blueattr.cli.options import GroupsOfChange, Hosts, Insecure, Pseudonyms, Top
from blueattr.cli.settings import read_settings
from blueattr.cli.watching import face, teller_of
from blueattr.errors import UsageError
from blueattr.user_path import named_file

Sliding: TypeAlias = Annotated[
    str,
    typer.Option(
        "--window",
        metavar="LENGTH",
        help="Length of the window, which ends with the last event, such as 6h or 14d.",
    ),
]
Speed: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--replay",
        metavar="SPEED",
        help="Replay the records that the store has, each at its time, so many times as fast: 60x.",
        show_default=False,
    ),
]
Begin: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DATE",
        help="Where a replay begins, a UTC date or time; by default with the first record.",
        show_default=False,
    ),
]
Plain: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--plain",
        help="Show one screen of text; without a terminal, a line a minute.",
        show_default=False,
    ),
]
Serve: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--serve",
        metavar="HOST:PORT",
        help="Serve a page, such as at 127.0.0.1:8765; for other machines with a token in the "
        "environment, BLUEATTR_SERVE_TOKEN.",
        show_default=False,
    ),
]
Notify: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--notify",
        parser=named_file,
        metavar="FILE",
        help="Tell whom [notify] of this settings file names of what happens; the store and the "
        "topics are those of the file.",
        show_default=False,
    ),
]
Lines: TypeAlias = Annotated[
    Literal["jsonl"] | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="jsonl: a line of JSON for each picture, to pipe.",
        show_default=False,
    ),
]


Sources: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        help="What to follow into the store: jetstream (the default), firehose, or addresses, as "
        "for ingest.",
        show_default=False,
    ),
]


@dataclass
class WatchOptions(TopicOptions):
    """The features of a panel, about a topic, in a window that slides."""

    start: Begin = None
    window: Sliding = "24h"


@grouped(
    (
        "sources", *ABOUT, "replay", "host", "insecure", "indicator", "by", "start", "window",
        "panel", "scale", "tiers", *HOW, *WHO, "top", "pseudonyms", "plain", "serve",
        "form", "notify", "memory",
    )
)  # fmt: skip
def watch(
    context: typer.Context,
    *,
    store: WatchOptions,
    how: QuestionOptions,
    sources: Sources = None,
    replay: Speed = None,
    host: Hosts = None,
    insecure: Insecure = False,
    by: GroupsOfChange = None,
    top: Top = 10,
    pseudonyms: Pseudonyms = False,
    plain: Plain = False,
    serve: Serve = None,
    form: Lines = None,
    notify: Notify = None,
) -> None:
    """Show who carries a topic while it happens, in a window that slides with the events.

    In a terminal it is an app (keys choose what is watched), else a line a minute.

    It follows the network into the store; where another process writes the store, it looks at it
    after each commit. The numbers are those of attribute, to the bit, for the window shown.
    With --notify it tells of gaps, changes and bounds that are crossed, each once.

    Example: blueattr watch --topic mythos --replay 3600x --format jsonl
    """
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.groups.grouping import grouping
    from blueattr.sources.find import is_network
    from blueattr.studies.carriers.leaders import check_top
    from blueattr.watch.asked import WatchAsked
    from blueattr.watch.follow import Follow
    from blueattr.watch.replay import Replay, speed_of
    from blueattr.watch.writing import Ingest, writer_of

    check_top(top)
    show = face(form, plain=plain, serve=serve)
    settings = None if notify is None else read_settings(context, notify)
    if settings is not None:
        from blueattr.runs.plan_file import store_of

        if replay is not None:
            raise UsageError("--notify tells of what happens now; leave it out with --replay")
        store.db, store.topics = store_of(settings), settings.path("report", "topics")
    asked = WatchAsked(
        store.query(), how.question(), parse.length(store.window),
        None if by is None else grouping(by), top, Naming.of(top=top, pseudonyms=pseudonyms),
    )  # fmt: skip
    if settings is not None:
        asked = replace(asked, teller=teller_of(settings, asked))
    if sources and (sources == ["archive"] or not is_network(sources)):
        raise UsageError(
            f"watch follows streams, and {', '.join(sources)} is none; read it first, with: "
            "blueattr ingest"
        )
    words = [*(sources or ()), *(word for one in host or () for word in ("--host", one))]
    words += ["--insecure"] * insecure
    if replay is not None:
        if words:
            raise UsageError("--replay shows what the store has; leave out what to follow")
        show(Replay(asked, speed_of(replay), asked.query.start))
        return
    if store.start is not None:
        raise UsageError("--from is where a replay begins; name its speed with --replay 60x")
    telling = nullcontext() if asked.teller is None else asked.teller.telling()
    writer = writer_of(store.db)
    if writer is not None:
        if words:
            raise UsageError(
                f"process {writer} writes to {store.db}, and watch follows what it commits; leave "
                "out what to follow, or use another --db"
            )
        with telling:
            show(Follow(asked))
        return
    with Ingest(store.db, words, store.memory_limit) as ingest, telling:
        show(Follow(asked, "writes", ingest.check))
