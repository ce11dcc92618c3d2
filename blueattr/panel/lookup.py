"""Looks up an account of a panel by the name that a user writes."""

from dataclasses import dataclass

import polars as pl

from blueattr.errors import UnknownAccountError, UsageError
from blueattr.panel.query import StoreView
from blueattr.provenance import spell_window

__all__ = ["FoundAccount", "bare_name", "look_up"]


_BEFORE = ("https://bsky.app/profile/", "at://", "@")
_SHOWN = 3
_GONE = "deleted, taken down"


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account of a panel.

    Parameters
    ----------
    account
        Its number in the store.
    did, handle
        Who it is; the handle where it is known.
    """

    account: int
    did: str
    handle: str | None


def bare_name(name: str) -> str:
    """Return a name without what people write before it: ``@``, ``at://`` or a profile's address.

    Raises
    ------
    UsageError
        Nothing is left.

    Examples
    --------
    >>> bare_name(" @Ann.test "), bare_name("https://bsky.app/profile/did:plc:ann/")
    ('Ann.test', 'did:plc:ann')
    """
    bare = name.strip()
    for start in _BEFORE:
        bare = bare.removeprefix(start)
    bare = bare.rstrip("/").encode("utf-8", "replace").decode()
    if not bare:
        raise UsageError(
            "whose value? name an account by its handle or DID, such as user.bsky.social"
        )
    return bare


def look_up(view: StoreView, name: str) -> FoundAccount:
    """Find an account of a panel by its handle, in any case, or its DID.

    Parameters
    ----------
    view
        The panel.
    name
        As a user writes it: see `bare_name`.

    Raises
    ------
    UsageError
        The name is empty.
    UnknownAccountError
        No account has the name, several have it, or the account is not on the panel: the message
        has the nearest handle, the accounts, or what keeps it off.
    """
    store, bare = view.store, bare_name(name)
    lower = bare.lower()
    rows = store.rows("panel/named_accounts", name=bare, lower=lower)
    known = {did: account for account, did in rows}
    if not known:
        near = store.rows("panel/nearest_handle", name=lower)
        hint = f"did you mean {near[0][0]}?" if near else "see what the store has: blueattr status"
        raise UnknownAccountError(f"the store knows no account {bare}; {hint}")
    handles: dict[str, str] = dict(store.rows("panel/handles", accounts=list(known.values())))
    # Whoever has the handle now comes before those who had it.
    named = [did for did in known if did == bare or handles.get(did, "").lower() == lower]
    several = named or [*known]
    agents = set(view.built.agents.filter(pl.col("did").is_in(several))["did"])
    there = [did for did in several if did in agents] or several
    if len(there) > 1:
        shown = ", ".join(sorted(there)[:_SHOWN])
        raise UnknownAccountError(
            f"{len(there)} accounts have the handle {bare}, one after the other; name one by its "
            f"DID: {shown}"
        )
    (did,) = there
    if did not in agents:
        raise UnknownAccountError(_why_absent(view, known[did], bare))
    return FoundAccount(known[did], did, handles.get(did))


def _why_absent(view: StoreView, account: int, name: str) -> str:
    step = view.query.removed_by(view.store, view.window, account)
    when = spell_window(view.window)
    if not step:
        return (
            f"{name} is not on the panel: it wrote, reposted and followed nothing in {when}; "
            "--from and --to choose another window"
        )
    if step.startswith(_GONE):
        return f"{name} is not on the panel: it is {step}"
    advice = "; --keep-bots counts bots, too" if step.startswith("bot ") else ""
    return f"{name} is not on the panel of {when}: the filter “{step}” removes it{advice}"
