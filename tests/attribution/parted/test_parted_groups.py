"""Groups of a panel in parts: equal, to the bit, to those of one panel in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from blueattr.analysis.asked.clusters import OnCluster
from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.attribute import NamingOptions, attribute_given
from blueattr.analysis.features import load_features
from blueattr.analysis.groups.grouping import grouping
from blueattr.analysis.on_cluster import AgentsFolder, attribute_with
from blueattr.attribution.large import chunks, external_sort
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import PanelChoice
from blueattr.cluster.address import check_address
from blueattr.cluster.engine import InProcess
from blueattr.errors import FeatureError, UsageError
from support.panels import frame
from support.parted import Scrambled, cut

ON = OnCluster(check_address("local:2"))
NAMES = ("heat", "var", "gini")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a small part many chunks and many shelves."""
    monkeypatch.setattr(chunks, "CHUNK", 200)
    monkeypatch.setattr(external_sort, "SHELF", 200)
    monkeypatch.setattr(external_sort, "_SAMPLED", 1 << 10)


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    numbers = np.random.default_rng(8)
    made = frame(600)
    size = len(made)
    return made.with_columns(
        # Whole numbers as floats, as pandas has them, and one that is none: it names all.
        year=pl.Series([*numbers.integers(2019, 2023, size - 1).astype(float).tolist(), 2019.5]),
        team=pl.Series(
            numbers.choice(["x", "y", "z", " ", "others"], size, p=[0.5, 0.3, 0.1, 0.05, 0.05])
        ),
        rare=pl.Series(numbers.integers(0, 20, size)),
    ).with_columns(year=pl.when(pl.col("rare") > 3).then("year"))


@pytest.fixture(scope="module")
def files(panel: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("panels")
    panel.write_parquet(place / "whole.parquet")
    known = panel.filter(pl.col("rare") > 1).select("did", group=pl.col("rare") % 3)
    known.extend(pl.DataFrame({"did": ["did:plc:nobody"], "group": [1]})).write_csv(
        place / "by.csv"
    )
    parts = {kind: cut(panel, place / kind, kind, 5) for kind in ("by DID", "shuffled")}
    panel.clear().write_parquet(place / "shuffled" / "part-+.parquet")  # the first, with nobody
    return parts | {"": place}


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("by", "many", "choice", "kind"),
    [
        ("year,team", "join", "active", "shuffled"), ("FILE,tier", "join", "involved", "by DID"),
        ("rare", "sample", "active", "by DID"),
    ],
)  # fmt: skip
def test_groups_of_a_panel_in_parts_have_the_bits_of_one_panel(
    by: str, many: str, choice: PanelChoice, kind: str, files: dict[str, Any]
) -> None:
    asked = grouping(by.replace("FILE", str(files[""] / "by.csv")), many, 3)
    question = Question(NAMES, panel=choice)
    whole = load_features(files[""] / "whole.parquet", {}, asked.columns)
    expected = attribute_given(*whole, question, NamingOptions(by=asked))
    found = attribute_with(
        Scrambled(3), files[kind][0].parent, question, ON, top=3, naming=OPEN, by=asked
    )
    for one, other in zip(expected, found, strict=True):
        assert one.groups is not None
        assert len(one.groups.groups) > 2
        assert other.groups == one.groups
        assert [tier.value for tier in other.tiers] == [tier.value for tier in one.tiers]


def test_what_groups_nobody_and_what_would_name_somebody_is_refused(
    files: dict[str, Any], tmp_path: Path
) -> None:
    parts = files["by DID"]
    (tmp_path / "nobody.csv").write_text("did,group\ndid:plc:nobody,x\n")

    def ask(by: str, **more: Any) -> Any:
        return attribute_with(InProcess(), parts[0].parent, Question(), ON, by=grouping(by), **more)

    with pytest.raises(FeatureError, match=r"none of the agents in .*nobody\.csv"):
        ask(str(tmp_path / "nobody.csv"))
    with pytest.raises(UsageError, match="'tam' is no column"):
        ask("tam")
    with pytest.raises(UsageError, match="community needs a store"):
        ask("community")
    with pytest.raises(UsageError, match="--by where no account is named"):
        ask("team", top=0, naming=Naming.of(top=0, pseudonyms=False))
    with pytest.raises(UsageError, match="--agents with --by"):
        ask("team", agents=AgentsFolder(tmp_path / "agents", lambda _: lambda *_: None))
    one = tmp_path / "panel" / "part-0.parquet"
    one.parent.mkdir()
    pl.read_parquet(parts[0]).with_columns(year=pl.lit("2019")).write_parquet(one)
    pl.read_parquet(parts[1]).write_parquet(one.with_name("part-1.parquet"))
    with pytest.raises(
        FeatureError, match="--by year is Float64 in some files of the panel and String"
    ):
        attribute_with(InProcess(), one.parent, Question(), ON, by=grouping("year"))
