"""Coverage: which time the sources of a store cover, and which gaps they leave."""

from datetime import UTC, timedelta
from operator import itemgetter

from blueattr.provenance import Gap, Window
from blueattr.store.database import Store
from blueattr.store.store_file import damaged
from blueattr.store.stretches import stretches, within

__all__ = ["covered", "gaps"]


# Sources whose ends are this close cover the time between them.
_TOLERANCE = timedelta(minutes=5)
_UNKNOWN = "no source covers it"


def covered(store: Store) -> tuple[Window, ...]:
    """Return the stretches of time that sources cover, merged where they touch, ascending.

    A source covers the time from its first to its last event, but for what it knows to have
    missed, and for what it reaches to by events far from all others (`blueattr.store.stretches`);
    what a file lacks in between cannot be told from the file.
    """
    return tuple(span for span, _ in _coverage(store))


def _coverage(store: Store) -> list[tuple[Window, str]]:
    """Merge what the sources cover; with why the time before each stretch was not seen."""
    spans: list[tuple[Window, str]] = []
    found = stretches(store)
    seen = []
    for first, last, reason in store.rows("store/coverage"):
        if first is None or last is None:
            raise damaged(store.path, "a stretch that it covers has no end or beginning")
        ends = within(found, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
        if ends is not None:
            seen.append((*ends, reason))
    for start, end, reason in sorted(seen, key=itemgetter(0, 1)):
        # What a source knows to have missed is a gap, however short.
        tolerance = timedelta(0) if reason else _TOLERANCE
        if spans and start - spans[-1][0].end <= tolerance:
            before, why = spans[-1]
            spans[-1] = Window(before.start, max(before.end, end)), why
        else:
            spans.append((Window(start, end), reason))
    return spans


def gaps(store: Store, window: Window) -> tuple[Gap, ...]:
    """Return the stretches of a window that no source covers, ascending."""
    missing = []
    reached = window.start
    for span, reason in _coverage(store):
        beyond = span.start >= window.end
        start = min(span.start, window.end)
        # Stretches that are closer than the tolerance are one, unless something is known to be
        # missing between them.
        certain = reason or (reached > window.start and not beyond)
        if start - reached > (timedelta(0) if certain else _TOLERANCE):
            missing.append(Gap(reached, start, reason or _UNKNOWN))
        reached = max(reached, span.end)
        if beyond:
            break
    if window.end - reached > _TOLERANCE:
        missing.append(Gap(reached, window.end, _UNKNOWN))
    return tuple(missing)
