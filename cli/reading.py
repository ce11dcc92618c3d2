"""What commands that read sources into a store say when they end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from blueattr.cli.output import say
from blueattr.errors import ExitCode

if TYPE_CHECKING:
    from blueattr.ingest.result import Ingested

__all__ = ["exit_on", "kept"]


# Sources that stderr says something on.
_MOST_SAID = 20


@contextmanager
def kept() -> Iterator[None]:
    """Say, where the reading is interrupted, what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        say("blueattr: everything committed is kept; run the same command again to continue")
        raise


def exit_on(
    results: Sequence["Ingested"], failed: ExitCode, otherwise: ExitCode | None = None
) -> None:
    """Say what went wrong, and exit if something did: with the code of the most serious thing.

    Parameters
    ----------
    failed
        Where a source could not be read to its end, or nothing of it was kept.
    otherwise
        Where something else went wrong, and no source failed.
    """
    failures = [failure for result in results for failure in result.failures]
    mostly = [sentence for result in results for sentence in result.mostly_rejected]
    sentences = [*failures, *mostly]
    for sentence in sentences[:_MOST_SAID]:
        say(f"blueattr: {sentence}")
    if len(sentences) > _MOST_SAID:
        say(f"blueattr: and {len(sentences) - _MOST_SAID:,} more; --format json lists them")
    if failures:
        raise typer.Exit(failed)
    if otherwise is not None:
        raise typer.Exit(otherwise)
    if mostly:
        raise typer.Exit(ExitCode.MOSTLY_REJECTED)
