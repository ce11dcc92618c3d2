"""Figures: what is drawn is the data behind them, at any size, in forms that a paper can use."""

import json
import os
import re
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.days import DayShares
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import OutputError, UsageError
from blueattr.provenance import Gap
from blueattr.report import Report, render
from blueattr.report.figures.agents import _LANDMARKS, concentration_exhibit, leaders_report
from blueattr.report.figures.answer import answer_exhibit, certainty_exhibit
from blueattr.report.figures.bridge import change_exhibit
from blueattr.report.figures.charts.charts import shares_chart, sizes_chart
from blueattr.report.figures.charts.drawing import Drawing, Spec
from blueattr.report.figures.charts.theme import (
    PAGE,
    PAGE_NARROW,
    PAPER,
    Look,
    apart,
    decades,
    percent_decades,
)
from blueattr.report.figures.corrected import (
    corrected_exhibit,
    correction_exhibit,
    design_exhibit,
)
from blueattr.report.figures.days import days_exhibit, hours_exhibit
from blueattr.report.figures.exhibit import Exhibit
from blueattr.report.figures.groups import groups_exhibit
from blueattr.report.figures.posts import records_report
from blueattr.report.figures.scales import (
    attributions_exhibit,
    flips_exhibit,
    shares_exhibit,
    sizes_exhibit,
)
from blueattr.report.figures.studies import bootstrap_exhibit, sensitivity_exhibit
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.figures.why import parts_exhibit
from blueattr.report.pages.gallery import write_report
from blueattr.report.pages.page import write_page
from blueattr.studies.carriers.leaders import Leader, Leaders
from blueattr.studies.topic import (
    LANDMARKS,
    Concentration,
    concentration,
    topic_report,
)
from support.effort import law
from support.hostile_text import HOSTILE
from support.places import GOLDEN_FIGURES, ROOT
from support.report_cases import ATTRIBUTION, COMPARISON, GROUPED, GROUPED_TWICE, GROUPS
from support.study_cases import (
    BOOTSTRAP,
    CHANGE,
    CORRECTION,
    DAYS,
    DESIGNS,
    GRID,
    SENSITIVITY,
    UNSHARED,
    WHY,
)
from support.topic_cases import by_hour, hostile, origin_of, panel, report, topics

LAW = law(100)
LOOKS = {"paper": PAPER, "page": PAGE, "phone": PAGE_NARROW}


def every() -> dict[str, Exhibit]:
    found = {exhibit.name: exhibit for exhibit in topic_exhibits(report())}
    more = (
        flips_exhibit([one.comparison for one in topics()]),
        bootstrap_exhibit(BOOTSTRAP),
        sensitivity_exhibit(SENSITIVITY),
        change_exhibit(CHANGE),
        groups_exhibit(GROUPED),
        correction_exhibit(CORRECTION),
        design_exhibit(DESIGNS),
    )
    found |= {exhibit.name: exhibit for exhibit in more if exhibit is not None}
    assert len(found) == 22
    return found


KINDS = ["tier-shares", "share-by-size", "corrected", "concentration"]
OF_TOPIC = [
    "answer",
    "heat-by-day",
    "certainty",
    "sensitivity",
    *(kind + suffix for suffix in ("", "-others", "-signed") for kind in KINDS),
]
NAMES = [*OF_TOPIC, "flips", "bootstrap", "heat-change", "heat-groups", "correction", "design"]
TIERS = {"top": "top 1 %", "middle": "next 9 %", "tail": "other 90 %"}


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
        "isValid(datum.low)", "isValid(datum.outside)", "datum.enough", "datum.whole",
        "format(datum.value, ',')", "split(datum.label, ': ')",
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
    drawn, rows = [], []
    for suffix in ("", "-others", "-signed"):
        exhibit = every()[f"tier-shares{suffix}"]
        drawn += list(values(exhibit.chart(PAPER)))
        rows += data(exhibit)
    assert len(drawn) == len(rows) == 4 * 3 * 3
    for bar, row in zip(drawn, rows, strict=True):
        assert bar["end"] - bar["start"] == pytest.approx(row["share"], abs=1e-12)
        whole = f"{round(100 * row['share'])} %".replace("-", "\u2212")
        # Every part has its label: in it, or above it where it is narrow.
        assert (bar["label"] or bar["outside"]) == whole
        assert bar["tier"] == TIERS[row["tier"]]
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


