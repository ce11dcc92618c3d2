"""Forget accounts: erase what a store knows of them, and keep them away from then on."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from blueattr.store.commit import fold
from blueattr.store.commit.source_names import CANDIDATES, replace_dids, without_forgotten
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store

__all__ = [
    "Erased",
    "KnownAccount",
    "deleted_accounts",
    "forget",
    "known_names",
    "look_up",
    "sources_naming",
]


_BLOCK = 64  # bytes of a block of SHA-256


@dataclass(frozen=True, slots=True)
class Erased:
    """What a store has, or had, of accounts.

    Parameters
    ----------
    accounts
        How many of them it knows.
    records
        Their posts, replies, reposts and follows, deleted ones included.
    texts
        Texts of posts among them.
    handles, profiles, status_changes, directory, hydrations
        Rows about them: of events, of the PLC directory, of the AppView.
    kept_of_others
        Records of others that answer, repost or follow one of them, which stay.
    names
        Their DIDs and handles, by which reports that name them are found.
    """

    accounts: int
    records: int
    texts: int
    handles: int
    profiles: int
    status_changes: int
    directory: int
    hydrations: int
    kept_of_others: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What an account can be found by.

    Parameters
    ----------
    did
        The account.
    names
        Its DID, and its handle if the store has it, sorted.
    forgotten
        Whether the store forgot it before.
    """

    did: str
    names: tuple[str, ...]
    forgotten: bool


def deleted_accounts(store: Store) -> list[str]:
    """Return the DIDs of the accounts that a store knows as deleted."""
    return store.frame("store/forget/deleted")["did"].to_list()


def look_up(store: Store, dids: Iterable[str]) -> Erased:
    """Count what a store has of accounts, and change nothing.

    Parameters
    ----------
    store
        Open for reading.
    dids
        The accounts.
    """
    with _leaving(store, dids):
        return _find(store)


def known_names(store: Store, dids: Iterable[str]) -> list[KnownAccount]:
    """Return what accounts can be found by, in order of DIDs, and change nothing.

    Parameters
    ----------
    store
        Open for reading.
    dids
        The accounts.
    """
    with _leaving(store, dids):
        store.run(fold.HASHES)
        store.run("store/forget/find")
        rows = store.frame("store/forget/known").rows()
    return [KnownAccount(did, tuple(names), forgotten) for did, names, forgotten in rows]


@contextmanager
def _leaving(store: Store, dids: Iterable[str]) -> Iterator[None]:
    """Register the accounts; not within a transaction, which an error leaves unable to undo it."""
    store.register("leaving", pl.DataFrame({"did": list(dids)}, schema={"did": pl.String}))
    try:
        yield
    finally:
        store.unregister("leaving", "renamed", CANDIDATES)


def _find(store: Store) -> Erased:
    store.run("store/forget/find")
    counts = store.frame("store/forget/count").row(0, named=True)
    return Erased(**counts, names=tuple(store.frame("store/forget/names")["name"]))


def forget(writer: Writer, dids: Sequence[str]) -> Erased:
    """Erase all that a store knows of accounts, in one transaction, and keep them away.

    Their records, texts, handles, profiles, changes of status, and answers of the PLC directory and
    the AppView go. What others wrote stays; where it names one of them, a keyed hash stands for the
    DID. By that hash later events of theirs are known, and left out.

    Parameters
    ----------
    writer
        Of the store; nothing waits in it for a commit.
    dids
        The accounts; also those that the store does not know.

    Returns
    -------
    Erased
        What it had of them.

    Notes
    -----
    docs/ethics.md, "Forgetting". The bytes stay in the file until `blueattr.store.compact.compact`
    writes it anew.
    """
    key = secrets.token_bytes(32).ljust(_BLOCK, b"\0")
    pads = {"inner_pad": 0x36, "outer_pad": 0x5C}
    padded = {name: bytes(byte ^ pad for byte in key) for name, pad in pads.items()}
    with _leaving(writer, dids), writer.ample_memory(), writer.transaction():
        writer.run("store/forget/key", **padded)
        writer.run(fold.HASHES)
        erased = _find(writer)
        writer.run("store/forget/touched")
        writer.run("store/commit/fold/summaries", slack=fold.SLACK)
        writer.run("store/forget/erase", now=datetime.now(UTC).replace(tzinfo=None))
        _rename_sources(writer)
    return erased


def _rename_sources(writer: Writer) -> None:
    names = _source_names(writer)
    new = without_forgotten(writer, names)
    changed = [(name, other) for name, other in zip(names, new, strict=True) if name != other]
    if changed:
        renamed = pl.DataFrame(changed, {"name": pl.String, "new": pl.String}, orient="row")
        writer.register("renamed", renamed)
        writer.run("store/forget/rename")


def _source_names(store: Store) -> list[str]:
    return store.frame("store/forget/source_names")["name"].to_list()


def sources_naming(store: Store, dids: Iterable[str]) -> tuple[str, ...]:
    """Return the names of sources in which a DID stands.

    Parameters
    ----------
    store
        Open for reading.
    dids
        The accounts.
    """
    nothing = dict.fromkeys(dids, "")
    return tuple(name for name in _source_names(store) if replace_dids(name, nothing) != name)
