"""Figures: what is drawn is the data behind them, at any size, in forms that a paper can use."""

import json
import os
import re
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.question import Question, Sampling
from blueattr.errors import OutputError, UsageError
from blueattr.report import Report, render
from blueattr.report.figures.agents import _LANDMARKS, concentration_exhibit, leaders_report
from blueattr.report.figures.charts import shares_chart, sizes_chart
from blueattr.report.figures.days import days_exhibit
from blueattr.report.figures.drawing import Drawing, Spec
from blueattr.report.figures.exhibit import Exhibit
from blueattr.report.figures.scales import (
    attributions_exhibit,
    flips_exhibit,
    shares_exhibit,
    sizes_exhibit,
)
from blueattr.report.figures.studies import bootstrap_exhibit, sensitivity_exhibit
from blueattr.report.figures.theme import PAGE, PAGE_NARROW, PAPER, Look, apart, decades
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.pages.gallery import write_report
from blueattr.report.pages.page import write_page
from blueattr.studies.topic import (
    LANDMARKS,
    Concentration,
    Leader,
    Leaders,
    concentration,
    topic_report,
)
from support.effort import law
from support.hostile_text import HOSTILE
from support.places import GOLDEN_FIGURES
from support.report_cases import ATTRIBUTION, COMPARISON
from support.study_cases import BOOTSTRAP, DAYS, GRID, SENSITIVITY
from support.topic_cases import hostile, origin_of, panel, report, topics

LAW = law(100)
LOOKS = {"paper": PAPER, "page": PAGE, "phone": PAGE_NARROW}


def every() -> dict[str, Exhibit]:
    found = {exhibit.name: exhibit for exhibit in topic_exhibits(report())}
    more = (
        flips_exhibit([one.comparison for one in topics()]),
        bootstrap_exhibit(BOOTSTRAP),
        sensitivity_exhibit(SENSITIVITY),
    )
    found |= {exhibit.name: exhibit for exhibit in more if exhibit is not None}
    assert len(found) == 7
    return found


NAMES = ["tier-shares", "share-by-size", "concentration", "heat-by-day", "flips", "bootstrap",
         "sensitivity"]  # fmt: skip


def values(spec: Any, key: str = "values") -> Iterator[dict[str, Any]]:
    """All data in a specification, wherever it stands."""
    if isinstance(spec, dict):
        if isinstance(spec.get("data"), dict):
            yield from spec["data"]["values"]
        for item in spec.values():
            yield from values(item)
    elif isinstance(spec, list):
        for item in spec:
            yield from values(item)


def data(exhibit: Exhibit) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render(exhibit.report, "json"))["data"]
    return found


# --- specifications -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("look", LOOKS)
def test_a_specification_is_data_without_addresses_or_code(name: str, look: str) -> None:
    spec = every()[name].chart(LOOKS[look])
    text = json.dumps(spec, allow_nan=False)
    assert json.loads(text) == spec
    assert '"url"' not in text
    assert re.findall(r"https?://[^\"]*", text) == [
        "https://vega.github.io/schema/vega-lite/v6.json"
    ]
    # Expressions are ours, never made of names.
    expressions = set(re.findall(r'"(?:labelExpr|filter|test|expr)": "([^"]*)"', text))
    assert expressions <= {
        "format(100 * datum.value, '~g') + ' %'", "isValid(datum.at)", "isValid(datum.label)",
        "isValid(datum.low)", "datum.whole",
    }  # fmt: skip
    assert list(values(spec))


@pytest.mark.parametrize("name", NAMES)
def test_alternatives_captions_and_titles_are_sentences(name: str) -> None:
    exhibit = every()[name]
    assert exhibit.alt.endswith(".")
    assert exhibit.caption.endswith(".")
    assert exhibit.title[0].isupper()
    assert len(exhibit.alt) > 40
    assert "None" not in exhibit.alt + exhibit.caption
    assert "nan" not in exhibit.alt + exhibit.caption