@pytest.mark.parametrize("exhibit", [change_exhibit(CHANGE), parts_exhibit(WHY)])
def test_a_caption_promises_brackets_of_no_chart_that_has_none(exhibit: Exhibit | None) -> None:
    assert exhibit is not None
    has = {
        look: any("(" in bar["label"] for bar in values(exhibit.chart(how)))
        for look, how in LOOKS.items()
    }
    assert has == {"paper": True, "page": True, "phone": False}
    (promise,) = [one for one in exhibit.caption.split(". ") if "brackets" in one]
    assert promise.startswith("A wide figure also has")


@pytest.mark.parametrize("look", LOOKS)
def test_each_bar_of_a_change_begins_where_the_one_above_it_ends(look: str) -> None:
    exhibit = change_exhibit(CHANGE)
    bars = list(values(exhibit.chart(LOOKS[look])))
    assert [bar["part"] for bar in bars] == [
        "before", "came", "went", "did more", "did less", "the panel's size", "after"
    ]  # fmt: skip
    assert (bars[0]["from"], bars[0]["to"], bars[-1]["from"]) == (0, CHANGE.before.total, 0)
    for above, below in pairwise(bars[:-1]):
        assert below["from"] == above["to"]
    assert bars[-2]["to"] == pytest.approx(bars[-1]["to"]) == pytest.approx(CHANGE.after.total)
    assert [bar["side"] for bar in bars] == ["total", "up", "down", "up", "down", "down", "total"]
    lengths = [bar["to"] - bar["from"] for bar in bars[1:-1]]
    parts = [*(part.value for part in CHANGE.kinds if part.name != "same"), CHANGE.size]
    assert lengths == pytest.approx(parts)
    assert bars[1]["label"] == ("+0.2" if look == "phone" else "+0.2 (116.8 %)")
    # Numbers stand inside the frame: right of the longest bar there is room for them.
    low, high = exhibit.chart(LOOKS[look])["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low == 0
    assert high > 1.15 * max(bar["right"] for bar in bars)


def test_a_report_that_was_asked_for_it_has_the_change_after_the_days() -> None:
    assert "heat-change" not in [one.name for one in topic_exhibits(report())]
    names = [one.name for one in topic_exhibits(replace(report(), change=CHANGE))]
    assert names[:4] == ["answer", "heat-by-day", "heat-change", "certainty"]


def test_a_sample_put_right_stands_beside_what_it_shows_and_the_truth() -> None:
    exhibit = every()["corrected"]
    [one] = [one for one in report().comparison.indicators if one.indicator == "heat"]
    rows = data(exhibit)
    dots = list(values(exhibit.chart(PAPER)))
    assert [dot["share"] for dot in dots] == [row["share"] for row in rows]
    assert [row["share"] for row in rows[:3]] == [tier.share for tier in one.full.tiers]
    samples = [sample for sample in one.samples if sample.corrected is not None]
    assert samples
    assert len(rows) == 3 + 6 * len(samples)
    for k, sample in enumerate(samples):
        raw, put_right = rows[3 + 6 * k :][:3], rows[6 + 6 * k :][:3]
        assert {row["estimate"] for row in raw} == {"raw"}
        assert {row["estimate"] for row in put_right} == {"corrected"}
        assert [row["share"] for row in raw] == [tier.share_mean for tier in sample.tiers]
        assert sample.corrected is not None
        tiers = sample.corrected.tiers
        assert [row["share"] for row in put_right] == [tier.share_mean for tier in tiers]
        assert [(row["low"], row["high"]) for row in put_right] == [(t.low, t.high) for t in tiers]


def test_samples_that_have_an_answer_only_once_put_right_are_drawn_and_listed() -> None:
    one = report().comparison.indicators[0]
    samples = [replace(sample, tiers=()) for sample in one.samples]
    exhibit = corrected_exhibit(
        replace(report().comparison, indicators=(replace(one, samples=tuple(samples)),))
    )
    assert exhibit is not None
    assert {row["estimate"] for row in data(exhibit)[3:]} == {"corrected"}
    [table] = exhibit.report.tables
    assert {row[4] for row in table.rows} == {"-"}


def test_nothing_is_drawn_of_samples_that_nobody_put_right() -> None:
    samples = [replace(one, corrected=None) for one in COMPARISON.indicators[0].samples]
    one = replace(COMPARISON.indicators[0], samples=tuple(samples))
    assert corrected_exhibit(replace(COMPARISON, indicators=(one,))) is None


def test_the_size_that_is_enough_is_a_point_of_the_line() -> None:
    drawn = list(values(every()["design"].chart(PAPER)))
    for one in DESIGNS.indicators:
        points = [dot for dot in drawn if dot["indicator"] == one.indicator]
        assert [dot["size"] for dot in points if dot["enough"]] == [one.size]
        assert {dot["within"] for dot in points} == {DESIGNS.within}


def test_a_change_without_shares_has_bars_without_them() -> None:
    bars = list(values(change_exhibit(UNSHARED).chart(PAPER)))
    assert [bar["label"] for bar in bars][:2] == ["0.25", "+0.2"]
    assert all(row["share"] is None for row in data(change_exhibit(UNSHARED)))


@pytest.mark.parametrize("look", LOOKS)
def test_each_group_has_a_bar_of_its_own_and_a_line_at_its_owen_value(look: str) -> None:
    exhibit = groups_exhibit(GROUPED)
    assert exhibit is not None
    bars = list(values(exhibit.chart(LOOKS[look])))
    assert [bar["share"] for bar in bars] == [one.share for one in GROUPS.groups]
    assert [bar["owen"] * GROUPED.total for bar in bars] == pytest.approx(
        [one.owen for one in GROUPS.groups]
    )
    low, high = exhibit.chart(LOOKS[look])["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low == 0
    assert high > 1.05 * max(bar["right"] for bar in bars)


def test_groups_whose_names_look_alike_have_bars_apart() -> None:
    names = ["x" * 40 + "1", "x" * 40 + "2", "a\x1b[31m", "a\\x1b[31m"]
    groups = tuple(replace(GROUPS.groups[0], group=name) for name in names)
    exhibit = groups_exhibit(replace(GROUPED, groups=replace(GROUPS, groups=groups)))
    assert exhibit is not None
    shown = [bar["group"] for bar in values(exhibit.chart(PAPER))]
    assert len(set(shown)) == 4
    assert all(name.isprintable() and len(name) < 40 for name in shown)


def test_groups_that_have_their_value_by_theorem_have_no_line() -> None:
    exhibit = groups_exhibit(replace(GROUPED, groups=replace(GROUPS, owen="value")))
    assert exhibit is not None
    chart = exhibit.chart(PAPER)
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["bar", "text"]
    assert "Owen" not in exhibit.caption


def test_one_group_alone_has_no_figure() -> None:
    alone = replace(GROUPS, groups=GROUPS.groups[:1])
    assert groups_exhibit(replace(GROUPED, groups=alone)) is None


def test_a_report_that_was_asked_for_them_has_groups_after_the_change() -> None:
    assert "heat-groups" not in [one.name for one in topic_exhibits(report())]
    made = replace(report(), change=CHANGE, groups=GROUPED_TWICE)
    names = [one.name for one in topic_exhibits(made)]
    assert names[:5] == ["answer", "heat-by-day", "heat-change", "heat-groups", "certainty"]


def test_lines_go_through_the_shares() -> None:
    exhibit = every()["share-by-size"]
    drawn = [value for value in values(exhibit.chart(PAPER)) if "at" not in value]
    rows = data(exhibit)
    assert len(drawn) == len(rows)
    for point, row in zip(drawn, rows, strict=True):
        assert (point["size"], point["tier"], point["share"]) == (
            row["size"], TIERS[row["tier"]], row["share"])  # fmt: skip
        assert point["high"] - point["low"] == pytest.approx(2 * (row["std"] or 0), abs=1e-12)


def test_days_are_strips_of_their_shares_and_parts_of_days_are_pale() -> None:
    exhibit = every()["heat-by-day"]
    found = list(values(exhibit.chart(PAPER)))
    gaps = [value for value in found if value.keys() == {"start", "end"}]
    assert gaps == [{"start": "2026-04-03T00:00:00Z", "end": "2026-04-03T03:20:00Z"}]
    rows = data(exhibit)
    parts = {(v["start"][:10], v["tier"]): v for v in found if "low" in v}
    assert len(rows) == 14 * 3
    for row in rows:
        part = parts.get((row["day"], TIERS[row["tier"]]))
        assert (part is None) == (row["share"] is None)
        if part is not None:
            assert part["high"] - part["low"] == pytest.approx(row["share"])
    bars = [v for v in found if v.get("what") == "accounts"]
    assert [bar["count"] for bar in bars] == [row["participants"] for row in rows[::3]]
    assert {bar["start"][:10] for bar in bars if not bar["whole"]} == {"2026-04-03", "2026-04-14"}
    assert {row["day"] for row in rows if row["unseen_seconds"]} == {"2026-04-03"}
    heat = {row["day"]: row["total"] for row in rows}
    for day, total in heat.items():
        of_day = [row["value"] for row in rows if row["day"] == day and row["value"] is not None]
        assert sum(of_day) == pytest.approx(total)


def test_posts_and_accounts_are_drawn_where_they_are_counted() -> None:
    days = every_day_with_records()
    exhibit = days_exhibit(days)
    assert exhibit is not None
    found = [v for v in values(exhibit.chart(PAPER)) if "what" in v]
    written = [v["count"] for v in found if v["what"] == "posts, replies, reposts"]
    assert written == [day.records for day in days.days]
    assert all(row["records"] is not None for row in data(exhibit))


def test_a_short_window_has_bars_by_hour_above_the_days() -> None:
    days = by_hour(report())
    exhibit, hours = days_exhibit(days), hours_exhibit(days)
    assert exhibit is not None
    assert hours is not None
    assert hours_exhibit(replace(days, hours=())) is None
    assert "UTC hour" in exhibit.caption
    assert "The most accounts, 23, wrote from 22:00 to 23:00 on 2026-04-02" in exhibit.alt
    rows = data(hours)
    assert [row["records"] for row in rows] == list(range(48))
    for look in LOOKS.values():
        spec = hours.chart(look)
        assert spec == exhibit.chart(look)
        found = list(values(spec))
        bars = [v for v in found if v.get("what") == "posts, replies, reposts"]
        assert [bar["count"] for bar in bars] == [row["records"] for row in rows]
        assert [bar["start"][:13] for bar in bars] == [row["start"][:13] for row in rows]
        assert len({v["start"] for v in found if "low" in v}) == 1  # one day has an answer
        ticks = spec["vconcat"][1]["layer"][0]["encoding"]["x"]["axis"]["values"]
        assert len(ticks) == 9
        assert all(tick % (6 * 3_600_000) == 0 for tick in ticks)


def test_hours_that_are_not_over_are_pale_or_not_drawn() -> None:
    days = by_hour(report())
    third = datetime(2026, 4, 1, 3, tzinfo=UTC)
    origin = replace(
        days.whole.provenance,
        so_far=datetime(2026, 4, 2, 10, 30, tzinfo=UTC),
        gaps=(Gap(third, third + timedelta(minutes=5), "x"),),
    )
    exhibit = days_exhibit(replace(days, whole=replace(days.whole, provenance=origin)))
    assert exhibit is not None
    bars = [v for v in values(exhibit.chart(PAPER)) if v.get("what") == "accounts"]
    assert len(bars) == 24 + 11
    pale = [bar["start"][:13] for bar in bars if not bar["whole"]]
    assert pale == ["2026-04-01T03", "2026-04-02T10"]
    assert "Pale: not seen whole." in exhibit.caption


def test_what_was_not_seen_adds_no_axis_to_the_bars() -> None:
    upper = every()["heat-by-day"].chart(PAPER)["vconcat"][0]
    assert len(upper["layer"]) == 2
    assert "resolve" not in upper


def every_day_with_records() -> DayShares:
    """Days of which the records are known, too, as those of a store are."""
    days = report().days
    assert days is not None
    return replace(days, days=tuple(replace(d, records=7 * k) for k, d in enumerate(days.days)))


def test_a_day_of_which_a_few_seconds_are_missing_is_whole() -> None:
    days = report().days
    assert days is not None
    origin = replace(days.whole.provenance, gaps=(
        Gap(datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 4, 3, 0, 1, tzinfo=UTC), "why"),
        Gap(datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 4, 4, 0, 2, tzinfo=UTC), "why"),
    ))  # fmt: skip
    exhibit = days_exhibit(replace(days, whole=replace(days.whole, provenance=origin)))
    assert exhibit is not None
    bars = [v for v in values(exhibit.chart(PAPER)) if "what" in v]
    assert {bar["start"][:10] for bar in bars if not bar["whole"]} == {"2026-04-04", "2026-04-14"}


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


