"""Options of commands that ask services about the past: whom, how often, and as who."""

from typing import Annotated, TypeAlias

import typer

__all__ = ["Appview", "Contact", "MaxRequests", "Pace"]


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
