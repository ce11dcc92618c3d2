"""Tables of others: what can be read is read, and of what cannot the culprit is named."""

import json
import os
import threading
import uuid
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.analysis.features import load_features
from blueattr.analysis.tables.files import read_features
from blueattr.attribution.attribute import attribute
from blueattr.attribution.inputs import check_features
from blueattr.attribution.large import streaming
from blueattr.errors import BlueattrError, FeatureError, InputError

HEADER = ["agent", "a", "b", "c", "followers"]
ROWS = [[f"agent{k}", str(k + 1), str(k + 2), str(k % 3 + 1), str(3 * k)] for k in range(8)]
ADVICE = ("Consider", "infer_schema", "dtype", "schema", "truncate_ragged", "Traceback", "polars")


def text(rows: list[list[str]] | None = None, separator: str = ",", end: str = "\n") -> str:
    return "".join(separator.join(row) + end for row in [HEADER, *(ROWS if rows is None else rows)])


def with_cell(cell: str, column: int = 1, row: int = 5) -> list[list[str]]:
    rows = [[*one] for one in ROWS]
    rows[row][column] = cell
    return rows


EXPECTED = [(name, *(float(x) for x in numbers)) for name, *numbers in ROWS]


def rows_of(path: Path, columns: dict[str, str] | None = None) -> list[tuple[Any, ...]]:
    frame, _ = read_features(path, columns)
    return [(name, *map(float, numbers)) for name, *numbers in frame.select(HEADER).rows()]


def refused(path: Path) -> str:
    """Return the one sentence with which a file is refused."""
    with pytest.raises(BlueattrError) as raised:
        check_features(read_features(path)[0])
    said = str(raised.value)
    assert raised.value.exit_code == 3
    assert len(said.splitlines()) == 1
    assert not [word for word in ADVICE if word in said]
    return said


# --- the bad cell, and never its neighbours -------------------------------------------------------

BAD_CELLS = {
    "NA": "'NA', which is not a number", "#N/A": "'#N/A', which is not a number",
    "many": "'many', which is not a number", "TRUE": "'TRUE', which is not a number",
    "2026-05-01": "'2026-05-01', which is not a number", "5 %": "'5 %', which is not a number",
    '"1,5"': "'1,5', which is not a number", "[1 2]": "'[1 2]', which is not a number",
    "0x10": "'0x10', which is not a number", "1_000": "'1_000', which is not a number",
    "NaN": "NaN, not a finite number", "inf": "inf, not a finite number",
    "-Inf": "-Inf, not a finite number", "1e400": "1e400, not a finite number",
    "-3": "-3, less than 0", "1e-100": "1e-100, outside the range", "": None, "  ": None,
    '"1,234"': "'1,234', whose comma may be of decimals or of thousands",
}  # fmt: skip


@pytest.mark.parametrize(("cell", "column"), list(product(BAD_CELLS, (1, 3, 4))))
def test_a_bad_cell_of_a_text_is_named_with_its_line(
    cell: str, column: int, tmp_path: Path
) -> None:
    if cell == "1e-100" and column == 4:  # of followers there may be as few
        return
    path = tmp_path / "f.csv"
    path.write_text("\n" * 2 + text(with_cell(cell, column)).replace("agent6", "\n,,,,\nagent6"))
    says = BAD_CELLS[cell]
    what = "has no value" if says is None else f"is {says}"
    said = refused(path)
    assert said.startswith(f"agent 'agent5': column '{HEADER[column]}' {what}")
    assert said.endswith("(line 9)")


@pytest.mark.parametrize("cell", [".", "..", "-.", "2.5", "1.5e3", "NA"])
def test_among_decimal_commas_the_cell_without_one_is_the_bad_one(
    cell: str, tmp_path: Path
) -> None:
    path = tmp_path / "f.csv"
    path.write_text(text([[*row[:1], f"{row[1]},5", *row[2:]] for row in with_cell(cell, 2)], ";"))
    said = f"agent 'agent5': column 'b' is '{cell}', which is not a number (line 7)"
    if "5" in cell:
        said = f"agent 'agent5': column 'b' is {cell}, which spells a number in another way than "
        said += "most cells do (line 7)"
    assert refused(path) == said