# --- what is drawn --------------------------------------------------------------------------------


def test_bars_are_as_long_as_the_shares_and_end_where_the_next_begins() -> None:
    exhibit = every()["tier-shares"]
    drawn = list(values(exhibit.chart(PAPER)))
    rows = data(exhibit)
    assert len(drawn) == len(rows) == 4 * 3 * 3
    for bar, row in zip(drawn, rows, strict=True):
        assert bar["end"] - bar["start"] == pytest.approx(row["share"], abs=1e-12)
    bars: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for bar in drawn:
        bars.setdefault((bar["indicator"], bar["panel"]), []).append(bar)
    for parts in bars.values():
        assert sum(part["end"] - part["start"] for part in parts) == pytest.approx(1)
        for sign in (1, -1):
            side = [p for p in parts if (p["end"] - p["start"]) * sign > 0]
            reached = 0.0
            for part in side:
                assert part["start"] == pytest.approx(reached)
                reached = part["end"]


def test_lines_go_through_the_shares() -> None:
    exhibit = every()["share-by-size"]
    drawn = [value for value in values(exhibit.chart(PAPER)) if "at" not in value]
    rows = data(exhibit)
    assert len(drawn) == len(rows)
    for point, row in zip(drawn, rows, strict=True):
        assert (point["size"], point["tier"], point["share"]) == (
            row["size"], row["tier"], row["share"])  # fmt: skip
        assert point["high"] - point["low"] == pytest.approx(2 * (row["std"] or 0), abs=1e-12)


def test_days_are_stacked_by_tier_and_parts_of_days_are_pale() -> None:
    exhibit = every()["heat-by-day"]
    drawn = [value for value in values(exhibit.chart(PAPER)) if "tier" in value]
    gaps = [value for value in values(exhibit.chart(PAPER)) if "start" in value]
    assert gaps == [{"start": "2026-04-03T00:00:00Z", "end": "2026-04-03T03:20:00Z"}]
    rows = data(exhibit)
    assert len(drawn) == len(rows) == 14 * 3
    for bar, row in zip(drawn, rows, strict=True):
        assert bar["day"][:10] == row["day"]
        assert bar["value"] == (row["value"] or 0)
    assert {bar["day"][:10] for bar in drawn if not bar["whole"]} == {"2026-04-14"}
    assert {row["day"] for row in rows if row["unseen_seconds"]} == {"2026-04-03"}
    heat = {row["day"]: row["total"] for row in rows}
    for day, total in heat.items():
        parts = [row["value"] for row in rows if row["day"] == day and row["value"] is not None]
        assert sum(parts) == pytest.approx(total)


def test_landmarks_are_points_of_the_curve() -> None:
    assert _LANDMARKS == LANDMARKS
    exhibit = every()["concentration"]
    for row in json.loads(render(exhibit.report, "json"))["table"]:
        assert "-" not in row.values()
    marked = [v for v in values(exhibit.chart(PAPER)) if v["label"] is not None]
    assert {round(value["part"], 3) for value in marked} == {0.01, 0.1}


@given(st.lists(st.floats(-1, 2), max_size=21), st.floats(0.001, 0.2))
@LAW
def test_labels_are_moved_apart_and_keep_their_order(given_values: list[float], gap: float) -> None:
    moved = apart(given_values, gap)
    assert len(moved) == len(given_values)
    pairs = sorted(zip(given_values, moved, strict=True))
    for (one, low), (two, high) in pairwise(pairs):
        assert high - low >= gap * (1 - 1e-6) or one == two
    heights = sorted(moved)
    assert all(b - a >= gap * (1 - 1e-6) for a, b in pairwise(heights))
    spread = sorted(given_values)
    if all(b - a >= gap for a, b in pairwise(spread)):
        assert moved == pytest.approx(given_values)


