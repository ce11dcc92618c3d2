"""A panel in several files: a folder or a pattern of Parquet, and everything wrong with one."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import blueattr
from blueattr.analysis.tables.files import read_features, synthetic_label
from blueattr.attribution.attribute import attribute
from blueattr.attribution.inputs import Panel
from blueattr.attribution.large import chunks, external_sort, streaming
from blueattr.attribution.large.parts import parts_of, would_be_part
from blueattr.attribution.sampling import Sampler
from blueattr.errors import EmptyPanelError, FeatureError, InputError
from support.effort import law


def panel(n: int = 60, start: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(start)
    names = [f"did:{k:04d}" for k in range(start, start + n)]
    features = {name: rng.integers(0, 9, n).astype(float) for name in "abc"}
    return pl.DataFrame({"did": names, **features, "followers": rng.integers(0, 50, n)})


def write(folder: Path, **frames: pl.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


@pytest.fixture
def whole(tmp_path: Path) -> tuple[Path, pl.DataFrame]:
    """A panel in a folder of three files, and in memory."""
    frame = panel()
    parts = {"p2": frame[:20], "p10": frame[20:45], "p1": frame[45:]}
    return write(tmp_path / "panel", **parts), frame


def test_a_folder_and_a_pattern_are_the_panel_that_the_files_make(
    whole: tuple[Path, pl.DataFrame], tmp_path: Path
) -> None:
    folder, frame = whole
    expected = blueattr.attribute(frame, indicator="gini")
    for path in (folder, folder / "*.parquet", folder / "p?*.parquet", tmp_path / "**/*.parquet"):
        read, notes = read_features(path)
        assert read.sort("did").equals(frame)
        assert "3 files" in notes[0]
        assert "p1.parquet to " in notes[0]
        result = blueattr.attribute(str(path), indicator="gini")
        assert (result.total, result.tiers) == (expected.total, expected.tiers)
        assert result.provenance.source == str(path)
        assert any("3 files" in note for note in result.provenance.notes)


def test_numbers_in_names_are_in_order_of_their_value(whole: tuple[Path, pl.DataFrame]) -> None:
    folder, _ = whole
    names = [path.name for path in parts_of(folder)]
    assert names == ["p1.parquet", "p2.parquet", "p10.parquet"]
    assert parts_of(folder / "*.parquet") == parts_of(folder)


def test_what_writers_leave_beside_the_parts_is_none(whole: tuple[Path, pl.DataFrame]) -> None:
    folder, frame = whole
    for name in (
        "_SUCCESS",
        "_metadata.parquet",
        ".p1.parquet.crc",
        ".hidden.parquet",
        "README.md",
    ):
        (folder / name).write_text("no panel")
    (folder / "deeper.parquet").mkdir()
    assert read_features(folder)[0].height == frame.height
    (folder / "p1.parquet").unlink()
    (folder / "p1.parquet").symlink_to(folder / "gone.parquet")
    with pytest.raises(InputError, match=r"p1\.parquet"):
        read_features(folder)


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "panel[1]*.parquet"
    panel().write_parquet(path)
    panel(9, 500).write_parquet(tmp_path / "panel1.parquet")
    assert parts_of(path) == (path,)
    assert read_features(path)[0].height == 60


HOSTILE: dict[str, tuple[Callable[[Path], object], str, type[Exception], str]] = {
    "nothing matches": (lambda _: None, "x*.parquet", InputError, "no file match"),
    "only folders match": (
        lambda f: (f / "xx").mkdir(), "x*", InputError, "only folders match",
    ),
    "an empty folder": (lambda f: (f / "e").mkdir(), "e", InputError, "has no file that ends in"),
    "parts in folders of the folder": (
        lambda f: write(write(f / "e") / "day=1", x=panel()), "e", InputError,
        r"e/\*\*/\*.parquet' reads those",
    ),
    "text among the files": (
        lambda f: (f / "p3.csv").write_text("did,a,b,c"), "p*", InputError, "p3.csv matches, too",
    ),
    "a file of no bytes": (
        lambda f: (f / "p3.parquet").write_bytes(b""), "p*.parquet", InputError,
        "p3.parquet: it is damaged",
    ),
    "a column is missing": (
        lambda f: panel(5, 100).drop("c").write_parquet(f / "p3.parquet"), "p*.parquet",
        FeatureError, r"p3.parquet has no column c, and \S*p1.parquet has",
    ),
    "followers in one alone": (
        lambda f: panel(5, 100).drop("followers").write_parquet(f / "p3.parquet"), "p*.parquet",
        FeatureError, "p3.parquet has no column followers",
    ),
    "an agent twice": (
        lambda f: panel(5, 18).write_parquet(f / "p3.parquet"), "p*.parquet", FeatureError,
        "did:0018' occurs more than once",
    ),
    "a bad number": (
        lambda f: panel(5, 100).with_columns(b=-1.0).write_parquet(f / "p3.parquet"),
        "p*.parquet", FeatureError, r"column 'b' is -1.0, less than 0 \(row 1 of \S*p3.parquet",
    ),
}  # fmt: skip


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_wrong_with_parts_is_said_with_the_file(
    case: str, large: bool, whole: tuple[Path, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, pattern, error, hint = HOSTILE[case]
    folder, _ = whole
    make(folder)
    if large:
        monkeypatch.setattr(streaming, "STREAM_FROM", 1)
    with pytest.raises(error, match=hint):
        blueattr.attribute(str(folder / pattern))


def test_an_agent_of_two_parts_is_named_with_both(whole: tuple[Path, pl.DataFrame]) -> None:
    folder, _ = whole
    panel(5, 41).write_parquet(folder / "p3.parquet")
    said = r"'did:0045' occurs more than once, in \S*p1.parquet and \S*p3.parquet; so do 4 more"
    with pytest.raises(FeatureError, match=said):
        read_features(folder)


def test_files_without_rows_add_nothing_and_are_no_panel_alone(
    whole: tuple[Path, pl.DataFrame], tmp_path: Path
) -> None:
    folder, frame = whole
    write(folder, p0=frame[:0], p7=frame[:0].cast({"a": pl.Int8}))
    assert read_features(folder)[0].sort("did").equals(frame)
    [result] = streaming.attribute_file(parts_of(folder))
    assert result.n_agents == 60
    empty = write(tmp_path / "empty", a=frame[:0], b=frame[:0])
    with pytest.raises(EmptyPanelError):
        read_features(empty)
    with pytest.raises(EmptyPanelError):
        streaming.attribute_file(parts_of(empty))


def test_columns_of_several_kinds_are_read_as_one(tmp_path: Path) -> None:
    frame = panel()
    parts = {
        "p1": frame[:20].cast({"a": pl.Int16, "followers": pl.Float32}),
        "p2": frame[20:40].rename({"a": " A "}).cast({"did": pl.Categorical}),
        "p3": frame[40:].with_columns(country=pl.lit("X")).cast({"b": pl.String}),
    }
    parts["p1"] = parts["p1"].with_columns(country=pl.lit(7))
    folder = write(tmp_path / "panel", **parts)
    read, _ = read_features(folder)
    assert read.select(frame.columns).cast(frame.schema).sort("did").equals(frame)
    assert set(read["country"]) == {"7", None, "X"}
    [result] = streaming.attribute_file(parts_of(folder), top=60)
    memory = attribute(frame)
    assert result.agents.drop("share").equals(memory.agents.drop("share"))


@pytest.mark.slow
@law(8, suppress=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 60), max_size=4), order=st.permutations(range(5)), data=st.data()
)
def test_neither_results_nor_samples_depend_on_how_a_panel_is_parted(
    cuts: list[int], order: list[int], data: st.DataObject, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(chunks, "CHUNK", 17)
    monkeypatch.setattr(external_sort, "SHELF", 13)
    frame = panel()
    edges = sorted([0, 60, *cuts])
    folder = tmp_path / f"panel{data.draw(st.integers(0, 10**9))}"
    parts = [frame[start:stop] for start, stop in pairwise(edges)]
    write(folder, **{f"p{order[k]}": part for k, part in enumerate(parts)})
    read, _ = read_features(folder)
    one, other = (Sampler.of(Panel.of(x)) for x in (frame, read))
    for protocol in ("visibility", "active", "random", "top"):
        assert one.draw(protocol, 9, seed=3).tolist() == other.draw(protocol, 9, seed=3).tolist()
    for name in ("heat", "gini"):
        memory = attribute(frame, name)
        [large] = streaming.attribute_file(parts_of(folder), [name], top=60)
        assert large.agents.equals(memory.agents)
        assert (large.total, large.tiers) == (memory.total, memory.tiers)
        assert attribute(read, name).agents.equals(memory.agents)


def test_a_panel_is_large_if_its_parts_together_are(
    whole: tuple[Path, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = whole
    for least, large in ((60, True), (61, False)):
        monkeypatch.setattr(streaming, "STREAM_FROM", least)
        assert streaming.is_large(folder) == streaming.is_large(folder / "p*") == large


@pytest.mark.parametrize(
    ("target", "inside"),
    [
        ("agents.parquet", True),
        ("agents.csv", False),
        ("_agents.parquet", False),
        ("../a.parquet", False),
    ],
)
def test_a_file_that_the_next_run_would_read_is_known(
    target: str, inside: bool, whole: tuple[Path, pl.DataFrame]
) -> None:
    folder, _ = whole
    assert would_be_part(folder, folder / target) == inside
    assert would_be_part(folder / "a*.parquet", folder / target) == (target == "agents.parquet")
    assert not would_be_part(folder / "p1.parquet", folder / target)


def test_parts_of_which_some_are_synthetic_are_partly_so(tmp_path: Path) -> None:
    def part(name: str, says: Any) -> Path:
        path = tmp_path / name
        metadata = {} if says is None else {"blueattr": f'{{"synthetic": {says}}}'}
        panel(3).write_parquet(path, metadata=metadata)
        return path

    made, recorded = part("a.parquet", "true"), part("b.parquet", None)
    assert synthetic_label([made]) == synthetic_label([made, made]) == "true"
    assert synthetic_label([made, recorded]) == "partly"
    assert synthetic_label([recorded]) == ""
