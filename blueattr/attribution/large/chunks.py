"""Parquet files of features, read in chunks: checked, in order of DID, with tiers."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from blueattr import kernels
from blueattr.attribution.frames import find_columns, name_columns, same_columns
from blueattr.attribution.inputs import agent_names, check_column, check_dids, refuse, row_number
from blueattr.attribution.large.cuts import Ranks, TierCut
from blueattr.attribution.large.external_sort import KeySample, SortOnDisk
from blueattr.attribution.tiered import NOBODY, PanelChoice
from blueattr.attribution.tiers import boundaries
from blueattr.errors import InputError, NobodyInvolvedError
from blueattr.indicators.base import FeatureArrays
from blueattr.kernels import FloatArray, IntArray

__all__ = [
    "CHUNK", "DAMAGED", "ChunkedPanel", "FeatureMeans", "PanelFile", "Watch", "ascend", "checked",
    "rows_of", "shape", "sorted_copy",
]  # fmt: skip


CHUNK = 1 << 20
"""Agents in memory at a time."""


DAMAGED = "it is damaged, or no Parquet file in spite of its name"


class PanelFile(NamedTuple):
    """A Parquet file, and which of its columns plays which part; without one, that of its name."""

    path: Path
    names: Mapping[str, str]


Watch = Callable[[FeatureArrays], None]
"""Is shown the features of each chunk in turn."""


def shape(
    paths: Sequence[Path], columns: Mapping[str, str] | None = None
) -> tuple[list[dict[str, str]], int]:
    """Return the columns of Parquet files by the parts that they play, and the number of all rows.

    Parameters
    ----------
    paths
        At least one; of several each has the same parts.
    columns
        See `blueattr.attribution.frames.name_columns`.

    Raises
    ------
    InputError
        One cannot be read.
    FeatureError
        They differ in the parts.
    """
    parts: list[dict[str, str]] = []
    rows = 0
    for path in paths:
        try:
            with pq.ParquetFile(path) as opened:
                parts.append(name_columns(opened.schema_arrow.names, columns or {}))
                rows += opened.metadata.num_rows
        except pa.ArrowException:
            raise _damaged(path) from None
        except OSError as error:
            raise _unreadable(path, error) from None
        same_columns(paths[0], parts[0], path, parts[-1])
    return parts, rows


def rows_of(
    paths: Sequence[Path], columns: Mapping[str, str], dids: Collection[str], wanted: Sequence[str]
) -> pl.DataFrame:
    """Return columns of a few agents from Parquet files; nothing, where these have none of them.

    Parameters
    ----------
    paths, columns
        As for `shape`.
    dids
        The agents.
    wanted
        The parts that the columns play.
    """
    found = []
    for path, parts in zip(paths, shape(paths, columns)[0], strict=True):
        key = next(part for part in ("did", "agent") if part in parts)
        there = [part for part in wanted if part in parts]
        if not there or not dids:
            return pl.DataFrame()
        rows = pl.scan_parquet(path, glob=False).select(
            pl.col(parts[part]).alias(part) for part in [key, *there]
        )
        if rows.collect_schema()[key] != pl.String:
            # What is text already is left as it is: of most of it nothing is then even decoded.
            rows = rows.with_columns(pl.col(key).map_batches(agent_names, return_dtype=pl.String))
        found.append(rows.filter(pl.col(key).is_in(list(dids))).collect(engine="streaming"))
    return pl.concat(found, how="diagonal_relaxed")


def _frames(files: Sequence[PanelFile], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    return (frame for file in files for frame in _frames_of(file, columns))


def _frames_of(file: PanelFile, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    named = {column: file.names.get(column, column) for column in columns}
    try:
        with pq.ParquetFile(file.path, pre_buffer=False, buffer_size=1 << 20) as opened:
            for batch in opened.iter_batches(CHUNK, columns=list(dict.fromkeys(named.values()))):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)  # noqa: S101 - for the type checker
                yield frame.select(pl.col(n).alias(part) for part, n in named.items()).rechunk()
    except pa.ArrowException:
        raise _damaged(file.path) from None
    except OSError as error:
        raise _unreadable(file.path, error) from None


def _damaged(path: Path) -> InputError:
    return InputError(f"cannot read the features in {path}: {DAMAGED}")


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot read the features in {path}: {error.strerror or DAMAGED}")


def checked(
    files: Sequence[PanelFile], key: str, columns: Sequence[str], *, several: bool | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the canonical form of each chunk, in the files' order of agents.

    Parameters
    ----------
    files, key, columns
        The files, their column of DIDs, and those of numbers.
    several
        Whether messages name the file of a row; by default, if these are several.
    """
    named = len(files) > 1 if several is None else several
    for file in files:
        before, of = 0, f" of {file.path.name}" if named else ""
        for frame in _frames_of(file, [key, *columns]):

            def where(row: int, before: int = before, of: str = of) -> str:
                return row_number(before + row) + of

            dids = check_dids(frame[key], where).alias("did")
            before += frame.height
            columns_checked = (check_column(dids, frame[name], where) for name in columns)
            yield pl.DataFrame([dids, *columns_checked])


