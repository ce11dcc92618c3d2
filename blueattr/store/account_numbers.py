"""The numbers of accounts, by which arrays are indexed: what a store must not say of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from blueattr.store.store_file import damaged

if TYPE_CHECKING:
    from blueattr.store.database import Store

__all__ = ["known_accounts", "past_account"]


def past_account(store: "Store") -> int:
    """Return one above the highest number of an account.

    Raises
    ------
    StoreError
        It is higher than accounts were ever numbered, and arrays would be larger than memory.
    """
    past, most = store.rows("store/past_account")[0]
    if past > most:
        raise damaged(
            store.path, f"it numbers an account {past - 1:,}, and has had only {most - 1:,}"
        )
    return int(past)


@contextmanager
def known_accounts(store: "Store") -> Iterator[None]:
    """Turn an index beyond arrays of :func:`past_account` into a sentence.

    Raises
    ------
    StoreError
        The store counts something of an account that it does not have.
    """
    try:
        yield
    except IndexError:
        raise damaged(store.path, "it has rows of accounts that it does not have") from None
