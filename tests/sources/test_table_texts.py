"""Bytes of tables: files of an archive put together, and lines that are longer than a block."""

import tarfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest

from blueattr.errors import InputError
from blueattr.sources.tables import read
from blueattr.sources.tables.read import TableFile
from blueattr.sources.tables.texts import joined, whole_lines


class Lines:
    """Takes lines as they are for rows, in place of an engine."""

    def fields(self, lines: pa.Array, names: Sequence[str]) -> tuple[pa.RecordBatch, int]:
        """Return the lines."""
        return pa.record_batch([lines], names=list(names)), 0

    def texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows."""
        return batch


def lines_of(path: Path) -> list[str]:
    batches = TableFile(path).batches(["line"], Lines())
    return [line for batch in batches for line in batch["line"].to_pylist()]


def failing(*parts: list[bytes]) -> Iterator[Iterator[bytes]]:
    for part in parts:
        yield iter(part)
    raise InputError("cut off")


def test_small_files_of_an_archive_make_up_few_pieces_and_none_is_lost() -> None:
    parts = [[b"", b"a\n", b"b"], [], [b"c\r\n"], [b""], [b"d\n"] * 100_000, [b"e"]]
    pieces = [*joined(map(iter, parts))]
    assert b"".join(pieces) == b"a\nb\nc\r\n" + b"d\n" * 100_000 + b"e\n"
    assert len(pieces) < 4
    cut = joined(failing([b"a"], [b"b"]))
    assert next(cut) == b"a\nb\n"
    with pytest.raises(InputError, match="cut off"):
        next(cut)


@pytest.mark.parametrize("ends", [(b"\n",), (b"\n", b"\r")])
@pytest.mark.parametrize("tail", [b"", b"z" * 99])
def test_of_a_line_without_end_no_more_is_held_than_tells_that_it_is_too_long(
    ends: tuple[bytes, ...], tail: bytes
) -> None:
    text = b"ab\ncdefgh\n" + b"x" * 500 + b"\n\ny\r\n8 bytes.\n\n9 bytes..\n" + tail
    wanted = b"\n".join(line[:9] for line in text.split(b"\n"))
    for size in range(1, 9):
        pieces = [text[k : k + size] for k in range(0, len(text), size)]
        found = [*whole_lines(iter(pieces), 8, ends)]
        assert b"".join(found) == wanted
        assert all(piece.endswith(ends) for piece in found[: -1 if tail else None])
        assert max(map(len, found)) <= 9 + size


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_a_line_of_json_that_is_longer_than_a_block_stays_one(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "_BLOCK_OF_JSON", block)
    lines = [b'{"a": %d, "text": "%s"}' % (k, b"x" * k) for k in range(40)]
    path = tmp_path / "t.tar"
    with tarfile.open(path, "w") as archive:
        for k, line in enumerate(lines):
            member = tarfile.TarInfo(f"{k}.jsonl")
            member.size = len(line)
            archive.addfile(member, BytesIO(line))
    assert lines_of(path) == [line.decode() for line in lines]