def ascend(dids: pl.Series, last: pl.Series) -> bool:
    """Return whether DIDs ascend, each once, from the last one on, if there is one."""
    joined = last.append(dids)
    return bool((joined.shift(-1) > joined).head(-1).all())


@dataclass
class ChunkedPanel:
    """A checked file in order of DID, with its means and tier boundaries.

    Parameters
    ----------
    files, key
        The files, perhaps a sorted copy, and their column of DIDs.
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

    files: Sequence[PanelFile]
    folder: Path
    key: str
    n: int
    followers: str
    means: tuple[float, float, float]
    cutoffs: tuple[float, ...]
    cuts: list[TierCut] = field(default_factory=list)
    active: "ChunkedPanel | None" = None
    open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @classmethod
    def of(
        cls,
        paths: Sequence[Path],
        folder: Path,
        cutoffs: tuple[float, ...],
        *,
        names: Mapping[str, str] | None = None,
        choice: PanelChoice = "active",
        watch: Callable[[int], tuple[Watch, Watch]] = lambda _: (_ignore, _ignore),
    ) -> "ChunkedPanel":
        """Check Parquet files, sort them unless they are in order of DID, and find the tiers.

        Parameters
        ----------
        paths, folder, cutoffs
            The files, a folder for temporary files, and where tiers end.
        names
            As `columns` of `blueattr.attribution.frames.name_columns`.
        choice
            Whom to ask about: see `blueattr.attribution.tiered.TieredPanel.of`.
        watch
            Takes the number of agents, and returns what is shown the chunks as they are checked, in
            any order of agents: the agents asked about, and all.

        Raises
        ------
        EmptyPanelError, FeatureError
            As `blueattr.attribution.inputs.check_features`.
        """
        parts, n = shape(paths, names)
        files = [PanelFile(path, theirs) for path, theirs in zip(paths, parts, strict=True)]
        key, columns = find_columns([*parts[0]], n)
        followers = "followers" if "followers" in columns else "b"
        sums, sums_involved = FeatureMeans(), FeatureMeans()
        sample, last, ascending = KeySample(n), pl.Series([], dtype=pl.String), True
        ranks = Ranks([end - 1 for end in boundaries(n, cutoffs)])
        digits = ranks.digits()
        asked, everyone = watch(n)
        for frame in checked(files, key, columns):
            x = FeatureArrays(*(frame[name].to_numpy() for name in "abc"))
            sums.add(x)
            ranks.add(digits, frame[followers].to_numpy(), x.a)
            everyone(x)
            if choice == "involved":
                x = x.take(np.flatnonzero(x.involved()))
                sums_involved.add(x)
            asked(x)
            sample.add(frame["did"])
            ascending = ascending and ascend(frame["did"], last)
            last = frame["did"].tail(1)
        ranks.go_on(digits)
        if not ascending:
            files, key = [sorted_copy(files, folder, key, columns, sample)], "did"
        panel = cls(files, folder, key, n, followers, sums.means(), cutoffs)
        panel.cuts = panel.find(ranks)
        if choice == "active":
            return panel
        if not sums_involved.n:
            raise NobodyInvolvedError(NOBODY)
        return replace(
            panel, n=sums_involved.n, means=sums_involved.means(), active=panel,
            open=contextlib.ExitStack(),
        )  # fmt: skip

    def find(self, ranks: Ranks) -> list[TierCut]:
        """Find the agents at some ranks, in as many passes as it takes."""
        while ranks.open:
            digits = ranks.digits()
            for followers, a in self.arrays([self.followers, "a"]):
                ranks.add(digits, followers, a)
            ranks.go_on(digits)
        return ranks.cuts

    def dids_at(self, rows: Collection[int]) -> dict[int, str]:
        """Return the DIDs of a few agents by their numbers, from 0, in the order of chunks."""
        found: dict[int, str] = {}
        start, wanted = 0, sorted(rows)
        for file in self.files:
            with pq.ParquetFile(file.path, pre_buffer=False, buffer_size=1 << 20) as opened:
                for group in range(opened.num_row_groups):
                    stop = start + opened.metadata.row_group(group).num_rows
                    here = [row for row in wanted if start <= row < stop]
                    column = file.names.get(self.key, self.key)
                    names = _names(opened, group, column, [row - start for row in here])
                    found.update((start + row, did) for row, did in names)
                    start = stop
        return found

    def arrays(self, columns: Sequence[str]) -> Iterator[list[FloatArray]]:
        """Yield columns of each chunk, float64 (k,) each."""
        return (_numbers(frame, columns) for frame in _frames(self.files, columns))

    def raw(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield ``did``, as it is in the files, and columns of numbers of each chunk."""
        for frame in _frames(self.files, [self.key, *columns]):
            arrays = _numbers(frame, columns)
            yield pl.DataFrame({"did": frame[self.key], **dict(zip(columns, arrays, strict=True))})

    def features(self) -> Iterator[FeatureArrays]:
        """Yield the features of each chunk."""
        every = (FeatureArrays(*columns) for columns in self.arrays("abc"))
        if self.active is None:
            return every
        return (x.take(np.flatnonzero(x.involved())) for x in every)

    def tiers(self) -> Iterator[tuple[IntArray, FeatureArrays, npt.NDArray[np.uint8]]]:
        """Yield numbers of agents from 0, features and tiers (uint8 (k,), 0 for the top)."""
        for rows, _, x, tiers in self._tiered(None):
            yield rows, x, tiers

    def agents(self) -> Iterator[tuple[pl.Series, FeatureArrays, npt.NDArray[np.uint8]]]:
        """Yield DIDs, features and tiers of each chunk."""
        for _, names, x, tiers in self._tiered(self.key):
            yield agent_names(names), x, tiers

    def _tiered(
        self, key: str | None
    ) -> Iterator[tuple[IntArray, pl.Series, FeatureArrays, npt.NDArray[np.uint8]]]:
        columns = list(dict.fromkeys(["a", "b", "c", self.followers]))
        ties_before, before = [0] * len(self.cuts), 0
        for frame in _frames(self.files, [*columns, *filter(None, [key])]):
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
            rows, x = before + np.arange(a.size), FeatureArrays(a, b, c)
            before += a.size
            names = pl.Series(dtype=pl.String) if key is None else frame[key]
            if self.active is not None:
                theirs = np.flatnonzero(x.involved())
                rows, tiers, x = rows[theirs], tiers[theirs], x.take(theirs)
                names = names if key is None else names.gather(theirs)
            yield rows, names, x, tiers


