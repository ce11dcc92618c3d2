"""The page of a simulation: what it says, and that names from a record stay text."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import blueattr
from blueattr.errors import InputError, OutputError, UsageError
from blueattr.report.figures.charts.drawing import Drawing
from blueattr.report.figures.charts.theme import PAGE, PAGE_NARROW
from blueattr.report.figures.scenarios import drivers_exhibit, games_exhibit, steps_exhibit
from blueattr.report.pages.scenario import scenario_html, write_scenario_report
from blueattr.report.results.beside import baselines_table, methods_table
from blueattr.scenarios.games.attribution import ScenarioAttribution
from blueattr.scenarios.games.beside import beside
from blueattr.scenarios.record import Record
from support.hostile_text import HOSTILE

SCRIPT = "<script>alert(1)</script>&\"'`{{7*7}}"


@cache
def answer(
    name: str, *, agents: int = 5, steps: int = 6, **question: object
) -> ScenarioAttribution:
    record = blueattr.run_scenario(name, agents=agents, steps=steps, seed=3)
    return blueattr.attribute_scenario(record, **question)  # type: ignore[arg-type]  # options


def renamed(record: Record, *names: str) -> Record:
    return replace(record, agents=(*names, *record.agents[len(names) :]))


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["economy", "market", "opinion"])
def test_a_page_has_the_answer_the_steps_both_games_methods_and_baselines(name: str) -> None:
    result = answer(name)
    html = scenario_html(result)
    assert f"Who drove {result.indicator} at step {result.step}?" in html
    assert "Open loop" in html
    assert "cosine of" in html
    assert html.count("<figure") == 3
    for title in ("How methods agree", "What the baseline changes", "Methods and parameters"):
        assert title in html
    leads = "the discrete Shapley value leads"
    assert (leads in html) == (name == "market")
    assert ("answers for the smooth game" in html) == (name != "market")
    assert "default-src 'none'" in html
    assert not re.search(r"<script|javascript:|src=\"http", html)


def test_the_page_of_cells_says_when() -> None:
    title = "who drove it, and when"
    assert title in scenario_html(answer("economy", window=2, players="cells"))
    assert title not in scenario_html(answer("economy", window=2))


def test_names_of_agents_and_steps_stay_text_wherever_they_stand() -> None:
    record = blueattr.run_scenario("economy", agents=6, steps=3, seed=3)
    hostile = replace(
        renamed(record, SCRIPT, "\x1b[2J\u202eevil", "=HYPERLINK(1)", "x" * 5000),
        steps=("1", "'; alert(1) //\\u0027", "</svg><script>x</script>"),
    )
    html = scenario_html(blueattr.attribute_scenario(hostile, step="</svg><script>x</script>"))
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;" in html
    assert len(html) < 400_000


def test_names_that_are_cut_to_the_same_letters_have_bars_of_their_own() -> None:
    record = blueattr.run_scenario("economy", agents=3, steps=3, seed=3)
    long = "the same beginning of a very long name "
    result = blueattr.attribute_scenario(renamed(record, long + "a", long + "b"))
    rows = drivers_exhibit(result).chart(PAGE)["data"]["values"]
    assert len({row["name"] for row in rows}) == 3


def test_the_bars_are_the_values_with_their_signs_and_absolute_shares() -> None:
    result = answer("economy", agents=30, baseline="mean", permutations=2)
    exhibit = drivers_exhibit(result)
    rows = exhibit.chart(PAGE)["data"]["values"]
    assert len(rows) == 20
    assert {row["side"] for row in rows} == {"up", "down"}
    largest = np.sort(np.abs(result.values))[-20:]
    np.testing.assert_allclose(sorted(abs(row["value"]) for row in rows), largest)
    data = exhibit.report.data
    assert data is not None
    assert len(data.rows) == 30
    shares = [row[4] for row in data.rows]
    assert sum(shares) == pytest.approx(1)  # type: ignore[arg-type]  # numbers


@pytest.mark.parametrize("look", [PAGE, PAGE_NARROW])
def test_numbers_beside_bars_have_room_on_both_sides(look: object) -> None:
    chart = drivers_exhibit(answer("economy", agents=12)).chart(look)  # type: ignore[arg-type]
    low, high = chart["layer"][0]["encoding"]["x"]["scale"]["domain"]
    a_pixel = (high - low) / chart["width"]
    for row in chart["data"]["values"]:
        room = (row["value"] - low if row["side"] == "down" else high - row["value"]) / a_pixel
        assert room >= 6 * len(row["label"]), row


def test_the_step_that_is_asked_about_and_its_window_are_marked() -> None:
    result = answer("economy", step=4, window=2)
    chart = steps_exhibit(result).chart(PAGE)
    rows = chart["data"]["values"]
    assert [row["step"] for row in rows if row["is_target"]] == ["4"]
    assert [row["step"] for row in rows if row["in_window"]] == ["3", "4"]
    assert rows[3]["recorded"] == result.recorded
    assert chart["layer"][0]["data"]["values"] == [{"begin": 1.5, "end": 3.5}]


def test_both_games_are_shown_where_they_were_computed() -> None:
    exhibit = games_exhibit(answer("market"))
    assert exhibit is not None
    assert "Exact Shapley values" in exhibit.caption
    many = answer("opinion", agents=101, steps=1)
    assert games_exhibit(many) is None
    html = scenario_html(many)
    assert html.count("<figure") == 2
    assert "How methods agree" not in html


def test_the_methods_are_compared_with_shapley_values_of_their_game() -> None:
    found = beside(answer("economy", method="exact"))
    lines = {(one.form, one.method): one for one in found.methods}
    path = lines["smooth", "path"].agreement
    assert path is not None
    assert path.cosine is not None
    assert path.cosine > 0.8
    table = methods_table(found)
    assert table is not None
    assert table.rows[0][:2] == ("smooth", "path value")
    assert len(table.rows) == 8
    # What the answer says of itself is the same.
    asked = next(one for one in found.baselines if one.baseline == "zero")
    assert asked.agreement is not None
    assert asked.agreement.mae == 0


def test_the_baseline_changes_what_is_shared_out() -> None:
    found = beside(answer("economy"))
    table = baselines_table(found)
    assert [row[0] for row in table.rows] == ["zero (asked)", "mean"]
    zero, mean = found.baselines
    assert zero.total == mean.total
    assert zero.empty != mean.empty
    only = baselines_table(beside(answer("opinion")))
    assert only.notes == ("This simulation has one baseline.",)


def test_the_figures_and_their_data_are_files_of_their_own(tmp_path: Path) -> None:
    result = answer("opinion")
    for form in ("csv", "svg"):
        names = {path.name for path in write_scenario_report(result, tmp_path, form)}
        stem = "opinion-polarisation"
        assert names == {f"{stem}-{part}.{form}" for part in ("drivers", "steps", "games")}
        assert all((tmp_path / name).stat().st_size for name in names)
    assert [path.name for path in write_scenario_report(result, tmp_path)] == [f"{stem}.html"]
    with pytest.raises(UsageError, match="no dataset"):
        write_scenario_report(result, tmp_path, "datasette")


def test_a_result_shows_itself_in_a_notebook(tmp_path: Path) -> None:
    result = answer("economy")
    assert repr(result) == "ScenarioAttribution(inflation, 5 agents)"
    assert "drove it most" in str(result)
    html = result._repr_html_()
    assert "<svg" in html
    assert "agent-1" in html
    assert result.to_polars().height == 5
    result.plot("steps").save(tmp_path / "steps.svg")
    assert (tmp_path / "steps.svg").read_text("utf-8").startswith("<svg")
    with pytest.raises(UsageError, match="there are drivers, steps, games"):
        result.plot("x")


def test_a_program_writes_a_page(tmp_path: Path) -> None:
    result = answer("economy")
    assert blueattr.write_scenario_page(result, str(tmp_path / "page.html")) == (
        tmp_path / "page.html"
    )
    assert (tmp_path / "page.html").read_text("utf-8") == scenario_html(result)
    with pytest.raises(UsageError, match=r"a \.html file"):
        blueattr.write_scenario_page(result, tmp_path / "page.pdf")
    with pytest.raises(OutputError, match="address"):
        blueattr.write_scenario_page(result, "s3://b/page.html")


def test_nothing_but_rounding_is_told_as_nothing() -> None:
    result = replace(answer("economy"), empty=-1.1e-16)
    html = scenario_html(result)
    assert "e-16" not in html.replace("\u2212", "-")


def test_every_hostile_name_is_drawn_as_text() -> None:
    names = [name for name in HOSTILE if not re.search(r"[\ud800-\udfff]", name)]
    record = blueattr.run_scenario("economy", agents=len(names), steps=3, seed=1)
    result = blueattr.attribute_scenario(renamed(record, *names), step=3, permutations=2)
    html = scenario_html(result)
    assert html.count("<figure") == 3
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066]", html)
    assert "\\x1b[2J" in html


def test_half_of_a_character_is_no_name() -> None:
    record = blueattr.run_scenario("economy", agents=3, steps=3, seed=1)
    with pytest.raises(InputError, match="agents is not Unicode"):
        blueattr.attribute_scenario(renamed(record, "\ud800"))


def test_labels_of_steps_are_shown_letter_for_letter() -> None:
    record = blueattr.run_scenario("economy", agents=3, steps=2, seed=1)
    labels = ("it's", "a\\'b\u00e9")
    result = blueattr.attribute_scenario(replace(record, steps=labels), step="it's")
    svg = Drawing(steps_exhibit(result).chart(PAGE)).svg()
    assert all(one.replace("'", "&#39;") in svg or one in svg for one in labels)


def test_a_comparison_shows_itself_as_the_command_prints_it() -> None:
    record = blueattr.run_scenario("opinion", agents=4, steps=3, seed=3)
    found = blueattr.compare_scenarios(record, permutations=4, coalitions=4, steps=4, seeds=2)
    assert repr(found) == "ScenarioComparison(polarisation of opinion, 1 record)"
    assert "the path value is off by" in str(found)
    assert "reference" in found._repr_html_()
    assert found.to_polars().height == len(found.records[0].runs)
