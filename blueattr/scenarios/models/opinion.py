"""The opinion model as a scenario: agents who post, read, like and dislike."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import ClassVar

from blueattr.errors import InputError
from blueattr.kernels import FloatArray
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.protocol import Indicator, State
from blueattr.scenarios.record import Layout, Parameter, RecordArray
from blueattr.scenarios.reverse import opinion as reverse
from blueattr.scenarios.reverse.bars import Bars
from blueattr.scenarios.rules import opinion as rules

__all__ = ["Opinion"]


_KEPT = 4


class Opinion(Model):
    """The opinions of a record.

    Notes
    -----
    docs/scenarios.md, "Opinion".
    """

    name = "opinion"
    regulariser = "views"
    first_peak = 0
    layout = Layout(
        states={"belief": RecordArray("n", low=-1, high=1)},
        actions={
            "presence": RecordArray("n", low=0, high=1, scaled=True),
            "posted": RecordArray("n", whole=True, low=0, high=1),
            "said": RecordArray("n", low=-1, high=1),
            "author": RecordArray("nk", whole=True, low=0, pad=-1),
            "reaction": RecordArray("nk", whole=True, low=-1, high=1),
        },
        noise={},
        parameters={
            "views": Parameter(0.5, 1e-9, 100, "what the smooth form adds to the views of a post"),
            "links": Parameter(
                0,
                0,
                1000,
                "M of the Barabási-Albert network in which agents were "
                "read; 0: everybody read everybody",
            ),
        },
    )
    indicators: ClassVar[Mapping[str, Indicator]] = {"polarisation": rules.polarisation}
    baselines: ClassVar[Sequence[str]] = ("silent",)

    def check(self) -> None:
        """Check that authors are among the agents."""
        authors = self.record.actions["author"]
        if authors.size and authors.max() >= len(self.agents):
            raise InputError(
                f"there is no author {int(authors.max())}: agents count from 0 to "
                f"{len(self.agents) - 1}"
            )

    def baseline(self, kind: str) -> Mapping[str, FloatArray]:  # noqa: ARG002 - there is one
        """Return what an absent agent does: it does not post or read, and nobody reads it."""
        return self.nothing()

    def transition(self, state: State, actions: State, step: int, smooth: bool) -> State:
        """Return the state after a step."""
        return rules.advance(
            state, actions, smooth=smooth, views=self.parameters["views"],
            reading=self._reading(step),
        )  # fmt: skip

    @cached_property
    def _reading(self) -> Callable[[int], rules.Reading]:
        """Who read whom in a step; that of a few steps is kept, each as large as n² numbers."""

        def reading(step: int) -> rules.Reading:
            return rules.Reading.of(
                {name: channel.values[step][None] for name, channel in self.channels.items()}
            )

        return lru_cache(maxsize=_KEPT)(reading)

    def indicator_bars(self, indicator: str, before: State, after: State) -> tuple[Bars, Bars]:
        """Return the derivatives of an indicator by the states before and after a step."""
        return reverse.indicator_bars(indicator, before, after)

    def pull_back(
        self,
        state: State,
        actions: State,
        after: State,  # noqa: ARG002 - it is computed anew
        bars: Bars,
        step: int,
    ) -> tuple[Bars, Bars]:
        """Return derivatives by state and actions, from those by the state after."""
        return reverse.pull_back(
            state, actions, bars, views=self.parameters["views"], reading=self._reading(step)
        )