@given(st.integers(1, 10**6), st.integers(0, 10**7), st.floats(80, 700))
@LAW
def test_an_axis_has_both_ends_and_a_few_round_numbers_inside_it(
    least: int, more: int, width: float
) -> None:
    found = decades(least, least + more, width)
    assert (found[0], found[-1]) == (least, least + more)
    assert all(a < b for a, b in pairwise(found))
    assert len(found) <= 11


@given(st.floats(1e-7, 0.5), st.floats(80, 700))
@LAW
def test_an_axis_of_shares_ends_at_all_of_them(least: float, width: float) -> None:
    found = percent_decades(least, width)
    assert found[0] == 1
    assert all(least <= step * (1 + 1e-9) for step in found)


def test_samples_without_an_answer_are_left_out_of_the_figure_and_said_in_the_table() -> None:
    exhibit = shares_exhibit(COMPARISON)
    assert exhibit is not None
    drawn = {(value["indicator"], value["panel"]) for value in values(exhibit.chart(PAPER))}
    assert ("heat", "100 at random") not in drawn
    assert ("heat", "100 top") in drawn
    (row,) = [r for r in json.loads(render(exhibit.report, "json"))["table"]
              if (r["indicator"], r["sample"]) == ("heat", "random")]  # fmt: skip
    assert row["tail"] is None
    assert row["flip"] == "-"
    Drawing(exhibit.chart(PAPER)).svg()
    curve = sizes_exhibit(COMPARISON)
    assert curve is not None
    assert "full panel" not in curve.caption
    Drawing(curve.chart(PAPER)).svg()


