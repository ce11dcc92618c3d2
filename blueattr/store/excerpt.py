"""An excerpt: a store of what one question needs of events that are elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from blueattr.provenance import Window
from blueattr.store.database import DEFAULT_MEMORY, Store

__all__ = ["CountedTimes", "Excerpt"]


@dataclass(frozen=True, slots=True)
class CountedTimes:
    """Where the times of a window's records are from.

    Parameters
    ----------
    others
        Records whose time is not the server's own, by where it is from, in the order of kinds.
    records
        All records.
    """

    others: Mapping[str, int]
    records: int


class Excerpt(Store):
    """A store whose days are summarised, and which has of their records those that a question asks.

    Parameters
    ----------
    path, memory
        As of `blueattr.store.database.Store`.
    """

    times: Mapping[Window, CountedTimes]
    """Of the windows that are asked about: there are not all records to count."""

    @classmethod
    def of(
        cls, path: Path, times: Mapping[Window, CountedTimes], memory: int = DEFAULT_MEMORY
    ) -> Self:
        """Open an excerpt for reading; see `blueattr.store.database.Store.open`."""
        opened = cls.open(path, memory)
        opened.times = times
        return opened
