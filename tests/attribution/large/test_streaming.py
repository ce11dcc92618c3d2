"""Files read in chunks: equal to what is computed in memory, and in memory that does not grow."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from blueattr import kernels
from blueattr.analysis import attribute as analysis_attribute
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.large import chunks, external_sort, streaming
from blueattr.cli.main import app
from blueattr.errors import (
    EmptyPanelError,
    FeatureError,
    InputError,
    OutputError,
    UsageError,
    ZeroTotalError,
)
from blueattr.indicators.base import Aggregator, PairwiseIndicator
from blueattr.indicators.find import SHIPPED
from blueattr.report import agents_to, attribution_report, render
from blueattr.report.formats.streamed import agents_receiver
from support import naive
from support.effort import law
from support.peak import PRINT_PEAK

N = 5000
ORDERS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "by DID": lambda frame: frame.sort("did"),
    "backwards": lambda frame: frame.sort("did", descending=True),
    "shuffled": lambda frame: frame.sample(fraction=1, shuffle=True, seed=3),
}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a small file many chunks and many shelves."""
    monkeypatch.setattr(chunks, "CHUNK", 700)
    monkeypatch.setattr(external_sort, "SHELF", 400)
    monkeypatch.setattr(external_sort, "_SAMPLED", 1 << 10)
    monkeypatch.setattr(streaming, "STREAM_FROM", 1)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which ways of sorting on disk were taken."""
    taken: list[str] = []
    for kind in (external_sort.SortOnDisk, external_sort.ExcessOnDisk):
        real = kind.__init__

        def spy(
            self: Any, *arguments: Any, real: Any = real, name: str = kind.__name__, **options: Any
        ) -> None:
            taken.append(name)
            real(self, *arguments, **options)

        monkeypatch.setattr(kind, "__init__", spy)
    return taken


def panel(n: int = N, *, ties: bool = True, followers: bool = True) -> pl.DataFrame:
    """Heavy-tailed; with ties most agents have few distinct numbers, and many none."""
    rng = np.random.default_rng(n)
    draw = (lambda: np.log1p(np.floor(rng.pareto(0.8, n)))) if ties else (
        lambda: rng.lognormal(size=n)
    )  # fmt: skip
    frame = pl.DataFrame(
        {"did": [f"did:{k:06d}" for k in range(n)], "a": draw(), "b": draw(), "c": draw()}
    )
    return frame.with_columns(followers=rng.integers(0, 9, n)) if followers else frame


def streamed(path: Path, name: Any, **options: Any) -> tuple[AttributionResult, pl.DataFrame]:
    """One result and all its agents."""
    found: list[pl.DataFrame] = []

    def receive(result: AttributionResult, frames: Iterator[pl.DataFrame]) -> None:
        found.extend(frames)
        assert all(frame.schema == result.agents.schema for frame in found)

    [result] = streaming.attribute_file(path, [name], receive=receive, **options)
    assert result.agents.is_empty()
    return result, pl.concat(found)


def write(frame: pl.DataFrame, folder: Path, **options: Any) -> Path:
    path = folder / "features.parquet"
    frame.write_parquet(path, **options)
    return path


@pytest.mark.few(2)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", [n for n in SHIPPED if n != "gini"])
def test_equal_to_the_bit(name: str, order: str, tmp_path: Path, used: list[str]) -> None:
    frame = panel()
    result, agents = streamed(write(ORDERS[order](frame), tmp_path), name)
    expected = attribute(frame, name)
    assert agents.equals(expected.agents)
    assert agents.schema == expected.agents.schema
    for part in ("total", "attributed", "means", "moment", "tiers", "n_agents", "remarks"):
        assert getattr(result, part) == getattr(expected, part)
    assert used == ["SortOnDisk"] * (1 if order == "by DID" else 2)


@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["heat", "lin", "var", "gini", "hill"])
@pytest.mark.parametrize("order", ORDERS)
def test_of_those_involved_the_chunks_give_what_memory_gives(
    name: str, order: str, tmp_path: Path
) -> None:
    frame = panel()
    path = tmp_path / "panel.parquet"
    ORDERS[order](frame).write_parquet(path)
    here = attribute(frame, name, panel="involved")
    there, agents = streamed(path, name, panel="involved")
    assert 0 < here.n_agents < N
    assert (there.n_agents, there.n_involved, there.panel) == (
        here.n_agents, here.n_involved, "involved"
    )  # fmt: skip
    assert there.active is not None
    assert here.active is not None
    assert there.active.agents == here.active.agents
    assert there.active.total == pytest.approx(here.active.total, rel=1e-12)
    assert there.total == pytest.approx(here.total, rel=1e-12)
    for one, other in zip(there.tiers, here.tiers, strict=True):
        assert (one.agents, one.agents_involved) == (other.agents, other.agents_involved)
        assert one.share == pytest.approx(other.share, rel=1e-9)
    assert agents.sort("did")["did"].equals(here.agents.sort("did")["did"])


@pytest.mark.few(2)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("ties", [True, False])
def test_gini_is_equal_to_the_bit_as_well(
    ties: bool, order: str, tmp_path: Path, used: list[str]
) -> None:
    frame = panel(ties=ties)
    result, agents = streamed(write(ORDERS[order](frame), tmp_path), "gini")
    expected = attribute(frame, "gini")
    assert "ExcessOnDisk" in used
    assert agents.equals(expected.agents)
    for part in ("total", "attributed", "tiers"):
        assert getattr(result, part) == getattr(expected, part)
    groups = agents.group_by("a", "b", "c").agg(pl.col("value").n_unique(), pl.len().alias("n"))
    assert groups["value"].to_list() == [1] * groups.height
    assert (groups["n"].max() > 100) == ties  # type: ignore[operator]  # a number


@pytest.mark.parametrize("choice", ["active", "involved"])
def test_indicators_of_one_call_share_their_passes_and_change_nothing(
    choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, frame = ["heat", "gini", "var", "lin", "hill"], panel()
    path = write(frame, tmp_path)
    passes: list[tuple[str, ...]] = []
    real = chunks._frames_of

    def spy(file: Any, columns: Any) -> Iterator[pl.DataFrame]:
        passes.append(tuple(columns))
        return real(file, columns)

    monkeypatch.setattr(chunks, "_frames_of", spy)
    together = streaming.attribute_file(path, names, panel=choice, top=9)
    assert len(passes) <= 9
    assert sum("did" in columns for columns in passes) == 1
    for one, name in zip(together, names, strict=True):
        memory = attribute(frame, name, panel=choice, provenance=one.provenance)
        assert one.agents.equals(memory.agents.head(9))
        for part in ("total", "attributed", "means", "tiers", "n_agents", "remarks", "active"):
            assert getattr(one, part) == getattr(memory, part), (name, part)


@pytest.mark.slow
@law(30, suppress=[HealthCheck.function_scoped_fixture])
@given(
    base=st.sampled_from([1.0, 1.9999, 1e9]),
    zeros=st.integers(1, 6),
    steps=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    top=st.integers(1, 6),
)
@example(base=1.9999, zeros=3, steps=[0, 1], top=1)
def test_the_largest_are_those_in_memory_where_rounding_makes_them_equal(
    base: float, zeros: int, steps: list[int], *, top: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """So close that two may have one value by gini, where the name decides."""
    monkeypatch.setattr(chunks, "CHUNK", 5)
    monkeypatch.setattr(external_sort, "SHELF", 4)
    s = np.array([0.0] * zeros + [base + k * np.spacing(base) for k in steps])
    frame = pl.DataFrame({"did": [f"{k:03d}" for k in range(s.size)], "a": s, "b": 0.0, "c": 0.0})
    alone = Aggregator("mean", (1.0, 0.0, 0.0))
    [result] = streaming.attribute_file(write(frame, tmp_path), ["gini"], aggregator=alone, top=top)
    memory = attribute(frame, "gini", aggregator=alone)
    assert result.agents.equals(memory.agents.head(top))


@pytest.mark.parametrize("steps", [1, 30])
@pytest.mark.parametrize("name", ["lin", "heat", "var", "entropy"])
def test_quadrature_is_equal_to_the_bit(name: str, steps: int, tmp_path: Path) -> None:
    frame = panel(1500)
    options: dict[str, Any] = {
        "method": "quadrature", "steps": steps, "aggregator": Aggregator("log"),
        "cutoffs": (0.5, 20, 60),
    }  # fmt: skip
    result, agents = streamed(write(frame, tmp_path), name, **options)
    expected = attribute(frame, name, **options)
    assert agents.equals(expected.agents)
    assert (result.tiers, result.remarks) == (expected.tiers, expected.remarks)


few = st.sampled_from([0.0, 1.0, 2.0])


@pytest.mark.slow
@law(40, suppress=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(few, few), min_size=1, max_size=40),
    cutoffs=st.sampled_from([(1.0, 10.0), (50.0,), (3.0, 33.0, 99.0)]),
)
def test_tiers_equal_their_plain_twin(
    rows: list[tuple[float, float]], cutoffs: tuple[float, ...], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(chunks, "CHUNK", 7)
    monkeypatch.setattr(external_sort, "SHELF", 5)
    frame = pl.DataFrame(
        {
            "did": [f"{(k * 7) % 41:02d}" for k in range(len(rows))],
            "a": [a for _, a in rows],
            "b": 1.0,
            "c": 1.0,
            "followers": [f for f, _ in rows],
        }
    )
    _, agents = streamed(write(frame, tmp_path), "heat" if any(a for _, a in rows) else "lin",
                         cutoffs=cutoffs)  # fmt: skip
    expected = naive.tiers(frame.select("did", "followers", "a").rows(), cutoffs)
    got = dict(zip(agents["did"], agents["tier"].to_physical(), strict=True))
    assert got == expected


def test_numbers_of_all_types_and_agents_with_numbers_for_names(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "agent": range(12, 0, -1),
            "a": pl.Series(range(12), dtype=pl.UInt8),
            "b": pl.Series(range(12), dtype=pl.Float32),
            "c": [-0.0, *[1.0] * 11],
        }
    )
    _, agents = streamed(write(frame, tmp_path), "heat")
    assert agents.equals(attribute(frame, "heat").agents)


@pytest.mark.parametrize(
    "s", [[1.0] * 50, [1.0] * 30 + [2.0] * 30, [*range(60)], [0.0] * 59 + [1.0]], ids=str
)
def test_excess_of_ties_and_of_none(
    s: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_sort, "SHELF", 10)
    values = np.array(s, np.float64)
    sample = external_sort.KeySample(values.size)
    sample.add(pl.Series(values))
    with external_sort.ExcessOnDisk(tmp_path, sample.splitters()) as excess:
        for piece in np.array_split(values, 4):
            excess.add(piece)
        total, _ = excess.finish()
        for _ in range(2):
            excess.rewind()
            got = [v for piece in np.array_split(values, 4) for v in excess.excess(piece)]
            expected = [sum(max(v - w, 0) for w in s) for v in s]
            assert got == expected
        assert total == sum(expected)
    assert list(tmp_path.iterdir()) == []


def test_excess_of_near_equals_does_not_cancel(tmp_path: Path) -> None:
    k = np.arange(2000.0)
    s = np.asarray(1e9 + k * 2.0**-20, np.float64)
    sample = external_sort.KeySample(s.size)
    sample.add(pl.Series(s))
    splitters = sample.splitters()
    assert splitters.len() == 4
    with external_sort.ExcessOnDisk(tmp_path, splitters) as excess:
        excess.add(s)
        excess.finish()
        assert excess.excess(s).tolist() == (k * (k + 1) * 2.0**-21).tolist()


@law(25, suppress=[HealthCheck.function_scoped_fixture])
@given(
    s=st.lists(st.floats(0, 1e12) | st.sampled_from([0.0, 1.0, 3.0]), min_size=1, max_size=60),
    shelf=st.integers(2, 40),
    pieces=st.integers(1, 9),
)
def test_whatever_the_chunks_and_shelves_the_excess_is_that_in_memory(
    s: list[float], shelf: int, pieces: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_sort, "SHELF", shelf)
    values = np.array(s, np.float64)
    expected, total = kernels.pairwise_excess(values.copy())
    sample = external_sort.KeySample(values.size)
    sample.add(pl.Series(values))
    parts = np.array_split(values, pieces)
    with external_sort.ExcessOnDisk(tmp_path, sample.splitters()) as excess:
        for piece in parts:
            excess.add(piece)
        assert excess.finish()[0] == total
        got = np.concatenate([excess.excess(piece) for piece in parts])
    assert got.tobytes() == expected.tobytes()


@law(40)
@given(
    n=st.integers(1, 300),
    cuts=st.lists(st.integers(0, 300), max_size=5),
    sampled=st.integers(1, 50),
    order=st.randoms(use_true_random=False),
)
def test_a_sample_does_not_depend_on_parts(
    n: int, cuts: list[int], sampled: int, order: Any
) -> None:
    keys = pl.Series(np.random.default_rng(n).permutation(n) / 7)
    edges = sorted({0, n, *(min(cut, n) for cut in cuts)})
    parts = list(pairwise(edges))
    order.shuffle(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "_SAMPLED", sampled)
        patch.setattr(external_sort, "SHELF", 3)
        whole, joined = external_sort.KeySample(n), external_sort.KeySample(n)
        whole.add(keys)
        for start, stop in parts:
            part = external_sort.KeySample(n, start)
            part.add(keys[start:stop])
            joined.take(part)
        assert joined.splitters().equals(whole.splitters())


def test_a_key_for_more_than_a_shelf_is_not_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = np.array([3.0] * 900 + [1.0] * 50 + [5.0] * 50)
    sample = external_sort.KeySample(keys.size)
    sample.add(pl.Series(keys))
    sort = external_sort.SortOnDisk(tmp_path, "key", sample.splitters())
    for part in np.array_split(np.arange(1000), 9):
        sort.add(pl.DataFrame({"key": keys[part], "row": part}))
    frames = list(sort.frames())
    assert max(frame.height for frame in frames) < 900
    joined = pl.concat(frames)
    assert joined["key"].to_list() == sorted(keys)
    assert joined["row"].to_list() == [*range(900, 950), *range(900), *range(950, 1000)]


# --- what goes wrong -----------------------------------------------------------------------------


def bad(**columns: Any) -> pl.DataFrame:
    frame = panel(2000)
    return frame.with_columns(
        **{
            name: pl.Series([*frame[name][:-1], value], strict=False)
            for name, value in columns.items()
        }
    )


@pytest.mark.parametrize(
    ("frame", "hint"),
    [
        (bad(a=float("nan")), r"agent 'did:001999': column 'a' is nan"),
        (bad(b=-1.0), r"agent 'did:001999': column 'b' is -1.0, less than 0"),
        (bad(c=None), r"agent 'did:001999': column 'c' has no value"),
        (bad(c=1e91), r"outside the range from 1e-90 to 1e90"),
        (bad(did=None), r"^row 2000 has no did"),
        (bad(did="did:000007"), r"agent 'did:000007' occurs more than once"),
        (panel(2000).with_columns(did=pl.lit("x")), r"agent 'x' occurs more than once"),
        (panel(9).drop("b"), r"no column b"),
        (panel(9).with_columns(A="a"), r"'a' and 'A' could each be a"),
    ],
)
def test_features_that_make_no_sense(frame: pl.DataFrame, hint: str, tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=hint):
        streaming.attribute_file(write(frame, tmp_path))


def test_no_answer(tmp_path: Path) -> None:
    with pytest.raises(EmptyPanelError):
        streaming.attribute_file(write(panel(0), tmp_path))
    silent = panel(2000).with_columns(a=0.0, b=0.0, c=0.0)
    for name in SHIPPED:
        with pytest.raises(ZeroTotalError):
            streaming.attribute_file(write(silent, tmp_path), [name])


def test_what_cannot_be_read_in_chunks_is_said(tmp_path: Path) -> None:
    own = PairwiseIndicator("mine", "", lambda *_: pytest.fail("called"), lambda _: "")
    with pytest.raises(UsageError, match="'mine' needs all agents at once"):
        streaming.attribute_file(write(panel(), tmp_path), [own])


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the features"):
        streaming.attribute_file(tmp_path / "none.parquet")
    path = write(panel(), tmp_path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="cannot read the features"):
        streaming.attribute_file(path)
    assert not streaming.is_large(path)
    assert not streaming.is_large(tmp_path / "none.parquet")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    path = write(panel().reverse(), tmp_path)
    seen: list[int] = []

    def look(_: AttributionResult, frames: Iterator[pl.DataFrame]) -> None:
        seen.append(len(list(scratch.rglob("*"))))
        next(frames)
        raise OutputError("enough")

    with pytest.raises(OutputError):
        streaming.attribute_file(path, ["gini"], receive=look)
    assert seen[0] > 1
    assert list(scratch.iterdir()) == []


# --- the command ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "jsonl"])
def test_the_file_of_agents_is_the_same(form: str, tmp_path: Path) -> None:
    frame = panel(2000).with_columns(
        did=pl.when(pl.col("did") == "did:000005").then(pl.lit("=1+\x1b2")).otherwise("did")
    )
    path = write(frame, tmp_path)
    whole, pieces = tmp_path / f"whole.{form}", tmp_path / f"pieces.{form}"
    [result] = streaming.attribute_file(path, ["heat"], receive=agents_receiver(pieces))
    expected = attribute(frame, "heat", provenance=result.provenance)
    agents_to(whole, expected)
    if form == "parquet":
        assert pl.read_parquet(pieces).equals(pl.read_parquet(whole))
        assert pl.read_parquet(pieces).schema == pl.read_parquet(whole).schema
        metadata = [json.loads(pq.read_metadata(f).metadata[b"blueattr"]) for f in (whole, pieces)]
        assert metadata[0] == metadata[1]
        assert pq.read_metadata(pieces).num_row_groups > 1
    else:
        assert pieces.read_bytes() == whole.read_bytes()
    assert render(attribution_report(result), "json") == render(
        attribution_report(expected), "json"
    )


def test_the_command_says_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, agents = write(panel(), tmp_path), tmp_path / "agents.csv"
    arguments = ["attribute", "--features", str(path), "--agents", str(agents)]
    # Samples are drawn of what is in memory only.
    monkeypatch.setattr(analysis_attribute, "SAMPLED_FROM", N + 1)
    outputs = []
    for start in (1, N + 1):
        monkeypatch.setattr(streaming, "STREAM_FROM", start)
        assert streaming.is_large(path) == (start == 1)
        monkeypatch.setattr(sys, "argv", ["blueattr", *arguments])
        with pytest.raises(SystemExit) as done:
            app()
        assert done.value.code in {0, None}
        outputs.append((capfd.readouterr(), agents.read_bytes()))
    assert outputs[0] == outputs[1]
    assert "5,000 accounts" in outputs[0][0].out


# --- memory --------------------------------------------------------------------------------------

_STREAMED = """
import sys
from pathlib import Path
from blueattr.analysis import attribute as analysis_attribute
from blueattr.attribution.large import chunks, external_sort, streaming
from blueattr.report.formats.streamed import agents_receiver
chunks.CHUNK, external_sort.SHELF = 1 << 14, 1 << 15
path = Path(sys.argv[1])
streaming.attribute_file(path, ["gini"], receive=agents_receiver(path.with_suffix(".out.parquet")))
"""


def write_slowly(path: Path, n: int, seed: int) -> None:
    """Rows in no order, and a third of them alike."""
    rng = np.random.default_rng(seed)
    piece = 1 << 14
    schema = pa.schema([("did", pa.string()), *((k, pa.float64()) for k in "abc")])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, n, piece):
            numbers = np.arange(start, min(start + piece, n), dtype=np.uint64) * 2_654_435_761
            features = [rng.lognormal(size=numbers.size) for _ in "abc"]
            for x in features:
                x[: numbers.size // 3] = 1.0
            dids = [f"did:{k:0120d}" for k in (numbers % (1 << 32)).tolist()]
            writer.write_table(pa.table([dids, *features], schema=schema))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Both files are many chunks; the larger has 600,000 agents more, of 150 bytes each."""
    peaks = []
    for n in (200_000, 800_000):
        path = tmp_path / f"{n}.parquet"
        write_slowly(path, n, seed=n)
        command = [sys.executable, "-c", _STREAMED + PRINT_PEAK, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
        assert pq.read_metadata(path.with_suffix(".out.parquet")).num_rows == n
    assert peaks[1] - peaks[0] < 600_000 * 30
