"""Records: posts, replies and reposts of a store's agents, each with its part of their value."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.by_feature import feature_split
from blueattr.errors import NoAnswerError
from blueattr.panel.influence import RECEIVED
from blueattr.panel.query import StoreView
from blueattr.panel.topics import Topic
from blueattr.store.database import Store
from blueattr.studies.carriers.records import record_values, units

__all__ = [
    "SCHEMA",
    "SPARE",
    "Records",
    "count_records",
    "described",
    "listed",
    "name_accounts",
    "records",
]


SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "did": pl.String,
    "uri": pl.String,
    "kind": pl.String,
    "state": pl.String,
    "time": pl.Datetime("us", "UTC"),
    "replies_received": pl.Int64,
    "reposts_received": pl.Int64,
    "quotes_received": pl.Int64,
    "value_own": pl.Float64,
    "value_received": pl.Float64,
    "value": pl.Float64,
    "share": pl.Float64,
    "text": pl.String,
    "title": pl.String,
    "synthetic": pl.Boolean,
}
"""A frame of records, as `blueattr.studies.carriers.records.RecordValue` describes them."""

_KEYS = ("did", "collection", "rkey")
_DELETED = "deleted"
SPARE = 2
"""How many times as many records are looked up as are shown: some may be deleted. Where more are,
as many times as many are looked up again."""


def listed(known: pl.DataFrame) -> pl.DataFrame:
    """Return the records that may be shown: what its author deleted is not.

    Parameters
    ----------
    known
        Of `SCHEMA`. What a deleted record received counts, and is part of the value of its author.
    """
    return known.filter(pl.col("state") != _DELETED)


@dataclass(frozen=True)
class Records:
    """The records of some agents with their values.

    Parameters
    ----------
    records
        Of `SCHEMA`, by descending value, of equal ones in order of time.
    parts, worth
        As `blueattr.studies.carriers.records.record_values` takes them, the parts also by hour.
    """

    records: pl.DataFrame
    parts: pl.DataFrame
    worth: pl.DataFrame

    @property
    def hours(self) -> pl.DataFrame:
        """``did``, ``hour`` (UTC) and ``value``: what each hour carries of the agents' values.

        A record counts at its own time, what it received at that of the reply, repost or quote.
        """
        return record_values(self.parts, self.worth, "hour").select(
            "did", pl.col("hour").dt.replace_time_zone("UTC"), "value"
        )


def records(
    view: StoreView,
    topic: Topic | None,
    frame: pl.DataFrame,
    result: AttributionResult,
    dids: Sequence[str] | None = None,
    *,
    most: int | None = None,
) -> Records:
    """Split the values of agents among their records.

    Parameters
    ----------
    view, topic
        The window and the topic; None for all events.
    frame
        The features: of `blueattr.panel.features.SCHEMA`.
    result
        Their attribution.
    dids
        Whose records; by default those of all agents.
    most
        How many records of each agent that may be shown, those with the largest values; by default
        all, also those that may not.

    Raises
    ------
    NoAnswerError
        The indicator or the aggregator has no split by feature, which this one goes on from.

    Notes
    -----
    docs/methods.md, "By record". The values of all records of all agents sum to their values by
    activity and influence. Popularity is of no record.
    """
    view.refuse_counts()
    split = feature_split(result)
    if split.kind is None:
        raise NoAnswerError(f"{result.indicator} cannot be split among records: {split.why}")
    store = view.store
    view.count(topic)
    name_accounts(store, result.agents["did"] if dids is None else pl.Series("did", list(dids)))
    count_records(view, topic)
    parts = store.frame("analysis/carriers/records/parts", influence=list(view.influence.kinds))
    theirs = frame if dids is None else frame.filter(pl.col("did").is_in(list(dids)))
    worth = units(result, theirs)
    each = _in_order(store, record_values(parts, worth, "collection", "rkey"))
    known = described(view, each, result) if most is None else _first(view, each, result, most)
    return Records(known, parts, worth)


def _in_order(store: Store, each: pl.DataFrame) -> pl.DataFrame:
    """Sort records by descending value, equal ones by key: TIDs by time, then others by letters.

    These have numbers in the order in which they came to the store, which decides nothing.
    """
    places = store.frame("analysis/carriers/records/key_places")
    keys = (*_KEYS[:-1], "place", "rkey")
    order = [True, *(False for _ in keys)]
    placed = each.join(places, on="rkey", how="left", maintain_order="left")
    return placed.sort("value", *keys, descending=order, nulls_last=False).drop("place")


def _first(
    view: StoreView, each: pl.DataFrame, result: AttributionResult, most: int
) -> pl.DataFrame:
    """Describe the first records of each agent that may be shown."""
    looked_up = most
    while True:
        looked_up *= SPARE
        some = each.group_by("did", maintain_order=True).head(looked_up)
        found = listed(described(view, some, result))
        first = found.group_by("did", maintain_order=True).head(most)
        shown = first.group_by("did").len("shown")
        there = each.group_by("did").len("there").join(shown, on="did", how="left")
        # Of an agent with fewer, all that it has were looked up.
        is_short = (pl.col("shown").fill_null(0) < most) & (pl.col("there") > looked_up)
        if not there.select(is_short.any()).item():
            return first


def name_accounts(store: Store, dids: pl.Series) -> None:
    """Make ``named``: the accounts whose records are asked for.

    Parameters
    ----------
    store
        Open.
    dids
        Text, ``did``.
    """
    store.register("named_did", dids.cast(pl.String).to_frame().to_arrow())
    store.run("analysis/carriers/records/named")
    store.unregister("named_did")


def count_records(view: StoreView, topic: Topic | None) -> None:
    """Make ``counted_record`` and ``counted_part``: what counts, by or to accounts that are named.

    Parameters
    ----------
    view, topic
        The window and the topic, of which what counts was laid out by `StoreView.count`.
    """
    start, end = (t.replace(tzinfo=None) for t in (view.window.start, view.window.end))
    if topic is None:
        view.store.run("analysis/carriers/records/of_all", start=start, end=end)
    else:
        view.store.run("analysis/carriers/records/of_topic")
    view.store.run("analysis/carriers/records/halves")


def described(view: StoreView, each: pl.DataFrame, result: AttributionResult) -> pl.DataFrame:
    """Add what the store knows of records.

    Parameters
    ----------
    view
        In whose store their accounts are named: see ``sql/analysis/carriers/records/named.sql``.
    each
        ``did``, ``collection``, ``rkey``, and of `SCHEMA` counts and values.
    result
        The attribution.

    Returns
    -------
    polars.DataFrame
        Of `SCHEMA`, in the same order.
    """
    store = view.store
    store.register("wanted_record", each.select(_KEYS).to_arrow())
    details = store.frame("analysis/carriers/records/details")
    store.unregister("wanted_record")
    known = each.join(details, on=_KEYS, how="left", maintain_order="left").with_columns(
        pl.col("time").dt.replace_time_zone("UTC"), gone=pl.col("removed").fill_null(value=True)
    )
    place = (
        pl.when(pl.col("collection") == "repost").then(pl.lit("repost")).otherwise(pl.lit("post"))
    )
    inside = (pl.col("time") >= view.window.start) & (pl.col("time") < view.window.end)
    return known.select(
        "did",
        uri=pl.format("at://{}/app.bsky.feed.{}/{}", "did", place, "record_key"),
        kind=pl.when("gone")
        .then(None)
        .when(pl.col("collection") == "repost")
        .then(pl.lit("repost"))
        .when("is_reply")
        .then(pl.lit("reply"))
        .otherwise(pl.lit("post")),
        state=pl.when(pl.col("written") > 0)
        .then(pl.lit("counted"))
        .when(pl.col("removed").is_null())
        .then(pl.lit("unseen"))
        .when("removed")
        .then(pl.lit(_DELETED))
        .when(inside)
        .then(pl.lit("off topic"))
        .otherwise(pl.lit("outside the window")),
        time=pl.when("gone").then(None).otherwise("time"),
        **{
            column: column if kind in view.influence.kinds else pl.lit(None)
            for kind, column in RECEIVED.items()
        },
        value_own="value_own",
        value_received="value_received",
        value="value",
        share=pl.col("value") / result.attributed,
        text="text",
        title="title",
        synthetic=pl.lit(bool(result.provenance.synthetic)),
    ).cast(pl.Schema(SCHEMA))
