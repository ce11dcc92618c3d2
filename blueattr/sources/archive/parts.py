"""Which parts of what is asked of an archive were read before."""

from collections.abc import Iterable
from dataclasses import dataclass

from blueattr.provenance import Window

__all__ = ["Part", "remaining"]


@dataclass(frozen=True, slots=True)
class Part:
    """A window of an archive, of some accounts or of all.

    Parameters
    ----------
    window
        Its time.
    accounts
        Their DIDs; None for all.
    after
        The sequence number up to which it was read.
    complete
        Whether it was read to its end.
    """

    window: Window
    accounts: frozenset[str] | None = None
    after: int = 0
    complete: bool = False


def remaining(asked: Part, known: Iterable[Part]) -> list[Part]:
    """Return what is left to read, in parts that do not overlap.

    Parameters
    ----------
    asked
        What is asked for.
    known
        What was read, completely or up to a sequence number.

    Returns
    -------
    list of Part
        By their times. What was read up to a number goes on after it.
    """
    left = [asked]
    for done in known:
        left = [piece for part in left for piece in _without(part, done)]
    return sorted(left, key=lambda part: (part.window.start, part.window.end))


def _without(part: Part, done: Part) -> list[Part]:
    """Return a part without what was read of it."""
    start = max(part.window.start, done.window.start)
    end = min(part.window.end, done.window.end)
    both, others = _split(part.accounts, done.accounts)
    if start >= end or (both is not None and not both):
        return [part]
    out = [
        Part(window, part.accounts, part.after)
        for window in (Window(part.window.start, start), Window(end, part.window.end))
        if window.start < window.end
    ]
    shared = Window(start, end)
    if others:
        out.append(Part(shared, others, part.after))
    if not done.complete:
        out.append(Part(shared, both, max(part.after, done.after)))
    return out


def _split(
    asked: frozenset[str] | None, done: frozenset[str] | None
) -> tuple[frozenset[str] | None, frozenset[str]]:
    """Return the accounts that both have, and the others that are asked for; None for all.

    Who asks for all has nothing of what was read of some.
    """
    if done is None:
        return asked, frozenset()
    if asked is None:
        return frozenset(), frozenset()
    return asked & done, asked - done
