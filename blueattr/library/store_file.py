"""The file of a store that a program asks: opened for each question, until it is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from blueattr.errors import StoreError
from blueattr.library.options import words_of_a_program
from blueattr.panel.query import PanelQuery
from blueattr.store import database
from blueattr.user_path import user_path

if TYPE_CHECKING:
    from blueattr.partitions.export import Partitioned

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

    def export_partitions(
        self, path: str | Path, *, buckets: int = 1024, no_text: bool = False
    ) -> "Partitioned":
        """Write all events parted by account, as ``blueattr export --partitioned``.

        Parameters
        ----------
        path
            A folder that is not there.
        buckets
            How many parts of accounts.
        no_text
            In place of words, keep what matched the store's topics.

        Returns
        -------
        Partitioned
            What was written; `blueattr.open_partitions` opens it.

        Raises
        ------
        UsageError, NoAnswerError
            There cannot be so many buckets; or the store has counts in place of interactions, or
            no topics to keep in place of words.
        StoreError, OutputError
            The store cannot be read, or the folder cannot be written.

        Notes
        -----
        docs/partitions.md.
        """
        from blueattr.partitions.export import export_partitions

        query = self._asked(PanelQuery(self.path))
        with words_of_a_program():
            return export_partitions(
                query.db, user_path(path), buckets, text=not no_text, memory=query.memory
            )

    def import_(
        self,
        files: str | Path | Sequence[str | Path],
        *,
        format: str | Path | None = None,  # noqa: A002 - as the option of the command
        columns: Mapping[str, str] | None = None,
        drawn: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Import tables of data sets, as ``blueattr import``.

        Parameters
        ----------
        files
            Files, folders and globs; or ``"TABLE=FILE"``, where a file does not say which table of
            its format it is.
        format
            The name of a format, or a file of SQL of your own; None for a table of your own.
        columns
            Of a table of your own: the column of each part, such as ``{"actor": "author"}``.
        drawn
            How the records were chosen: ``"network"``, ``"users"``, ``"keywords"`` or
            ``"unknown"``.
        dry_run
            Change nothing: return what would be done, whose ``first_rows()`` are five rows of each
            table as they would be kept.

        Returns
        -------
        Imported or Plan
            ``plan.remarks`` says what is missing; ``ingested`` what became of each table.

        Raises
        ------
        UsageError, InputError
            A file, a column or a format is not there, or makes no sense.
        StoreError
            The store cannot be written.
        """
        from blueattr.ingest.tables import import_tables, plan_import
        from blueattr.panel.topics import shipped_rules

        if self._is_closed:
            raise StoreError(f"the store {self.path} was closed; open it again")
        named = [files] if isinstance(files, str | Path) else files
        plan = plan_import(
            [str(user_path(file)) for file in named],
            self.path,
            format=None if format is None else str(format),
            columns=columns,
            drawn=drawn,
            memory=self.memory,
        )
        if dry_run:
            return plan
        return import_tables(self.path, plan, rules=shipped_rules(), memory=self.memory)

    def _asked(self, query: PanelQuery) -> PanelQuery:
        if self._is_closed:
            raise StoreError(f"the store {self.path} was closed; open it again")
        return replace(query, db=self.path, memory=self.memory)
