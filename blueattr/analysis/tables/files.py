"""Files of features: CSV and other separated text, Parquet, JSON and Arrow."""

import contextlib
import json
import logging
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO, FileIO
from pathlib import Path
from typing import TypeAlias

import polars as pl
import pyarrow as pa

from blueattr.analysis.tables.json_rows import read_json, read_json_lines
from blueattr.analysis.tables.text import TextTable, UnreadableError, decoded, read_text
from blueattr.attribution.frames import (
    find_columns,
    name_columns,
    quote,
    refuse_twice,
    rename_columns,
    same_columns,
)
from blueattr.attribution.inputs import Where, check_cells, check_dids, refuse, row_number
from blueattr.attribution.large.parts import in_words, parts_of
from blueattr.errors import FeatureError, InputError

__all__ = ["SUFFIXES", "read_features", "read_groups", "synthetic_label"]


_log = logging.getLogger(__name__)


def read_features(
    path: Path, columns: Mapping[str, str] | None = None, texts: Collection[str] = ()
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Read a file of features, whatever its kind, and check its cells.

    Parameters
    ----------
    path
        Its extension names its kind: one of `SUFFIXES`. Or a folder or pattern of Parquet files:
        see `blueattr.attribution.large.parts.parts_of`.
    columns
        See `blueattr.attribution.frames.name_columns`.
    texts
        Columns that stay text in a file of text: see `blueattr.analysis.tables.text.read_text`.

    Returns
    -------
    polars.DataFrame
        The columns of the file, by the names of the parts that they play: see
        `blueattr.attribution.inputs.check_cells`.
    tuple of str
        What was passed over, and how numbers are spelled, one sentence each.

    Raises
    ------
    InputError
        The file cannot be read, or is of another kind.
    FeatureError, EmptyPanelError, UsageError
        As `blueattr.attribution.frames.name_columns` and
        `blueattr.attribution.inputs.check_cells`.
    """
    named = dict(columns or {})
    parts = parts_of(path)
    if parts != (path,):
        return _read_parts(parts, named, texts), in_words(path, parts)

    def checked(table: TextTable) -> pl.DataFrame:
        return check_cells(rename_columns(table.frame, named), table.where)

    frame, notes = _read(path, "features", named, partial(read_text, texts=texts), checked)
    for note in notes:
        _log.warning("%s: %s", path, note[0].lower() + note[1:].removesuffix("."))
    return frame, notes


def _read_parts(
    paths: Sequence[Path], columns: Mapping[str, str], texts: Collection[str]
) -> pl.DataFrame:
    """Read the files of a panel one below the other; each agent is in one of them."""
    frames: list[pl.DataFrame] = []
    first: dict[str, str] = {}
    for path in paths:

        def where(row: int, path: Path = path) -> str:
            return f"{row_number(row)} of {path}"

        def checked(table: TextTable, path: Path = path, where: Where = where) -> pl.DataFrame:
            parts = name_columns(table.frame.columns, columns)
            first.update({} if first else parts)
            same_columns(paths[0], first, path, parts)
            frame = rename_columns(table.frame, columns)
            return check_cells(frame, where) if frame.height else frame

        as_text = partial(read_text, texts=texts)
        frames.append(_read(path, "features", columns, as_text, checked)[0])
    key, _ = find_columns(frames[0].columns, sum(frame.height for frame in frames))
    frames = [
        frame.with_columns(pl.lit(k, pl.UInt32).alias(_FILE))
        for k, frame in enumerate(frames)
        if frame.height
    ]
    joined = pl.concat(_of_one_kind(frames), how="diagonal_relaxed", rechunk=True)
    twice = joined.filter(pl.col(key).is_duplicated()).select(key, _FILE)
    if twice.height:
        did = twice[key][0]
        files = twice.filter(pl.col(key) == did)[_FILE].unique(maintain_order=True).to_list()
        named = " and ".join(str(paths[file]) for file in files[:2])
        others = twice[key].n_unique() - 1
        more = f"; so do {others} more" if others else ""
        raise FeatureError(f"agent {quote(did)} occurs more than once, in {named}{more}")
    return joined.drop(_FILE)


_FILE = " file"  # no column of a user's: white space around names is taken off


def _of_one_kind(frames: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Make text of columns that are of several kinds in several files, but for numbers."""
    kinds: dict[str, set[pl.DataType]] = {}
    for frame in frames:
        for name, kind in frame.schema.items():
            kinds.setdefault(name, set()).add(kind)
    mixed = [
        name
        for name, those in kinds.items()
        if len(those) > 1 and not all(kind.is_numeric() for kind in those)
    ]
    try:
        return [
            frame.with_columns(pl.col(name).cast(pl.String) for name in mixed if name in frame)
            for frame in frames
        ]
    except pl.exceptions.PolarsError:
        names = ", ".join(map(quote, mixed))
        raise FeatureError(f"the files differ in what the column {names} has in it") from None


def read_groups(path: Path) -> pl.DataFrame:
    """Read a file that says in which group each agent is.

    Parameters
    ----------
    path
        As for `read_features`.

    Returns
    -------
    polars.DataFrame
        ``did`` (str) and ``group`` as it is in the file; text stays as it is.

    Raises
    ------
    InputError
        The file cannot be read, or is of another kind.
    FeatureError
        It has no column ``did`` (or ``agent``) or ``group``, a row has no agent, or an agent occurs
        twice.
    """

    def checked(table: TextTable) -> pl.DataFrame:
        parts = name_columns(table.frame.columns, {})
        key = next((parts[part] for part in _KEYS if part in parts), None)
        group = next((n for n in table.frame.columns if n.strip().casefold() == _GROUP), None)
        if key is None or group is None:
            absent = ["did (or agent)"] * (key is None) + [_GROUP] * (group is None)
            there = ", ".join(map(quote, table.frame.columns)) or "none"
            raise FeatureError(f"{path} has no column {', '.join(absent)}; it has {there}")
        dids = check_dids(table.frame[key], table.where).alias("did")
        twice = dids.is_duplicated() & dids.is_first_distinct()
        refuse(dids, dids, twice, f"occurs more than once in {path}", table.where)
        return pl.DataFrame([dids, table.frame[group].alias(_GROUP)])

    as_text = partial(read_text, texts=(_GROUP,), is_header=_names_groups)
    return _read(path, "groups", {}, as_text, checked)[0]


def _names_groups(names: Sequence[str], _: Mapping[str, str]) -> bool:
    """Return whether these are the names of the columns of a table of groups."""
    alike = {name.strip().casefold() for name in names}
    return _GROUP in alike and not alike.isdisjoint(_KEYS)


_GROUP = "group"
_KEYS = ("did", "agent")
_STREAMS = ("/dev/", "/proc/")


def _read(
    path: Path,
    what: str,
    columns: Mapping[str, str],
    as_text: "_Reader",
    check: Callable[[TextTable], pl.DataFrame],
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Read a table of whatever kind, and check it; return it with what was passed over."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        called = f"should end in {', '.join(SUFFIXES)}"
        says = f"its name {called}"
        if str(path) == "-" or str(path).startswith(_STREAMS):
            says = (
                f"a stream has no name that tells its form; write it to a file, whose name {called}"
            )
        raise InputError(f"cannot read the {what} in {path}: {says}")
    if read is _parquet and path.is_fifo():
        # What it says of its data is read by itself.
        raise InputError(
            f"cannot read the {what} in {path}: a pipe is read once, and Parquet more often; write "
            "it to a file"
        )
    try:
        # Opened here: Polars would take the path for a pattern or an address. Without a buffer:
        # Polars goes on from where the descriptor is.
        with path.open("rb", buffering=0) as opened:
            file = opened if opened.seekable() else BytesIO(opened.read())
            table = as_text(file, columns) if read is read_text else read(file, columns)
            return check(table), table.notes
    except (OSError, UnreadableError) as error:
        raise InputError(f"cannot read the {what} in {path}: {_problem(error)}") from None


def synthetic_label(paths: Sequence[Path]) -> str:
    """Return whether Parquet files that blueattr wrote say that they are of synthetic data.

    Returns
    -------
    str
        ``"true"``, ``"partly"``, or nothing.
    """
    labels = {_label(path) for path in paths}
    if labels == {"true"}:
        return "true"
    return "partly" if labels - {""} else ""


def _label(path: Path) -> str:
    if path.suffix.lower() != ".parquet":
        return ""
    with contextlib.suppress(OSError, ValueError, RecursionError, pl.exceptions.PolarsError):
        document = json.loads(pl.read_parquet_metadata(path).get("blueattr", "null"))
        if isinstance(document, dict):
            said = document.get("synthetic")
            return "true" if said is True else "partly" if said == "partly" else ""
    return ""


def _problem(error: Exception) -> str:
    """Say what is wrong with a file in our words: a library's are for programmers."""
    if isinstance(error, OSError):
        return error.strerror or "it cannot be read"
    return str(error)


_File: TypeAlias = FileIO | BytesIO
_Reader: TypeAlias = Callable[[_File, Mapping[str, str]], TextTable]


def _parquet(file: _File, _: Mapping[str, str]) -> TextTable:
    import pyarrow.parquet as pq  # noqa: PLC0415 - it also brings what reads from a network

    with _no("Parquet"):
        refuse_twice(pq.ParquetFile(file).schema_arrow.names)
        file.seek(0)
        return TextTable(pl.read_parquet(file))


def _arrow(file: _File, _: Mapping[str, str]) -> TextTable:
    """Read an Arrow file, or the stream that some programs write under the same name."""
    magic = file.read(6)
    file.seek(0)
    with _no("Arrow"):
        opened = pa.ipc.open_file(file) if magic == b"ARROW1" else pa.ipc.open_stream(file)
        refuse_twice(opened.schema.names)
        table = opened.read_all()
    try:
        frame = pl.from_arrow(table)
    except (pl.exceptions.PolarsError, ValueError):
        raise UnreadableError("it has a column of a kind that is not known") from None
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - for the type checker
    return TextTable(frame)


@contextlib.contextmanager
def _no(kind: str) -> Iterator[None]:
    """Say so if what is read is no file of a kind."""
    try:
        yield
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError):
        raise UnreadableError(f"it is damaged, or no {kind} file in spite of its name") from None


def _bytes(file: _File) -> bytes:
    return decoded(file).read().removeprefix(BOM_UTF8)


def _json(file: _File, columns: Mapping[str, str]) -> TextTable:
    return TextTable(read_json(_bytes(file), columns))


def _json_lines(file: _File, columns: Mapping[str, str]) -> TextTable:
    return TextTable(read_json_lines(_bytes(file), columns))


_READERS: dict[str, _Reader] = {
    ".parquet": _parquet,
    ".csv": read_text,
    ".tsv": read_text,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".ipc": _arrow,
}
SUFFIXES = tuple(_READERS)
"""The extensions of files of features."""
