"""The groups of the agents of a panel in parts: where they come from, on every worker."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from blueattr.analysis.groups.grouping import ByGroup
from blueattr.analysis.groups.sources import (
    COLUMN,
    TIER,
    FileGroups,
    are_whole,
    as_texts,
    is_file,
    notes_of_file,
)
from blueattr.analysis.tables.files import read_groups
from blueattr.attribution.groups.grouped import ManyGroups
from blueattr.attribution.inputs import agent_names
from blueattr.attribution.parted.grouping import TIERS, LevelFound, LevelTexts
from blueattr.attribution.parted.part import PanelPart
from blueattr.errors import FeatureError, InputError
from blueattr.user_path import user_path

__all__ = ["PartedGroups"]


_NUMBERS = ("a", "b", "c", "followers")


@dataclass(frozen=True)
class PartedGroups:
    """Groups by columns of the parts, by a file of groups that every worker sees, or by tiers.

    Parameters
    ----------
    levels, many, seed
        As in `blueattr.analysis.groups.grouping.ByGroup`.
    files
        Of each level the file of groups, or none, with a digest, so that what was made of another
        is not used again.
    """

    levels: tuple[str, ...]
    many: ManyGroups
    seed: int
    files: tuple[tuple[Path, str] | None, ...]

    @classmethod
    def of(cls, by: ByGroup, names: Mapping[str, str]) -> "PartedGroups":
        """Check what groups agents.

        Parameters
        ----------
        by
            What was asked for.
        names
            The columns of the first part, by the parts that they play.

        Raises
        ------
        UsageError, InputError
            There is nothing of that name, or a file cannot be read.
        """
        empty = FileGroups(pl.DataFrame(schema=dict.fromkeys({**names, "did": ""}, pl.String)))
        files: list[tuple[Path, str] | None] = []
        for level in by.levels:
            if is_file(level):
                # A worker may be in another folder.
                path = user_path(level).absolute()
                read_groups(path)
                files.append((path, hashlib.sha256(path.read_bytes()).hexdigest()))
                continue
            files.append(None)
            if level != TIER:
                empty.grouped(level, pl.Series([], dtype=pl.String))
        return cls(by.levels, by.many, by.seed, tuple(files))

    def texts(self, part: PanelPart, *, in_order: bool) -> list[LevelTexts]:
        """Return the groups of a part: see `blueattr.attribution.parted.grouping.GroupLabels`."""
        columns = [_column(one, part) for one in self.levels]
        wanted = list(dict.fromkeys([part.names.get(part.key, part.key), *filter(None, columns)]))
        frame = pl.DataFrame(pq.read_table(part.path, columns=wanted, partitioning=None))
        dids = agent_names(frame[wanted[0]])
        if not in_order:
            order = dids.arg_sort()
            frame, dids = frame[order], dids.gather(order)
        found = []
        for level, column, file in zip(self.levels, columns, self.files, strict=True):
            if file is not None:
                found.append(_of_file(file, dids))
            elif column is None:
                found.append(LevelTexts(None, TIERS))
            else:
                numbers = level.removeprefix(COLUMN) in _NUMBERS
                found.append(
                    _of_column(frame[column].cast(pl.Float64) if numbers else frame[column])
                )
        return found

    def notes(self, found: Sequence[LevelFound]) -> tuple[str, ...]:
        """Return what a reader must know of the groups of the whole panel."""
        notes: list[str] = []
        for file, one in zip(self.files, found, strict=True):
            if file is not None:
                table = _table(*file)
                notes += notes_of_file(
                    file[0], table, known=one.known > 0, unknown=one.unknown > 0,
                    away=len(table) - one.matched,
                )  # fmt: skip
        return tuple(notes)


def _column(level: str, part: PanelPart) -> str | None:
    """Return the user's column of a level; None where it is none."""
    if level == TIER or is_file(level):
        return None
    name = level.removeprefix(COLUMN)
    if name not in part.names:
        raise FeatureError(f"--by {name!r} is no column of {part.path}, a part of the panel")
    return part.names[name]


def _of_file(file: tuple[Path, str], dids: pl.Series) -> LevelTexts:
    agents, table = pl.DataFrame({"did": dids}), _table(*file)
    texts = agents.join(table, on="did", how="left", maintain_order="left")["group"]
    return LevelTexts(texts, "text", matched=len(table.join(agents, on="did", how="semi")))


@functools.lru_cache(maxsize=4)
def _table(path: Path, digest: str) -> pl.DataFrame:
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise InputError(f"{path} was changed since it was read; give the command again")
    table = read_groups(path)
    return table.with_columns(as_texts(table["group"]).alias("group"))


def _of_column(cells: pl.Series) -> LevelTexts:
    if not cells.dtype.is_float():
        return LevelTexts(as_texts(cells), str(cells.dtype))
    # Whether all of the panel are whole is known when all parts are.
    cells = cells.fill_nan(None)
    return LevelTexts(cells.cast(pl.String), str(cells.dtype), are_whole(cells))
