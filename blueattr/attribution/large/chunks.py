"""A Parquet file of features, read in chunks: checked, in order of DID, with tiers."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from blueattr import kernels
from blueattr.attribution.equals import Cut
from blueattr.attribution.frames import find_columns, name_columns
from blueattr.attribution.inputs import agent_names, check_column, check_dids, refuse, row_number
from blueattr.attribution.large.external_sort import KeySample, SortOnDisk
from blueattr.attribution.tiered import NOBODY, PanelChoice
from blueattr.attribution.tiers import boundaries
from blueattr.errors import InputError, NobodyInvolvedError
from blueattr.indicators.base import FeatureArrays
from blueattr.kernels import FloatArray

__all__ = ["CHUNK", "DAMAGED", "ChunkedPanel", "shape"]


CHUNK = 1 << 20
"""Agents in memory at a time."""


DAMAGED = "it is damaged, or no Parquet file in spite of its name"


_Keys = npt.NDArray[np.uint64]


class _File(NamedTuple):
    """A Parquet file, and which of its columns plays which part; without one, that of its name."""

    path: Path
    names: Mapping[str, str]


def shape(path: Path) -> tuple[list[str], int]:
    """Return the names of the columns of a Parquet file, and the number of its rows.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        with pq.ParquetFile(path) as opened:
            return opened.schema_arrow.names, opened.metadata.num_rows
    except pa.ArrowException:
        raise InputError(f"cannot read the features in {path}: {DAMAGED}") from None
    except OSError as error:
        raise InputError(f"cannot read the features in {path}: {error.strerror}") from None


def _frames(file: _File, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    named = {column: file.names.get(column, column) for column in columns}
    with pq.ParquetFile(file.path, pre_buffer=False, buffer_size=1 << 20) as opened:
        for batch in opened.iter_batches(CHUNK, columns=list(dict.fromkeys(named.values()))):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)  # noqa: S101 - for the type checker
            yield frame.select(pl.col(name).alias(part) for part, name in named.items()).rechunk()


