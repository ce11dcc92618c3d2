"""Sources of lines: whatever the packing and wherever it is cut, what can be read is read."""

import bz2
import gzip
import io
import lzma
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from blueattr.decode import cut_lines
from blueattr.decode.chunk import Chunk
from blueattr.errors import InputError, UsageError
from blueattr.sources import files, forms
from blueattr.sources import packing as compression
from blueattr.sources.files import FileSource, find

_noise = random.Random(0)  # noqa: S311 - the same lines every time
LINES = [b'{"n": %d, "x": "%s"}\n' % (i, _noise.randbytes(9).hex().encode()) for i in range(40)]
TEXT = b"".join(LINES)


def zstd_frames(data: bytes) -> bytes:
    # One frame of known size, one streamed without it, and an empty one.
    stream = zstandard.ZstdCompressor().compressobj()
    half = len(data) // 2 + 3
    tail = stream.compress(data[half:]) + stream.flush()
    return zstandard.compress(data[:half]) + tail + zstandard.compress(b"")


def gzip_members(data: bytes) -> bytes:
    half = len(data) // 2 + 3
    return gzip.compress(data[:half]) + gzip.compress(b"") + gzip.compress(data[half:])


PACKINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": (".jsonl", lambda data: data),
    "gzip": (".jsonl.gz", gzip.compress),
    "gzip members": (".jsonl.gz", gzip_members),
    "zstd": (".jsonl.zst", zstandard.compress),
    "zstd frames": (".jsonl.zst", zstd_frames),
    "zstd after a skippable frame": (
        ".jsonl.zst", lambda data: b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.compress(data)
    ),
}  # fmt: skip
packings = pytest.mark.parametrize("packing", PACKINGS)


def make(folder: Path, packing: str, data: bytes = TEXT) -> FileSource:
    ending, pack = PACKINGS[packing]
    path = folder / f"events{ending}"
    path.write_bytes(pack(data))
    return FileSource(path)


def read(chunks: Iterator[Chunk], position: int = 0) -> tuple[bytes, str]:
    """All bytes, checked to follow on each other, and the error at the end if any."""
    out = b""
    try:
        for chunk in chunks:
            assert chunk.position == position + len(out)
            assert chunk.data
            out += chunk.data
    except InputError as error:
        return out, str(error)
    return out, ""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 100)
    monkeypatch.setattr(compression, "_READ", 37)


@packings
def test_each_packing_gives_the_same_lines(tmp_path: Path, packing: str) -> None:
    source = make(tmp_path, packing)
    assert read(source.chunks()) == (TEXT, "")
    assert source.size == source.path.stat().st_size
    assert [c.read for c in source.chunks()] == [source.size]


@packings
def test_resuming_gives_the_rest(tmp_path: Path, packing: str, small: None) -> None:
    source = make(tmp_path, packing)
    whole = list(source.chunks())
    assert len(whole) > 5
    for chunk in whole:
        assert chunk.data.endswith(b"\n")
        assert read(source.chunks(chunk.position), chunk.position) == (TEXT[chunk.position :], "")
        again = list(source.chunks(chunk.position))
        assert [c.data for c in again] == [c.data for c in whole if c.position >= chunk.position]
    assert read(source.chunks(len(TEXT)), len(TEXT)) == (b"", "")


@packings
def test_chunks_hold_whole_lines_wherever_reads_end(
    tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path, packing)
    for size in range(1, 60):
        monkeypatch.setattr(compression, "_READ", size)
        monkeypatch.setattr(files, "CHUNK", (7 * size) % 83)
        chunks = list(source.chunks())
        assert b"".join(c.data for c in chunks) == TEXT
        assert len(chunks) > 1
        assert all(c.data.endswith(b"\n") for c in chunks)


