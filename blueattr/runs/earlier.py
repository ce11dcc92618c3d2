"""The window of the last report, since which a run says what carried the change."""

from datetime import datetime
from typing import TYPE_CHECKING

from blueattr.provenance import Window
from blueattr.report.provenance import window_days
from blueattr.version import METHOD_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.runs.history.record import Run

__all__ = ["last_window"]


def last_window(runs: "Sequence[Run]", window: Window) -> Window | None:
    """Return the window of the last report on other days; None if there is none to compare with.

    Parameters
    ----------
    runs
        The earliest first.
    window
        Of the report that is made.

    Returns
    -------
    Window or None
        Of a report by the same version of the method, of as many whole days that begin earlier.
    """
    days = window_days(window)
    if days is None:
        return None
    for run in reversed(runs):
        if run.shares is None or run.shares.method_version != METHOD_VERSION:
            continue
        earlier = _window(run.end.get("window"))
        if earlier is not None and earlier.start < window.start:
            return earlier if window_days(earlier) == days else None
    return None


def _window(bounds: object) -> Window | None:
    """Read the ends of a window from the record, which nobody has checked."""
    if not isinstance(bounds, list) or len(bounds) != 2:
        return None
    try:
        start, end = (datetime.fromisoformat(str(bound)) for bound in bounds)
        return Window(start, end) if start < end else None
    except (TypeError, ValueError):
        return None
