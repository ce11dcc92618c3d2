"""Write what the PLC directory would export of a synthetic network's accounts."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.synth.network import EPOCH, SyntheticAccounts, SynthSpec
from blueattr.synth.text import Names, unit

__all__ = ["operations"]

_SECOND = 1_000_000
# Assumptions: the directory is as old as this on the first day, and grew ever faster.
_AGE = timedelta(days=1250)
_LEGACY = timedelta(days=1000)
"""Accounts that are older than this began with an operation of the first form."""
_RENAMED, _MOVED, _OWN_HOST = 0.03, 0.05, 0.02
_HOSTS = 60


def operations(spec: SynthSpec) -> pl.Series:
    """Return the operations of all accounts of a network, as lines in order of time.

    Parameters
    ----------
    spec
        What is generated.

    Returns
    -------
    pl.Series
        JSON texts. The last operation of an account has the handle that its events have. Accounts
        with a domain of their own had another handle first, and so had a few others; a few moved
        from one host to another. Shares are assumptions (docs/data.md, "Synthetic events").
    """
    accounts = SyntheticAccounts(spec)
    names, who = accounts.names, np.arange(accounts.n)
    start_us = (spec.start - EPOCH) // timedelta(microseconds=1)
    age = np.sqrt(unit(names.seed, 40, who)) * (_AGE / timedelta(seconds=1))
    age = (_AGE / timedelta(seconds=1)) - age + 86400
    born = np.where(names.new(who), accounts.birth.astype(np.float64), -age)
    first_us = start_us + (born * _SECOND).astype(np.int64)
    # Between the first operation and the window, or its own birth in it.
    until = np.minimum(np.maximum(-born, 0), age)
    second_us = first_us + ((0.2 + 0.7 * unit(names.seed, 41, who)) * until * _SECOND).astype(
        np.int64
    )
    handles = names.handle(who)
    display = names.display(who)
    own_domain = ~handles.str.ends_with(".bsky.social.test")
    renamed = (own_domain | pl.Series(unit(names.seed, 42, who) < _RENAMED)) & pl.Series(until > 0)
    moved = pl.Series((unit(names.seed, 43, who) < _MOVED) & (until > 0))
    frame = pl.DataFrame(
        {
            "did": names.did(who),
            "handle": handles,
            "earlier": display + "0.bsky.social.test",
            "host": _hosts(names, who, display, own=True),
            "old_host": _hosts(names, who, display, own=False),
            "renamed": renamed,
            "moved": moved,
            "legacy": pl.Series(-born > _LEGACY / timedelta(seconds=1)),
            "first": pl.Series(first_us).cast(pl.Datetime("us")),
            "second": pl.Series(second_us).cast(pl.Datetime("us")),
        }
    )
    again = pl.col("renamed") | pl.col("moved")
    begins = frame.select(
        "did",
        "legacy",
        time="first",
        handle=pl.when("renamed").then("earlier").otherwise("handle"),
        host=pl.when("moved").then("old_host").otherwise("host"),
    )
    changes = frame.filter(again).select(
        "did", pl.lit(value=False).alias("legacy"), "handle", "host", time="second"
    )
    return (
        pl.concat([begins, changes.select(begins.columns)])
        .sort("time", "did")
        .select(_line())
        .to_series()
    )


def _hosts(names: Names, who: npt.NDArray[np.int64], display: pl.Series, *, own: bool) -> pl.Series:
    number = (unit(names.seed, 44 if own else 45, who) * _HOSTS).astype(np.int64)
    frame = pl.DataFrame(
        {
            "number": number,
            "display": display,
            "own": pl.Series(own & (unit(names.seed, 46, who) < _OWN_HOST)),
        }
    )
    shared = pl.format("pds{}.us-east.host.bsky.network.test", "number")
    alone = pl.format("pds.{}.example", "display")
    return frame.select(pl.when("own").then(alone).otherwise(shared)).to_series()


def _line() -> pl.Expr:
    legacy = pl.format('"type":"create","handle":"{}","service":"https://{}"', "handle", "host")
    usual = pl.format(
        '"type":"plc_operation","alsoKnownAs":["at://{}"],"services":{{"atproto_pds":'
        '{{"type":"AtprotoPersonalDataServer","endpoint":"https://{}"}}}}',
        "handle",
        "host",
    )
    return pl.format(
        '{{"did":"{}","operation":{{"prev":null,{}}},"nullified":false,"createdAt":"{}",'
        '"synthetic":true}}',
        "did",
        pl.when("legacy").then(legacy).otherwise(usual),
        pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
    )