@pytest.mark.few(1)
@packings
def test_cut_at_every_byte_what_could_be_read_is_kept(tmp_path: Path, packing: str) -> None:
    source = make(tmp_path, packing)
    data = source.path.read_bytes()
    complete, reached = set(), 0
    for end in range(len(data)):
        source.path.write_bytes(data[:end])
        out, error = read(source.chunks())
        # Whole lines, never fewer than a shorter file gave.
        assert TEXT.startswith(out)
        assert out.endswith((b"\n", b"}")) or not out
        assert len(out) >= reached
        reached = len(out)
        if error:
            assert str(source.path) in error
            assert "truncated" in error
            assert "byte" in error
        else:
            complete.add(end)
    if packing == "plain":
        # Cut after a whole line, with or without its end, a plain file is a shorter file.
        assert complete == {len(TEXT[:k]) for k in range(len(TEXT)) if TEXT[:k][-1:] in b"\n}"}
    else:
        # Between two members or frames it is a shorter file as well, if a line ends there.
        assert len(complete) <= 2
        # One block of zstd, which this is, is read as a whole or not at all.
        assert reached > len(TEXT) * {"gzip": 0.9, "gzip members": 0.9, "zstd frames": 0.4}.get(
            packing, -1
        )


def test_compressed_files_without_a_byte_of_data_are_truncated(tmp_path: Path) -> None:
    for name in ("x.jsonl.gz", "x.jsonl.zst"):
        (tmp_path / name).write_bytes(b"")
        out, error = read(FileSource(tmp_path / name).chunks())
        assert (out, "truncated: it ends at byte 0" in error) == (b"", True)
    (tmp_path / "x.jsonl").write_bytes(b"")
    assert read(FileSource(tmp_path / "x.jsonl").chunks()) == (b"", "")


@pytest.mark.parametrize(
    ("name", "data", "holds"),
    [
        ("x.jsonl", gzip.compress(TEXT), "gzip"),
        ("x.jsonl", zstandard.compress(TEXT), "zstd"),
        ("x.jsonl.gz", zstandard.compress(TEXT), "zstd"),
        ("x.jsonl.zst", gzip.compress(TEXT), "gzip"),
        ("x.jsonl.gz", TEXT, "no gzip"),
        ("x.jsonl.zst", TEXT, "no zstd"),
        ("x.jsonl.zst", b"PK\x03\x04" + TEXT, "no zstd"),
    ],
)
def test_not_what_the_name_says(tmp_path: Path, name: str, data: bytes, holds: str) -> None:
    (tmp_path / name).write_bytes(data)
    out, error = read(FileSource(tmp_path / name).chunks())
    assert out == b""
    assert f"{tmp_path / name} is not what its name says at byte 0: it holds {holds} data" in error


