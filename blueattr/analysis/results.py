"""Answers for several indicators: a sequence of results, also by name; and other plural results."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any, Generic, TypeVar, overload

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.change.result import ChangeResult
from blueattr.attribution.days import DayShares
from blueattr.display import Presented
from blueattr.panel.topics import Topic, TopicDays
from blueattr.studies.bootstrap import Bootstrap
from blueattr.studies.convergence import Convergence
from blueattr.studies.grid import ScaleGrid
from blueattr.studies.samples.design import Designs
from blueattr.studies.samples.own_sample import Correction
from blueattr.studies.scales import ScaleComparison
from blueattr.studies.sensitivity import Sensitivity
from blueattr.studies.validation.result import Validation

__all__ = ["Results", "TopicCounts", "TopicList", "by_indicator"]


_T = TypeVar("_T")


class _NamedSequence(Presented, Sequence[_T], Generic[_T]):
    """A sequence whose items also have names."""

    def _items(self) -> Sequence[_T]:
        raise NotImplementedError

    def _names(self) -> Sequence[str]:
        raise NotImplementedError

    @overload
    def __getitem__(self, key: int | str) -> _T: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[_T]: ...
    def __getitem__(self, key: int | str | slice) -> _T | Sequence[_T]:
        """Return an item by its name or by its position."""
        if not isinstance(key, str):
            return self._items()[key]
        names = list(self._names())
        if key not in names:
            raise KeyError(f"there is no {key!r}; there are {', '.join(names)}")
        return self._items()[names.index(key)]

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items())

    def _in_short(self) -> Iterator[str]:
        yield from self._names()


@dataclass(frozen=True, repr=False)
class Results(_NamedSequence[_T]):
    """The results of several indicators, in the order of the question.

    ``results[0]`` and ``results["heat"]`` are one of them; ``for result in results`` yields each.
    As text, in a notebook, as a frame and as a figure they are shown together.

    Parameters
    ----------
    names
        The indicators.
    parts
        A result for each.
    whole
        What holds them all, as a command reports it.
    """

    names: tuple[str, ...]
    parts: tuple[_T, ...]
    whole: Any

    def _items(self) -> Sequence[_T]:
        return self.parts

    def _names(self) -> Sequence[str]:
        return self.names


@dataclass(frozen=True, repr=False)
class TopicList(_NamedSequence[Topic]):
    """Topics that can be asked about, bundled and of the user's file; also by name.

    Parameters
    ----------
    topics
        In the order of their files.
    """

    topics: tuple[Topic, ...]

    def _items(self) -> Sequence[Topic]:
        return self.topics

    def _names(self) -> Sequence[str]:
        return [topic.name for topic in self.topics]


@dataclass(frozen=True, repr=False)
class TopicCounts(_NamedSequence[TopicDays]):
    """Participants and events of topics by day, an item a topic; also by the topic's name.

    Parameters
    ----------
    topics
        In the order of the question.
    """

    topics: tuple[TopicDays, ...]

    def _items(self) -> Sequence[TopicDays]:
        return self.topics

    def _names(self) -> Sequence[str]:
        return [counts.topic.name for counts in self.topics]


# --- one result for each indicator ----------------------------------------------------------------


@singledispatch
def by_indicator(whole: Any) -> Results[Any]:
    """Split what a question about several indicators gives into a result for each of them.

    Parameters
    ----------
    whole
        Attributions, changes or shares by day, one an indicator; or a result of a study.
    """
    raise TypeError(f"{type(whole).__name__} is not split by indicator")


@by_indicator.register(list)
@by_indicator.register(tuple)
def _(whole: Sequence[AttributionResult | ChangeResult | DayShares]) -> Results[Any]:
    parts = tuple(whole)
    names = ((part.whole if isinstance(part, DayShares) else part).indicator for part in parts)
    return Results(tuple(names), parts, parts)


@by_indicator.register
def _(whole: ScaleComparison) -> Results[Any]:
    return _split(whole, [one.indicator for one in whole.indicators], _comparison_of)


def _comparison_of(whole: ScaleComparison, name: str) -> ScaleComparison:
    (one,) = (one for one in whole.indicators if one.indicator == name)
    return replace(whole, indicators=(one,), method=one.method, steps=one.steps)


@by_indicator.register
def _(whole: ScaleGrid) -> Results[Any]:
    names = [one.indicator for one in whole.topics[0].indicators]
    return _split(
        whole,
        names,
        lambda grid, name: ScaleGrid(tuple(_comparison_of(c, name) for c in grid.topics)),
    )


@by_indicator.register(Bootstrap)
@by_indicator.register(Correction)
@by_indicator.register(Designs)
@by_indicator.register(Sensitivity)
def _(whole: Bootstrap | Sensitivity) -> Results[Any]:
    names = [one.indicator for one in whole.indicators]

    def part(result: Any, name: str) -> Any:
        kept = tuple(one for one in result.indicators if one.indicator == name)
        return replace(result, indicators=kept)

    return _split(whole, names, part)


@by_indicator.register
def _(whole: Convergence) -> Results[Any]:
    def part(result: Convergence, name: str) -> Convergence:
        return replace(result, series=tuple(s for s in result.series if s.indicator == name))

    return _split(whole, [one.indicator for one in whole.series], part)


@by_indicator.register
def _(whole: Validation) -> Results[Any]:
    def part(result: Validation, name: str) -> Validation:
        return replace(result, blocks=tuple(b for b in result.blocks if b.indicator == name))

    return _split(whole, list(dict.fromkeys(block.indicator for block in whole.blocks)), part)


def _split(whole: _T, names: Sequence[str], part: Callable[[_T, str], _T]) -> Results[_T]:
    return Results(tuple(names), tuple(part(whole, name) for name in names), whole)
