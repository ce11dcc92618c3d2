"""All accounts of a panel in one table: what they did, and their share of each indicator."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from blueattr.attribution.by_feature import FEATURE_VALUES, feature_split, feature_values
from blueattr.studies.carriers.leaders import COUNTS, DID_PATTERN, PROFILE

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult

__all__ = ["SHARE", "VALUE", "accounts_frame", "agents_frame", "feature_shares"]


VALUE, SHARE = "_value", "_share"
"""What follows an indicator's name in the names of its columns."""


def accounts_frame(
    results: "Sequence[AttributionResult]",
    frame: pl.DataFrame,
    handles: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Return one row per agent with all that is known of it.

    Parameters
    ----------
    results
        At least one, all of one panel.
    frame
        The features that they were computed from, with ``did`` (or ``agent``) and any of
        `blueattr.studies.carriers.leaders.COUNTS`.
    handles
        By DID, as far as they are known; None for no column of handles.

    Returns
    -------
    DataFrame
        ``did``, ``handle`` if there are any, ``tier``, ``involved``, the counts, ``a``, ``b``,
        ``c``, and for each indicator ``<indicator>_value`` and ``<indicator>_share``; in the order
        of the first result.
    """
    first, counts = results[0].agents, _counts(frame)
    table = first.select(
        "did", pl.col("tier").cast(pl.String), involved=(pl.col("a") > 0) | (pl.col("c") > 0)
    ).join(counts, on="did", how="left", maintain_order="left")
    table = table.join(first.select("did", "a", "b", "c"), on="did", maintain_order="left")
    for result in results:
        theirs = result.agents.select(
            "did",
            pl.col("value").alias(result.indicator + VALUE),
            pl.col("share").alias(result.indicator + SHARE),
        )
        table = table.join(theirs, on="did", how="left", maintain_order="left")
    if handles is None:
        return table
    known = pl.Series("handle", [handles.get(did) for did in table["did"]], pl.String)
    return table.insert_column(1, known)


def _counts(frame: pl.DataFrame) -> pl.DataFrame:
    key = "did" if "did" in frame.columns else "agent"
    counted = [name for name in COUNTS if name in frame.columns and frame[name].dtype.is_numeric()]
    return frame.select(pl.col(key).cast(pl.String).alias("did"), *counted)


def feature_shares(result: "AttributionResult", agents: pl.DataFrame) -> pl.DataFrame:
    """Return the shares of agents by feature.

    Parameters
    ----------
    result
        The attribution.
    agents
        Some of its agents, with ``a``, ``b``, ``c`` and ``value``.

    Returns
    -------
    DataFrame
        ``share_a``, ``share_b`` and ``share_c``, which sum to ``share``; no columns where there is
        no split: see `blueattr.attribution.by_feature.feature_split`.
    """
    if feature_split(result).kind is None:
        return pl.DataFrame()
    parts = feature_values(result, agents) / result.attributed
    return parts.rename({name: f"share_{name[-1]}" for name in FEATURE_VALUES})


def agents_frame(
    result: "AttributionResult",
    frame: pl.DataFrame,
    handles: Mapping[str, str] | pl.DataFrame | None = None,
    *,
    linked: bool = False,
) -> pl.DataFrame:
    """Return the agents of an attribution with all that is known of each.

    Parameters
    ----------
    result
        The attribution.
    frame
        The features that it was computed from, with ``did`` (or ``agent``) and any of
        `blueattr.studies.carriers.leaders.COUNTS`.
    handles
        By DID, as far as they are known, or a frame of ``did`` and ``handle``, which is for many;
        None for no column of handles.
    linked
        Whether to add the addresses of profiles.

    Returns
    -------
    DataFrame
        The columns and the order of ``result.agents``; after ``did`` the ``handle``, if there are
        any; after ``share`` the shares by feature, as `feature_shares` returns them, the counts,
        and the ``link``.
    """
    agents = result.agents
    table = pl.concat([agents, feature_shares(result, agents)], how="horizontal")
    table = table.join(_counts(frame), on="did", how="left", maintain_order="left")
    if linked:
        is_did = pl.col("did").str.contains(f"^(?:{DID_PATTERN})$") & ~pl.col("did").str.contains(
            "\n"
        )
        address = pl.when(is_did).then(pl.lit(PROFILE) + pl.col("did"))
        table = table.with_columns(link=address)
    if handles is None:
        return table
    if isinstance(handles, pl.DataFrame):
        dids = table.select("did")
        known = dids.join(handles, on="did", how="left", maintain_order="left")["handle"]
    else:
        known = pl.Series("handle", [handles.get(did) for did in table["did"]], pl.String)
    return table.insert_column(1, known)