def test_a_damaged_file_keeps_what_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "_READ", 64)
    noise = random.Random(1)  # noqa: S311 - the same bytes every time
    lines = [noise.randbytes(300).hex().encode() + b"\n" for _ in range(1000)]
    for ending, packed in (
        (".gz", gzip.compress(b"".join(lines))),
        (".zst", zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(lines))),
    ):
        path = tmp_path / f"x.jsonl{ending}"
        spoiled = bytearray(packed)
        for k in range(len(spoiled) * 3 // 4, len(spoiled) * 3 // 4 + 50):
            spoiled[k] ^= 0xFF
        path.write_bytes(spoiled)
        out, error = read(FileSource(path).chunks())
        assert f"{path} is damaged" in error
        assert "byte" in error
        # Arrow decompresses 64 KB at a time; before the block that failed nothing is lost.
        good = len(b"".join(lines)) * 4 // 10
        assert out[:good] == b"".join(lines)[:good]


def test_ends_of_lines(tmp_path: Path, small: None) -> None:
    for data in (TEXT.replace(b"\n", b"\r\n"), TEXT.replace(b"\n", b"\n\n \n"), TEXT[:-1]):
        for packing in PACKINGS:
            source = make(tmp_path, packing, data)
            assert read(source.chunks()) == (data, "")
    source = make(tmp_path, "plain", b"\xef\xbb\xbf" + TEXT)
    out, error = read(source.chunks())
    assert cut_lines.cut_lines(out).lines == len(LINES)
    assert error == ""


def test_a_last_line_that_is_cut_is_left_for_later(tmp_path: Path, small: None) -> None:
    for packing in PACKINGS:
        source = make(tmp_path, packing, TEXT + LINES[0][:-3])
        out, error = read(source.chunks())
        assert out == TEXT
        assert f"in the middle of the line at byte {len(TEXT)}" in error


@pytest.mark.parametrize("length", [1500, 5000, 5001, 5002, 5003, 7000])
def test_a_line_too_long_is_one_line(
    tmp_path: Path, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", 1000)
    monkeypatch.setattr(compression, "_READ", 300)
    for module in (files, forms, cut_lines):
        monkeypatch.setattr(module, "LINE_LIMIT", 1000)
    for tail in (b"", *LINES[:2]):
        data = TEXT + b"[" + b"1," * (length // 2) + b"]\n" + tail
        source = make(tmp_path, "plain", data)
        chunks = list(source.chunks())
        assert sum(len(c.data) for c in chunks) == len(data)
        assert len(chunks) > 2
        for first in range(len(chunks)):
            # Resumed after any chunk, even inside the line: each line is counted once.
            counted: list[str] = []
            lines = 0
            parts = chunks[:first] + list(source.chunks(chunks[first].position))
            for chunk in parts:
                batch = cut_lines.cut_lines(chunk.data, chunk.position)
                lines += batch.lines
                counted += [reason for reason, *_ in batch.refused]
            assert (lines, counted) == (len(LINES) + 1 + bool(tail), ["line too long"])
    without_end = make(tmp_path, "plain", TEXT + b"x" * length)
    out, error = read(without_end.chunks())
    assert out.startswith(TEXT)
    if length > 3000:
        assert error == ""
        assert len(out) == len(TEXT) + length


def test_binary_garbage_is_read_without_harm(tmp_path: Path, small: None) -> None:
    noise = random.Random(2)  # noqa: S311 - the same bytes every time
    for _ in range(30):
        data = bytes([noise.randrange(0x20)]) + noise.randbytes(400)
        path = tmp_path / "x.jsonl"
        path.write_bytes(data)
        out, error = read(FileSource(path).chunks())
        assert data.startswith(out)
        assert out == data or "truncated" in error


# --- finding files -------------------------------------------------------------------------------


def test_folders_globs_and_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    names = ["b.jsonl", "a.jsonl.gz", "deep/c.ndjson.zst", "deep/er/d.json"]
    for name in [*names, "notes.txt", "e.csv.gz", "deep/jsonl"]:
        (tmp_path / name).write_bytes(b"{}\n")
    paths = [str((tmp_path / n).resolve()) for n in sorted(names)]
    assert [s.name for s in find([str(tmp_path)])] == paths
    assert [s.name for s in find([f"{tmp_path}/**/*.*json*"])] == paths
    assert [s.name for s in find([f"{tmp_path}/b*", str(tmp_path)])] == [
        paths[1], *(p for p in paths if p != paths[1])
    ]  # fmt: skip
    # A file that is named is taken whatever its ending.
    assert [s.name for s in find([str(tmp_path / "notes.txt")])] == [str(tmp_path / "notes.txt")]
    monkeypatch.chdir(tmp_path)
    assert [s.name for s in find(["deep/../b.jsonl", "b.jsonl"])] == [paths[1]]
    (tmp_path / "[odd].jsonl").write_bytes(b"{}\n")
    assert [s.name for s in find(["[odd].jsonl"])] == [str(tmp_path / "[odd].jsonl")]
    assert {s.kind for s in find(["b.jsonl"], "plc")} == {"plc"}


@pytest.mark.parametrize(
    "name", ["nothing.jsonl", "*.nothing", "", "\0", "x" * 300, "~nobody", "b/c"]
)
def test_what_is_not_there_is_named(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").touch()
    Path("b").touch()
    with pytest.raises(InputError, match=r"no such file|cannot look") as caught:
        find(["a.jsonl", name])
    assert repr(name) in str(caught.value)


def test_an_empty_folder_and_standard_input_beside_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.jsonl"):
        find([str(tmp_path)])
    with pytest.raises(UsageError, match="only source"):
        find(["-", str(tmp_path)])
    assert [s.kind for s in find(["-"])] == ["stdin"]
    assert [s.kind for s in find(["-"], "plc")] == ["plc"]


def test_a_file_that_goes_away_or_is_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.touch()
    (source,) = find([str(path)])
    path.unlink()
    with pytest.raises(InputError, match="cannot read"):
        _ = source.fingerprint
    with pytest.raises(InputError, match="cannot read"):
        list(source.chunks())
    path.mkdir()
    with pytest.raises(InputError, match="cannot read"):
        list(source.chunks())


def test_fingerprint_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(TEXT)
    first = FileSource(path).fingerprint
    assert FileSource(path).fingerprint == first
    os.utime(path, ns=(0, 0))
    touched = FileSource(path).fingerprint
    path.write_bytes(TEXT + LINES[0])
    os.utime(path, ns=(0, 0))
    assert len({first, touched, FileSource(path).fingerprint}) == 3


# --- standard input ------------------------------------------------------------------------------


class Pipe(io.BufferedReader):
    """Bytes that come from a pipe: no seeking, no position."""

    def __init__(self, data: bytes) -> None:
        ends = os.pipe()
        feed = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"],
            stdin=subprocess.PIPE,
            stdout=ends[1],
        )
        os.close(ends[1])
        assert feed.stdin is not None
        feed.stdin.write(data)
        feed.stdin.close()
        feed.wait()
        super().__init__(io.FileIO(ends[0]))


def from_pipe(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, str]:
    assert len(data) < 60_000
    with Pipe(data) as pipe:
        assert not pipe.seekable()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        return read(files.Pipe().chunks())


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for _, pack in PACKINGS.values():
        assert from_pipe(pack(TEXT), monkeypatch) == (TEXT, "")
    assert from_pipe(b"", monkeypatch) == (b"", "")
    out, error = from_pipe(TEXT[:-9], monkeypatch)
    assert out == b"".join(LINES[:-1])
    assert "standard input is truncated" in error


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_pipe_is_read_by_the_name_that_was_typed(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(pack(TEXT)))
    writer.start()
    (source,) = find([str(pipe)])
    assert read(source.chunks()) == (TEXT, "")
    writer.join()
    assert source.kind == "stdin"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the descriptor has a name")
def test_a_file_that_was_removed_is_read_while_it_is_open(tmp_path: Path) -> None:
    # A shell makes one of a long here-document.
    file = tmp_path / "document"
    file.write_bytes(TEXT)
    with file.open("rb") as opened:
        file.unlink()
        (source,) = find([f"/dev/fd/{opened.fileno()}"])
        assert read(source.chunks()) == (TEXT, "")


def test_a_truncated_pipe_is_named_as_it_was_typed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(TEXT[:-9]))
    writer.start()
    (source,) = find([str(pipe)], "plc")
    out, error = read(source.chunks())
    writer.join()
    assert out == b"".join(LINES[:-1])
    assert error.startswith(f"{pipe} is truncated")
    assert source.kind == "plc"


def test_pipes_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "file.jsonl").write_bytes(TEXT)
    assert [source.name for source in find([str(tmp_path)])] == [str(tmp_path / "file.jsonl")]


def test_what_cannot_be_opened_is_refused_before_there_is_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("x.jsonl")
        with pytest.raises(InputError, match="cannot read x"):
            find(["x.jsonl"])


@pytest.mark.parametrize("kind", ["file", "plc"])
@pytest.mark.parametrize("typed", ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_closed_standard_input_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str, kind: str
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(Path, "exists", lambda _: True)  # it may be closed here as well
    with pytest.raises(InputError, match="standard input is closed"):
        find([typed], kind)


def test_truncated_standard_input_keeps_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    data = TEXT * 30
    for pack in (gzip.compress, zstandard.compress):
        packed = pack(data)
        out, error = from_pipe(packed[:-20], monkeypatch)
        assert "standard input is truncated" in error
        assert data.startswith(out)
        if pack is gzip.compress:
            assert len(data) - len(out) < 3000


class Unseekable(io.BytesIO):
    """What comes once, as from a pipe."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise AssertionError("a pipe was read again")


def decompressed(file: io.BytesIO, codec: str) -> tuple[bytes, str]:
    out = bytearray()
    try:
        for piece in compression.pieces(file, "x", codec):
            out += piece
    except InputError as error:
        return bytes(out), str(error)
    return bytes(out), ""


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("codec", "pack", "lost"),
    [
        ("zstd", zstandard.ZstdCompressor(write_checksum=True).compress, 0),
        ("gzip", gzip_members, 0),
        ("bzip2", lambda data: bz2.compress(data, 1), compression._READ_UNSEEKABLE),
        ("xz", lzma.compress, compression._READ_UNSEEKABLE),
    ],
)
def test_damage_takes_no_more_from_a_pipe_than_from_a_file(
    codec: str, pack: Callable[[bytes], bytes], lost: int
) -> None:
    noise = random.Random(3)  # noqa: S311 - the same bytes every time
    text = b"".join(noise.randbytes(40).hex().encode() + b"\n" for _ in range(5000))
    packed = pack(text)
    short = 0
    for place in (4, 6, 9):
        spoiled = bytearray(packed)
        at = len(packed) * place // 10
        spoiled[at : at + 40] = bytes(each ^ 0xFF for each in spoiled[at : at + 40])
        whole, said = decompressed(io.BytesIO(spoiled), codec)
        out, error = decompressed(Unseekable(spoiled), codec)
        assert "x is damaged" in said
        assert whole.startswith(out)
        assert len(whole) - len(out) < max(lost, 1)
        assert lost or error == said
        short += len(whole)
        cut = packed[:at]
        assert decompressed(Unseekable(cut), codec) == decompressed(io.BytesIO(cut), codec)
    assert short > len(text) // 2


def test_blocks_of_zstd_are_told_apart_wherever_reads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
    blocks = b"".join(stream.compress(line) + stream.flush(flush) for line in LINES)
    packed = blocks + stream.flush() + b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd_frames(TEXT)
    for size in (1, 2, 3, 7, len(blocks), 1 << 16):
        monkeypatch.setattr(compression, "_BLOCK", size)
        assert decompressed(Unseekable(packed), "zstd") == (TEXT + TEXT, "")
    # Within its last block: the 39 before it are there.
    out, error = decompressed(Unseekable(blocks[:-3]), "zstd")
    assert (out, "truncated" in error) == (b"".join(LINES[:-1]), True)


def test_zeros_behind_members_of_gzip_are_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    half = gzip.compress(TEXT)
    for size in (5, 1 << 16):
        monkeypatch.setattr(compression, "_BLOCK", size)
        padded = Unseekable(half + bytes(30) + half + bytes(700))
        assert decompressed(padded, "gzip") == (TEXT + TEXT, "")
    out, error = decompressed(Unseekable(half + bytes(9) + b"text"), "gzip")
    assert (out, "is damaged" in error) == (TEXT, True)


def test_a_bomb_of_gzip_comes_in_pieces_of_a_bounded_size() -> None:
    zeros = gzip.compress(bytes(20 << 20))
    pieces = [len(piece) for piece in compression.pieces(Unseekable(zeros), "x", "gzip")]
    assert (sum(pieces), max(pieces)) == (20 << 20, compression._READ)