@given(st.integers(1, 10**6), st.integers(0, 10**7))
@LAW
def test_an_axis_has_a_few_round_numbers_inside_it(least: int, more: int) -> None:
    found = decades(least, least + more)
    assert all(least <= step <= least + more for step in found)
    assert len(found) <= 9


def test_samples_without_an_answer_are_left_out_of_the_figure_and_said_in_the_table() -> None:
    exhibit = shares_exhibit(COMPARISON)
    assert exhibit is not None
    drawn = {(value["indicator"], value["panel"]) for value in values(exhibit.chart(PAPER))}
    assert ("heat", "random 100") not in drawn
    assert ("heat", "top 100") in drawn
    (row,) = [r for r in json.loads(render(exhibit.report, "json"))["table"]
              if (r["indicator"], r["sample"]) == ("heat", "random")]  # fmt: skip
    assert row["tail"] is None
    assert row["flip"] == "-"
    Drawing(exhibit.chart(PAPER)).svg()
    curve = sizes_exhibit(COMPARISON)
    assert curve is not None
    assert "full panel" not in curve.caption
    Drawing(curve.chart(PAPER)).svg()


def test_colours_of_tiers_differ_in_lightness_too() -> None:
    def lightness(colour: str) -> float:
        r, g, b = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
        return float(0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2)

    for count in range(2, 22):
        colours = PAPER.tier_colours(count)
        assert len(colours) == count
        assert (colours[0], colours[-1]) == (PAPER.top, PAPER.tail)
    shades = sorted(map(lightness, (PAPER.top, PAPER.middle, PAPER.tail)))
    assert shades[-1] - shades[0] > 0.04


# --- drawings -------------------------------------------------------------------------------------

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", NAMES)
def test_an_svg_is_small_and_inert_and_its_words_are_words(name: str) -> None:
    exhibit = every()[name]
    for look in (PAPER, PAGE):
        svg = Drawing(exhibit.chart(look)).svg()
        assert svg == Drawing(exhibit.chart(look)).svg()
        root = ET.fromstring(svg)  # noqa: S314 - our own
        assert len(svg) < 60_000
        for element in root.iter():
            assert element.tag in {_SVG + tag for tag in ("svg", "g", "path", "text", "line",
                                                          "rect", "tspan")}  # fmt: skip
            for attribute in element.attrib:
                assert attribute not in {"style", "id", "role", "tabindex"}
                assert not attribute.startswith("on")
                assert "href" not in attribute
        words = {element.text for element in root.iter(_SVG + "text")}
        assert len(words) > 4
        colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg)) - {"none", "transparent"}
        if look is PAGE:
            # The page sets every colour, for light and for dark.
            assert all(re.fullmatch(r"var\(--[a-z-]+\)", colour) for colour in colours), colours


def test_a_figure_is_as_wide_as_its_look() -> None:
    for name in NAMES:
        for look in LOOKS.values():
            svg = Drawing(every()[name].chart(look)).svg()
            width = float(re.findall(r'<svg[^>]* width="([0-9.]+)"', svg)[0])
            room = 24 if look is PAPER else 12
            assert 0.85 * look.width < width < look.width + room + 8, (name, look.width, width)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a&b\"c'", *HOSTILE])
def test_hostile_names_are_drawn_as_words(text: str) -> None:
    rows = [{"indicator": text, "panel": text, "tier": "top", "share": 0.25},
            {"indicator": text, "panel": text, "tier": "tail", "share": 0.75}]  # fmt: skip
    svg = Drawing(shares_chart(rows, ("top", "tail"), PAPER)).svg()
    svg.encode()
    root = ET.fromstring(svg)  # noqa: S314 - our own
    assert not list(root.iter(_SVG + "script"))
    words = [element.text or "" for element in root.iter(_SVG + "text")]
    assert not any(c < " " or c in "\u202e\u2066\u200b" for word in words for c in word)


