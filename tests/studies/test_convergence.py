"""Convergence: errors against a plain twin, the published end points, the order of the rule."""

import io
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators.base import MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.report import render
from blueattr.report.results.convergences import convergence_report
from blueattr.studies.convergence import (
    PUBLISHED,
    PUBLISHED_MOMENT,
    PUBLISHED_MOMENTS,
    STEPS_TRIED,
    Convergence,
    convergence,
    heat_error,
)
from support import naive


def panel(moment: float = 0.52, n: int = 200) -> pl.DataFrame:
    """Draw a panel and scale it, so that M is as asked."""
    rng = np.random.default_rng(0)
    x = rng.lognormal(size=(n, 3)) * (rng.random((n, 3)) < 0.7)
    x *= np.cbrt(moment / x.mean(axis=0).prod())
    dids = [f"did:{i:05d}" for i in range(n)]
    return pl.DataFrame({"did": dids, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})


@pytest.fixture(scope="module")
def result() -> Convergence:
    return convergence(panel(), ["lin", "heat", "var", "gini"])


def test_the_published_end_points_are_met_at_this_moment(result: Convergence) -> None:
    assert result.moment == pytest.approx(PUBLISHED_MOMENT)
    heat = result.series[1]
    assert [row.steps for row in heat.rows] == list(STEPS_TRIED)
    shown = {row.steps: row.published for row in heat.rows if row.published is not None}
    assert shown == PUBLISHED == {5: 4.0e-3, 300: 1.1e-6}
    for row in heat.rows:
        assert row.predicted == pytest.approx(row.error, rel=1e-6)
        if row.published is not None:
            assert f"{row.error:.1e}" == f"{row.published:.1e}"


def test_the_published_end_points_pin_the_moment_down() -> None:
    def met(moment: float) -> bool:
        return all(f"{heat_error(moment, k):.1e}" == f"{e:.1e}" for k, e in PUBLISHED.items())

    low, high = PUBLISHED_MOMENTS
    assert all(met(moment) for moment in np.linspace(low, high, 15))
    wide = np.concatenate(
        [np.linspace(0.01, low - 0.001, 300), np.geomspace(high + 0.001, 1e4, 900)]
    )
    assert not any(met(moment) for moment in wide)


def test_errors_equal_a_plain_twin() -> None:
    frame = panel(1.3, 30)
    agents = frame.select("a", "b", "c").rows()
    exact = naive.closed_form("heat", agents)
    rows = convergence(frame, steps=(3, 17)).series[0].rows
    for row in rows:
        values = naive.heat_quadrature(agents, row.steps)
        error = math.fsum(abs(p - q) for p, q in zip(values, exact, strict=True))
        assert row.error == pytest.approx(error / math.fsum(exact), rel=1e-9)
        assert row.error == pytest.approx(heat_error(1.3, row.steps), rel=1e-9)


@pytest.mark.parametrize("moment", [1e-3, 0.52, 1.0, 5.0, 50.0])
def test_the_order_of_heat_is_two(moment: float) -> None:
    series = convergence(panel(moment), steps=(50, 100, 200, 400)).series[0]
    assert series.order == pytest.approx(2, abs=0.03)
    assert series.rows[0].order is None
    for row in series.rows[1:]:
        assert row.order == pytest.approx(2, abs=0.03)


def test_the_order_of_heat_is_four_where_the_integrand_ends_level() -> None:
    """d/dt 3 t² M / (1 + t³ M) is 0 at t = 1 when M = 2, as it is at t = 0."""
    series = convergence(panel(2.0), steps=(10, 20, 40)).series[0]
    assert series.order == pytest.approx(4, abs=0.1)


def test_where_the_gradient_is_linear_every_k_is_exact(result: Convergence) -> None:
    for name, series in zip(
        ("lin", "var", "gini"), (result.series[i] for i in (0, 2, 3)), strict=True
    ):
        assert series.indicator == name
        assert series.same == (name == "gini")
        assert series.order is None
        for row in series.rows:
            assert row.error < 1e-12
            assert (row.order, row.predicted, row.published) == (None, None, None)


def test_without_a_closed_form_a_fine_quadrature_stands_for_it() -> None:
    heat = INDICATORS["heat"]
    assert isinstance(heat, MomentIndicator)
    own = MomentIndicator(
        name="own", formula="heat", statistics=("a", "b", "c"), measure=heat.measure,
        value=heat.value, gradient=heat.gradient,
    )  # fmt: skip
    mine, theirs = convergence(panel(), [own, "heat"], steps=(5, 50)).series
    assert (mine.reference_steps, theirs.reference_steps) == (10_000, None)
    for row, expected in zip(mine.rows, theirs.rows, strict=True):
        assert row.error == pytest.approx(expected.error, rel=1e-3)
        assert row.predicted is None
    text = render(convergence_report(convergence(panel(), [own])), "text").decode()
    assert "own has no closed form: compared with 10,000 steps." in text


def test_what_is_refused() -> None:
    with pytest.raises(ZeroTotalError, match="c is 0"):
        convergence(panel().with_columns(c=0.0))
    for steps in ((), (5, 5), (0,)):
        with pytest.raises(UsageError, match="steps"):
            convergence(panel(), steps=steps)
    with pytest.raises(UsageError, match="indicator"):
        convergence(panel(), [])


def test_the_report(result: Convergence) -> None:
    text = render(convergence_report(result), "text").decode()
    assert "M is 0.52 on this panel" in text
    assert "4.0e-03" in text
    assert "For gini, quadrature is exact for every K, up to rounding." in text
    assert "as 1/K to the power 2.00" in text
    form = json.loads(render(convergence_report(result), "json"))
    assert form["moment"] == result.moment
    for shown, series in zip(form["series"], result.series, strict=True):
        assert shown["order"] == series.order
        assert [row["error"] for row in shown["rows"]] == [row.error for row in series.rows]
    table = pl.read_csv(io.BytesIO(render(convergence_report(result), "csv")))
    assert len(table) == 4 * len(STEPS_TRIED)
    assert table["published"].drop_nulls().to_list() == [4.0e-3, 1.1e-6]


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    panel(n=50).write_csv(tmp_path / "panel.csv")
    done = subprocess.run(
        [sys.executable, "-c", "from blueattr.cli.main import app; app()", "convergence",
         "--features", "panel.csv", "--steps", "4,8", "--indicator", "all", "--out", "c.json"],
        cwd=tmp_path, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    form = json.loads((tmp_path / "c.json").read_text())
    assert [series["indicator"] for series in form["series"]] == ["lin", "heat", "var", "gini"]
    assert form["steps"] == [4, 8]