def lightness(colour: str) -> float:
    """CIE L*, 0 to 100."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    luminance: float = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return 116 * float(luminance ** (1 / 3)) - 16


def sheet_colours(scheme: str) -> dict[str, str]:
    """The colours that the page's style sheet sets for light or dark."""
    sheet = (ROOT / "blueattr/report/templates/page.css").read_text()
    light, dark = (part.split("}")[0] for part in sheet.split(":root {")[1:])
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark))


def test_colours_of_tiers_stay_apart_in_grey() -> None:
    for count in range(2, 22):
        colours = PAPER.tier_colours(count)
        assert len(colours) == len(PAPER.on_tiers(count)) == count
        assert (colours[0], colours[-1]) == (PAPER.top, PAPER.tail)
    for scheme in ("light", "dark"):
        found = sheet_colours(scheme)
        shades = [lightness(found[tier]) for tier in ("top", "middle", "tail")]
        assert sorted(shades, reverse=scheme == "dark") == shades
        assert all(abs(b - a) >= 25 for a, b in pairwise(shades)), shades
    for name, colour in sheet_colours("light").items():
        field = name.replace("-", "_")
        if hasattr(PAPER, field):
            assert getattr(PAPER, field) == colour, name


# --- drawings -------------------------------------------------------------------------------------

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.few(2)
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


