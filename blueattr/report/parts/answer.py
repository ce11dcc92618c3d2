"""The answer in a sentence: what terminal, page and notebook say first of an attribution."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from blueattr.provenance import spell_window
from blueattr.report.numbers import MINUS, plural
from blueattr.report.provenance import so_far, synthetic_mark

if TYPE_CHECKING:
    from blueattr.provenance import Provenance

__all__ = [
    "MEASURES",
    "about",
    "answer_sentence",
    "question_line",
    "rounded",
    "rounded_range",
    "sampled_accounts",
    "tier_names",
]


CARRIED = "heat"
"""The one indicator that says who carried a topic; the others are named for what they measure."""


MEASURES = {
    "heat": "heat, which multiplies activity, popularity and influence",
    "lin": "lin, which adds activity, popularity and influence",
    "var": "var, the variance among accounts",
    "gini": "gini, the inequality among accounts",
}
"""What the bundled indicators measure, in a few words."""


def tier_names(cutoffs: Sequence[float]) -> tuple[str, ...]:
    """Name tiers for people, by the part of the panel that each makes up.

    Parameters
    ----------
    cutoffs
        Cumulative percentages.

    Examples
    --------
    >>> tier_names((1.0, 10.0)), tier_names((1.0, 10.0, 19.0))
    (('top 1 %', 'next 9 %', 'other 90 %'), ('top 1 %', 'next 9 %', '10 to 19 %', 'other 81 %'))
    """
    edges = (0.0, *cutoffs, 100.0)
    names: list[str] = []
    for k, (before, after) in enumerate(pairwise(edges)):
        kind = "top" if k == 0 else "other" if after == edges[-1] else "next"
        name = f"{kind} {after - before:.6g} %"
        names.append(f"{before:.6g} to {after:.6g} %" if name in names else name)
    return tuple(names)


def about(origin: "Provenance") -> str:
    """Return what was asked about: the topic's title, all events, or a file's name."""
    topic = origin.topic
    if topic is not None:
        return topic.title or topic.name
    if origin.window is not None:
        return "all events"
    return "your panel" if origin.source == "in memory" else origin.source


def question_line(origin: "Provenance", n_agents: int) -> str:
    """Return the question, and when or of whom it was asked."""
    window = origin.window
    where = plural(n_agents, "account") if window is None else spell_window(window)
    mark = synthetic_mark(origin)
    return f"Who carried {about(origin)}? {where}{so_far(origin)}{f', {mark}' if mark else ''}"


def answer_sentence(
    indicator: str,
    origin: "Provenance",
    cutoffs: Sequence[float],
    share: float,
    sample: tuple[str, int, float] | None = None,
    *,
    involved: tuple[int, int] | None = None,
) -> str:
    """Say what the top tier carries, and what a sample would have said.

    Parameters
    ----------
    indicator
        Its name. Only that of heat speaks of carrying a topic.
    cutoffs
        Cumulative percentages.
    share
        Of the top tier among all.
    sample
        Protocol, size, and mean share of the top tier in such samples; None leaves it out.
    involved
        How many of the top tier are involved, and how many agents are; None where all of the panel
        were asked about.
    """
    top = f"the {cutoffs[0]:.6g} % most followed accounts"
    if origin.ranked_by != "followers":
        top = f"the {cutoffs[0]:.6g} % of accounts with the largest {origin.ranked_by}"
    if involved is not None:
        # They keep the tier that they have on the active panel, of which it is 1 %.
        of_top, n = involved
        top = f"of the {plural(n, 'account')} involved, the {of_top:,} that are among {top}"
    if indicator == CARRIED:
        clause = f"{top} carry {rounded(share)} of {about(origin)}."
    else:
        clause = f"{top} account for {rounded(share)} of {indicator} on {about(origin)}."
    said = ""
    if sample is not None:
        protocol, size, sampled = sample
        if protocol == "visibility" and origin.ranked_by == "a":
            protocol = "random"  # as nobody is more visible than another
        said = (
            f" A sample of {sampled_accounts(protocol, size)} would have said {rounded(sampled)}."
        )
    return clause[0].upper() + clause[1:] + said


def sampled_accounts(protocol: str, size: int) -> str:
    """Name the accounts of a sample by how it is drawn, as in ``100 visible accounts``."""
    kinds = {
        "visibility": plural(size, "visible account"),
        "top": f"the {plural(size, 'most followed account')}",
        "active": plural(size, "active account"),
        "random": f"{plural(size, 'account')} drawn at random",
    }
    return kinds.get(protocol, plural(size, "account"))


def rounded(share: float) -> str:
    """Round a share as far as a sentence needs it: to whole per cent, below 1 % to a digit.

    >>> rounded(0.1138), rounded(0.0042), rounded(1e-9), rounded(0.0)
    ('11 %', '0.4 %', 'under 0.01 %', '0 %')
    """
    value = 100 * share
    if 0 < abs(value) < 0.01:
        return "under 0.01 %"
    digits = f"{value:.0f}" if abs(value) >= 0.95 or value == 0 else f"{value:.1g}"
    return f"{digits} %".replace("-", "" if value == 0 else MINUS)


def rounded_range(low: float, high: float) -> str:
    """Write an interval of shares, as in ``6 to 17 %``."""
    return f"{rounded(low).removesuffix(' %')} to {rounded(high)}"
