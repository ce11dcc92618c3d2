"""The agents with the largest part in a change, and the counts behind it in both windows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from blueattr.attribution.change.result import ChangeResult
from blueattr.studies.carriers.leaders import COUNTS, DEFAULT_LEADERS, Handles, profile_link

__all__ = ["Mover", "movers"]


_WRITTEN = ("posts", "replies", "reposts")
_RECEIVED = ("replies_received", "reposts_received", "quotes_received")


@dataclass(frozen=True, slots=True)
class Mover:
    """One of the agents with the largest part in a change.

    Parameters
    ----------
    did, tier, kind, value, share
        As in the frame of `blueattr.attribution.change.result.ChangeResult`.
    handle
        None if it is unknown.
    written_before, written_after
        Posts, replies and reposts of the topic in each window; None where it is not on the panel,
        or the features have no counts.
    received_before, received_after
        Replies, reposts and quotes that it received from others, as far as c counts them.
    follows_before, follows_after
        Follows received, of any topic.
    followers
        What ranks the agents, in the window after, or of those who left in the one before.
    synthetic
        Whether it may be made up, so that there is no profile to link to.
    """

    did: str
    handle: str | None
    tier: str
    kind: str
    value: float
    share: float | None
    written_before: int | None = None
    written_after: int | None = None
    received_before: int | None = None
    received_after: int | None = None
    follows_before: int | None = None
    follows_after: int | None = None
    followers: float | None = None
    synthetic: bool = False

    @property
    def link(self) -> str | None:
        """The address of the profile; None for what is no DID, or may be made up."""
        return None if self.synthetic else profile_link(self.did)


def movers(
    result: ChangeResult,
    before: pl.DataFrame,
    after: pl.DataFrame,
    count: int = DEFAULT_LEADERS,
    handles: Handles | None = None,
) -> tuple[Mover, ...]:
    """Return the agents with the largest parts in a change, up or down.

    Parameters
    ----------
    result
        The change.
    before, after
        The features of each window, with ``did`` and any of
        `blueattr.studies.carriers.leaders.COUNTS`.
    count
        How many agents.
    handles
        Returns the known handles of some DIDs; None where nobody is to be named.
    """
    first = result.agents.head(count).select("did", "tier", "kind", "value", "share")
    dids = first["did"].to_list()
    known = handles(sorted(dids)) if handles is not None and dids else {}
    old, new = (_counts(frame, dids) for frame in (before, after))
    made_up = any(window.provenance.synthetic for window in (result.before, result.after))
    named = []
    for row in first.iter_rows(named=True):
        was, is_now = old.get(row["did"], {}), new.get(row["did"], {})
        mover = Mover(handle=known.get(row["did"]), synthetic=made_up, **row)
        named.append(
            replace(
                mover,
                written_before=_sum(was, _WRITTEN),
                written_after=_sum(is_now, _WRITTEN),
                received_before=_counted(was, _RECEIVED),
                received_after=_counted(is_now, _RECEIVED),
                follows_before=was.get("follows_received"),
                follows_after=is_now.get("follows_received"),
                followers=(is_now or was).get("followers"),
            )
        )
    return tuple(named)


def _counts(frame: pl.DataFrame, dids: list[str]) -> dict[str, dict[str, Any]]:
    columns = [name for name in COUNTS if name in frame.columns]
    theirs = frame.select("did", *columns).filter(pl.col("did").is_in(dids))
    return {row.pop("did"): row for row in theirs.iter_rows(named=True)}


def _sum(counts: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    known = [counts[name] for name in names if name in counts]
    return sum(known) if len(known) == len(names) else None


def _counted(counts: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """Sum those of some counts that are there; None where none is."""
    known = [counts[name] for name in names if counts.get(name) is not None]
    return sum(known) if known else None