def test_png_is_at_300_pixels_an_inch(tmp_path: Path) -> None:
    drawing = Drawing(every()["flips"].chart(PAPER))
    png = drawing.png()
    width, _ = struct.unpack(">II", png[16:24])
    svg_width = float(re.findall(r' width="([0-9.]+)"', drawing.svg())[0])
    assert width == pytest.approx(svg_width * 300 / 96, abs=2)
    at = png.index(b"pHYs") + 4
    per_metre, _, unit = struct.unpack(">IIB", png[at : at + 9])
    assert unit == 1
    assert per_metre == pytest.approx(300 / 0.0254, abs=1)
    drawing.save(tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes() == png


def test_a_drawing_is_saved_as_what_its_name_says(tmp_path: Path) -> None:
    drawing = Drawing(every()["flips"].chart(PAPER))
    drawing.save(str(tmp_path / "f.SVG"))
    assert (tmp_path / "f.SVG").read_text() == drawing.svg() == drawing._repr_svg_()
    with pytest.raises(UsageError, match=r"\.svg or \.png"):
        drawing.save(tmp_path / "f.pdf")
    with pytest.raises(OutputError):
        drawing.save(tmp_path / "none" / "f.svg")


def test_figures_are_files_of_their_own(tmp_path: Path) -> None:
    paths = write_report([report()], tmp_path, "svg")
    assert [path.name for path in paths] == [f"mythos-{name}.svg" for name in NAMES[:4]]
    for path in paths:
        assert path.read_text().startswith("<svg ")


def test_other_numbers_of_tiers_and_indicators_are_drawn() -> None:
    made = topic_report(
        panel(),
        Question(("heat",), cutoffs=(1.0, 5.0, 20.0, 50.0)),
        Sampling(("visibility", "random"), sizes=(20,), seeds=1),
        provenance=origin_of(),
    )
    for exhibit in topic_exhibits(made):
        for look in LOOKS.values():
            assert "<text" in Drawing(exhibit.chart(look)).svg()
    facets = {v["facet"] for v in values(topic_exhibits(made)[1].chart(PAPER)) if "facet" in v}
    assert facets == {"heat, visibility", "heat, random"}
    single: Spec = sizes_chart(
        [{"facet": "x", "size": 5, "tier": "top", "share": 1.0, "std": None}], ("top",), Look()
    )
    assert "<text" in Drawing(single).svg()
    assert "<text" in Drawing(attributions_exhibit([ATTRIBUTION]).chart(PAPER)).svg()


def test_nothing_to_show_is_no_figure() -> None:
    nothing = replace(
        COMPARISON,
        indicators=tuple(replace(one, undefined="why") for one in COMPARISON.indicators),
    )
    assert shares_exhibit(nothing) is None
    assert sizes_exhibit(nothing) is None
    assert concentration_exhibit([], COMPARISON.provenance) is None
    empty = replace(COMPARISON, indicators=tuple(
        replace(one, samples=()) for one in COMPARISON.indicators))  # fmt: skip
    assert flips_exhibit([empty]) is None


# --- the forms of the data ------------------------------------------------------------------------

GOLDEN = GOLDEN_FIGURES
WRITE = os.environ.get("BLUEATTR_WRITE_GOLDEN") == "1"
_LEADERS = Leaders("heat", (
    Leader("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "one.example", "top", 3.0, 1.0, 0.5, 0.25, 0.5),
    Leader("=1+1", None, "tail", 1.0, 1.0, 0.25, 0.125, 0.25),
))  # fmt: skip
_CURVES = [
    Concentration(
        "heat", 2_310, (1, 2, 23, 231, 1_155, 2_310), (0.01, 0.02, 0.2, 0.7, 0.99, 1.0), 90
    ),
    Concentration(
        "var", 2_310, (1, 2, 23, 231, 1_155, 2_310), (0.05, 0.1, 0.5, 1.25, 1.1, 1.0), 23
    ),
]


def _forms() -> dict[str, Report]:
    found = [shares_exhibit(COMPARISON), sizes_exhibit(COMPARISON), days_exhibit(DAYS[0]),
             concentration_exhibit(_CURVES, COMPARISON.provenance), flips_exhibit(GRID.topics),
             bootstrap_exhibit(BOOTSTRAP),
             sensitivity_exhibit(SENSITIVITY)]  # fmt: skip
    reports = {exhibit.report.kind: exhibit.report for exhibit in found if exhibit is not None}
    reports["tier_shares_alone"] = attributions_exhibit([ATTRIBUTION]).report
    reports["leaders"] = leaders_report(_LEADERS, COMPARISON.provenance)
    assert len(reports) == 9
    return reports


# JSON has the columns and rows of CSV but for the origins: dates, and an origin for each row.
_CASES: list[tuple[str, Literal["json", "csv"]]] = [
    *((name, "json") for name in _forms()),
    ("by_day", "csv"),
    ("flips", "csv"),
]


@pytest.mark.parametrize(("name", "form"), _CASES)
def test_the_data_behind_figures_to_the_byte(name: str, form: Literal["json", "csv"]) -> None:
    path = GOLDEN / f"{name}.{form}"
    actual = render(_forms()[name], form)
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(actual)
    assert actual.decode() == path.read_text(encoding="utf-8")


def test_no_data_of_a_figure_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.{form}" for name, form in _CASES}


# --- size -----------------------------------------------------------------------------------------

FULL_SIZE = 1_670_000


def test_what_is_drawn_does_not_grow_with_the_panel() -> None:
    small, large = concentration(_attributed(2_000)), concentration(_attributed(200_000))
    assert len(small.agents) <= 165
    assert len(large.agents) <= 165


def _attributed(n: int) -> Any:
    from blueattr.attribution.attribute import (  # noqa: PLC0415 - the rest needs no arithmetic
        attribute,
    )

    return attribute(wide_panel(n), "heat")


def wide_panel(n: int) -> pl.DataFrame:
    """A panel of any size with heavy tails: most do little, few are followed by many."""
    k = pl.int_range(n, eager=True)
    mixed = (k * 2_654_435_761 % n).cast(pl.Float64) + 1
    return pl.DataFrame(
        {
            "did": [f"did:plc:{i:024d}" for i in range(n)],
            "a": (n / mixed).log1p(),
            "b": (n / (mixed * 7 % n + 1)).log1p(),
            "c": pl.select(pl.when(k % 3 == 0).then((n / mixed).log1p()).otherwise(0.0))
            .to_series(),
        }
    )  # fmt: skip


@pytest.mark.slow
def test_a_report_of_all_of_the_network_is_under_three_megabytes(tmp_path: Path) -> None:
    made = topic_report(
        wide_panel(FULL_SIZE),
        Question(("lin", "heat", "var", "gini")),
        Sampling(seeds=2),
        provenance=origin_of(),
    )
    assert made.comparison.n_agents == FULL_SIZE
    assert made.curve.sizes[-1] == FULL_SIZE
    path = tmp_path / "full.html"
    write_page(made, path)
    assert 100_000 < path.stat().st_size < 1_000_000
    five = tmp_path / "five.html"
    write_page([made] * 5, five)
    assert five.stat().st_size < 3_000_000


def test_a_long_list_of_gaps_and_agents_does_not_fill_the_page(tmp_path: Path) -> None:
    base = hostile("x")
    gaps = base.provenance.gaps * 5_000
    origin = replace(base.provenance, gaps=gaps)
    made = replace(base, comparison=replace(base.comparison, provenance=origin))
    write_page(made, tmp_path / "p.html")
    assert (tmp_path / "p.html").stat().st_size < 1_000_000
    assert "4,900 more" in (tmp_path / "p.html").read_text()
