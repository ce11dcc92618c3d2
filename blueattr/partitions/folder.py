"""A folder of partitions: the one place that knows how its files are named, written and read."""

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from blueattr.errors import InputError, OutputError
from blueattr.user_path import as_typed, refuse_address

__all__ = ["META", "PartitionFolder", "bucket_name"]


META: Final = "meta.json"
"""What tells of all files of a folder; it is written after them."""


_PART = ".part"
_ROWS = 1 << 17  # of a row group, and read at once


def bucket_name(bucket: int) -> str:
    """Return how the folder or file of a bucket is called."""
    return f"bucket={bucket:04d}"


class PartitionFolder:
    """A folder whose files are written whole or not at all.

    Parameters
    ----------
    place
        Where: a folder on this machine or one that it has mounted.
    """

    def __init__(self, place: str | Path) -> None:
        refuse_address(place)
        self.place = str(place)
        self._root = str(Path(place).absolute())
        self._system = fs.LocalFileSystem()

    def __str__(self) -> str:
        return as_typed(self.place)

    def within(self, name: str) -> Self:
        """Return a folder in this one."""
        return type(self)(f"{self.place}/{name}")

    def path(self, name: str) -> Path:
        """Return the path of a file that other programs are to open."""
        return Path(self._root, name)

    def exists(self, name: str = "") -> bool:
        """Return whether there is a file or folder of this name."""
        return bool(self._system.get_file_info(self._at(name)).type != fs.FileType.NotFound)

    def names(self, folder: str = "") -> list[str]:
        """Return the files in a folder and all that are in it, by name; without parts of files."""
        selected = fs.FileSelector(self._at(folder), allow_not_found=True, recursive=True)
        found = self._system.get_file_info(selected)
        begin = len(self._root) + 1
        return sorted(
            one.path[begin:]
            for one in found
            if one.type == fs.FileType.File and not one.path.endswith(_PART)
        )

    def size(self, names: Sequence[str]) -> int:
        """Return how many bytes some files have."""
        return sum(one.size for one in self._system.get_file_info([self._at(n) for n in names]))

    def write(self, name: str, data: bytes) -> None:
        """Write a file in one step.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        with self._writing(name) as made:
            self._write(made, data)

    def _write(self, made: str, data: bytes) -> None:
        with self._system.open_output_stream(made) as stream:
            stream.write(data)

    def write_rows(self, name: str, rows: pa.Table) -> None:
        """Write a Parquet file in one step; as `write`."""
        with self._writing(name) as made:
            pq.write_table(
                rows,
                made,
                filesystem=self._system,
                compression="zstd",
                row_group_size=_ROWS,
                column_encoding=_encodings(rows.schema),
                use_dictionary=_dictionaries(rows.schema),
            )

    def write_batches(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
        """Write a Parquet file in one step, of rows that come some at a time; return how many.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        rows = 0
        with (
            self._writing(name) as made,
            pq.ParquetWriter(made, schema, filesystem=self._system, compression="zstd") as file,
        ):
            for batch in batches:
                file.write_batch(batch.cast(schema))
                rows += len(batch)
        return rows

    def rows(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a Parquet file.

        Raises
        ------
        InputError
            It cannot be read.
        """
        with self._reading(name):
            return pq.read_table(self._at(name), columns=columns, filesystem=self._system)

    def batches(self, name: str, schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield the rows of a Parquet file some at a time, in a schema; as `rows`."""
        coded = [each.name for each in schema if pa.types.is_dictionary(each.type)]
        with self._reading(name):
            file = pq.ParquetFile(
                self._system.open_input_file(self._at(name)), read_dictionary=coded
            )
            with file:
                there = file.schema_arrow.names
                columns = [each for each in schema.names if each in there]
                for batch in file.iter_batches(_ROWS, columns=columns):
                    table = pa.Table.from_batches([batch])
                    yield pa.table(
                        [
                            table[each.name].cast(each.type)
                            if each.name in there
                            else pa.nulls(len(table), each.type)
                            for each in schema
                        ],
                        schema=schema,
                    )

    def part(self, name: str, begin: int, end: int) -> bytes:
        """Read some bytes of a file."""
        with self._reading(name), self._system.open_input_file(self._at(name)) as file:
            return bytes(file.read_at(end - begin, begin))

    def read_json(self, name: str) -> Any:
        """Read a file of JSON.

        Raises
        ------
        InputError
            It cannot be read, or is none.
        """
        with self._reading(name), self._system.open_input_stream(self._at(name)) as stream:
            data = stream.read()
        try:
            return json.loads(data)
        except ValueError as error:
            raise InputError(f"cannot read {self}/{name}: it is not JSON ({error})") from None

    def write_json(self, name: str, content: Any) -> None:
        """Write a file of JSON in one step; as `write`."""
        self.write(name, json.dumps(content, ensure_ascii=False, indent=1).encode())

    def remove(self, *names: str) -> None:
        """Remove files, where they are."""
        for name in names:
            if self.exists(name):
                self._system.delete_file(self._at(name))

    def remove_all(self, folder: str) -> None:
        """Remove a folder with all that is in it, if it is there."""
        if self.exists(folder):
            self._system.delete_dir(self._at(folder))

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _writing(self, name: str) -> "_Writing":
        return _Writing(self._system, self._at(name), f"{self}/{name}")

    def _reading(self, name: str) -> "_Reading":
        return _Reading(f"{self}/{name}")


class _Writing:
    """Write under another name, which is then changed."""

    def __init__(self, system: fs.FileSystem, target: str, shown: str) -> None:
        self._system = system
        self._target = target
        self._shown = shown
        self._made = f"{target}.{secrets.token_hex(6)}{_PART}"

    def __enter__(self) -> str:
        try:
            self._system.create_dir(self._target.rpartition("/")[0], recursive=True)
        except OSError as error:
            raise OutputError(f"cannot write {self._shown}: {_why(error)}") from None
        return self._made

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._system.move(self._made, self._target)
                return
        except OSError as failed:
            raise OutputError(f"cannot write {self._shown}: {_why(failed)}") from None
        if self._system.get_file_info(self._made).type != fs.FileType.NotFound:
            self._system.delete_file(self._made)
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {self._shown}: {_why(error)}") from None


class _Reading:
    """Say of what cannot be read which file it is."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise InputError(f"cannot read {self._shown}: it is not there") from None
        if isinstance(error, OSError | pa.ArrowException):
            raise InputError(f"cannot read {self._shown}: {_why(error)}") from None


def _why(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or (str(error).splitlines() or [type(error).__name__])[0])


# Numbers that lie close to the one before take few bytes by their differences.
_CLOSE = ("event_time", "rkey", "rev")


def _encodings(schema: pa.Schema) -> dict[str, str]:
    return {
        each.name: "DELTA_BINARY_PACKED"
        for each in schema
        if each.name in _CLOSE and not pa.types.is_string(each.type)
    }


def _dictionaries(schema: pa.Schema) -> list[str]:
    """Return columns whose values come again and again."""
    close = _encodings(schema)
    return [each.name for each in schema if each.name not in close]
