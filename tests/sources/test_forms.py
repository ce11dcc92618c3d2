"""Files that hold no lines: other forms of JSON are read, and what is none is named."""

import bz2
import codecs
import gc
import gzip
import io
import json
import lzma
import random
import re
import signal
import sys
import weakref
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.errors import InputError
from blueattr.ingest import read
from blueattr.sources import files, forms, packing
from blueattr.sources.files import FileSource, Pipe
from blueattr.store.commit.writer import Writer
from support import crash, ingest_child
from support.effort import law
from support.events_builder import Event, lines, mixed
from support.forked import run
from support.store_content import content, expected, sources

EVENTS = mixed(40)
LINES = lines(*EVENTS)


def _joined(between: str, *, indent: int | None = None) -> Callable[[list[Event]], bytes]:
    return lambda events: between.join(
        json.dumps(event, ensure_ascii=False, indent=indent) for event in events
    ).encode()


FORMS: dict[str, Callable[[list[Event]], bytes]] = {
    "array in a line": lambda events: json.dumps(events).encode(),
    "array, one a line": lambda events: b"[\n" + _joined(",\n")(events) + b"\n]\n",
    "indented array": lambda events: json.dumps(events, indent=4).encode(),
    "array after a mark": lambda events: codecs.BOM_UTF8 + json.dumps(events).encode(),
    "arrays": lambda events: json.dumps(events[:9]).encode() + json.dumps(events[9:]).encode(),
    "array of arrays": lambda events: json.dumps([events[:9], events[9:]]).encode(),
    "indented": _joined("\n", indent=2),
    "indented, not apart": _joined("", indent=2),
    "indented, CRLF": lambda events: _joined("\n", indent=2)(events).replace(b"\n", b"\r\n"),
    "not apart": _joined(""),
    "apart by blanks": _joined("  "),
    "apart by commas": _joined(",\n"),
    "apart by commas that begin lines": _joined("\n,"),
    "CR alone": _joined("\r"),
    "text sequence": lambda events: b"\x1e" + _joined("\n\x1e")(events) + b"\n",
    "UTF-16": lambda events: lines(*events).decode().encode("utf-16"),
    "UTF-16, big": lambda events: b"\xfe\xff" + lines(*events).decode().encode("utf-16-be"),
    "UTF-16 without a mark": lambda events: lines(*events).decode().encode("utf-16-le"),
    "UTF-16 without a mark, big": lambda events: lines(*events).decode().encode("utf-16-be"),
    "UTF-16, CRLF": lambda events: lines(*events).decode().replace("\n", "\r\n").encode("utf-16"),
    "UTF-16 array": lambda events: json.dumps(events, indent=1).encode("utf-16"),
    "UTF-32": lambda events: lines(*events).decode().encode("utf-32"),
    "marks in the middle": lambda events: b"".join(codecs.BOM_UTF8 + lines(e) for e in events),
}  # fmt: skip
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    ".json": lambda data: data,
    ".JSON.GZ": gzip.compress,
    ".json.zst": zstandard.compress,
    ".json.bz2": bz2.compress,
    ".json.xz": lzma.compress,
    ".ndjson.zst": lambda data: b"".join(map(zstandard.compress, (data[:999], b"", data[999:]))),
    ".ndjson.gz": lambda data: b"".join(map(gzip.compress, (data[:999], b"", data[999:]))),
    ".ndjson.bz2": lambda data: b"".join(map(bz2.compress, (data[:999], b"", data[999:]))),
    ".ndjson.xz": lambda data: b"\0\0\0\0".join(map(lzma.compress, (data[:999], b"", data[999:]))),
}


def make(folder: Path, data: bytes, ending: str = ".jsonl") -> FileSource:
    path = folder / f"x{ending}"
    path.write_bytes(PACKINGS.get(ending, bytes)(data))
    return FileSource(path)


def text_of(source: FileSource | Pipe, position: int = 0) -> tuple[bytes, str]:
    out = b""
    try:
        for chunk in source.chunks(position):
            assert chunk.position == position + len(out)
            out += chunk.data
    except InputError as error:
        return out, str(error)
    return out, ""


