"""Where the records of a window come from: gaps, times, how they were chosen."""

from datetime import datetime, timedelta
from pathlib import Path

from blueattr.panel.drawn import drawn, is_searched
from blueattr.panel.synthetic import synthetic_sources
from blueattr.provenance import FoundShare, Gap, Provenance, TimeShare, Window
from blueattr.store import coverage
from blueattr.store.collected import completeness
from blueattr.store.database import Store

__all__ = ["origin_by_notes", "so_far_of", "uncovered"]


_INSTANT = timedelta(microseconds=1)


def origin_by_notes(
    db: Path,
    store: Store,
    window: Window,
    last: datetime | None,
    times: tuple[TimeShare, ...],
) -> Provenance:
    """Return where the records of a window come from, by what is noted of sources.

    Parameters
    ----------
    db, store, window
        As for `blueattr.panel.query.store_origin`.
    last
        The last event that is not far from all others.
    times
        Where the times of the window's records are from.
    """
    synthetic, all_synthetic = synthetic_sources(store)
    ways, remarks = drawn(store)
    so_far = so_far_of(last, window)
    return Provenance(
        source=str(db),
        window=window,
        gaps=uncovered(store, window, so_far),
        so_far=so_far,
        synthetic=synthetic,
        all_synthetic=all_synthetic,
        time_from=times,
        drawn=ways,
        is_searched=is_searched(store, window) if "keywords" in ways else False,
        import_remarks=remarks,
        completeness=_found_shares(store, window) if ways else (),
    )


def so_far_of(last: datetime | None, window: Window) -> datetime | None:
    """Return when the last event was, if the window's last day is that of it and not over then."""
    end = window.end - _INSTANT
    return last if last is not None and last.date() == end.date() and last < end else None


def uncovered(store: Store, window: Window, so_far: datetime | None) -> tuple[Gap, ...]:
    """Return what no source covers of a window, as far as it is over."""
    until = window.end if so_far is None else so_far + _INSTANT
    return coverage.gaps(store, Window(window.start, until))


def _found_shares(store: Store, window: Window) -> tuple[FoundShare, ...]:
    """Sum up what was found of the interactions with the window's collected posts."""
    days = completeness(store, window).values()
    kinds = dict.fromkeys(kind for day in days for kind in day)
    return tuple(
        FoundShare(
            kind,
            sum(day[kind].found for day in days if kind in day),
            sum(day[kind].counted for day in days if kind in day),
        )
        for kind in kinds
    )
