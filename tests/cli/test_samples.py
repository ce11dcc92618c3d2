"""The commands correct and design: a sample of one's own, and how large it should be."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import blueattr
from blueattr.analysis.own_samples import half_width
from blueattr.errors import ExitCode, UsageError
from blueattr.studies.samples.correction import FEWEST
from support.cli_world import ok, refused
from support.panels import frame


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.csv"
    rng = np.random.default_rng(0)
    made = frame(300).with_columns(p=rng.uniform(0.05, 0.6, 300))
    made.with_columns(w=1 / pl.col("p")).write_csv(path)
    return path


def test_correct_says_what_the_library_says_and_the_shares_add_up(sample: Path) -> None:
    found = ok("correct", sample, "--pi", "p", "--indicator", "heat,gini", "--format", "json").json
    assert found["kind"] == "correction"
    made = blueattr.correct(str(sample), ["heat", "gini"], pi="p")
    for one, other in zip(found["indicators"], made.whole.indicators, strict=True):
        assert [tier["share"] for tier in one["tiers"]] == [tier.share for tier in other.tiers]
        assert sum(tier["share"] for tier in one["tiers"]) == pytest.approx(1)
    assert found["population_estimate"] == pytest.approx(
        float((1 / pl.read_csv(sample)["p"]).sum())
    )
    assert made["gini"].to_polars()["tier"].to_list() == ["top", "middle", "tail"]


def test_correct_tells_in_a_sentence_what_the_sample_alone_would_have_said(sample: Path) -> None:
    text = ok("correct", sample, "--weight", "w", "--population", "2000").stdout.decode()
    assert "of the whole have about" in text
    assert "in the sample as it is" in text
    assert "there are 2,000" in text


def test_correct_takes_other_names_of_columns(sample: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    pl.read_csv(sample).rename({"a": "posts"}).write_csv(other)
    assert (
        ok("correct", sample, "--pi", "p", "--format", "json").json["indicators"]
        == ok("correct", other, "--pi", "p", "--columns", "a=posts", "--format", "json").json[
            "indicators"
        ]
    )


def test_of_a_sample_that_is_the_whole_no_interval_is_called_rough(sample: Path) -> None:
    pl.read_csv(sample).head(50).with_columns(p=1.0).write_csv(sample)
    rows = ok("correct", sample, "--pi", "p").stdout.decode().split("n_e:")[0]
    assert " % to " in rows
    assert "rough" not in rows


@pytest.mark.parametrize("n", [6, 25])
def test_where_too_few_agents_keep_a_design_from_an_answer_it_says_so(n: int, sample: Path) -> None:
    pl.read_csv(sample).head(n).write_csv(sample)
    found = blueattr.design(str(sample), within="99pp")
    assert found.indicators[0].size is None
    assert [point.size for point in found.indicators[0].curve]
    assert f"since some tier rests on fewer than {FEWEST} agents in effect." in str(found)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], ExitCode.USAGE, "name one column"),
        (["--pi", "p", "--weight", "w"], ExitCode.USAGE, "name one column"),
        (["--population", "9"], ExitCode.USAGE, "name one column"),
        (["--size", "w"], ExitCode.USAGE, "belong together"),
        (["--pi", "q"], ExitCode.INPUT, "no column 'q'"),
    ],
)
def test_a_sample_of_unknown_chances_is_refused(
    words: list[str], code: ExitCode, said: str, sample: Path
) -> None:
    refused(code, "correct", sample, *words, says=said)


def test_design_of_a_panel_and_of_a_pilot_have_an_n_and_a_curve(
    sample: Path, tmp_path: Path
) -> None:
    panel = tmp_path / "panel.parquet"
    frame(3000).write_parquet(panel)
    whole = ok("design", "--features", panel, "--within", "5pp", "--format", "json").json
    assert whole["n"] == whole["indicators"][0]["n"]
    assert 30 < whole["n"] < 3000
    assert whole["curve"][0]["size"] < whole["curve"][-1]["size"]
    assert blueattr.design(str(panel), within=0.05).indicators[0].size == whole["n"]
    pilot = ok(
        "design", "--pilot", sample, "--pi", "p", "--within", "10pp", "--format", "json"
    ).json
    assert pilot["pilot"] == 300
    assert blueattr.design(str(sample), within="10pp", pi="p").indicators[0].size == pilot["n"]
    assert (
        "knows each tier's share within 5 percentage points"
        in ok("design", "--features", panel, "--within", "5pp").stdout.decode()
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--within", "0pp"], "half-width"),
        (["--within", "much"], "half-width"),
        (["--protocol", "top"], "cannot be put right"),
        (["--protocol", "active"], "cannot be put right"),
        (["--protocol", "visible"], "visibility"),
        (["--pi", "p"], "give --pilot"),
        (["--pilot", "x.csv"], "name one of them"),
    ],
)
def test_a_design_that_makes_no_sense_is_refused(
    words: list[str], said: str, tmp_path: Path
) -> None:
    panel = tmp_path / "panel.parquet"
    frame(300).write_parquet(panel)
    refused(ExitCode.USAGE, "design", "--features", panel, *words, says=said)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_design_is_drawn_where_its_file_is_a_picture(ending: str, tmp_path: Path) -> None:
    panel, figure = tmp_path / "panel.parquet", tmp_path / f"design.{ending}"
    frame(300).write_parquet(panel)
    ran = ok("design", "--features", panel, "--within", "5pp", "--out", figure)
    assert not ran.stdout
    blueattr.design(str(panel), within=0.05).plot().save(tmp_path / f"own.{ending}")
    assert figure.read_bytes() == (tmp_path / f"own.{ending}").read_bytes()


def test_a_picture_has_one_format_and_a_folder(sample: Path, tmp_path: Path) -> None:
    asked = ("correct", sample, "--pi", "p")
    says = "leave out --format"
    refused(ExitCode.USAGE, *asked, "--out", "x.svg", "--format", "json", says=says)
    refused(ExitCode.USAGE, *asked, "--out", "x.gif", says="end the name in .png, .svg, .pdf, .txt")
    refused(ExitCode.OUTPUT, *asked, "--out", tmp_path / "no" / "x.pdf", says="no folder")
    ok(*asked, "--out", tmp_path / "x.svg")
    assert "Points with intervals" in (tmp_path / "x.svg").read_text("utf-8")


@pytest.mark.parametrize("by", ["host,lang", "tier"])
def test_groups_that_no_change_has_are_refused_before_the_store_is_read(by: str) -> None:
    asked = ("change", "--since", "last-week", "--by", by, "--db", "no-such.duckdb")
    refused(ExitCode.USAGE, *asked, says="one level of groups" if "," in by else "in any case")


def test_one_picture_shows_the_change_of_one_indicator() -> None:
    asked = ("change", "--since", "last-week", "--indicator", "all", "--out", "bridge.svg")
    refused(ExitCode.USAGE, *asked, says="a figure shows the change of one indicator")


def test_a_pilot_is_asked_without_a_store(sample: Path) -> None:
    words = ("--pilot", sample, "--pi", "p", "--topic", "mythos")
    refused(ExitCode.USAGE, "design", *words, says="would change nothing")


@pytest.mark.parametrize("text", ["1pp", "1 pp", "1%", "0.01", ".01"])
def test_a_half_width_is_read_in_every_spelling(text: str) -> None:
    assert half_width(text) == pytest.approx(0.01)
    with pytest.raises(UsageError):
        half_width(text.replace("1", "-1"))
