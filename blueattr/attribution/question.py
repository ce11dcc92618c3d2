"""A question that can be put to any panel: what to attribute, and samples to compare with."""

from dataclasses import dataclass, field, replace
from typing import TypedDict

from blueattr.attribution.tiered import PanelChoice
from blueattr.errors import UsageError
from blueattr.indicators.base import Aggregator, Indicator

__all__ = ["Draws", "How", "Question", "Sampling"]


class How(TypedDict):
    """Keywords of `attribute` that are the same for every indicator of a question."""

    method: str
    steps: int | None
    aggregator: Aggregator
    cutoffs: tuple[float, ...]
    panel: PanelChoice


class Draws(TypedDict):
    """A sampling as keywords of `compare_scales`."""

    protocols: tuple[str, ...]
    sizes: tuple[int, ...] | None
    seeds: int
    seed: int
    correct: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What to attribute and how.

    Parameters
    ----------
    indicators
        Names, or indicators.
    method, steps, aggregator, cutoffs
        As for :func:`blueattr.attribution.attribute.attribute`.
    panel
        The same; None where nobody chose it: see `settled`.
    """

    indicators: tuple[str | Indicator, ...] = ("heat",)
    method: str = "auto"
    steps: int | None = None
    aggregator: Aggregator = field(default_factory=Aggregator)
    cutoffs: tuple[float, ...] = (1.0, 10.0)
    panel: PanelChoice | None = None

    def settled(self, is_searched: bool) -> "Question":
        """Return the question with the panel that it is asked of.

        Nobody who took no part is in records that a search for words found: such a panel is that of
        those involved, unless somebody chose another.

        Parameters
        ----------
        is_searched
            Whether all records of the window are from such a search
            (`blueattr.provenance.Provenance`).
        """
        if self.panel is not None:
            return self
        return replace(self, panel="involved" if is_searched else "active")

    @property
    def choice(self) -> PanelChoice:
        """The panel: of a user's own features, all agents unless somebody chose those involved."""
        return self.panel or "active"

    @property
    def how(self) -> How:
        """The question as keywords of `attribute` and of the studies, without the indicators."""
        return How(
            method=self.method,
            steps=self.steps,
            aggregator=self.aggregator,
            cutoffs=self.cutoffs,
            panel=self.choice,
        )

    def check_one(self, asks_for: str) -> None:
        """Refuse more indicators than one.

        Parameters
        ----------
        asks_for
            Begins the sentence, such as ``why explains``.

        Raises
        ------
        UsageError
            There are several.
        """
        if len(self.indicators) != 1:
            raise UsageError(f"{asks_for} one indicator; name it with --indicator")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which samples to compare with.

    Parameters
    ----------
    protocols, sizes, seeds, seed, correct
        As for :func:`blueattr.studies.scales.compare_scales`.
    """

    protocols: tuple[str, ...] = ("visibility",)
    sizes: tuple[int, ...] | None = None
    seeds: int = 10
    seed: int = 0
    correct: bool = False

    @property
    def draws(self) -> Draws:
        """The sampling as keywords of `compare_scales`."""
        return Draws(
            protocols=self.protocols,
            sizes=self.sizes,
            seeds=self.seeds,
            seed=self.seed,
            correct=self.correct,
        )
