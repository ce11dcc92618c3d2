"""Splits the values of agents among their records: posts, replies and reposts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.by_feature import feature_values

__all__ = [
    "RecordState",
    "RecordValue",
    "post_address",
    "received_count",
    "record_values",
    "units",
    "written_count",
]


RecordState = Literal["counted", "off topic", "outside the window", "deleted", "unseen"]

_POST = re.compile(
    r"at://(did:[a-zA-Z0-9._:%-]+)/app\.bsky\.feed\.post/([a-zA-Z0-9._:~-]+)", re.ASCII
)
# Of an imported record without a key of the network (sql/sources/tables/macros.sql).
_MADE_KEY = re.compile("[67ab][2-7a-z]{12}")
_WRITTEN = ("posts", "replies", "reposts")
_RECEIVED = ("replies_received", "reposts_received", "quotes_received")


def post_address(uri: str) -> str | None:
    """Return where a post can be seen; None if its URI is none of the network's.

    >>> post_address("at://did:plc:ann/app.bsky.feed.post/3kabc")
    'https://bsky.app/profile/did:plc:ann/post/3kabc'
    """
    found = _POST.fullmatch(uri)
    if found is None or _MADE_KEY.fullmatch(found[2]):
        return None
    return f"https://bsky.app/profile/{found[1]}/post/{found[2]}"


@dataclass(frozen=True, slots=True)
class RecordValue:
    """A record with its part of its author's value.

    Parameters
    ----------
    uri
        Its address in the protocol, ``at://…``.
    kind
        ``post``, ``reply`` or ``repost``; None of one that was never seen or is deleted.
    state
        ``counted``: it is of the topic and in the window, so that it counts itself. Else only the
        replies, reposts and quotes that it received count: it is ``off topic``, ``outside the
        window`` (older, as a rule), ``deleted`` or ``unseen``.
    time
        When it was seen first, UTC; None of one that was never seen or is deleted.
    replies_received, reposts_received, quotes_received
        How many of others count; None of a kind that c does not count.
    value_own, value_received
        Its parts of the value: of its author's activity and influence.
    value, share
        Both together, and over the sum of all agents' values.
    text, title
        What it says, and the title of what it links to; None where they are not known.
    synthetic
        Whether it may be made up, so that there is no post to link to.
    """

    uri: str
    kind: str | None
    state: RecordState
    time: datetime | None
    replies_received: int | None
    reposts_received: int | None
    quotes_received: int | None
    value_own: float
    value_received: float
    value: float
    share: float
    text: str | None = None
    title: str | None = None
    synthetic: bool = False

    @property
    def link(self) -> str | None:
        """The address of the post; None where there is nothing to see."""
        if self.synthetic or self.state in {"deleted", "unseen"}:
            return None
        return post_address(self.uri)

    @classmethod
    def each(cls, frame: pl.DataFrame) -> Iterator[tuple[str, "RecordValue"]]:
        """Yield DID and record of each row of a frame with ``did`` and these columns."""
        names = [name for name in cls.__dataclass_fields__ if name in frame.columns]
        for did, *row in frame.select("did", *names).iter_rows():
            yield did, cls(**dict(zip(names, row, strict=True)))


def written_count() -> pl.Expr:
    """Return how many records each agent of a frame with counts wrote."""
    return pl.sum_horizontal(_WRITTEN)


def received_count() -> pl.Expr:
    """Return how many replies, reposts and quotes each received, as far as c counts them."""
    return pl.sum_horizontal(_RECEIVED)


def units(
    result: AttributionResult, frame: pl.DataFrame, *, keep: Sequence[str] = ()
) -> pl.DataFrame:
    """Return what one record and one interaction received are worth to each agent.

    Parameters
    ----------
    result
        The attribution, which has a split by feature.
    frame
        The features it is of, or rows of them, with counts: see `blueattr.panel.features.SCHEMA`.
    keep
        Other columns of it that the answer has, too; also ``written`` and ``received``.

    Returns
    -------
    polars.DataFrame
        For each of these agents, in the order of `frame`, ``did``, `keep`, ``unit_a`` = φ^a / k^a
        and ``unit_c`` = φ^c / k^c: of k alike players, each gets as much of log(1 + k) as the
        others. 0 where k is 0.

    Notes
    -----
    docs/methods.md, "By record".
    """
    own = [name for name in keep if name not in {"written", "received"}]
    counts = frame.select("did", *own, written=written_count(), received=received_count())
    agents = counts.join(
        result.agents.select("did", *"abc", "value"), on="did", maintain_order="left"
    )
    joined = agents.drop(*"abc", "value").hstack(feature_values(result, agents))

    def each(value: str, count: str) -> pl.Expr:
        return pl.when(pl.col(count) > 0).then(pl.col(value) / pl.col(count)).otherwise(0.0)

    return joined.select(
        "did", *keep, unit_a=each("value_a", "written"), unit_c=each("value_c", "received")
    )


def record_values(parts: pl.DataFrame, worth: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Sum up the values of records.

    Parameters
    ----------
    parts
        ``did``, ``written``, ``replies_received``, ``reposts_received``, ``quotes_received``, and
        the columns `by`: how often what counts.
    worth
        As `units` returns it.
    by
        Columns to sum up by, beside ``did``.

    Returns
    -------
    polars.DataFrame
        ``did``, `by`, the counts, ``value_own``, ``value_received`` and ``value``, in order of
        ``did`` and `by`.
    """
    keys = ("did", *by)
    return (
        parts.group_by(keys)
        .agg(pl.col("written", *_RECEIVED).sum())
        .join(worth, on="did")
        .with_columns(
            value_own=pl.col("written") * pl.col("unit_a"),
            value_received=pl.sum_horizontal(_RECEIVED) * pl.col("unit_c"),
        )
        .with_columns(value=pl.col("value_own") + pl.col("value_received"))
        .drop("unit_a", "unit_c")
        .sort(keys)
    )