def events_of(data: bytes) -> list[Event]:
    text = data.replace(codecs.BOM_UTF8, b"")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def test_lines_whose_ends_change_to_a_carriage_return_alone_are_read() -> None:
    events = [json.dumps(event).encode() for event in EVENTS[:6]]
    data = b"\n".join(events[:2]) + b"\r\n" + b"\r".join(events[2:]) + b"\r"
    for size in (1, 2, 7, len(data)):
        pieces = [data[k : k + size] for k in range(0, len(data), size)]
        read = b"".join(forms.as_lines(iter(pieces), "x", packed=False))
        assert read.splitlines() == events
        assert read.count(b"\n") == len(events) - 1
        assert len(read) == len(data), "places in these are places in the file"


# Forms that a file of lines may turn into, and what lines seem to turn into and do not.
TURNS = [form for form in FORMS if not form.startswith(("UTF", "apart by blanks", "marks"))]


@pytest.mark.parametrize("form", TURNS)
def test_lines_that_turn_into_another_form_are_read_to_their_end(form: str) -> None:
    events = EVENTS[:11]
    begin = lines(*events[:4])
    data = begin + FORMS[form](events[4:])
    made = set()
    for size in (1, 13, 4096, len(data)):
        pieces = [data[k : k + size] for k in range(0, len(data), size)]
        made.add(b"".join(forms.as_lines(iter(pieces), "x", packed=False)))
    (read,) = made
    assert events_of(read) == events
    assert read.startswith(begin)


def test_a_line_that_is_broken_off_anywhere_costs_no_other_line() -> None:
    whole = [lines(event) for event in EVENTS[:4]]
    nested = json.dumps(EVENTS[3] | {"n": [{"a": [1, {"b": 2}]}, {"c": "}{"}, {"d": "[\\"}]})
    for line in (whole[3], nested.encode() + b"\n"):
        for end in range(1, len(line) - 2):
            data = b"".join((*whole[:2], line[:end], b"\n", *whole[2:]))
            read = b"".join(forms.as_lines(iter((data,)), "x", packed=False))
            found = read.split(b"\n")
            assert [one for one in whole if one[:-1] not in found] == [], line[:end]


def test_lines_with_brackets_in_their_texts_stay_as_they_are() -> None:
    texts = ["}{", "{}{}", "},\n{", "[{", '"}{"', "\\frac{a}{b}"]
    whole = b"".join(lines({"did": "x", "text": text, "b": {}}) for text in texts)
    for data in (whole, whole.replace(b"\n", b"\r\n"), whole.replace(b"\n", b"\n\n")):
        for size in (1, len(data)):
            pieces = [data[k : k + size] for k in range(0, len(data), size)]
            assert b"".join(forms.as_lines(iter(pieces), "x", packed=False)) == data


