"""Record files: JSON, plain or compressed with zstd, written whole and read with every check."""

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import zstandard

from blueattr import atomic
from blueattr.errors import InputError, UsageError
from blueattr.scenarios.protocol import Array
from blueattr.scenarios.record import (
    ORIGINS,
    ImportedFile,
    Layout,
    Record,
    RecordArray,
    check_size,
)
from blueattr.scenarios.shipped import SHIPPED, scenario_of
from blueattr.sources import packing
from blueattr.suggest import did_you_mean
from blueattr.user_path import named_file, refuse_address, user_path
from blueattr.version import __version__

__all__ = [
    "PICKLES",
    "SCHEMA_VERSION",
    "read_record",
    "record_digest",
    "record_path",
    "shown",
    "write_record",
]


SCHEMA_VERSION = 1
"""The version of the format."""


PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How a pickle begins."""


_KIND = "blueattr scenario record"
_MOST_BYTES = 1 << 30
_LEVEL = 9


# --- writing -------------------------------------------------------------------------------------


def write_record(record: Record, path: str | Path) -> None:
    """Write a record to a file, a line a step; compressed with zstd where its name ends in .zst.

    Parameters
    ----------
    record
        What to write.
    path
        An existing file is replaced.

    Raises
    ------
    UsageError
        As `record_path`.
    OutputError
        The file cannot be written.
    """
    where = record_path(path)
    data = _encode(record)
    if where.suffix == ".zst":
        data = zstandard.ZstdCompressor(level=_LEVEL).compress(data)
    atomic.write(where, data)


def record_path(path: str | Path) -> Path:
    """Return where a record is to be written.

    Raises
    ------
    UsageError
        It is an address, or its name says that it is something else.
    OutputError
        It has a slash at its end.
    """
    refuse_address(path)
    where = user_path(named_file(path))
    if where.suffix not in {".json", ".zst"} and not where.is_dir():
        raise UsageError(f"a record is a .json or a .json.zst file, not {where.name}")
    return where


def record_digest(record: Record) -> str:
    """Return the SHA-256 of what a record holds, in hexadecimal.

    It is the same however the file is compressed, and whichever version of blueattr wrote it.
    """
    known = SHIPPED[record.scenario].model.layout.parameters
    parameters = {name: record.parameters.get(name, one.default) for name, one in known.items()}
    return hashlib.sha256(_encode(replace(record, parameters=parameters), "")).hexdigest()


def _encode(record: Record, version: str = __version__) -> bytes:
    layout = SHIPPED[record.scenario].model.layout
    head = {
        "kind": _KIND,
        "schema_version": SCHEMA_VERSION,
        "blueattr": version,
        "scenario": record.scenario,
        "origin": record.origin,
        "seed": record.seed,
        "parameters": dict(record.parameters),
        "imported": [{"file": file.name, "sha256": file.sha256} for file in record.imported],
        "deviation": dict(record.deviation),
        "remarks": list(record.remarks),
        "agents": list(record.agents),
    }
    steps = [
        {
            "step": label,
            "state": _row(record.states, layout.states, index, layout),
            "actions": _row(record.actions, layout.actions, index, layout),
            "noise": _row(record.noise, layout.noise, index, layout),
        }
        for index, label in enumerate(record.steps)
    ]
    end = _row(record.states, layout.states, len(record.steps), layout)
    lines = b",\n".join(orjson.dumps(step) for step in steps)
    return b'%s,\n"steps": [\n%s\n],\n"end": %s}\n' % (
        orjson.dumps(head)[:-1], lines, orjson.dumps(end),
    )  # fmt: skip


def _row(
    arrays: Mapping[str, Array], columns: Mapping[str, RecordArray], index: int, layout: Layout
) -> dict[str, Any]:
    lengths = _lengths(arrays, layout, index) if "k" in _dims(columns) else None
    row = {}
    for name, column in columns.items():
        values = arrays[name][index].tolist()
        if "k" in column.dims and lengths is not None:
            values = [list_[:length] for list_, length in zip(values, lengths, strict=True)]
        row[name] = values
    return row


def _dims(columns: Mapping[str, RecordArray]) -> str:
    return "".join(column.dims for column in columns.values())


def _lengths(arrays: Mapping[str, Array], layout: Layout, index: int) -> list[int]:
    """Return how many entries of each agent are no padding: up to the last that is none."""
    used = False
    for name, column in layout.actions.items():
        if "k" in column.dims:
            used = used | (arrays[name][index] != column.pad)
    some = np.asarray(used)
    last = (
        some.shape[1] - np.argmax(some[:, ::-1], axis=1) if some.shape[1] else np.zeros(len(some))
    )
    lengths: list[int] = np.where(some.any(axis=1), last, 0).astype(int).tolist()
    return lengths


# --- reading -------------------------------------------------------------------------------------


def read_record(path: str | Path) -> Record:
    """Read a record from a file, and check all of it.

    Parameters
    ----------
    path
        As `write_record` writes it; compressed in whatever way that `ingest` reads.

    Raises
    ------
    InputError
        It cannot be read, or is no record, or a number in it cannot be: the message says which.
    """
    where = user_path(path)
    name = str(path)
    return _Reader(name).record(_load(where, name))


def _load(where: Path, name: str) -> object:
    try:
        with where.open("rb") as file:
            head = file.read(packing.LONGEST)
            file.seek(0)
            pieces, size = [], 0
            for piece in packing.pieces(file, name, packing.codec_of(head)):
                pieces.append(piece)
                size += len(piece)
                if size > _MOST_BYTES:
                    raise InputError(f"{name} holds more than {_MOST_BYTES >> 30} GiB of text")
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from None
    text = b"".join(pieces)
    if text.startswith(PICKLES):
        raise InputError(
            f"{name} is a pickle; pickles are never read, as to read one may run any code"
        )
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{name} is no record: it is not JSON ({error})") from None


class _Reader:
    """Checks a document, and makes a record of it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, what: str) -> InputError:
        return InputError(f"{self.name} is no sound record: {what}")

    def record(self, document: object) -> Record:
        """Return the record of a document."""
        if not isinstance(document, dict) or document.get("kind") != _KIND:
            raise InputError(
                f"{self.name} is no record: `blueattr scenario run` and `blueattr scenario import` "
                "write them"
            )
        version = document.get("schema_version")
        if version != SCHEMA_VERSION:
            raise InputError(
                f"{self.name} is a record of version {shown(version)}; this blueattr reads "
                f"version {SCHEMA_VERSION}"
            )
        scenario = document.get("scenario")
        if not isinstance(scenario, str) or scenario not in SHIPPED:
            hint = did_you_mean(str(scenario), [*SHIPPED], f"there are {', '.join(SHIPPED)}")
            raise self.fail(f"there is no scenario {shown(scenario)}; {hint}")
        layout = SHIPPED[scenario].model.layout
        agents = self._agents(document.get("agents"))
        parameters = self._parameters(document.get("parameters"), layout)
        rows = document.get("steps")
        if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
            raise self.fail("`steps` is no list of steps")
        sizes = {"n": len(agents), "m": len(parameters.get("stocks", ()))}
        labels = self._labels(rows)
        self._check_size(len(agents), len(labels))
        told = [shown(label) for label in labels]
        states = [row.get("state") for row in rows] + [document.get("end")]
        places = [f"the state before step {label}" for label in told] + ["`end`"]
        record = Record(
            scenario=scenario,
            parameters=parameters,
            agents=agents,
            steps=labels,
            states=self._arrays(states, places, layout.states, sizes),
            actions=self._arrays(
                [row.get("actions") for row in rows],
                [f"the actions of step {label}" for label in told], layout.actions, sizes,
            ),
            noise=self._arrays(
                [row.get("noise") for row in rows],
                [f"the noise of step {label}" for label in told], layout.noise, sizes,
            ),
            origin=self._origin(document.get("origin")),
            seed=self._seed(document.get("seed")),
            imported=self._imported(document.get("imported", [])),
            deviation=self._deviation(document.get("deviation", {})),
            remarks=self._remarks(document.get("remarks", [])),
        )  # fmt: skip
        try:
            scenario_of(record)
        except InputError as error:
            raise self.fail(str(error)) from None
        return record

    def _check_size(self, agents: int, steps: int, longest: int = 1) -> None:
        try:
            check_size(agents, steps, longest)
        except InputError as error:
            raise self.fail(str(error)) from None

    def _agents(self, names: object) -> tuple[str, ...]:
        if not isinstance(names, list) or not names:
            raise self.fail("`agents` is no list of names")
        for name in names:
            if not isinstance(name, str) or not name:
                raise self.fail(f"an agent's name is a text, not {shown(name)}")
        return tuple(names)

    def _labels(self, rows: Sequence[Mapping[str, Any]]) -> tuple[int | str, ...]:
        labels: list[int | str] = []
        for row in rows:
            label = row.get("step")
            if not isinstance(label, int | str) or isinstance(label, bool) or label == "":
                raise self.fail(f"the label of a step is a number or a text, not {shown(label)}")
            labels.append(label)
        return tuple(labels)

    def _parameters(self, given: object, layout: Layout) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise self.fail("`parameters` is no object")
        for name, value in given.items():
            if name not in layout.parameters:
                there_are = f"there are {', '.join(layout.parameters)}"
                hint = did_you_mean(name, [*layout.parameters], there_are)
                raise self.fail(f"there is no parameter {shown(name)}; {hint}")
            allowed = layout.parameters[name]
            if isinstance(allowed.default, list):
                kind = type(allowed.default[0])
                kinds = (int, float) if kind is float else (kind,)
                if (
                    not isinstance(value, list)
                    or not value
                    or not all(
                        isinstance(item, kinds) and not isinstance(item, bool) for item in value
                    )
                ):
                    raise self.fail(f"the parameter {name} is no list of {kind.__name__}")
            elif (
                not isinstance(value, int | float)
                or isinstance(value, bool)
                or not allowed.low <= value <= allowed.high
            ):
                raise self.fail(
                    f"the parameter {name} is {shown(value)}, not a number from "
                    f"{allowed.low:g} to {allowed.high:g}"
                )
        return {name: one.default for name, one in layout.parameters.items()} | given

    def _origin(self, origin: object) -> Any:
        if origin not in ORIGINS:
            raise self.fail(f"`origin` is {shown(origin)}, not one of {', '.join(ORIGINS)}")
        return origin

    def _seed(self, seed: object) -> int | None:
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or seed < 0):
            raise self.fail(f"`seed` is {shown(seed)}, not a whole number from 0 on")
        return seed

    def _imported(self, files: object) -> tuple[ImportedFile, ...]:
        if not isinstance(files, list):
            raise self.fail("`imported` is no list of files")
        found = []
        for file in files:
            entry = file if isinstance(file, dict) else {}
            name, digest = entry.get("file"), entry.get("sha256")
            if not isinstance(name, str) or not isinstance(digest, str):
                raise self.fail("an entry of `imported` lacks `file` or `sha256`")
            found.append(ImportedFile(name, digest))
        return tuple(found)

    def _deviation(self, given: object) -> dict[str, float]:
        if not isinstance(given, dict) or not all(
            isinstance(value, int | float) and not isinstance(value, bool)
            for value in given.values()
        ):
            raise self.fail("`deviation` is no object of numbers")
        return {str(name): float(value) for name, value in given.items()}

    def _remarks(self, given: object) -> tuple[str, ...]:
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise self.fail("`remarks` is no list of texts")
        return tuple(given)

    # --- arrays ---

    def _arrays(
        self,
        rows: Sequence[object],
        places: Sequence[str],
        columns: Mapping[str, RecordArray],
        sizes: Mapping[str, int],
    ) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        for row, place in zip(rows, places, strict=True):
            if not isinstance(row, dict):
                raise self.fail(f"{place} is no object")
            missing = [name for name in columns if name not in row]
            if missing:
                raise self.fail(f"{place} lacks {missing[0]!r}")
            found.append(row)
        arrays: dict[str, Any] = {}
        lengths: list[list[int]] | None = None
        for name, column in columns.items():
            values = [row[name] for row in found]
            if "k" in column.dims:
                named = [f"{name!r} in {place}" for place in places]
                arrays[name], lengths = self._ragged(column, values, named, sizes["n"], lengths)
            else:
                shape = tuple(sizes[dim] for dim in column.dims)
                arrays[name] = np.stack([
                    self._numbers(_flat(value, shape), shape, column, f"{name!r} in {place}")
                    for value, place in zip(values, places, strict=True)
                ])  # fmt: skip
        return arrays

    def _numbers(
        self, flat: list[Any] | None, shape: tuple[int, ...], column: RecordArray, what: str
    ) -> Array:
        if flat is None or len(flat) != math.prod(shape):
            raise self.fail(f"{what} is not {_shape_in_words(shape)}")
        if not set(map(type, flat)) <= {int, float}:
            odd = next(value for value in flat if type(value) not in {int, float})
            raise self.fail(f"{what} has {shown(odd)}, which is no number")
        try:
            numbers = np.array(flat, np.float64)
        except OverflowError:
            raise self.fail(f"{what} has a number that is too large") from None
        bad = ~np.isfinite(numbers) | (numbers < column.low) | (numbers > column.high)
        if column.whole:
            bad |= numbers != np.rint(numbers)
        if bad.any():
            raise self.fail(
                f"{what} has {float(numbers[np.argmax(bad)]):g}, not {_allowed(column)}"
            )
        return (numbers.astype(np.int64) if column.whole else numbers).reshape(shape)

    def _ragged(
        self,
        column: RecordArray,
        rows: Sequence[object],
        places: Sequence[str],
        n: int,
        lengths: list[list[int]] | None,
    ) -> tuple[Array, list[list[int]]]:
        """Return lists of different lengths as an array, and their lengths."""
        found: list[list[int]] = []
        flats: list[Array] = []
        for index, (row, what) in enumerate(zip(rows, places, strict=True)):
            if (
                not isinstance(row, list)
                or len(row) != n
                or not all(isinstance(one, list) for one in row)
            ):
                raise self.fail(f"{what} is not {n} lists, one an agent")
            sizes = [len(one) for one in row]
            if lengths is not None and lengths[index] != sizes:
                raise self.fail(f"{what} has lists of other lengths than the columns before it")
            flat = list(itertools.chain.from_iterable(row))
            flats.append(self._numbers(flat, (len(flat),), column, what))
            found.append(sizes)
        longest = max(max(sizes) for sizes in found)
        self._check_size(n, len(rows), longest)
        array = np.full(
            (len(rows), n, longest), column.pad, np.int64 if column.whole else np.float64
        )
        for index, sizes in enumerate(found):
            used = np.arange(longest) < np.array(sizes)[:, None]
            array[index][used] = flats[index]
        return array, found


def _flat(value: object, shape: tuple[int, ...]) -> list[Any] | None:
    """Return the numbers of a value of a shape with at most one axis; None if it has another."""
    if not shape:
        return [value] if not isinstance(value, list) else None
    return value if isinstance(value, list) else None


def _shape_in_words(shape: tuple[int, ...]) -> str:
    return f"a list of {shape[0]} numbers" if shape else "a number"


def _allowed(column: RecordArray) -> str:
    kind = "a whole number" if column.whole else "a finite number"
    return f"{kind} from {column.low:g} to {column.high:g}"


def shown(value: object) -> str:
    """Return a short form of what a file has, which cannot act on a terminal."""
    text = ascii(value) if not isinstance(value, dict | list) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}…"
