"""Where the times of a window's records are from."""

from blueattr.provenance import TimeShare, Window
from blueattr.store.database import Store

__all__ = ["time_shares"]


def time_shares(store: Store, window: Window) -> tuple[TimeShare, ...]:
    """Count the records of a window by where their times are from.

    Parameters
    ----------
    store
        Open for reading.
    window
        Of which posts, replies, reposts and follows are counted.

    Returns
    -------
    tuple
        The kinds that there are, the server's own first; empty if all times are the server's own.
    """
    ends = {"start": window.start.replace(tzinfo=None), "end": window.end.replace(tzinfo=None)}
    others = store.rows("panel/time_from", **ends).named()
    if not others:
        return ()
    ((total,),) = store.rows("panel/record_count", **ends)
    own = total - sum(row["records"] for row in others)
    counts = [("server", own), *((row["time_from"], row["records"]) for row in others)]
    return tuple(TimeShare(kind, n, n / total) for kind, n in counts if n)