class _Counted:
    """A pattern that counts the bytes at which it looks."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self.pattern, self.looked = pattern, 0

    def match(self, text: bytes, at: int = 0) -> re.Match[bytes] | None:
        found = self.pattern.match(text, at)
        self.looked += 1 if found is None else found.end() - at + 1
        return found


@pytest.mark.parametrize("between", [b"\n", b"\r\n", b" \n", b"[\n", b"\n\xef\xbb\xbf"])
def test_a_great_many_empty_lines_or_brackets_are_looked_at_a_few_times_and_no_more(
    monkeypatch: pytest.MonkeyPatch, between: bytes
) -> None:
    patterns = [_Counted(getattr(forms, name)) for name in ("_TURN", "_MAYBE_TURN", "_RUN")]
    for pattern, name in zip(patterns, ("_TURN", "_MAYBE_TURN", "_RUN"), strict=True):
        monkeypatch.setattr(forms, name, pattern)
    first, last = lines(EVENTS[0]), lines(EVENTS[1])
    for end in (last, b"x\n" + last):
        data = first + between * 2000 + end
        for size in (100, len(data)):
            pieces = [data[k : k + size] for k in range(0, len(data), size)]
            read = b"".join(forms.as_lines(iter(pieces), "x", packed=False))
            assert first in read
            assert last in read
    looked = sum(pattern.looked for pattern in patterns)
    assert looked < 100 * len(data), "each byte a hundred times at most, not two thousand times"


def test_a_text_in_utf_16_that_ends_within_an_end_of_line_keeps_its_last_line() -> None:
    data = lines(*EVENTS[:2]).decode().encode("utf-16")[:-1]
    read = b"".join(forms.as_lines(iter((data,)), "x", packed=False))
    assert events_of(read) == EVENTS[:2]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_as_the_events_that_it_holds(tmp_path: Path, form: str) -> None:
    data = FORMS[form](EVENTS)
    source = make(tmp_path, data)
    whole, error = text_of(source)
    assert error == ""
    assert events_of(whole) == EVENTS


@pytest.mark.slow
def test_all_forms_together_are_one_store(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, form in enumerate(FORMS):
        ending = list(PACKINGS)[number % len(PACKINGS)]
        (folder / f"{number:02}{ending}").write_bytes(PACKINGS[ending](FORMS[form](EVENTS)))
    done = read.ingest(tmp_path / "s.duckdb", [str(folder)])
    assert done.failures == ()
    assert len(done.sources) == len(FORMS)
    for state in done.sources:
        assert (state.name, state.lines) == (state.name, len(EVENTS))
        assert state.complete
    assert content(tmp_path / "s.duckdb") == expected(EVENTS)
    once = sources(tmp_path / "s.duckdb")
    for path in folder.iterdir():
        path.touch()
    read.ingest(tmp_path / "s.duckdb", [str(folder)])
    assert content(tmp_path / "s.duckdb") == expected(EVENTS)
    assert [r[3:] for _, r in sorted(sources(tmp_path / "s.duckdb")[0].items())] == [
        r[3:] for _, r in sorted(once[0].items())
    ]


@pytest.mark.parametrize("ending", PACKINGS)
@pytest.mark.parametrize("form", ["array in a line", "indented", "not apart", "UTF-16", "CR alone"])
def test_read_on_from_any_chunk_it_gives_the_rest(
    tmp_path: Path, form: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", 1500)
    monkeypatch.setattr(packing, "_READ", 700)
    monkeypatch.setattr(forms, "_HEAD", 900)
    source = make(tmp_path, FORMS[form](EVENTS), ending)
    chunks = list(source.chunks())
    whole = b"".join(chunk.data for chunk in chunks)
    assert events_of(whole) == EVENTS
    assert len(chunks) > 5
    for chunk in chunks[::3]:
        assert text_of(source, chunk.position) == (whole[chunk.position :], "")
    assert text_of(source, len(whole)) == (b"", "")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["array in a line", "not apart"])
@pytest.mark.parametrize("point", crash.QUICK)
def test_killed_while_it_reads_a_form_it_goes_on_to_the_same_store(
    tmp_path: Path, form: str, point: str
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(FORMS[form](mixed(110)))
    read.ingest(tmp_path / "whole", [str(path)])
    db = tmp_path / "killed"
    Writer(db).close()
    assert run(ingest_child.killed_at, db, path, point) == -signal.SIGKILL
    reached = sources(db)[0][str(path)][2]
    assert 0 < reached < path.stat().st_size
    read.ingest(db, [str(path)])
    assert (content(db), sources(db)) == (content(tmp_path / "whole"), sources(tmp_path / "whole"))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["array, one a line", "not apart"])
def test_a_file_of_a_form_that_grows_is_the_store_of_its_end(tmp_path: Path, form: str) -> None:
    path, db = tmp_path / "x.json", tmp_path / "s.duckdb"
    for many in (5, 20, 40):
        path.write_bytes(FORMS[form](EVENTS[:many]))
        (state,) = read.ingest(db, [str(path)]).sources
        assert (state.lines, state.complete) == (many, True)
        assert content(db) == expected(EVENTS[:many])


@pytest.mark.parametrize("form", ["array, one a line", "indented", "UTF-16", "CR alone"])
@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress]
)
def test_forms_are_read_through_a_pipe(
    form: str, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Piped(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    stream = io.TextIOWrapper(io.BufferedReader(Piped(pack(FORMS[form](EVENTS)))))
    monkeypatch.setattr(sys, "stdin", stream)
    whole, error = text_of(Pipe())
    assert error == ""
    assert events_of(whole) == EVENTS


@pytest.mark.parametrize("form", ["array in a line", "indented", "not apart", "UTF-16"])
def test_cut_anywhere_what_is_whole_is_kept_and_truncated_is_said_where_it_is(
    tmp_path: Path, form: str
) -> None:
    data = FORMS[form](EVENTS[:3])
    for end in range(40, len(data), 7):
        source = make(tmp_path, data[:end])
        whole, error = text_of(source)
        found = [json.loads(line) for line in whole.splitlines() if line.strip().endswith(b"}")]
        assert found == EVENTS[: len(found)]
        assert "truncated" in error or len(whole) >= end // 2 - 4
        if "truncated" in error:
            assert len(found) < 3


@pytest.mark.parametrize("ending", [".json.bz2", ".json.xz", ".json.zst"])
def test_a_compressed_file_cut_or_damaged_anywhere_keeps_what_came_before(
    tmp_path: Path, ending: str
) -> None:
    noise = random.Random(1)  # noqa: S311 - the same every time
    text = b"".join(b'{"n": "%s"}\n' % noise.randbytes(20).hex().encode() for _ in range(40))
    packed = PACKINGS[ending](text)
    path = tmp_path / f"x{ending}"
    for end in range(0, len(packed), max(len(packed) // 60, 1)):
        path.write_bytes(packed[:end])
        whole, error = text_of(FileSource(path))
        assert text.startswith(whole)
        assert "truncated" in error
        spoiled = bytearray(packed)
        spoiled[end] ^= 0x55
        path.write_bytes(spoiled)
        whole, error = text_of(FileSource(path))
        assert error or whole == text or ending == ".json.zst"


OTHERS: dict[str, Callable[[], bytes]] = {
    "zip archive": lambda: zipped(2000),
    "Parquet": lambda: b"PAR1" + bytes(200),
    "SQLite": lambda: b"SQLite format 3\0" + bytes(200),
    "DuckDB": lambda: bytes(8) + b"DUCK" + bytes(100),
    "tar archive": lambda: b"a.jsonl".ljust(257, b"\0") + b"ustar\x0000" + bytes(300),
    "lz4": lambda: b"\x04\x22\x4d\x18" + bytes(30),
    "web page": lambda: b"\n<!DOCTYPE html><html><body>{}</body></html>",
    "relay's frames": lambda: b"\xa2atg#commitbop\x01" + bytes(50),
    "jq -c '.events[]'": lambda: json.dumps({"events": EVENTS}, indent=1).encode(),
    "jq -r .data": lambda: b"".join(
        json.dumps({"type": "message", "data": line.decode()}).encode() + b"\n"
        for line in LINES.splitlines()
    ),
    "as texts between quotation marks; take them out: jq -r .": lambda: b"".join(
        json.dumps(line.decode()).encode() + b"\n" for line in LINES.splitlines()
    ),
    "jq -c .event": lambda: b"".join(
        json.dumps({"at": 1, "event": event}).encode() + b"\n" for event in EVENTS
    ),
    "before the JSON of each line, such as '< '": lambda: b"Connected (press CTRL+C)\n"
    + b"".join(b"< " + line + b"\n" for line in LINES.splitlines()),
    "before the JSON of each line, such as 'data: '": lambda: b"".join(
        b"data: " + line + b"\n\n" for line in LINES.splitlines()
    ),
    """'42["msg",' and ']'; cut it off: sed 's/^[^{]*//; s/[^}]*$//'""": lambda: b"0{}\n40\n"
    + b"".join(b'42["msg",' + line + b"]\r\n" for line in LINES.splitlines()),
    "such as '12:00 [INFO] ' and '(1 ms)'": lambda: b"started\n"
    + b"".join(b"12:00 [INFO] " + line + b" (1 ms)\n" for line in LINES.splitlines()),
}  # fmt: skip


def zipped(entries: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for k in range(entries):
            archive.writestr(f"{k}.jsonl", LINES[:100])
    return file.getvalue()


def test_an_archive_whose_ending_names_a_codec_is_named_and_not_to_be_renamed(
    tmp_path: Path,
) -> None:
    for ending, pack in ((".tgz", gzip.compress), (".TXZ", lzma.compress)):
        path = tmp_path / f"x{ending}"
        path.write_bytes(pack(OTHERS["tar archive"]()))
        _, error = text_of(FileSource(path))
        assert f"is a tar archive, and no lines of JSON; try: tar -xOf {path} |" in error


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("pack", [None, gzip.compress])
def test_what_is_no_json_is_named_with_the_way_out(
    tmp_path: Path, what: str, pack: Callable[[bytes], bytes] | None
) -> None:
    data = OTHERS[what]()
    path = tmp_path / "a b.jsonl"
    if pack:
        path, data = path.with_name("a b.jsonl.gz"), pack(data)
    path.write_bytes(data)
    whole, error = text_of(FileSource(path))
    assert whole == b""
    assert what in error
    assert "truncated" not in error
    assert "blueattr ingest -" not in error or f"'{path}'" in error


def test_events_within_some_lines_do_not_keep_the_others_out(tmp_path: Path) -> None:
    data = json.dumps({"event": EVENTS[0]}).encode() + b"\n" + LINES
    assert text_of(make(tmp_path, data)) == (data, "")


def test_what_is_compressed_twice_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(gzip.compress(LINES)))
    assert "compressed twice" in text_of(FileSource(path))[1]


@pytest.mark.parametrize(
    "first",
    [
        b'lo"}}\n',
        b'{"did": "x", "time\n',
        b'{"did": "x",\n',
        b'{"did": 1\n',
        b"text\n",
        b"\0\0\0\n",
    ],
)
def test_lines_whose_first_is_broken_are_lines(tmp_path: Path, first: bytes) -> None:
    whole, error = text_of(make(tmp_path, first + LINES))
    assert (whole, error) == (first + LINES, "")


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"PK",
        LINES + b"\0" * 5000,
        LINES + b"}",
        LINES + b'"',
        # A quotation mark lacks, somewhere before the last one, or at the end of an array.
        LINES + LINES.splitlines()[0].replace(b'"', b"", 1),
        b"[" + LINES.splitlines()[0].replace(b'"', b"", 1) + b"]",
        b'[{"did": "x", "text": "words}]\n',
        b"[1, 2",
        b"1",
        b"\xff\xfe",
    ],
)
def test_what_is_not_cut_is_not_called_truncated(tmp_path: Path, data: bytes) -> None:
    assert "truncated" not in text_of(make(tmp_path, data))[1]


# At the beginning, within and at the end of an array; each mark of an event once.
QUICK = {(0, 0), (4, 1), (8, 2), (0, 3), (4, -2), (8, -1)}


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("number", "mark"),
    [
        pytest.param(number, mark, marks=() if (number, mark) in QUICK else pytest.mark.slow)
        for number in (0, 4, 8)
        for mark in (0, 1, 2, 3, -2, -1)
    ],
)
def test_what_lacks_a_quotation_mark_in_an_array_is_rejected_and_nothing_else(
    tmp_path: Path, number: int, mark: int
) -> None:
    texts = [json.dumps(event) for event in EVENTS[:9]]
    place = [found.start() for found in re.finditer(r'(?<!\\)"', texts[number])][mark]
    texts[number] = texts[number][:place] + texts[number][place + 1 :]
    path = tmp_path / "events.json"
    path.write_text(f"[{', '.join(texts)}]")
    done = read.ingest(tmp_path / "s.duckdb", [str(path)])
    assert done.failures == ()
    (state,) = done.sources
    assert (state.lines, state.rejected["not JSON"]) == (9, 1)
    assert state.complete
    assert content(tmp_path / "s.duckdb") == expected(EVENTS[:number] + EVENTS[number + 1 : 9])


@law(50, suppress=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(data)
    _, error = text_of(FileSource(path))
    assert error == "" or error.startswith(str(path))


# --- hostile -------------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """A beginning, and then the same bytes for a long time, from a pipe."""

    def __init__(self, begin: bytes, again: bytes, size: int) -> None:
        self.begin, self.again, self.left = begin, again, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self.begin or (self.again * (len(buffer) // len(self.again)))[: self.left]
        data = data[: len(buffer)]
        self.begin = self.begin[len(data) :]
        self.left -= len(data)
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begin", "again", "kept"),
    [
        (b"[", b'{"a":1},', True),
        (b'{"a":\n', b'{"b":1,"a":', False),
        (b'[{"a":"', b"xxxxxxxx", False),
        (b"[", b"[", False),
        (b"", b"\0", False),
    ],
)
def test_memory_is_bounded_whatever_comes(
    begin: bytes, again: bytes, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tracemalloc  # noqa: PLC0415 - slows down all that follows

    endless: Any = Endless(begin, again, 300 << 20)
    stream = io.BufferedReader(endless, 1 << 20)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
    tracemalloc.start()
    try:
        size = sum(len(chunk.data) for chunk in Pipe().chunks())
        _, peak = tracemalloc.get_traced_memory()
    except InputError:
        _, peak = tracemalloc.get_traced_memory()
        size = 0
    finally:
        tracemalloc.stop()
    assert peak < 130 << 20
    assert not kept or size > 250 << 20


@pytest.mark.slow
def test_a_bomb_of_xz_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.xz"
    path.write_bytes(lzma.compress(b"\0" * (64 << 20)))
    assert path.stat().st_size < 20_000
    total = 0
    for chunk in FileSource(path).chunks():
        total += len(chunk.data)
        assert len(chunk.data) < 40 << 20
    assert total == 64 << 20
    needs_more = FileSource(path, window=1 << 20)
    assert "more memory than the 1 MiB" in text_of(needs_more)[1]
    assert "xz -dc FILE > NEW" in text_of(needs_more)[1]


# --- zstd ----------------------------------------------------------------------------------------


def frame(data: bytes, window_log: int, *, checksum: bool = False) -> bytes:
    """Write a zstd frame of raw blocks, for a window of 2**window_log bytes."""
    out = b"\x28\xb5\x2f\xfd" + bytes([4 * checksum, (window_log - 10) << 3])
    blocks = [data[k : k + 1000] for k in range(0, len(data), 1000)] or [b""]
    for k, block in enumerate(blocks):
        out += (len(block) << 3 | (k == len(blocks) - 1)).to_bytes(3, "little") + block
    return out


@pytest.mark.parametrize("before", [b"", zstandard.compress(LINES)], ids=["first", "second"])
def test_a_refused_file_of_zstd_is_not_held_for_ever(before: bytes) -> None:
    # What the library's reader holds is never collected, nor is what a traceback leads to: were
    # that the store, its engine would complain at the end of the process.
    file = io.BytesIO(before + frame(LINES, 27))
    held = weakref.ref(file)
    with pytest.raises(InputError, match="a window of 128 MiB"):
        list(packing.pieces(file, "x", "zstd", 1 << 20))
    del file
    gc.collect()
    assert held() is None


@pytest.mark.parametrize("window_log", [10, 17, 27, 28, 30, 31])
def test_windows_of_zstd_are_read_up_to_two_gibibytes(tmp_path: Path, window_log: int) -> None:
    path = tmp_path / "x.jsonl.zst"
    for data in (frame(LINES, window_log), zstandard.compress(b"") + frame(LINES, window_log) * 2):
        path.write_bytes(data)
        whole, error = text_of(FileSource(path))
        assert error == ""
        assert whole in (LINES, LINES * 2)


def test_a_window_that_needs_more_memory_is_said_with_its_size(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(zstandard.compress(LINES) + frame(LINES, 31))
    whole, error = text_of(FileSource(path, window=512 << 20))
    assert whole == LINES
    assert "a window of 2 GiB" in error
    assert "more memory than the 512 MiB" in error
    assert "--memory-limit" in error
    assert "zstd -dc --long=31 FILE > NEW" in error
    assert "damaged" not in error


def test_a_window_that_no_memory_helps_with_is_said_to_be_too_large(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(zstandard.compress(LINES) + frame(LINES, 41))
    whole, error = text_of(FileSource(path))
    assert whole == LINES
    assert "its window of 2,048 GiB is more than the 2 GiB that zstd allows" in error
    assert "--memory-limit" not in error


@pytest.mark.parametrize(
    "make_frame",
    [
        zstandard.compress,
        lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
        lambda data: zstandard.ZstdCompressor(write_content_size=False).compress(data),
        lambda data: zstandard.ZstdCompressor(level=19, threads=2).compress(data),
        lambda data: frame(data, 20),
    ],
)
def test_frames_of_each_kind_are_followed_to_their_end(
    tmp_path: Path, make_frame: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "x.jsonl.zst"
    skippable = b"\x53\x2a\x4d\x18\x05\0\0\0abcde"
    packed = skippable + make_frame(LINES) + skippable + make_frame(b"") + make_frame(LINES)
    path.write_bytes(packed)
    assert text_of(FileSource(path)) == (LINES * 2, "")
    # Where frames end the file is whole, elsewhere it is not.
    ends = {
        len(skippable),
        len(skippable + make_frame(LINES)),
        len(packed) - len(make_frame(LINES)),
    }
    ends.add(len(skippable + make_frame(LINES) + skippable))
    for end in {*range(1, len(packed), max(len(packed) // 50, 1)), *(e - 1 for e in ends), *ends}:
        path.write_bytes(packed[:end])
        _, error = text_of(FileSource(path))
        assert ("truncated" in error) == (end not in ends), end


def test_a_dictionary_that_is_missing_is_said(tmp_path: Path) -> None:
    dictionary = zstandard.train_dictionary(2000, [LINES[k : k + 300] for k in range(0, 6000, 100)])
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(zstandard.ZstdCompressor(dict_data=dictionary).compress(LINES))
    whole, error = text_of(FileSource(path))
    assert whole == b""
    assert f"dictionary (number {dictionary.dict_id()})" in error
    assert "zstd -dc -D DICTIONARY FILE > NEW" in error