class FeatureMeans:
    """Sums of the features, and of how many agents they are."""

    def __init__(self) -> None:
        self.n = 0
        self._sums = [kernels.RunningSum() for _ in "abc"]

    def add(self, x: FeatureArrays) -> None:
        """Add a chunk."""
        self.n += x.a.size
        for column, total in zip(x, self._sums, strict=True):
            total.add(column)

    def take(self, other: "FeatureMeans") -> None:
        """Add those of other agents."""
        self.n += other.n
        for mine, theirs in zip(self._sums, other._sums, strict=True):  # noqa: SLF001 - another of the same class
            mine.take([theirs.state])

    def means(self) -> tuple[float, float, float]:
        """Return m_a, m_b, m_c."""
        a, b, c = (float(total.value() / self.n) for total in self._sums)
        return a, b, c


def _ignore(_: FeatureArrays) -> None:
    """Look at nothing."""


def _names(
    opened: pq.ParquetFile, group: int, column: str, rows: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Yield the names of agents in some rows of a row group, each with its row."""
    if not rows:
        return
    before = 0
    for batch in opened.iter_batches(CHUNK, row_groups=[group], columns=[column]):
        here = [row for row in rows if before <= row < before + batch.num_rows]
        if here:
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)  # noqa: S101 - for the type checker
            cells = frame[column].gather([row - before for row in here])
            yield from zip(here, agent_names(cells).to_list(), strict=True)
        before += batch.num_rows


def _numbers(frame: pl.DataFrame, columns: Sequence[str]) -> list[FloatArray]:
    # Checked already; -0.0 becomes 0.0, as in `check_column`.
    return [_number(frame[name]).abs().to_numpy() for name in columns]


def _number(column: pl.Series) -> pl.Series:
    if not column.dtype.is_numeric():
        column = column.cast(pl.String).str.strip_chars()
    return column.cast(pl.Float64)


def sorted_copy(
    files: Sequence[PanelFile],
    folder: Path,
    key: str,
    columns: Sequence[str],
    sample: KeySample,
    *,
    where: str = "",
) -> PanelFile:
    """Write the canonical form of files in order of DID; raise for a DID that repeats.

    Parameters
    ----------
    files, key, columns
        As for `checked`.
    folder
        For the copy, and what is written on the way.
    sample
        Of the DIDs.
    where
        Says where the files are, in the message.
    """
    shelves = SortOnDisk(folder, "did", sample.splitters())
    for frame in checked(files, key, columns):
        shelves.add(frame)
    target = folder / "sorted.parquet"
    last = pl.Series("did", [], dtype=pl.String)
    with contextlib.ExitStack() as stack:
        writer = None
        for frame in shelves.frames():
            dids = last.append(frame["did"])
            refuse(dids, dids, (dids == dids.shift(1)).fill_null(value=False), _TWICE + where)
            last = frame["did"].tail(1)
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                # Written once and read a few times: compression would cost more than it saves.
                writer = stack.enter_context(
                    pq.ParquetWriter(target, table.schema, compression="none", use_dictionary=False)
                )
            writer.write_table(table, row_group_size=CHUNK)
    return PanelFile(target, {})


_TWICE = "occurs more than once"
