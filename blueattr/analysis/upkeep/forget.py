"""Forget: erase accounts from a store, and keep them away."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from blueattr.analysis.upkeep.unfinished import Unfinished
from blueattr.decode.schema import DID
from blueattr.errors import UsageError
from blueattr.store import rollups
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.forget import (
    Erased,
    deleted_accounts,
    forget,
    known_names,
    look_up,
    sources_naming,
)

__all__ = ["Leaving", "erase", "finish", "who_leaves"]


# An account of a table that names it by no DID: its format, and what it is called there.
_IMPORTED = r"x:[a-z0-9-]+:.+"


@dataclass(frozen=True, slots=True)
class Leaving:
    """Accounts that are to be forgotten.

    Parameters
    ----------
    dids
        Each once.
    known
        What the store has of them.
    names
        DIDs and handles to look for in reports: theirs, and those of accounts that the store forgot
        before by a command that was interrupted.
    without_handle
        How many of them can only be found by their DIDs.
    unfinished
        What is to be looked for until all reports are looked through.
    sources
        Names of sources in which one of their DIDs stands.
    """

    dids: tuple[str, ...]
    known: Erased
    names: tuple[str, ...]
    without_handle: int
    unfinished: Unfinished
    sources: tuple[str, ...]


def who_leaves(
    db: Path,
    dids: Sequence[str],
    *,
    deleted: bool = False,
    folders: Sequence[Path] = (),
    memory: int = DEFAULT_MEMORY,
) -> Leaving:
    """Find the accounts to forget, and count what the store has of them; nothing changes.

    Parameters
    ----------
    db, memory
        The store, and the memory of the process.
    dids
        The accounts.
    deleted
        Also all that the store knows as deleted.
    folders
        Of reports that are looked through, absolute.

    Raises
    ------
    UsageError
        None is named, or one of the names is neither a DID nor an imported account.
    OutputError
        What an interrupted command left cannot be read.
    """
    if not dids and not deleted:
        raise UsageError("forget whom? name accounts by their DIDs, or all deleted ones: --deleted")
    for did in dids:
        if not re.fullmatch(f"{DID}|{_IMPORTED}", did, re.DOTALL):
            raise UsageError(
                f"{did} is no DID, such as did:plc:ewvi7nxzyoun6zhxrhs64oiz, and no imported "
                "account, such as x:table:ann; a handle can pass to another account, so it does "
                "not do"
            )
    with Store.open(db, memory) as store:
        gone = deleted_accounts(store) if deleted else []
        leaving = tuple(dict.fromkeys([*dids, *gone]))
        left = Unfinished.read(db)
        known = {one.did: one for one in known_names(store, {*leaving, *left.accounts})}
        # Whoever stopped a command before anything was erased may have changed their mind.
        earlier = {
            did: names
            for did, names in left.accounts.items()
            if did in leaving or known[did].forgotten
        }
        sought = Unfinished(earlier, left.folders if earlier else frozenset()).more(
            {did: known[did].names for did in leaving}, folders
        )
        names = tuple(sorted({name for of_one in sought.accounts.values() for name in of_one}))
        without = sum(not {*sought.accounts[did]} - {did} for did in leaving)
        sources = sources_naming(store, leaving)
        return Leaving(leaving, look_up(store, leaving), names, without, sought, sources)


def erase(
    db: Path,
    leaving: Leaving,
    memory: int = DEFAULT_MEMORY,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Forget accounts, and summarise anew the days of which much went.

    Parameters
    ----------
    db, memory
        The store, and the memory of the process.
    leaving
        The accounts.
    before
        Called when nobody else can write to the store, and nothing is erased: for what needs the
        handles that go.
    """
    with Writer(db, memory, create=False) as writer:
        leaving.unfinished.write(db)
        before()
        forget(writer, leaving.dids)
        rollups.roll_up(writer)


def finish(db: Path, leaving: Leaving, folders: Sequence[Path]) -> frozenset[Path]:
    """Note that no report of some folders names the accounts any more.

    Parameters
    ----------
    db
        The store.
    leaving
        The accounts, which it has forgotten.
    folders
        Of reports, absolute.

    Returns
    -------
    frozenset[Path]
        Folders that an interrupted command did not finish, and this one did not look through.
    """
    left = leaving.unfinished.without(folders)
    left.write(db)
    return left.folders
