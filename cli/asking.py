"""Options of commands that ask services about the past: whom, how often, and as who."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from blueattr.cli.output import say
from blueattr.errors import ExitCode

if TYPE_CHECKING:
    from blueattr.ingest.asking import Asked

__all__ = ["Appview", "Contact", "MaxRequests", "Pace", "end_asking"]


Appview: TypeAlias = Annotated[
    str, typer.Option("--appview", metavar="URL", help="Address of the AppView.")
]
MaxRequests: TypeAlias = Annotated[
    int, typer.Option("--max-requests", metavar="N", help="Most requests that are sent.")
]
Pace: TypeAlias = Annotated[
    float, typer.Option("--pace", metavar="N", help="Most requests a second.")
]
Contact: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--contact",
        metavar="ADDRESS",
        help="Whom operators can write to; sent with each request.",
        show_default=False,
    ),
]


def end_asking(done: "Asked") -> None:
    """Say why not all was asked, and exit with the code of that; go on where all was."""
    if done.failure:
        say(f"blueattr: {done.failure}")
        raise typer.Exit(ExitCode.SOURCE)
    if done.is_limited:
        say("blueattr: --max-requests is reached; run the same command again to go on")
        raise typer.Exit(ExitCode.GAPS)
