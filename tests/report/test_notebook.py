"""Results in a notebook: shown as harmless HTML, given as frames, drawn with one call."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.display import Presented
from blueattr.errors import UsageError
from blueattr.report import render
from blueattr.report.figures.charts.drawing import Drawing
from blueattr.report.pages.notebook import figures_of, frame_of, report_of
from blueattr.studies.convergence import convergence
from blueattr.studies.scales import compare_scales
from blueattr.studies.validation.validate import validate
from support.hostile_text import HOSTILE
from support.html_pages import inert, tree
from support.report_cases import ATTRIBUTION, COMPARISON, FEATURES_FILE
from support.study_cases import BOOTSTRAP, CHANGE, DAYS, GRID, SENSITIVITY, WHY
from support.topic_cases import hostile, report

PANEL = {"agent": list(range(40)), "a": [k % 5 for k in range(40)],
         "b": [40 / (k + 1) for k in range(40)], "c": [k % 3 for k in range(40)]}  # fmt: skip
CASES: dict[str, Any] = {
    "attribution": ATTRIBUTION,
    "features file": FEATURES_FILE,
    "comparison": COMPARISON,
    "grid": GRID,
    "change": CHANGE,
    "why": replace(WHY, account=replace(WHY.account, handle="ann.test")),
    "days": DAYS[0],
    "bootstrap": BOOTSTRAP,
    "sensitivity": SENSITIVITY,
    "topic": report(),
}


@pytest.mark.parametrize("name", CASES)
def test_a_result_is_shown_as_html_with_its_numbers_and_its_figure(name: str) -> None:
    result = CASES[name]
    assert isinstance(result, Presented)
    html = result._repr_html_()
    root = tree(html)
    inert(root)
    assert len(root.all("svg")) == 1
    laid_out = report_of(result)
    text = " ".join(root.text().split())
    for sentence in (*laid_out.summary, *laid_out.warnings):
        assert " ".join(sentence.split()) in text
    tables = (*laid_out.tables, *laid_out.lists, *laid_out.details)
    assert len(root.all("table")) == len(tables) > 0
    for table, element in zip(tables, root.all("table"), strict=True):
        assert len(element.all("tbody")[0].all("tr")) == len(table.rows)


@pytest.mark.parametrize("name", CASES)
def test_a_result_gives_the_frame_of_its_files(name: str) -> None:
    frame = CASES[name].to_polars()
    assert isinstance(frame, pl.DataFrame)
    assert len(frame) > 2
    written = pl.read_parquet(render(report_of(CASES[name]), "parquet"))
    assert written.equals(frame_of(CASES[name]))
    assert frame.equals(written)


@pytest.mark.few(2)
@pytest.mark.parametrize("name", CASES)
def test_a_result_is_drawn_with_one_call(name: str, tmp_path: Path) -> None:
    result = CASES[name]
    names = list(figures_of(result))
    assert names
    assert result.plot().spec == result.plot(names[0]).spec
    for figure in names:
        drawing = result.plot(figure)
        assert isinstance(drawing, Drawing)
        root = ET.fromstring(drawing._repr_svg_())  # noqa: S314 - our own
        assert root.tag.endswith("svg")
    drawing.save(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 500
    with pytest.raises(UsageError, match=re.escape(f"there are {', '.join(names)}")):
        result.plot("nothing of the kind")


def test_results_of_studies_without_a_figure_say_so() -> None:
    validated = validate(PANEL, ["heat"], permutations=[8], coalitions=[8])
    for result in (validated, convergence(PANEL, ["heat"])):
        assert isinstance(result, Presented)
        inert(tree(result._repr_html_()))
        assert len(result.to_polars()) > 0
        with pytest.raises(UsageError, match="has no figure; its table has every number"):
            result.plot()


def test_results_are_still_frozen_and_compare_by_their_fields() -> None:
    one, two = (compare_scales(PANEL, ["heat"], sizes=[5], seeds=2) for _ in range(2))
    assert one == two
    assert "<" not in repr(one)[:20]
    with pytest.raises(FrozenInstanceError):
        one.seed = 3  # type: ignore[misc] # that it cannot be set is the test
    with pytest.raises(UsageError, match="int is not a result"):
        report_of(3)


def test_a_figure_without_an_answer_says_so() -> None:
    panel = pl.DataFrame({**PANEL, "c": [0] * 40})
    result = compare_scales(panel, ["heat"], sizes=[5], seeds=2, keep_undefined=True)
    with pytest.raises(UsageError, match="'tier-shares' has nothing to show"):
        result.plot()
    assert "<svg" not in result._repr_html_()


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", '" onload="x',
     *(pytest.param(text, marks=pytest.mark.slow) for text in HOSTILE)],
)  # fmt: skip
def test_hostile_names_are_harmless_in_a_notebook(text: str) -> None:
    root = tree(hostile(text)._repr_html_())
    inert(root)


@pytest.mark.slow
def test_importing_results_imports_no_charts() -> None:
    code = (
        "import sys, blueattr; blueattr.attribute; blueattr.compare_scales; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'vl_convert', 'jinja2', 'rich'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          timeout=60)  # fmt: skip
    assert done.stdout == "[]\n"
