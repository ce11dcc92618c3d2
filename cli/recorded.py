"""What of a record is asked about: options of the commands on simulations."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from blueattr.cli.output import same_file
from blueattr.errors import UsageError

__all__ = ["OwnScenario", "RecordFile", "RecordOptions", "keep_records"]


RecordFile: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="[RECORD]", help="A file that scenario run or import wrote.", show_default=False
    ),
]
OwnScenario: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        metavar="FILE.py:NAME",
        help="A simulation of your own, in place of one that ships; blueattr runs the file.",
        show_default=False,
    ),
]


@dataclass
class RecordOptions:
    """An indicator, the steps that end with the target, and what stands in for an action."""

    indicator: Annotated[
        str | None,
        typer.Option(
            "--indicator",
            metavar="NAME",
            help="What to attribute, see scenario list; by default the scenario's first.",
            show_default=False,
        ),
    ] = None
    step: Annotated[
        str,
        typer.Option(
            "--step", metavar="LABEL", help="The target step; peak is that of the largest value."
        ),
    ] = "peak"
    window: Annotated[
        int,
        typer.Option(
            "--window", metavar="N", help="Steps up to the target that agents may be absent in."
        ),
    ] = 1
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="KIND",
            help="What an absent agent does, see scenario list; by default the first.",
            show_default=False,
        ),
    ] = None


def keep_records(read: Sequence[str | None], *written: Path | None) -> None:
    """Refuse to write an answer over what is read for it.

    Parameters
    ----------
    read
        Names of files, of records or of scores.
    written
        Where a command writes.

    Raises
    ------
    UsageError
        Both are the same file.
    """
    for out in written:
        for name in read:
            if out is not None and name is not None and same_file(out, Path(name)):
                raise UsageError(f"{out} is read, and would be written over; name another file")
