"""The grid of the published comparison: flips by topic and indicator."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from blueattr.attribution.sampling import Protocol
from blueattr.attribution.tiers import DEFAULT_CUTOFFS
from blueattr.display import Presented
from blueattr.errors import UsageError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.provenance import Provenance
from blueattr.studies.scales import ScaleComparison, compare_scales

__all__ = ["Flip", "FlipCount", "ScaleGrid", "scale_grid"]


@dataclass(frozen=True, slots=True)
class Flip:
    """The flip of one topic and indicator, in samples of one kind.

    A flip is the share of all tiers but the top at full scale, less the same in the sample.

    Parameters
    ----------
    topic, indicator, protocol, size
        What was compared, and with which samples.
    mean, std
        Over seeds; None if the full panel or all samples have no answer.
    undefined
        Why there is no flip, else empty.
    """

    topic: str
    indicator: str
    protocol: Protocol
    size: int
    mean: float | None
    std: float | None
    undefined: str

    @property
    def positive(self) -> bool:
        """Whether the tiers below the top carry more at full scale than in the samples."""
        return self.mean is not None and self.mean > 0


@dataclass(frozen=True, slots=True)
class FlipCount:
    """Number of positive flips of one protocol and size, and of all that have an answer."""

    protocol: Protocol
    size: int
    positive: int
    defined: int


@dataclass(frozen=True, repr=False)
class ScaleGrid(Presented):
    """One scale comparison per topic, all of one panel and window.

    Parameters
    ----------
    topics
        In the order of the question; each has its topic in its provenance.
    """

    topics: tuple[ScaleComparison, ...]

    def _in_short(self) -> Iterator[str]:
        yield from (one.indicator for one in self.topics[0].indicators)
        yield from map(topic_name, self.topics)
        yield f"{self.topics[0].n_agents:,} agents"

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of samples, ascending: those involved in topics may be too few for some."""
        return tuple(sorted({size for topic in self.topics for size in topic.sizes}))

    def flips(self) -> tuple[Flip, ...]:
        """Return all flips by topic, indicator, protocol and size, in the question's order."""
        flips = []
        for comparison in self.topics:
            topic = topic_name(comparison)
            for scales in comparison.indicators:
                kinds = {(s.protocol, s.size): s for s in scales.samples}
                for protocol in comparison.protocols:
                    for size in comparison.sizes:
                        sample = kinds.get((protocol, size))
                        mean = std = None
                        why = scales.undefined
                        if sample is not None:
                            mean, std = sample.flip_mean, sample.flip_std
                            reasons = dict.fromkeys(r.undefined for r in sample.runs if r.undefined)
                            why = sample.unavailable or "; ".join(reasons)
                        flips.append(
                            Flip(topic, scales.indicator, protocol, size, mean, std,
                                 "" if mean is not None else why)
                        )  # fmt: skip
        return tuple(flips)

    def counts(self) -> tuple[FlipCount, ...]:
        """Count positive flips by protocol and size."""
        flips, first = self.flips(), self.topics[0]
        return tuple(
            FlipCount(
                protocol,
                size,
                sum(f.positive for f in flips if (f.protocol, f.size) == (protocol, size)),
                sum(f.mean is not None for f in flips if (f.protocol, f.size) == (protocol, size)),
            )
            for protocol in first.protocols
            for size in self.sizes
        )


def topic_name(comparison: ScaleComparison) -> str:
    """Return the name of a comparison's topic; ``all`` if it has none."""
    topic = comparison.provenance.topic
    return "all" if topic is None else topic.name


def scale_grid(
    panels: Iterable[tuple[object, Provenance] | tuple[object, Provenance, str]],
    indicators: Sequence[str | Indicator | OwnIndicator] = ("lin", "heat", "var", "gini"),
    *,
    protocols: Sequence[str] = ("visibility",),
    sizes: Sequence[int] | None = None,
    seeds: int = 10,
    seed: int = 0,
    correct: bool = False,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
) -> ScaleGrid:
    """Compare scales on several topics.

    An indicator that is 0 on a topic's full panel, and samples for which a topic has too few
    active agents, are reported as undefined.

    Parameters
    ----------
    panels
        Features and provenance of each topic, and perhaps why it has no answer; consumed one at a
        time.
    indicators, protocols, sizes, seeds, seed, correct, method, steps, aggregator, cutoffs, panel
        As for `blueattr.studies.scales.compare_scales`.

    Returns
    -------
    ScaleGrid

    Raises
    ------
    UsageError, FeatureError, EmptyPanelError, SampleSizeError
        As `blueattr.studies.scales.compare_scales`.

    Notes
    -----
    arXiv 2605.11404: five topics, four indicators; docs/methods.md, "The grid".
    """
    chosen = [find_indicator(indicator) for indicator in indicators]
    topics = tuple(
        compare_scales(
            frame, chosen, protocols=protocols, sizes=sizes, seeds=seeds, seed=seed, method=method,
            steps=steps, aggregator=aggregator, cutoffs=cutoffs, panel=panel, provenance=origin,
            keep_undefined=True, no_answer="".join(why), correct=correct,
        )
        for frame, origin, *why in panels
    )  # fmt: skip
    if not topics:
        raise UsageError("a grid needs at least one topic")
    return ScaleGrid(topics)
