"""The shares that a run found, as its record keeps them longer than its report."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

__all__ = ["IndicatorShares", "RunShares", "TopicShares", "read_shares"]


@dataclass(frozen=True, slots=True)
class IndicatorShares:
    """What one indicator said of one topic.

    Parameters
    ----------
    indicator
        Its name.
    question
        See `blueattr.runs.basis.question_digest`.
    tiers
        Names for people, such as ``top 1 %``, the top first; empty if there is no answer.
    shares
        Of each tier, as a fraction.
    undefined
        Why there is no answer; else empty.
    """

    indicator: str
    question: str
    tiers: tuple[str, ...]
    shares: tuple[float, ...]
    undefined: str = ""


@dataclass(frozen=True, slots=True)
class TopicShares:
    """What a run found about a topic.

    Parameters
    ----------
    topic, title
        Its name, and its title for people.
    n_agents, n_involved
        Of the panel.
    found
        One for each indicator, the one that the report begins with first.
    """

    topic: str
    title: str
    n_agents: int
    n_involved: int
    found: tuple[IndicatorShares, ...]


@dataclass(frozen=True, slots=True)
class RunShares:
    """What a run found.

    Parameters
    ----------
    report
        The name of the report's folder; empty where only the folder itself knows it.
    method_version
        Shares of two versions are not compared.
    events
        Number of events in the store.
    banner
        What must be said of synthetic data; else empty.
    topics
        In the order of the report.
    """

    report: str
    method_version: int
    events: int
    banner: str
    topics: tuple[TopicShares, ...]

    def noted(self) -> dict[str, Any]:
        """Return it as JSON values, which `read_shares` reads."""
        return asdict(self)


def read_shares(noted: object) -> RunShares | None:
    """Read shares from a record or a manifest.

    Parameters
    ----------
    noted
        JSON values that nobody has checked.

    Returns
    -------
    RunShares or None
        None unless they are what `RunShares.noted` returns.
    """
    try:
        return _run_shares(noted)
    except (TypeError, ValueError, KeyError):
        return None


def _run_shares(noted: Any) -> RunShares:
    return RunShares(
        report=_typed(noted["report"], str),
        method_version=_typed(noted["method_version"], int),
        events=_typed(noted["events"], int),
        banner=_typed(noted["banner"], str),
        topics=tuple(
            TopicShares(
                topic=_typed(topic["topic"], str),
                title=_typed(topic["title"], str),
                n_agents=_typed(topic["n_agents"], int),
                n_involved=_typed(topic["n_involved"], int),
                found=tuple(map(_found, _typed(topic["found"], list))),
            )
            for topic in _typed(noted["topics"], list)
        ),
    )


def _found(noted: Any) -> IndicatorShares:
    tiers = tuple(_typed(name, str) for name in _typed(noted["tiers"], list))
    shares = tuple(float(_typed(share, float | int)) for share in _typed(noted["shares"], list))
    if len(tiers) != len(shares) or not all(map(isfinite, shares)):
        raise ValueError(shares)
    return IndicatorShares(
        indicator=_typed(noted["indicator"], str),
        question=_typed(noted["question"], str),
        tiers=tiers,
        shares=shares,
        undefined=_typed(noted["undefined"], str),
    )


def _typed(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(value)
    return value
