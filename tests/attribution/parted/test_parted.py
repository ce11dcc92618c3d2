"""A panel in parts: equal, to the bit, to what one machine makes of one file."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from blueattr.attribution.large import chunks, external_sort, streaming
from blueattr.attribution.parted import looking, ties
from blueattr.attribution.parted.driver import attribute_parts
from blueattr.attribution.parted.looking import TiedFound
from blueattr.attribution.parted.shelves import exact_whole
from blueattr.cluster.engine import InProcess
from blueattr.cluster.kept import Kept
from blueattr.errors import FeatureError, SourceError, UsageError, ZeroTotalError
from blueattr.provenance import Provenance
from support.panels import frame
from support.parted import CUTS, Scrambled, Stopping, cut, same

NAMES = ("lin", "heat", "var", "gini", "hill")
ORIGIN = Provenance(source="a panel")
OWN = """
import numpy as np
names = ("ab",)
def statistics(a, b, c): return (a * b)[:, None]
def value(means): return np.sqrt(means[0])
"""


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a small part many chunks and many shelves, and few ties many."""
    monkeypatch.setattr(chunks, "CHUNK", 300)
    monkeypatch.setattr(external_sort, "SHELF", 200)
    monkeypatch.setattr(external_sort, "_SAMPLED", 1 << 10)
    monkeypatch.setattr(ties, "KEPT", 4)


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    return frame(2000)


