"""The report of one topic: shares, curves, days, and the agents with the largest values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.days import DayShares
from blueattr.attribution.question import Question, Sampling
from blueattr.display import Presented
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators.find import find_indicator
from blueattr.provenance import Provenance
from blueattr.studies.scales import ScaleComparison, compare_scales

__all__ = [
    "Concentration",
    "Leader",
    "Leaders",
    "TopicReport",
    "concentration",
    "curve_sizes",
    "leaders",
    "topic_report",
    "with_handles",
]


DEFAULT_LEADERS = 20
_CURVE_FROM = 100
_CURVE_POINTS = 160
_MOST_LEADERS = 1_000
# Parts of the panel whose cumulative share a report names; they are points of every curve.
LANDMARKS = (0.0001, 0.001, 0.01, 0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Leader:
    """One of the agents with the largest attribution.

    Parameters
    ----------
    did, tier, a, b, c, value, share
        As in the frame of `blueattr.attribution.attribute.AttributionResult`.
    handle
        None if it is unknown.
    """

    did: str
    handle: str | None
    tier: str
    a: float
    b: float
    c: float
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class Leaders:
    """The agents with the largest attribution of one indicator, from the first."""

    indicator: str
    agents: tuple[Leader, ...]


@dataclass(frozen=True, slots=True)
class Concentration:
    """The cumulative share of the agents with the largest values: a Lorenz curve from the top.

    Parameters
    ----------
    indicator
        Its name.
    n_agents
        n.
    agents
        Numbers of agents k, ascending from 1 to n, evenly spread on a logarithmic scale.
    shares
        For each k, the sum of the k largest values over the sum of all. With negative values it
        exceeds 1 on its way; it ends at 1.
    half
        The least k whose share is at least one half.
    """

    indicator: str
    n_agents: int
    agents: tuple[int, ...]
    shares: tuple[float, ...]
    half: int


@dataclass(frozen=True)
class TopicReport(Presented):
    """The content of the report of one topic, or of a panel without a topic.

    Parameters
    ----------
    comparison
        Each indicator at full scale and in samples.
    curve
        The same for sizes from 100 to the full panel, without the rescaling test.
    concentrations
        One per indicator that has an answer at full scale.
    leaders
        One per indicator that has an answer at full scale.
    days
        Heat by UTC day; None for a panel without days, or if heat is 0 in the whole window.
    command
        The command that reproduces the report; may be empty.
    versions
        Names and versions of the software.
    """

    comparison: ScaleComparison
    curve: ScaleComparison
    concentrations: tuple[Concentration, ...]
    leaders: tuple[Leaders, ...]
    days: DayShares | None = None
    command: str = ""
    versions: tuple[tuple[str, str], ...] = ()

    @property
    def provenance(self) -> Provenance:
        """Where the features came from."""
        return self.comparison.provenance


def curve_sizes(n: int) -> tuple[int, ...]:
    """Return the sample sizes of a curve: 1, 2, 5 times powers of ten from 100 on, and n itself.

    Parameters
    ----------
    n
        The number of agents, at least 1. A panel of 100 or fewer starts at 1.

    Examples
    --------
    >>> curve_sizes(2310), curve_sizes(20)
    ((100, 200, 500, 1000, 2000, 2310), (1, 2, 5, 10, 20))
    """
    least = _CURVE_FROM if n > _CURVE_FROM else 1
    steps = (m * 10**k for k in range(len(str(n))) for m in (1, 2, 5))
    return (*(size for size in steps if least <= size < n), n)


def concentration(result: AttributionResult) -> Concentration:
    """Accumulate an attribution from its largest value down.

    Parameters
    ----------
    result
        An attribution; its agents are in order of descending value.

    Returns
    -------
    Concentration
        At most 165 points for any number of agents; exact at each of them.
    """
    n = len(result.agents)
    cumulative = np.cumsum(result.agents["share"].to_numpy())
    cumulative[-1] = 1.0  # exactly, without rounding
    marks = [max(1, round(n * part)) for part in LANDMARKS]
    spread = np.rint(np.geomspace(1, n, _CURVE_POINTS)).astype(np.int64)
    counts = np.unique(np.concatenate((spread, marks)))
    return Concentration(
        indicator=result.indicator,
        n_agents=n,
        agents=tuple(counts.tolist()),
        shares=tuple(cumulative[counts - 1].tolist()),
        half=int(np.argmax(cumulative >= 0.5)) + 1,
    )


def leaders(result: AttributionResult, count: int = DEFAULT_LEADERS) -> Leaders:
    """Return the agents with the largest values, without handles.

    Parameters
    ----------
    result
        An attribution.
    count
        How many agents.
    """
    first = result.agents.head(count).select("did", "tier", "a", "b", "c", "value", "share")
    return Leaders(
        result.indicator,
        tuple(Leader(did, None, *rest) for did, *rest in first.iter_rows()),
    )


def with_handles(several: Sequence[Leaders], handles: Mapping[str, str]) -> tuple[Leaders, ...]:
    """Return the same agents with the handles that are known.

    Parameters
    ----------
    several
        For each indicator the agents with the largest values.
    handles
        By DID.
    """
    return tuple(
        replace(
            one,
            agents=tuple(replace(agent, handle=handles.get(agent.did)) for agent in one.agents),
        )
        for one in several
    )


def topic_report(
    frame: object,
    question: Question,
    sampling: Sampling,
    *,
    provenance: Provenance | None = None,
    top: int = DEFAULT_LEADERS,
    handles: Callable[[Sequence[str]], Mapping[str, str]] | None = None,
    days: DayShares | None = None,
    command: str = "",
    versions: Sequence[tuple[str, str]] = (),
) -> TopicReport:
    """Compute the content of a report of one panel.

    Parameters
    ----------
    frame, provenance
        As for `blueattr.studies.scales.compare_scales`.
    question, sampling
        The question, and the samples to compare with. An indicator that is 0 on the panel, and
        samples for which there are too few active agents, are reported as undefined.
    top
        How many of the agents with the largest values to name, 1 to 1,000.
    handles
        Returns the known handles of some DIDs.
    days, command, versions
        As in `TopicReport`.

    Returns
    -------
    TopicReport
        Its size does not depend on the number of agents.

    Raises
    ------
    UsageError, FeatureError, EmptyPanelError, SampleSizeError
        As `blueattr.studies.scales.compare_scales`; and if `top` is out of range.

    Notes
    -----
    docs/methods.md: "Tiers", "Samples", "The rescaling test".

    Examples
    --------
    >>> panel = {"agent": ["x", "y", "z"], "a": [1, 3, 0], "b": [2, 2, 1], "c": [1, 4, 0]}
    >>> report = topic_report(panel, Question(("heat",)), Sampling(sizes=(2,), seeds=1))
    >>> report.leaders[0].agents[0].did, report.concentrations[0].agents
    ('y', (1, 2, 3))
    """
    if not 1 <= top <= _MOST_LEADERS:
        raise UsageError(f"a report names 1 to {_MOST_LEADERS:,} agents, not {top}")
    chosen = [find_indicator(indicator) for indicator in question.indicators]

    def compare(sampling: Sampling, *, rescaling: bool) -> ScaleComparison:
        return compare_scales(
            frame, chosen, **sampling.draws, **question.how, provenance=provenance,
            keep_undefined=True, rescaling=rescaling,
        )  # fmt: skip

    comparison = compare(sampling, rescaling=True)
    concentrations, largest = [], []
    for indicator in chosen:
        try:
            result = attribute(frame, indicator, **question.how, provenance=provenance)
        except ZeroTotalError:
            continue
        concentrations.append(concentration(result))
        largest.append(leaders(result, top))
    named = tuple(largest)
    if handles is not None:
        named = with_handles(named, handles(sorted({a.did for one in named for a in one.agents})))
    curve = replace(sampling, sizes=curve_sizes(comparison.n_agents))
    return TopicReport(
        comparison=comparison,
        curve=compare(curve, rescaling=False),
        concentrations=tuple(concentrations),
        leaders=named,
        days=days,
        command=command,
        versions=tuple(versions),
    )
