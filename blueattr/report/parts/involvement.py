"""How many of a panel's agents were involved in its topic, and what the others carry, in words."""

from typing import TYPE_CHECKING, Protocol

from blueattr.report.numbers import count, listed, percent, plural, short
from blueattr.report.parts.answer import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.attribution.tiered import ActivePanel
    from blueattr.attribution.value import TierShare
    from blueattr.provenance import Provenance

__all__ = [
    "Populated",
    "amplified",
    "involved_note",
    "involved_part",
    "involved_sentence",
    "involvement",
    "parts_by_tier",
    "share_of_others",
]


class Populated(Protocol):
    """A result of a panel."""

    @property
    def n_agents(self) -> int:
        """N."""

    @property
    def n_involved(self) -> int | None:
        """How many of them are involved in the topic; None where no topic was asked about."""

    @property
    def provenance(self) -> "Provenance":
        """Where the features came from."""


class _Parts(Protocol):
    @property
    def share(self) -> float: ...

    @property
    def share_involved(self) -> float: ...

    @property
    def tier(self) -> str: ...

    @property
    def agents_involved(self) -> int: ...


_DONE = {"replies": "answered", "reposts": "reposted", "quotes": "quoted"}


def amplified(origin: "Provenance") -> str:
    """Say what others did that c counts, as in ``answered, reposted or quoted``."""
    return listed([_DONE[kind] for kind in origin.influence] or [*_DONE.values()], "or")


def share_of_others(tiers: "Sequence[TierShare | _Parts]") -> float:
    """Return the share of the agents who were not involved."""
    return sum(tier.share - tier.share_involved for tier in tiers)


def parts_by_tier(tiers: "Sequence[TierShare | _Parts]") -> str:
    """Return how much of each tier's share the others carry, as in ``1, 8 and 15 points``."""
    points = [
        rounded(tier.share - tier.share_involved).removesuffix(" %").replace("under ", "<")
        for tier in tiers
    ]
    return f"{listed(points)} points"


def involved_part(
    origin: "Provenance",
    n_involved: int,
    n_agents: int,
    indicators: "Sequence[tuple[str, Sequence[TierShare | _Parts]]]",
) -> str:
    """Say who was involved, and how much of each tier's share the others carry.

    Parameters
    ----------
    origin, n_involved, n_agents
        Of an active panel.
    indicators
        Each with its tiers at full scale.
    """
    own = origin.window is None
    wrote = "wrote about it" if origin.topic is not None else "wrote"
    did = "have an a or c above 0" if own else f"{wrote}, or were {amplified(origin)}"
    how = "through b alone" if own else "just by being followed"
    if n_involved >= n_agents:
        return f"All of them {did}."
    theirs = ", ".join(
        f"{rounded(share_of_others(tiers))} of {name} ({parts_by_tier(tiers)}"
        f"{'' if k else ' of the shares of the tiers'})"
        for k, (name, tiers) in enumerate(indicators)
    )
    return (
        f"{count(n_involved)} of {plural(n_agents, 'account')} {did}; the others account for "
        f"{theirs} {how}."
    )


def involved_note(
    n_involved: int, n_agents: int, tiers: "Sequence[TierShare | _Parts]"
) -> tuple[str, ...]:
    """Return the same in two short lines, as a figure of shares has it; none if all are involved.

    Parameters
    ----------
    n_involved, n_agents
        Of an active panel.
    tiers
        Of the one indicator that is drawn.
    """
    if n_involved >= n_agents:
        return ()
    return (
        f"{count(n_involved)} of {plural(n_agents, 'account')} involved;",
        f"the others carry {parts_by_tier(tiers)} of the shares",
    )


def involved_sentence(result: Populated) -> str:
    """Say how many of the agents were involved."""
    about = "" if result.provenance.topic is None else " about the topic"
    involved = result.n_involved or 0
    if 1 < involved == result.n_agents:
        return (
            f"All {count(involved)} agents were involved: they wrote{about}, or were "
            f"{amplified(result.provenance)}."
        )
    were = "was" if involved == 1 else "were"
    return (
        f"{count(involved)} of {plural(result.n_agents, 'agent')} {were} involved: they "
        f"wrote{about}, or were {amplified(result.provenance)}."
    )


def involvement(
    result: Populated,
    indicators: "Sequence[tuple[str, Sequence[TierShare | _Parts], ActivePanel | None, float]]",
) -> tuple[str, ...]:
    """Return sentences on who was involved, and on what the others carry of each indicator.

    Parameters
    ----------
    result
        Of a panel.
    indicators
        Name, tiers at full scale, the active panel if the result is of those involved, and v(N).
    """
    asked_only = next((one for one in indicators if one[2] is not None), None)
    if asked_only is not None:
        _, tiers, active, _ = asked_only
        assert active is not None  # noqa: S101 - asked before
        totals = [(name, total, whole.total) for name, _, whole, total in indicators if whole]
        return (_panels_sentence(tiers, active, totals),)
    sentences = [involved_sentence(result)]
    for name, tiers, _, _ in indicators:
        if any(tier.share != tier.share_involved for tier in tiers):
            parts = ", ".join(
                f"{percent(tier.share - tier.share_involved, unit=False)} of the {tier.tier}'s "
                f"{percent(tier.share, unit=False)}"
                for tier in tiers
            )
            sentences.append(
                f"The others carry {percent(share_of_others(tiers))} of {name} just by being "
                f"followed: {parts}."
            )
    return tuple(sentences)


def _panels_sentence(
    tiers: "Sequence[TierShare | _Parts]",
    active: "ActivePanel",
    totals: "Sequence[tuple[str, float, float]]",
) -> str:
    """Set those involved beside the active panel, in which they have their tiers.

    Parameters
    ----------
    tiers
        Of those involved, at full scale.
    active
        The active panel.
    totals
        Name of each indicator, v(N) of those involved, and v(N) of the active panel.
    """
    n = sum(tier.agents_involved for tier in tiers)
    if n == active.n_agents:
        everyone = "the one agent" if n == 1 else f"all {count(n)} agents"
        return (
            f"Only involved agents are analysed, and {everyone} of the active panel "
            f"{'was' if n == 1 else 'were'}: the two panels are the same."
        )
    by_tier = ", ".join(
        f"{count(tier.agents_involved)} of {count(agents)} in the {tier.tier}"
        for tier, agents in zip(tiers, active.agents, strict=False)
    )
    both = ", ".join(
        f"{name} is {short(total)} on them and {short(whole)} on the active panel"
        for name, total, whole in totals
    )
    return (
        f"Only involved agents are analysed: {count(n)} of {count(active.n_agents)} active "
        f"agents ({by_tier}). {both}; the two are not comparable, since n differs."
    )