@pytest.mark.parametrize("kind", ["arrow", "parquet", "json", "jsonl", "frame", "chunks"])
@pytest.mark.parametrize("cell", ["NA", "many", "1,5", "inf", "1e400", "-3", None, "2026-05-01"])
def test_a_bad_cell_among_texts_is_named_with_its_row(
    kind: str, cell: str | None, tmp_path: Path
) -> None:
    frame = pl.DataFrame(with_cell("0"), schema=HEADER, orient="row")
    cells = [*frame["a"]]
    cells[5] = cell
    frame = frame.with_columns(a=pl.Series(cells, dtype=pl.String))

    def read() -> None:
        if kind == "frame":
            load_features(frame)
        elif kind == "chunks":
            frame.write_parquet(tmp_path / "f.parquet")
            streaming.attribute_file(tmp_path / "f.parquet")
        else:
            write: Any = {"arrow": frame.write_ipc, "parquet": frame.write_parquet,
                     "json": frame.write_json, "jsonl": frame.write_ndjson}[kind]  # fmt: skip
            write(tmp_path / f"f.{kind}")
            read_features(tmp_path / f"f.{kind}")

    with pytest.raises(FeatureError) as raised:
        read()
    said = str(raised.value)
    assert said.startswith("agent 'agent5': column 'a'")
    assert "has no value" in said if cell is None else cell in said
    assert said.endswith("(row 6)")


JSON_CELLS = {
    "true": "'True'", "NaN": "NaN", "1e400": "1e400", "-Infinity": "-Infinity", "[1]": "'[1]'",
    '{"x":1}': "{'x': 1}", '"many"': "'many'", "null": "no value",
}  # fmt: skip


@pytest.mark.parametrize("cell", JSON_CELLS)
@pytest.mark.parametrize("name", ["f.json", "f.jsonl"])
def test_a_bad_cell_of_json_is_named_with_its_row(cell: str, name: str, tmp_path: Path) -> None:
    good = '{"agent":"x","a":1,"b":2,"c":3}'
    lines = [good, good.replace("x", "y").replace("1", cell, 1), good.replace("x", "z")]
    joined = "[" + ",".join(lines) + "]" if name == "f.json" else "\n\n".join(lines)
    (tmp_path / name).write_text(joined)
    said = refused(tmp_path / name)
    assert said.startswith("agent 'y': column 'a'")
    assert JSON_CELLS[cell] in said
    assert said.endswith("(row 2)")


def test_a_cell_far_down_is_found_by_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    many = "".join(f'"x{k}",1,1,1,"two\nlines"\n' for k in range(30_000))
    path.write_text("agent,a,b,c,note\n" + many + "y,1,NA,1,\n")
    assert refused(path) == "agent 'y': column 'b' is 'NA', which is not a number (line 60002)"


# --- columns --------------------------------------------------------------------------------------

