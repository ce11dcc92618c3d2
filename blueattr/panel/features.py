"""Agent-days to features, one row per agent: activity a, popularity b, influence c; pure."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.kernels.tallies import narrow
from blueattr.panel.influence import KINDS, RECEIVED, Kind

__all__ = ["COUNTS", "SCALES", "SCHEMA", "Popularity", "Scale", "build", "daily_counts"]


Scale = Literal["log1p", "raw"]
SCALES: tuple[Scale, ...] = ("log1p", "raw")


Popularity = Literal["follows-received", "followers"]
"""What b counts: follows received in the window, or follower counts as an AppView gave them."""


COUNTS = (
    "posts",
    "replies",
    "reposts",
    "replies_received",
    "reposts_received",
    "follows_received",
    "quotes_received",
)
"""What an agent-day counts."""


SCHEMA = pl.Schema(
    {
        "did": pl.String,
        "a": pl.Float64,
        "b": pl.Float64,
        "c": pl.Float64,
        "followers": pl.Int64,
        "activity": pl.Int64,
        **dict.fromkeys(COUNTS, pl.Int64),
    }
)
"""A features frame: scaled a, b, c; raw counts beside them for tiers, sampling and the reader.

What was received of a kind that c does not count is null.
"""


def build(
    agent_days: pl.DataFrame,
    agents: pl.DataFrame,
    scale: Scale = "log1p",
    popularity: Popularity = "follows-received",
    influence: Sequence[Kind] = KINDS,
) -> pl.DataFrame:
    """Sum agent-days to one row per agent and scale the features.

    a counts the posts, replies and reposts an agent authored, b the follows it received or its
    followers, c the replies, reposts and quotes its records received from others (docs/data.md,
    "Features"; the families of Riquelme & González-Cantergiani 2016).

    Parameters
    ----------
    agent_days
        Columns ``account``, ``day`` and `COUNTS`; or without ``day``, of accounts each once.
        Accounts that are no agents are left out.
    agents
        Columns ``account`` and ``did``; an agent without any day has zeros. Accounts are numbered
        from 1 on, without large gaps.
    scale
        ``"log1p"`` or ``"raw"``, applied to a, b and c.
    popularity
        What b and the column ``followers`` are. With ``"followers"`` they are the column of that
        name of `agents`, where it is not null: whoever calls has settled what null stands for.
    influence
        The kinds that c counts.

    Returns
    -------
    pl.DataFrame
        Of `SCHEMA`, in the order of `agents`.

    Examples
    --------
    >>> days = pl.DataFrame({"account": [1, 1], "day": [1, 2], "posts": [1, 2]})
    >>> days = days.with_columns([pl.lit(0).alias(k) for k in COUNTS[1:]])
    >>> agents = pl.DataFrame({"account": [1, 2], "did": ["did:plc:x", "did:plc:y"]})
    >>> build(days, agents, "raw").select("did", "a", "b", "c").rows()
    [('did:plc:x', 3.0, 0.0, 0.0), ('did:plc:y', 0.0, 0.0, 0.0)]
    """
    sums = agent_days
    if "day" in sums.columns:
        sums = sums.group_by("account").agg(pl.col(COUNTS).cast(pl.Int64).sum())
    rows = agents.hstack(_looked_up(sums, agents["account"]))
    popular = pl.col("follows_received")
    if popularity == "followers":
        popular = pl.coalesce("followers", popular)
    raw = {
        "a": pl.sum_horizontal("posts", "replies", "reposts"),
        "b": popular,
        "c": _received(influence),
    }
    scaled = {
        name: count.cast(pl.Float64).log1p() if scale == "log1p" else count
        for name, count in raw.items()
    }
    left_out = [RECEIVED[kind] for kind in KINDS if kind not in influence]
    counts = {name: pl.lit(None) if name in left_out else pl.col(name) for name in COUNTS}
    return rows.select("did", **scaled, followers=raw["b"], activity=raw["a"], **counts).cast(
        SCHEMA
    )


def daily_counts(
    agent_days: pl.DataFrame, agents: pl.DataFrame, influence: Sequence[Kind] = KINDS
) -> pl.DataFrame:
    """Return the counts behind a, b and c of each agent on each day.

    Parameters
    ----------
    agent_days
        Columns ``account``, ``day`` and `COUNTS`.
    agents
        Column ``account``.
    influence
        The kinds that c counts.

    Returns
    -------
    pl.DataFrame
        ``agent`` (its row in `agents`), ``day``, and the counts ``a``, ``b`` (follows received) and
        ``c`` (int32 where that holds them, else int64), in the order of `agent_days`; a row for
        each agent and day with anything to count.
    """
    account, numbers = agent_days["account"].to_numpy(), agents["account"].to_numpy()
    past = 1 + max((int(some.max()) for some in (account, numbers) if some.size), default=0)
    is_agent, agent = np.zeros(past, np.bool_), np.zeros(past, np.uint32)
    is_agent[numbers], agent[numbers] = True, np.arange(numbers.size, dtype=np.uint32)
    kept = is_agent[account]
    counts = {
        "a": ("posts", "replies", "reposts"),
        "b": ("follows_received",),
        "c": tuple(RECEIVED[kind] for kind in influence),
    }

    def sums(names: Sequence[str]) -> npt.NDArray[np.int64]:
        total = np.zeros(int(np.count_nonzero(kept)), np.int64)
        for name in names:
            total += agent_days[name].to_numpy()[kept]
        return total

    return pl.DataFrame({
        "agent": agent[account[kept]],
        "day": agent_days["day"].filter(pl.Series(kept)),
        **{name: narrow(sums(of)) for name, of in counts.items()},
    })  # fmt: skip


def _received(influence: Sequence[Kind]) -> pl.Expr:
    return pl.sum_horizontal(RECEIVED[kind] for kind in influence)


def _looked_up(sums: pl.DataFrame, accounts: pl.Series) -> pl.DataFrame:
    """Look up the counts of accounts by their numbers, with zeros for those without any."""
    if sums.is_empty() or accounts.is_empty():
        return pl.DataFrame(
            {name: pl.zeros(len(accounts), pl.Int64, eager=True) for name in COUNTS}
        )
    counted, agents = sums["account"].to_numpy(), accounts.to_numpy()
    row = np.zeros(max(int(counted.max()), int(agents.max())) + 1, np.uint32)
    is_counted = np.zeros(row.size, np.bool_)
    row[counted], is_counted[counted] = np.arange(counted.size, dtype=np.uint32), True
    rows, missing = row[agents], ~is_counted[agents]

    def gathered(counts: pl.Series) -> npt.NDArray[np.int64]:
        values: npt.NDArray[np.int64] = counts.cast(pl.Int64).to_numpy()[rows]
        values[missing] = 0
        return values

    return pl.DataFrame({name: gathered(sums[name]) for name in COUNTS})
