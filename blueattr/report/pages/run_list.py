"""The page of runs: a small line of shares for each topic, what changed, and a table of runs."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from markupsafe import Markup

from blueattr.report.formats.html import environment
from blueattr.version import __version__

__all__ = ["RunRow", "ShareLine", "TopicCard", "run_list_html"]


_WIDTH, _HEIGHT, _MARGIN = 300.0, 72.0, 5.0
_KINDS = ("top", "middle", "tail")


@dataclass(frozen=True, slots=True)
class ShareLine:
    """The share of one tier over time.

    Parameters
    ----------
    tier
        Its name for people.
    shares
        One a run, as fractions.
    now, moved
        The latest share, and how it moved, in words; `moved` is empty if there is nothing to
        compare with.
    """

    tier: str
    shares: tuple[float, ...]
    now: str
    moved: str


@dataclass(frozen=True, slots=True)
class TopicCard:
    """The shares of a topic over time.

    Parameters
    ----------
    title
        The topic's.
    indicator
        The indicator that the report begins with.
    undefined
        Why the latest run has no answer; else empty.
    times
        When the runs that can be compared began, ascending; aware.
    lines
        One a tier, the top first; each with a share for each time.
    others
        Number of runs that asked another question or used another method.
    """

    title: str
    indicator: str
    undefined: str
    times: tuple[datetime, ...]
    lines: tuple[ShareLine, ...]
    others: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in the table.

    Parameters
    ----------
    started
        Aware.
    outcome, message
        In words; a message may be empty.
    failed
        Whether it ended with an error.
    report, address
        The name of its report, and where it is; empty if there was none, or it is gone.
    window, gaps, topics
        Of its report; empty or None if there was none.
    lasted
        In words.
    """

    started: datetime
    outcome: str
    failed: bool
    report: str
    address: str
    window: str
    gaps: int | None
    topics: int | None
    lasted: str
    message: str


def run_list_html(
    *,
    headline: str,
    banner: str,
    latest: str,
    cards: Sequence[TopicCard],
    compared: str,
    changes: Sequence[str],
    rows: Sequence[RunRow],
    left_out: int,
) -> str:
    """Lay out the page.

    Parameters
    ----------
    headline
        What it says first.
    banner
        What must be said of synthetic data; else empty.
    latest
        The address of the latest report; empty if it is gone.
    cards
        One a topic.
    compared, changes
        When the report before began, in words, or empty; and what changed since then, in sentences.
    rows
        The latest run first.
    left_out
        Number of earlier runs that are not listed.

    Returns
    -------
    str
        HTML. Its security policy permits no script, no connection and no style but its own.
    """
    templates = resources.files("blueattr.report") / "templates"
    style = "".join(
        (templates / name).read_text(encoding="utf-8") for name in ("page.css", "runs.css")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment().get_template("runs.html.jinja").render(
        headline=headline,
        banner=banner,
        latest=latest,
        cards=[_card(card) for card in cards],
        compared=compared,
        changes=changes,
        rows=rows,
        left_out=left_out,
        version=__version__,
        style=Markup(style),  # noqa: S704 - files of this package
        style_hash=f"sha256-{digest}",
    )  # fmt: skip


def _card(card: TopicCard) -> dict[str, Any]:
    between = max(len(card.lines) - 2, 0)
    kinds = [_KINDS[0], *[_KINDS[1]] * between, _KINDS[-1]][: len(card.lines)]
    return {
        "title": card.title,
        "indicator": card.indicator,
        "undefined": card.undefined,
        "others": card.others,
        "first": card.times[0] if card.times else None,
        "last": card.times[-1] if card.times else None,
        "n": len(card.times),
        "alt": "; ".join(
            f"{line.tier}: from {line.shares[0]:.1%} to {line.shares[-1]:.1%}"
            for line in card.lines
            if line.shares
        ),
        "width": f"{_WIDTH:g}",
        "height": f"{_HEIGHT:g}",
        "zero": f"{_place(0.0, _bounds(card)):.1f}",
        "lines": [
            {"tier": line.tier, "kind": kind, "now": line.now, "moved": line.moved,
             **_drawn(card, line)}
            for line, kind in zip(card.lines, kinds, strict=True)
        ],
    }  # fmt: skip


def _bounds(card: TopicCard) -> tuple[float, float]:
    """Return the ends of the axis of shares: 0 and 1, unless some lie beyond."""
    shares = [share for line in card.lines for share in line.shares]
    return min([0.0, *shares]), max([1.0, *shares])


def _place(share: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return _MARGIN + (_HEIGHT - 2 * _MARGIN) * (high - share) / (high - low)


def _drawn(card: TopicCard, line: ShareLine) -> dict[str, str]:
    """Return the points of a line and its last one, in units of the drawing."""
    first, length = card.times[0] if card.times else None, 0.0
    if first is not None:
        length = (card.times[-1] - first).total_seconds()
    across = _WIDTH - 2 * _MARGIN
    bounds = _bounds(card)
    points = [
        (
            _MARGIN + across * ((time - first).total_seconds() / length if length else 1.0),
            _place(share, bounds),
        )
        for time, share in zip(card.times, line.shares, strict=True)
        if first is not None
    ]
    if not points:
        return {"points": "", "x": "", "y": ""}
    return {
        "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
        "x": f"{points[-1][0]:.1f}",
        "y": f"{points[-1][1]:.1f}",
    }
