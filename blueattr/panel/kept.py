"""From when on a store keeps what earlier versions did not keep of events."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blueattr.store.database import Store

__all__ = ["kept_after"]


def kept_after(store: "Store") -> datetime | None:
    """Return the time after which all is known of posts and profiles; None if it always was.

    An earlier version of blueattr did not keep languages, links, mentions, labels, quotes and the
    ways of reposts: of what it had read when the store was migrated, they are not known.
    """
    after: datetime | None = store.rows("panel/kept_from")[0][0]
    return None if after is None else after.replace(tzinfo=UTC)
