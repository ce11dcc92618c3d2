"""The file of a store that a program asks: opened for each question, until it is closed."""

from dataclasses import replace
from pathlib import Path
from typing import Self

from blueattr.errors import StoreError
from blueattr.panel.query import PanelQuery
from blueattr.store import database

__all__ = ["StoreFile"]


class StoreFile:
    """A store's file.

    Parameters
    ----------
    path
        The file.
    memory
        Bytes the process may use.
    """

    def __init__(self, path: Path, memory: int = database.DEFAULT_MEMORY) -> None:
        self.path = path
        self.memory = memory
        self._is_closed = False

    def __repr__(self) -> str:
        """Return what opens the store."""
        return f"blueattr.open({str(self.path)!r}){' (closed)' * self._is_closed}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take no more questions."""
        self._is_closed = True

    def _asked(self, query: PanelQuery) -> PanelQuery:
        if self._is_closed:
            raise StoreError(f"the store {self.path} was closed; open it again")
        return replace(query, db=self.path, memory=self.memory)