@pytest.mark.slow
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
    with pytest.raises(UsageError, match=r"\.svg, \.png or \.pdf"):
        drawing.save(tmp_path / "f.gif")
    with pytest.raises(OutputError):
        drawing.save(tmp_path / "none" / "f.svg")


@pytest.mark.slow
def test_figures_are_files_of_their_own(tmp_path: Path) -> None:
    paths = write_report([report()], tmp_path, "svg")
    assert [path.name for path in paths] == [f"mythos-{name}.svg" for name in OF_TOPIC]
    for path in paths:
        assert path.read_text().startswith("<svg ")


@pytest.mark.slow
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
    (sizes,) = [e for e in topic_exhibits(made) if e.name == "share-by-size"]
    facets = {v["facet"] for v in values(sizes.chart(PAPER)) if "facet" in v}
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
    for exhibit in (answer_exhibit(report()), certainty_exhibit(report())):
        assert exhibit is not None
        reports[exhibit.report.kind] = exhibit.report
    reports["tier_shares_alone"] = attributions_exhibit([ATTRIBUTION]).report
    reports["leaders"] = leaders_report(_LEADERS, COMPARISON.provenance)
    records = records_report(report().leaders[1], COMPARISON.provenance)
    assert records is not None
    reports["records"] = records
    assert len(reports) == 12
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


@pytest.mark.slow
def test_a_long_list_of_gaps_and_agents_does_not_fill_the_page(tmp_path: Path) -> None:
    base = hostile("x")
    gaps = base.provenance.gaps * 5_000
    origin = replace(base.provenance, gaps=gaps)
    made = replace(base, comparison=replace(base.comparison, provenance=origin))
    write_page(made, tmp_path / "p.html")
    assert (tmp_path / "p.html").stat().st_size < 1_000_000
    assert "4,900 more" in (tmp_path / "p.html").read_text()
