"""A TOML file: what is refused, and that positions cost one pass."""

import time
from pathlib import Path

import pytest

from blueattr.errors import BlueattrError, InputError, UsageError
from blueattr.panel import bots, topics
from blueattr.runs.settings import Document
from blueattr.toml_file import TomlFile

DEEP = {
    "lists": "x = " + "[" * 20_000 + "]" * 20_000,
    "tables": "x = " + "{a = " * 20_000 + "1" + "}" * 20_000,
    # The time that tomllib takes for these grows with their square.
    "dotted keys": ".".join(["a"] * 2_000) + " = 1",
    "a header": "[" + ".".join(["a"] * 2_000) + "]",
}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name, marks=[pytest.mark.slow] if name == "dotted keys" else [])
        for name, text in DEEP.items()
    ],
)
def test_deep_nesting_is_refused_by_each_reader_and_ends_in_no_traceback(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "deep.toml"
    path.write_text(text)
    for read in (topics.load, bots.bot_rules, Document):
        with pytest.raises(BlueattrError, match=r"deep\.toml: its tables or lists") as no:
            read(path)
        assert type(no.value) is (UsageError if read is Document else InputError)


def test_what_is_not_too_deep_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text("x = " + "[" * 60 + "]" * 60)
    file = TomlFile(path, "the test")
    assert file.line(("x", *[0] * 59)) == 1


def test_a_number_with_too_many_digits_is_told_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text("x = " + "1" * 5000)
    with pytest.raises(InputError, match=r"long\.toml:1: a number has too many digits"):
        TomlFile(path, "the test")


def test_lines_are_found_where_tables_nest_and_repeat(tmp_path: Path) -> None:
    path = tmp_path / "lines.toml"
    path.write_text(
        "top = 1\n[[a]]\nx = 1\n[a.b]\ny = [\n  1,\n]\n[[a.c]]\nz = 1\n[[a]]\n# x\nx = 2\n"
        '[[a.c]]\nz = 2\n[[a.c]]\nz = """\n"""""\nlast = { k = [\'}\'] } # }\n'
    )
    file = TomlFile(path, "the test")
    wanted = {
        ("top",): 1, ("a", 0): 2, ("a", 0, "x"): 3, ("a", 0, "b"): 4, ("a", 0, "b", "y"): 5,
        ("a", 0, "c", 0): 8, ("a", 0, "c", 0, "z"): 9, ("a", 1): 10, ("a", 1, "x"): 12,
        ("a", 1, "c", 0, "z"): 14, ("a", 1, "c", 1): 15, ("a", 1, "c", 1, "z"): 16,
        ("a", 1, "c", 1, "last", "k"): 18, ("a", 1, "none"): 10, ("none",): 1,
    }  # fmt: skip
    assert {place: file.line(place) for place in wanted} == wanted


def test_positions_in_a_long_file_are_found_in_one_pass(tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text("".join(f"key{k} = {k}\n" for k in range(10_000)))
    began = time.process_time()
    assert TomlFile(path, "the test").line(("key9999",)) == 10_000
    # To parse the file anew for each line takes minutes.
    assert time.process_time() - began < 5
