"""What a store knows of accounts, looked up by their numbers and not by joins."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from blueattr.did_order import by_did
from blueattr.kernels.tallies import AccountNumbers
from blueattr.provenance import Window
from blueattr.store.account_numbers import known_accounts, past_account
from blueattr.store.database import Store

__all__ = ["Among", "Creation", "Directory", "with_answers", "with_dids"]


Bools = npt.NDArray[np.bool_]


_ROWS = 1 << 20
_DIDS = pa.schema([("account", pa.uint32()), ("did", pa.string())])


class Among:
    """Some accounts, looked up by their numbers.

    Parameters
    ----------
    accounts
        uint32 (n,), ascending, below `past`.
    past
        Above the numbers of all accounts of the store.
    """

    def __init__(self, accounts: AccountNumbers, past: int) -> None:
        self._accounts = accounts
        self._past = past
        self._is_among = np.zeros(past, np.bool_)
        self._is_among[accounts] = True

    def contain(self, accounts: AccountNumbers) -> Bools:
        """Return whether each of some other accounts is among these: bool (m,)."""
        return self._is_among[accounts]

    def flags(self, accounts: AccountNumbers) -> Bools:
        """Return whether each of these is among some other accounts: bool (n,)."""
        flags = np.zeros(self._past, np.bool_)
        flags[accounts] = True
        return flags[self._accounts]


class Directory:
    """What the PLC directory lists of accounts that events name, in temp table ``directory_entry``.

    Parameters
    ----------
    store
        Open for reading.
    is_asked_again
        Whether handles are kept once they are read, for another window.
    """

    def __init__(self, store: Store, *, is_asked_again: bool = False) -> None:
        self._store = store
        self._is_asked_again = is_asked_again
        self._handles: pl.DataFrame | None = None
        store.run("panel/directory_entries")

    def handles(self) -> pl.DataFrame:
        """Return the latest known handles: ``account`` and ``handle``."""
        if self._handles is not None:
            return self._handles
        handles = self._store.frame("panel/known_handles")
        if self._is_asked_again:
            self._handles = handles
        return handles

    def let_go(self) -> None:
        """Keep handles no longer: they are many."""
        self._handles, self._is_asked_again = None, False

    def hosts(self) -> tuple[pl.DataFrame, pl.Series]:
        """Return the hosts of accounts' repositories: ``account`` and ``place``, and the hosts."""
        names = self._store.frame("panel/host_names")["host"]
        return self._store.frame("panel/known_hosts"), names

    def creation(self, window: Window, accounts: AccountNumbers) -> "Creation":
        """Ask when accounts were created: the directory, else the AppView, else their profiles.

        Parameters
        ----------
        accounts
            uint32 (n,), ascending.
        """
        past = past_account(self._store)
        source, inside = np.full(past, -1, np.int8), np.zeros(past, np.bool_)
        known = self._store.frame("panel/creation", start=window.start, end=window.end)
        for number, _ in enumerate(_SOURCES):
            rows = known.filter(pl.col("source") == number)
            who = rows["account"].to_numpy()
            with known_accounts(self._store):
                source[who], inside[who] = number, rows["inside"].to_numpy()
        return Creation(source[accounts], inside[accounts])

    def years(self) -> pl.DataFrame:
        """Return when accounts were created, as `creation` asks: ``account`` and ``year``."""
        known = self._store.frame("panel/creation_years")
        return known.sort("source").unique("account", keep="last").select("account", "year")


_SOURCES = ("profile", "appview", "plc")
_CREATED_BY = {"plc": "the PLC directory", "appview": "the AppView", "profile": "profiles seen"}


@dataclass(frozen=True, slots=True, eq=False)
class Creation:
    """Whether accounts were created inside a window, and who says so.

    Parameters
    ----------
    source
        int8 (n,): the position in `_SOURCES`; -1 where nobody says.
    is_inside
        bool (n,).
    """

    source: npt.NDArray[np.int8]
    is_inside: Bools

    def inside(self, by: str | None = None) -> Bools:
        """Return who was created inside the window, by one source or by any: bool (n,)."""
        return (
            self.is_inside if by is None else self.is_inside & (self.source == _SOURCES.index(by))
        )

    def note(self, there: Bools) -> str:
        """Describe the sources of some accounts' creation times, and how many are unknown."""
        unknown, *counts = np.bincount(self.source[there] + 1, minlength=len(_SOURCES) + 1).tolist()
        by = dict(zip(_SOURCES, counts, strict=True))
        parts = [
            f"from {words} for {by[name]:,}" for name, words in _CREATED_BY.items() if by[name]
        ]
        parts.append(f"unknown for {unknown:,}, who are kept" if unknown else "unknown for nobody")
        return "creation time " + ", ".join(parts)


def with_dids(store: Store, accounts: AccountNumbers) -> pl.DataFrame:
    """Return accounts with their DIDs.

    Returns
    -------
    pl.DataFrame
        ``account`` and ``did``, ascending by DID.
    """
    store.register("wanted", pl.DataFrame({"account": accounts}).to_arrow())
    try:
        batches = list(store.batches("panel/dids", _ROWS))
    finally:
        store.unregister("wanted")
    table = pa.Table.from_batches(batches, _DIDS)
    frame = pl.DataFrame(table)[by_did(table["did"])]
    return frame.with_columns(pl.col("did").set_sorted())


def with_answers(store: Store, agents: pl.DataFrame) -> pl.DataFrame:
    """Join to accounts what the AppView answered about them, with nulls where it did not.

    Returns
    -------
    pl.DataFrame
        The columns of `agents`, then ``asked_at``, ``followers``, ``followers_at`` (naive UTC).
    """
    answers = store.frame("panel/hydration")
    return agents.join(answers, on="account", how="left", maintain_order="left")