TWICE = {
    "a": "the column 'a' occurs twice", "agent": "the column 'agent' occurs twice",
    "z": "the column 'z' occurs twice", "A": "the columns 'a' and 'A' could each be a",
    "Agent": "the columns 'agent' and 'Agent' could each be agent",
    " b ": "the column 'b' occurs twice",
}  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize(
    "kind", ["csv", "tsv", "parquet", "chunks", "arrow", "json", "jsonl", "table"]
)
def test_a_column_that_occurs_twice_is_refused_on_every_way(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [*HEADER[:4], "z", name]
    table = pa.table([pa.array(["x"]), *[pa.array([1])] * 5], names=names)
    path = tmp_path / f"f.{'parquet' if kind == 'chunks' else kind}"
    says = TWICE[name]
    match kind:
        case "csv" | "tsv":
            mark = "," if kind == "csv" else "\t"
            path.write_text(mark.join(names) + "\n" + mark.join("x11111") + "\n")
        case "parquet" | "chunks":
            pq.write_table(table, path)
        case "arrow":
            with pa.ipc.new_file(path, table.schema) as file:
                file.write_table(table)
        case "json" | "jsonl":
            pairs = ",".join(f"{json.dumps(key)}:1" for key in names)
            path.write_text(f"[{{{pairs}}}]" if kind == "json" else f"{{{pairs}}}\n")
        case _:
            path = tmp_path
    if name == " b " and kind not in {"csv", "tsv"}:
        says = "the columns 'b' and ' b ' could each be b"
    read: dict[str, Any] = {
        "table": lambda: load_features(table),
        "chunks": lambda: streaming.attribute_file(path),
    }
    with pytest.raises(FeatureError, match=says):
        read.get(kind, lambda: read_features(path))()


def test_names_of_columns_may_differ_in_case_and_white_space(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(" Agent ,A, B ,c,Followers,,\n" + text().partition("\n")[2])
    assert rows_of(path) == EXPECTED
    path.write_text(text().replace("agent,a,", "agent,x,a,").replace("followers", "A") + "\n")
    frame, _ = read_features(path, {"a": "x"})
    assert frame["a"].to_list() == [float(row[1]) for row in ROWS]


# --- forms of text --------------------------------------------------------------------------------

NETLOGO = (
    '"BehaviorSpace results (NetLogo 6.4)"\r\n"m.nlogo"\r\n"exp"\r\n"05/01/2026 10:00:00:000"\r\n'
    '"min-pxcor","max-pxcor","min-pycor","max-pycor"\r\n"-16","16","-16","16"\r\n'
)


def quoted(rows: list[list[str]]) -> str:
    return "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in [HEADER, *rows])


FORMS: dict[str, bytes] = {
    "blank lines": ("\n\n" + text(end="\n\n") + "\n   \n").encode(),
    "empty rows": (text() + ",,,,\n , ,,,\n\n").encode(),
    "trailing separators": text(end=",,\n").encode(),
    "trailing space": text(end="  \n").encode(),
    "spaces around": text(separator=" , ").encode(),
    "windows": text(end="\r\n").encode(),
    "old macintosh": text(end="\r").encode(),
    "byte order mark": b"\xef\xbb\xbf" + text().encode(),
    "utf-16": text(separator="\t").encode("utf-16"),
    "utf-16 without mark": text().encode("utf-16-le"),
    "utf-16 big": text().encode("utf-16-be"),
    "utf-32": text().encode("utf-32"),
    "semicolons": text(separator=";").encode(),
    "bars": text(separator="|").encode(),
    "excel": b"sep=;\r\n" + text(separator=";", end="\r\n").encode(),
    "numpy": b"# " + text().encode(),
    "quoted": quoted(ROWS).encode(),
    "netlogo": (NETLOGO + quoted(ROWS)).encode(),
    "decimal comma": text(
        [[name, *(f"{n},0" for n in rest)] for name, *rest in ROWS], ";"
    ).encode(),
    "many columns": "".join(
        ",".join([*row, *(f"{start}{k}" for k in range(15_000))]) + "\n"
        for row, start in [(HEADER, "v"), *((row, "") for row in ROWS)]
    ).encode(),
    "lines in the header": text(end=",x\n").replace(",x", ',"two\nlines"', 1).encode(),
    "a quotation mark before the header": ('a 5" pipe\n' + text()).encode(),
    "no last end": text().rstrip("\n").encode(),
    "quoted with spaces": text().replace("agent3,", '"agent3" , ').encode(),
}


@pytest.mark.parametrize("width", [2, 3, 4, 6])
def test_a_preamble_of_another_or_the_same_width_is_not_blamed_for_a_lack_of_columns(
    width: int, tmp_path: Path
) -> None:
    path = tmp_path / "f.csv"
    preamble = NETLOGO.rsplit("\r\n", 3)[0] + "\r\n"
    for line in ([f"min{k}" for k in range(width)], ["16"] * width):
        preamble += ",".join(f'"{cell}"' for cell in line) + "\r\n"
    table = '"[run number]","density","[step]","who"\r\n' + '"1","57","0","4"\r\n' * 3
    path.write_text(preamble + table)
    with pytest.raises(FeatureError, match=r"they have '\[run number\]', 'density'"):
        read_features(path, {})


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_the_same_in_whatever_form_of_text(form: str, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(FORMS[form])
    assert rows_of(path) == EXPECTED


def test_what_is_passed_over_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "f.csv"
    path.write_text(NETLOGO.replace("\r", "") + text() + "\n,,,,\n")
    _, origin = load_features(path)
    assert origin.notes[-2:] == (
        "6 lines before the header were passed over.",
        "2 empty lines were passed over.",
    )
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: 6 lines before the header were passed over",
        f"{path}: 2 empty lines were passed over",
    ]


NUMBERS: dict[tuple[str, ...], tuple[str, list[float]]] = {
    # cells of one column, the separator, and what they are
    ("0,5", "2", "1.234,5"): (";", [0.5, 2, 1234.5]),
    ("0,5", "1.500", "2"): (";", [0.5, 1500, 2]),
    ("1.500", "2", "3.25"): (";", [1.5, 2, 3.25]),
    ("1.500", "2", "0.125"): (";", [1.5, 2, 0.125]),
    ("1.500", "2", "3"): (",", [1.5, 2, 3]),
    ("1.500", "2", "3.500.000"): (";", [1500, 2, 3_500_000]),
    ('"1,500,000"', "2", '"2,000"'): (",", [1_500_000, 2, 2000]),
    ('"1,500.5"', "2", '"2,000"'): (",", [1500.5, 2, 2000]),
    ("1.500.000", "2.000", "3"): (";", [1_500_000, 2000, 3]),
    ("1 500", "2\u00a0000", "3\u202f000,5"): (";", [1500, 2000, 3000.5]),
    ("1'500", "2\u2019000", "3"): (",", [1500, 2000, 3]),
    ("1,5e3", "2", "3"): (";", [1500, 2, 3]),
    ("+1", "2.", ".5"): (",", [1, 2, 0.5]),
    ("007", "1e2", "1E2"): (",", [7, 100, 100]),
}


@pytest.mark.parametrize("cells", NUMBERS)
def test_numbers_are_read_however_they_are_spelled(cells: tuple[str, ...], tmp_path: Path) -> None:
    separator, expected = NUMBERS[cells]
    path = tmp_path / "f.csv"
    rows = [[f"x{k}", "1", cell, "1", "1"] for k, cell in enumerate(cells)]
    path.write_text(text(rows, separator), encoding="utf-8")
    assert [row[2] for row in rows_of(path)] == expected


@given(
    numbers=st.lists(st.floats(0, 1e9).map(lambda x: round(x, 3)), min_size=2, max_size=6),
    style=st.sampled_from([",", ".", "'", " "]),
    comma=st.booleans(),
)
def test_numbers_with_separators_are_what_they_were_or_refused(
    numbers: list[float], style: str, comma: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Never another number: what can be read in two ways is refused.
    mark = "," if comma else "."
    if style == mark:
        style = " "
    cells = [f"{n:,}".replace(",", "_").replace(".", mark).replace("_", style) for n in numbers]
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    rows = [[f"x{k}", "1", "1", "1", cell] for k, cell in enumerate(cells)]
    path.write_text(text(rows, ";"))
    seen, why = numbers, "may be of decimals or of thousands"
    try:
        seen = [row[-1] for row in rows_of(path)]
    except FeatureError as error:
        why = str(error)
    assert seen == numbers
    assert "may be of decimals or of thousands" in why


def test_a_text_that_is_none_is_refused_in_a_sentence(tmp_path: Path) -> None:
    bad = {
        text() + "x,1,2,3,4,5\n": "line 10 has 6 values, and the header has 5",
        text() + 'x,1,2,3,"4\ny,1,2,3,4\n': "a quotation mark in line 10 is not closed",
        text().replace("agent2", ""): "line 4 has no agent",
        text().replace("followers", "f").replace("a,", "q,", 1): "features have no column a; they",
        NETLOGO + "agent,a,b\nx,1,2\n": "no column c; they have 'agent', 'a', 'b'",
        "\n \n": "it is empty",
        text(
            [["x", "1,500", "1", "1", "1"]], ";"
        ): "whose comma may be of decimals or of thousands",
        text(
            [["x", "1.001", "1", "1", "1"], ["y", "2", "3", "4", "5"]], ";"
        ): "agent 'x': column 'a' is 1.001, whose point may be",
        text(
            [["x", "1.001", "1", "1", "1"]], ";"
        ): "whose point may be of decimals or of thousands",
        "ann,1,2,3,10\nbea,4,5,6,20\n": "it has no header: line 1 has numbers",
        "ann;1,5;2;3;10\n": "it has no header: line 1 has numbers",
        '[{"did": "x", "a": 1, "b": 2, "c": 3}]': "it is JSON: its name should end in .json",
        '[\n  {\n "did": "x", "a": 1}\n]': "it is JSON: its name should end in .json",
        '{"did": "x", "a": 1, "b": 2, "c": 3}\n': "it is JSON: its name should end in .json",
    }
    path = tmp_path / "f.csv"
    for content, says in bad.items():
        path.write_text(content)
        assert says in refused(path), content
    for data in (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0", b"PAR1\x15\x04", b"\x1f\x8b\x08\0abc"):
        path.write_bytes(data)
        assert refused(path).endswith("no text in spite of its name")
    path.write_bytes(text().encode() + "é,1,2,3,4\n".encode("latin-1"))
    assert refused(path).endswith("line 10 is not text in UTF-8")


# --- names of agents ------------------------------------------------------------------------------

IDS = [uuid.UUID(int=k + (1 << 127)) for k in range(3)]
NAMES: dict[str, tuple[pa.Array, list[str]]] = {
    "dictionary": (pa.array(["x", "y", "z"]).dictionary_encode(), ["x", "y", "z"]),
    "large": (pa.array(["x", "y", "z"], pa.large_string()), ["x", "y", "z"]),
    "view": (pa.array(["x", "y", "z"]).cast(pa.string_view()), ["x", "y", "z"]),
    "bytes": (pa.array([b"x", b"y", "é".encode()]), ["x", "y", "é"]),
    "other bytes": (pa.array([b"\xff", b"y", b"\x00"]), ["ff", "y", "00"]),
    "uuid": (
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([i.bytes for i in IDS], pa.binary(16))),
        [str(i) for i in IDS],
    ),
    "numbers": (pa.array([1, 2, 3], pa.uint64()), ["1", "2", "3"]),
    "whole floats": (pa.array([1.0, 2.0, 3.0]), ["1", "2", "3"]),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_agents_in_any_type_are_names(kind: str, tmp_path: Path) -> None:
    names, expected = NAMES[kind]
    columns = {"agent": names, "a": pa.array([1, 2, 3]), "b": pa.array([3, 2, 1])}
    table = pa.table({**columns, "c": pa.array([1, 1, 1]), "list": pa.array([[1], [2], []])})
    path = tmp_path / "f.parquet"
    pq.write_table(table, path, row_group_size=2)
    assert load_features(table)[0]["agent"].to_list() == expected
    assert read_features(path)[0]["agent"].to_list() == expected
    whole = attribute(read_features(path)[0], "lin")
    (chunks,) = streaming.attribute_file(path, ["lin"], top=3)
    assert set(whole.agents["did"]) == set(chunks.agents["did"]) == set(expected)


def test_a_kind_of_column_that_is_not_known_is_said(tmp_path: Path) -> None:
    ends = pa.RunEndEncodedArray.from_arrays([1, 2], pa.array(["x", "y"]))
    table = pa.table({"agent": ends, "a": [1, 2], "b": [1, 2], "c": [1, 2]})
    path = tmp_path / "f.arrow"
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    assert refused(path).endswith("it has a column of a kind that is not known")
    assert attribute(table).n_agents == 2


# --- other files ----------------------------------------------------------------------------------

DOCUMENTS = {
    "rows": '[{"agent":"x","a":1,"b":2,"c":3},{"agent":"y","a":2.5,"b":2,"c":3}]',
    "named": '{"agents":[{"agent":"x","a":1,"b":2,"c":3},{"agent":"y","a":2.5,"b":2,"c":3}]}',
    "columns": '{"agent":["x","y"],"a":[1,2.5],"b":[2,2],"c":[3,3]}',
    "pandas": '{"agent":{"0":"x","1":"y"},"a":{"0":1,"1":2.5},"b":{"0":2,"1":2},"c":{"0":3,"1":3}}',
    "lines": '{"agent":"x","a":1,"b":2,"c":3}\n{"agent":"y","a":2.5,"b":2,"c":3}\n',
    "nested": '[{"agent":"x","a":1,"b":2,"c":3,"d":{"a":1}},{"agent":"y","a":2.5,"b":2,"c":3}]',
}


@pytest.mark.parametrize("form", DOCUMENTS)
def test_a_table_is_the_same_in_whatever_form_of_json(form: str, tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(DOCUMENTS[form])
    frame, _ = read_features(path)
    assert frame.select("agent", "a", "b", "c").rows() == [("x", 1, 2, 3), ("y", 2.5, 2, 3)]
    path.write_bytes(b"\xef\xbb\xbf" + DOCUMENTS[form].encode())
    assert read_features(path)[0].height == 2


def test_a_document_that_is_no_table_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    for content in ("", "3", "[1, 2]", "{oops", "[" * 100_000, '[{"a":' + "9" * 5000 + "}]"):
        path.write_text(content)
        assert refused(path).startswith(f"cannot read the features in {path}: ")


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_text(text()))
    writer.start()
    assert rows_of(path) == EXPECTED
    writer.join()


def test_a_file_that_cannot_be_read_names_itself(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: No such file"):
        read_features(tmp_path / "none.csv")
