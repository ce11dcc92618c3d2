"""Options that say which samples to draw, and whether to put them right."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from blueattr.analysis.asked import parse
from blueattr.cli import completion
from blueattr.cli.options import Seed

if TYPE_CHECKING:
    from blueattr.attribution.question import Sampling


Sizes: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--sizes",
        metavar="N,N",
        help="Sample sizes; 100,1000 by default, as far as the panel is larger.",
        show_default=False,
        autocompletion=completion.sizes,
    ),
]
Protocol: TypeAlias = Annotated[
    str,
    typer.Option(
        "--protocol",
        metavar="NAME,NAME",
        help="How samples are drawn: visibility, top, active, random, or all.",
        autocompletion=completion.protocols,
    ),
]
Seeds: TypeAlias = Annotated[
    int,
    typer.Option("--seeds", metavar="N", help="Number of samples of each protocol and size."),
]
Correct: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--correct",
        help="Also estimate the full panel's shares from each sample, by how likely its agents "
        "were to be drawn.",
        show_default=False,
    ),
]


@dataclass
class SeedOptions:
    """How samples are drawn, and how many."""

    protocol: Protocol = "visibility"
    seeds: Seeds = 10
    seed: Seed = 0

    def sampling(self, **more: Any) -> "Sampling":
        """Return these options as a sampling; `more` is as in :func:`parse.sampling`."""
        return parse.sampling(**vars(self), **more)


@dataclass
class SamplingOptions(SeedOptions):
    """How samples are drawn, how many, and their sizes."""

    sizes: Sizes = None


@dataclass
class ComparisonOptions(SamplingOptions):
    """Which samples to compare with, and whether to put them right."""

    correct: Correct = False


DRAWS = ("protocol", "seeds", "seed")
"""Options that stand together in the help of commands that draw samples."""