def _checked(file: _File, key: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the canonical form of each chunk, in the file's order of agents."""
    before = 0
    for frame in _frames(file, [key, *columns]):

        def where(row: int, before: int = before) -> str:
            return row_number(before + row)

        dids = check_dids(frame[key], where).alias("did")
        before += frame.height
        yield pl.DataFrame([dids, *(check_column(dids, frame[name], where) for name in columns)])


def _ascend(dids: pl.Series, last: pl.Series) -> bool:
    joined = last.append(dids)
    return bool((joined.shift(-1) > joined).head(-1).all())


class _Cut(NamedTuple):
    """The last agent of a tier: its followers, its a, and how many of those like it belong here."""

    level: Cut
    a: float
    ties: int


@dataclass
class ChunkedPanel:
    """A checked file in order of DID, with its means and tier boundaries.

    Parameters
    ----------
    file, key
        The file, perhaps a sorted copy, and its column of DIDs.
    folder
        For temporary files.
    n
        The number of agents asked about.
    followers
        The column that ranks them.
    means
        m_a, m_b, m_c.
    cutoffs
        The tiers' cumulative percentages.
    cuts
        The last agent of each tier but the tail.
    active
        The panel of all agents, where these are only those involved; else None.
    open
        Resources of one indicator, closed after it.
    """

    file: _File
    folder: Path
    key: str
    n: int
    followers: str
    means: tuple[float, float, float]
    cutoffs: tuple[float, ...]
    cuts: list[_Cut] = field(default_factory=list)
    active: "ChunkedPanel | None" = None
    open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @classmethod
    def of(
        cls,
        path: Path,
        folder: Path,
        cutoffs: tuple[float, ...],
        names: Mapping[str, str] | None = None,
        choice: PanelChoice = "active",
    ) -> "ChunkedPanel":
        """Check a Parquet file, sort it unless it is in order of DID, and find its tiers.

        Parameters
        ----------
        path, folder, cutoffs
            The file, a folder for temporary files, and where tiers end.
        names
            As `columns` of `blueattr.attribution.frames.name_columns`.
        choice
            Whom to ask about: see `blueattr.attribution.tiered.TieredPanel.of`.

        Raises
        ------
        EmptyPanelError, FeatureError
            As `blueattr.attribution.inputs.check_features`.
        """
        theirs, n = shape(path)
        file = _File(path, name_columns(theirs, names or {}))
        key, columns = find_columns([*file.names], n)
        totals = [kernels.RunningSum() for _ in "abc"]
        sample, last, ascending = KeySample(n), pl.Series([], dtype=pl.String), True
        for frame in _checked(file, key, columns):
            for name, total in zip("abc", totals, strict=True):
                total.add(frame[name].to_numpy())
            sample.add(frame["did"])
            ascending = ascending and _ascend(frame["did"], last)
            last = frame["did"].tail(1)
        if not ascending:
            file, key = _sorted(file, folder, key, columns, sample), "did"
        means = tuple(float(total.value() / n) for total in totals)
        followers = "followers" if "followers" in columns else "b"
        panel = cls(file, folder, key, n, followers, means, cutoffs)  # type: ignore[arg-type]  # three of them
        panel.cuts = _cuts(panel)
        return panel if choice == "active" else panel.only_involved()

    def only_involved(self) -> "ChunkedPanel":
        """Return the panel of those involved, who keep their tiers.

        Raises
        ------
        EmptyPanelError
            When nobody is.
        """
        totals, n = [kernels.RunningSum() for _ in "abc"], 0
        for x in self.features():
            theirs = x.take(np.flatnonzero(x.involved()))
            n += theirs.a.size
            for column, total in zip(theirs, totals, strict=True):
                total.add(column)
        if not n:
            raise NobodyInvolvedError(NOBODY)
        a, b, c = (float(total.value() / n) for total in totals)
        return replace(self, n=n, means=(a, b, c), active=self, open=contextlib.ExitStack())

    def arrays(self, columns: Sequence[str]) -> Iterator[list[FloatArray]]:
        """Yield columns of each chunk, float64 (k,) each."""
        return (_numbers(frame, columns) for frame in _frames(self.file, columns))

    def features(self) -> Iterator[FeatureArrays]:
        """Yield the features of each chunk."""
        every = (FeatureArrays(*columns) for columns in self.arrays("abc"))
        if self.active is None:
            return every
        return (x.take(np.flatnonzero(x.involved())) for x in every)

    def agents(self) -> Iterator[tuple[pl.Series, FeatureArrays, npt.NDArray[np.uint8]]]:
        """Yield DIDs, features and tiers (uint8 (k,), 0 for the top) of each chunk."""
        columns = list(dict.fromkeys(["a", "b", "c", self.followers]))
        ties_before = [0] * len(self.cuts)
        for frame in _frames(self.file, [self.key, *columns]):
            a, b, c, *_ = arrays = _numbers(frame, columns)
            followers = arrays[columns.index(self.followers)]
            tiers = np.zeros(a.size, np.uint8)
            for k, cut in enumerate(self.cuts):
                level = followers == cut.level.followers
                tied = level & (a == cut.a)
                tie_number = ties_before[k] + np.cumsum(tied)
                ties_before[k] = int(tie_number[-1])
                above = (followers > cut.level.followers) | (level & (a > cut.a))
                tiers += ~(above | (tied & (tie_number <= cut.ties)))
            dids, x = agent_names(frame[self.key]), FeatureArrays(a, b, c)
            if self.active is not None:
                involved = x.involved()
                dids, tiers = dids.filter(pl.Series(involved)), tiers[involved]
                x = x.take(np.flatnonzero(involved))
            yield dids, x, tiers


def _numbers(frame: pl.DataFrame, columns: Sequence[str]) -> list[FloatArray]:
    # Checked already; -0.0 becomes 0.0, as in `check_column`.
    return [_number(frame[name]).abs().to_numpy() for name in columns]


def _number(column: pl.Series) -> pl.Series:
    if not column.dtype.is_numeric():
        column = column.cast(pl.String).str.strip_chars()
    return column.cast(pl.Float64)


def _sorted(
    file: _File, folder: Path, key: str, columns: Sequence[str], sample: KeySample
) -> _File:
    """Write the canonical form of a file in order of DID; raise for a DID that repeats."""
    shelves = SortOnDisk(folder, "did", sample.splitters())
    for frame in _checked(file, key, columns):
        shelves.add(frame)
    target = folder / "sorted.parquet"
    last = pl.Series("did", [], dtype=pl.String)
    with contextlib.ExitStack() as stack:
        writer = None
        for frame in shelves.frames():
            dids = last.append(frame["did"])
            refuse(dids, dids, (dids == dids.shift(1)).fill_null(value=False), _TWICE)
            last = frame["did"].tail(1)
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                # Written once and read a few times: compression would cost more than it saves.
                writer = stack.enter_context(
                    pq.ParquetWriter(target, table.schema, compression="none", use_dictionary=False)
                )
            writer.write_table(table, row_group_size=CHUNK)
    return _File(target, {})


_TWICE = "occurs more than once"


# --- tiers ---------------------------------------------------------------------------------------


def _descending(x: FloatArray) -> _Keys:
    """Return uint64 keys whose ascending order is the descending order of floats ≥ 0."""
    return ~x.view(np.uint64)


def _value(key: int) -> float:
    return float(np.array([~np.uint64(key)]).view(np.float64)[0])


def _select(
    passes: Callable[[], Iterator[list[_Keys]]], ranks: list[int]
) -> list[tuple[int, int, int]]:
    """Select keys by rank, each from its own stream, by radix selection.

    Parameters
    ----------
    passes
        Starts a pass over the streams; each item has a piece of every stream.
    ranks
        From 0, one for each stream.

    Returns
    -------
    list of (key, keys below it, keys equal to it)
    """
    selected = [0] * len(ranks)
    below, equal = [0] * len(ranks), [0] * len(ranks)
    for shift in (48, 32, 16, 0):
        counts = np.zeros((len(ranks), 1 << 16), np.int64)
        for keys in passes():
            for k, mine in enumerate(keys):
                if shift < 48:
                    mine = mine[mine >> np.uint64(shift + 16) == selected[k]]  # noqa: PLW2901 - those with the digits selected so far
                digits = (mine >> np.uint64(shift)) & np.uint64(0xFFFF)
                counts[k] += np.bincount(digits.astype(np.int64), minlength=1 << 16)
        for k, upto in enumerate(np.cumsum(counts, axis=1)):
            digit = int(np.searchsorted(upto, ranks[k] - below[k], "right"))
            below[k] += int(upto[digit - 1]) if digit else 0
            equal[k] = int(counts[k, digit])
            selected[k] = selected[k] << 16 | digit
    return list(zip(selected, below, equal, strict=True))


def _cuts(panel: ChunkedPanel) -> list[_Cut]:
    """Find the last agent of each tier but the tail."""
    last = [end - 1 for end in boundaries(panel.n, panel.cutoffs)]
    columns = [panel.followers, "a"]

    def by_followers() -> Iterator[list[_Keys]]:
        for (followers,) in panel.arrays(columns[:1]):
            yield [_descending(followers)] * len(last)

    levels = _select(by_followers, last)

    def by_activity() -> Iterator[list[_Keys]]:
        for followers, a in panel.arrays(columns):
            keys = _descending(followers)
            yield [_descending(a[keys == level]) for level, _, _ in levels]

    ranks = [rank - above for rank, (_, above, _) in zip(last, levels, strict=True)]
    return [
        _Cut(Cut(_value(level), above, equal), _value(a), rank - before + 1)
        for (level, above, equal), rank, (a, before, _) in zip(
            levels, ranks, _select(by_activity, ranks), strict=True
        )
    ]