@pytest.fixture
def whole(panel: pl.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "whole.parquet"
    panel.sort("did").write_parquet(path)
    return path


@pytest.mark.few(1)
@pytest.mark.parametrize("choice", ["active", "involved"])
@pytest.mark.parametrize("kind", CUTS)
def test_however_a_panel_is_parted_and_in_whatever_order_tasks_end_the_bits_are_those_of_one_file(
    kind: str, choice: str, panel: pl.DataFrame, whole: Path, tmp_path: Path
) -> None:
    expected = streaming.attribute_file(whole, NAMES, panel=choice, top=9, provenance=ORIGIN)
    for parts in (1, 7):
        paths = cut(panel, tmp_path / f"{parts}", kind, parts)
        shared = tmp_path / f"shared-{parts}"
        shared.mkdir()
        found = attribute_parts(
            Scrambled(parts), paths, shared, NAMES, panel=choice, top=9, provenance=ORIGIN
        )
        for one, other in zip(expected, found, strict=True):
            same(one, other.result)
            assert one.provenance == other.result.provenance


def test_ties_at_the_end_of_a_tier_are_cut_by_did_though_parts_do_not_follow_each_other(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []
    tied = looking.tied

    def counted(job: Any) -> list[TiedFound]:
        rounds.append(len(job.cuts))
        return tied(job)

    monkeypatch.setattr(looking, "tied", counted)
    alike = pl.read_parquet(whole).with_columns(
        followers=pl.when(pl.col("followers") > 100).then(pl.col("followers")).otherwise(3.0),
        a=pl.lit(1.0),
    )
    alike.write_parquet(whole)
    (expected,) = streaming.attribute_file(whole, ["lin"], top=2000, provenance=ORIGIN)
    paths = cut(alike, tmp_path / "parts", "by hash", 3)
    found = attribute_parts(InProcess(), paths, tmp_path, ["lin"], top=2000)
    same(expected, found[0].result)
    assert len(rounds) > 2 * len(paths)  # several rounds of all parts


def test_the_range_of_a_did_narrows_until_it_is_found() -> None:
    numbers = np.random.default_rng(2)
    for _ in range(50):
        every = [[f"{numbers.random():.9f}" for _ in range(numbers.integers(1, 60))] for _ in "abc"]
        everyone = sorted(did for part in every for did in part)
        wanted = int(numbers.integers(1, len(everyone) + 1))
        low = high = ""
        for _ in range(20):
            found = []
            for part in every:
                inside = sorted(did for did in part if did > low and (not high or did <= high))
                below = sum(did <= low for did in part) if low else 0
                found.append(TiedFound(below, len(inside), looking._some(inside, 5)))
            known = ties.narrow(found, wanted)
            if isinstance(known, list):
                break
            low, high = known[0] or low, known[1] or high
        last = everyone[wanted - 1]
        assert known == [sum(did <= last for did in part) for part in every]


def test_every_agent_is_written_with_its_part_in_order_of_value(
    panel: pl.DataFrame, whole: Path, tmp_path: Path
) -> None:
    frames: list[pl.DataFrame] = []
    streaming.attribute_file(whole, ["gini"], receive=lambda _, every: frames.extend(every))
    written: dict[str, pl.DataFrame] = {}

    def keep(path: Path, _: int, __: object, every: Any) -> None:
        written[path.name] = pl.concat(every)
        path.write_bytes(b"there")

    class Here(InProcess):
        def run(self, stage: str, task: Any, arguments: Any) -> Any:
            return ((k, task(one)) for k, one in enumerate(arguments))

    paths = cut(panel, tmp_path / "parts", "shuffled", 3)
    attribute_parts(Here(), paths, tmp_path, ["gini"], agents=tmp_path, writer=keep)
    assert len(written) == 3
    for one in written.values():
        assert one.equals(one.sort("value", "did", descending=[True, False]))
    together = pl.concat(written.values()).sort("value", "did", descending=[True, False])
    assert together.equals(pl.concat(frames))


def test_an_agent_in_two_parts_is_refused_by_the_names_of_both(
    panel: pl.DataFrame, tmp_path: Path
) -> None:
    paths = cut(panel, tmp_path / "parts", "by hash", 4)
    twice = pl.read_parquet(paths[1])[5:6]
    pl.concat([pl.read_parquet(paths[3]), twice]).write_parquet(paths[3])
    with pytest.raises(FeatureError, match=r"more than once: in .*part-1.*and in .*part-3"):
        attribute_parts(InProcess(), paths, tmp_path)
    # Within one part, too, whose agents are in no order.
    pl.concat([pl.read_parquet(paths[1]), twice]).write_parquet(paths[1])
    with pytest.raises(FeatureError, match=r"more than once: in part-1"):
        attribute_parts(InProcess(), paths, tmp_path)


def test_what_is_wrong_is_told_as_of_one_file(panel: pl.DataFrame, tmp_path: Path) -> None:
    paths = cut(panel, tmp_path / "parts", "by DID", 3)
    silent = pl.read_parquet(paths[2]).with_columns(a=pl.lit(-1.0))
    silent.write_parquet(paths[2])
    with pytest.raises(FeatureError, match=r"less than 0 \(row 1 of part-2"):
        attribute_parts(InProcess(), paths, tmp_path)
    nothing = [tmp_path / "nothing.parquet"]
    panel.with_columns(a=0.0, b=0.0, c=0.0).write_parquet(nothing[0])
    for name in ("gini", "heat"):
        with pytest.raises(ZeroTotalError):
            attribute_parts(InProcess(), nothing, tmp_path, [name])


def test_an_own_indicator_is_sent_by_its_source_and_only_where_that_is_allowed(
    panel: pl.DataFrame, whole: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.py"
    own.write_text(OWN)
    paths = cut(panel, tmp_path / "parts", "by hash", 3)
    with pytest.raises(UsageError, match="--send-code"):
        attribute_parts(InProcess(), paths, tmp_path, [str(own)])
    (expected,) = streaming.attribute_file(whole, [str(own)], top=3)
    found = attribute_parts(InProcess(), paths, tmp_path, [str(own)], top=3, send_code=True)
    same(expected, found[0].result)


def test_what_was_finished_is_used_again_and_what_was_spoiled_is_done_again(
    panel: pl.DataFrame, tmp_path: Path
) -> None:
    paths = cut(panel, tmp_path / "parts", "by hash", 4)
    shared = tmp_path / "shared"
    shared.mkdir()
    stopped = Stopping(InProcess(), "shelves", SourceError("gone"))

    def ask(engine: Any) -> Any:
        return attribute_parts(engine, paths, shared, ["gini"], top=3)[0].result

    (tmp_path / "other").mkdir()
    expected = attribute_parts(InProcess(), paths, tmp_path / "other", ["gini"], top=3)[0].result
    with pytest.raises(SourceError, match="gone"):
        ask(Kept(stopped, shared))
    again = Kept(InProcess(), shared)
    same(expected, ask(again))
    assert again.reused >= 8  # the first two stages of four parts
    for whole in (False, True):
        for spoiled in (next(shared.glob("out-*")), next(shared.glob("reading-*"))):
            if whole:
                spoiled.unlink()
            else:
                spoiled.write_bytes(b"")
        once_more = Kept(InProcess(), shared)
        same(expected, ask(once_more))
        assert once_more.reused > 8
    assert not [*shared.glob(".*.part")]


def test_sums_of_whole_units_are_exact() -> None:
    numbers = np.array([0.0, 5e-324, 1e-310, 1.5, 2.0**60, 1e90, 3.3, 3.3])
    exact = sum(map(Fraction, numbers.tolist())) * 2**1074
    assert exact_whole(numbers) == exact
