"""Every command that takes features takes a folder or a pattern of them, and answers the same."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from blueattr.attribution.large import streaming
from blueattr.errors import ExitCode
from support.cli_world import ok, refused


@pytest.fixture
def parts(here: Path) -> Path:
    """A panel as a file, and in a folder of three."""
    rng = np.random.default_rng(5)
    frame = pl.DataFrame(
        {
            "did": [f"did:plc:{k:04d}" for k in range(240)],
            **{name: rng.poisson(3, 240) for name in "abc"},
            "followers": rng.integers(0, 500, 240),
            "country": rng.choice(["AT", "DE", "CH"], 240),
        }
    )
    frame.write_parquet(here / "whole.parquet")
    folder = here / "panel"
    folder.mkdir()
    for k, start in ((10, 0), (9, 80), (1, 160)):
        frame[start : start + 80].write_parquet(folder / f"p{k}.parquet")
    return folder


def without_names(document: Any) -> Any:
    """A report but for the name of the panel, and how many files it was."""
    if isinstance(document, dict):
        return {key: without_names(value) for key, value in document.items() if key not in _NAMES}
    return [*map(without_names, document)] if isinstance(document, list) else document


_NAMES = {"source", "notes", "seconds", "per_second"}
SEEDS = ["--sizes", "20", "--seeds", "2"]
COMMANDS = {
    "attribute": ["attribute", "--indicator", "heat,gini"],
    "attribute --by": ["attribute", "--by", "country"],
    "compare-scales": ["compare-scales", *SEEDS],
    "bootstrap": ["bootstrap", "--resamples", "100"],
    "sensitivity": ["sensitivity", "--size", "20", "--seeds", "2"],
    "convergence": ["convergence"],
    "why": ["why", "did:plc:0007"],
    "design": ["design"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_panel_in_parts_has_the_answers_of_the_panel(name: str, parts: Path) -> None:
    arguments = [*COMMANDS[name], "--format", "json", "--features"]
    whole = ok(*arguments, "whole.parquet").json
    found = ok(*arguments, "panel/*.parquet" if name < "c" else "panel").json
    assert without_names(found) == without_names(whole)


def test_a_large_panel_in_parts_is_read_in_chunks(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["attribute", "--indicator", "gini", "--format", "json", "--features"]
    whole = without_names(ok(*arguments, "whole.parquet").json)
    monkeypatch.setattr(streaming, "STREAM_FROM", 100)
    found = ok(*arguments, "panel/").json
    assert any("3 files" in note for note in found["notes"])
    assert without_names(found)["tiers"] == whole["tiers"]
    assert without_names(found)["leaders"] == whole["leaders"]


def test_no_part_is_written_over_and_none_is_added(parts: Path) -> None:
    for features in ("panel", "panel/*.parquet"):
        for target in ("panel/p9.parquet", "panel/agents.parquet"):
            refused(
                ExitCode.USAGE, "attribute", "--features", features, "--agents", target,
                says="would write over the features",
            )  # fmt: skip
    assert sorted(path.name for path in parts.iterdir()) == [
        "p1.parquet", "p10.parquet", "p9.parquet",
    ]  # fmt: skip
    ok("attribute", "--features", "panel", "--agents", "panel/agents.csv")


@pytest.mark.parametrize("features", ["none/*.parquet", "none[", "empty"])
def test_a_panel_of_no_files_ends_with_3(features: str, here: Path) -> None:
    (here / "empty").mkdir()
    refused(
        ExitCode.INPUT,
        "attribute",
        "--features",
        features,
        says=f"cannot read the features in {features}",
    )
