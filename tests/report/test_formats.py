"""What a result says is in every format, hostile text or not, and numbers come back exactly."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.atomic import write_with
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.errors import OutputError
from blueattr.provenance import Gap, PanelStep, Provenance, TopicInfo
from blueattr.report import (
    Column,
    Format,
    Report,
    Table,
    attribution_report,
    attributions_report,
    comparison_report,
    render,
    safe_text,
)
from blueattr.report.escape import guard_cell
from blueattr.report.formats.tabular import AgentsFormat, write_agents, write_frame
from blueattr.report.formats.text import PIPED, Terminal, cell_text, text_of
from blueattr.studies.scales import compare_scales
from support.effort import costly_law, law
from support.hostile_text import HOSTILE, harmless
from support.report_cases import (
    AGENTS,
    ATTRIBUTION,
    COMPARISON,
    EXACT,
    FEATURES_FILE,
    FINITE,
    INEXACT,
    ORIGIN,
    QUADRATURE,
    STATUS,
    VAR,
)

LAW = law(60)
NO_FACTOR = "No global factor rescales %s: the best one, λ, leaves a relative error of %s."
TERMINALS = [
    PIPED,
    Terminal(width=80),
    Terminal(width=20),
    Terminal(width=80, colour=True),
    Terminal(width=80, unicode=False),
]
REPORTS = [
    attribution_report(ATTRIBUTION),
    attribution_report(QUADRATURE),
    attributions_report([ATTRIBUTION, VAR]),
    comparison_report(COMPARISON),
]


def with_text(text: str) -> Provenance:
    """Put a text wherever a provenance takes one."""
    return replace(
        ORIGIN,
        source=text,
        topic=TopicInfo(text, text, text, (text,), (text,), (text,)),
        gaps=(replace(ORIGIN.gaps[0], reason=text),),
        panel=(PanelStep(text, 3, 1, 2, text),),
        notes=(text,),
    )


def reports_with(text: str) -> Iterator[Report]:
    origin = with_text(text)
    yield attribution_report(replace(ATTRIBUTION, provenance=origin))
    yield comparison_report(replace(COMPARISON, provenance=origin))
    table = Table("t", text, (Column("x", text), Column("n", "n", "int")), ((text, -1),), (text,))
    yield Report("any", (table,), (text,))


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float | int) and not isinstance(value, bool):
        yield value


def strict_json(data: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in JSON")

    return json.loads(data, parse_constant=refuse)


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


# --- hostile text --------------------------------------------------------------------------------


@costly_law(60)
@given(st.sampled_from(HOSTILE) | st.text(st.characters(), min_size=1, max_size=30))
def test_hostile_text_is_harmless_everywhere(text: str) -> None:
    spelled = re.sub(r"[\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", text)
    for report in reports_with(text):
        for terminal in (PIPED, Terminal(width=80, unicode=False)):
            shown = render(report, "text", terminal).decode()
            assert all(harmless(c) for c in shown.replace("\n", ""))
        assert safe_text(text).strip() in text_of(report)
        assert spelled in list(strings(strict_json(render(report, "json"))))
        cells = [cell for row in csv_rows(render(report, "csv")) for cell in row.values()]
        assert guard_cell(text) in cells
        frame = pl.read_parquet(render(report, "parquet"))
        assert spelled in frame.row(0)


def test_markup_is_not_interpreted() -> None:
    for text in ("[bold]x[/]", "[/nonsense]", "[link=file:///]x[/link]", ":smile:"):
        for report in reports_with(text):
            assert text in text_of(report, Terminal(width=200, colour=True))


def test_colour_is_the_only_escape_sequence() -> None:
    for report in reports_with("\x1b[2J\x9b31m\x07"):
        shown = text_of(report, Terminal(width=80, colour=True))
        assert "\x1b[1m" in shown
        plain = re.sub(r"\x1b\[[0-2]m", "", shown)
        assert all(harmless(c) for c in plain.replace("\n", ""))


def test_a_long_text_is_short_on_a_terminal_and_whole_in_data() -> None:
    text = "x" * 100_000
    for report in reports_with(text):
        shown = render(report, "text").decode()
        assert len(shown) < 20_000
        assert "[99,600 more characters]" in shown
        assert text in list(strings(strict_json(render(report, "json"))))
        assert text in [v for row in csv_rows(render(report, "csv")) for v in row.values()]
        assert text in pl.read_parquet(render(report, "parquet")).row(0)


def agents_of(text: str, form: Any) -> bytes:
    frame = AGENTS.with_columns(did=pl.Series([text, "did:plc:b", "did:plc:c"]))
    file = io.BytesIO()
    write_agents(replace(ATTRIBUTION, agents=frame), form, file)
    return file.getvalue()


@LAW
@given(
    st.sampled_from([text for text in HOSTILE if "\ud800" not in text])
    | st.text(min_size=1, max_size=30)
)
def test_hostile_agents_are_harmless(text: str) -> None:
    rows = csv_rows(agents_of(text, "csv"))
    assert rows[0]["did"] == guard_cell(text)
    assert rows[1]["did"] == "did:plc:b"
    assert [float(row["value"]) for row in rows] == AGENTS["value"].to_list()
    array, lines = agents_of(text, "json"), agents_of(text, "jsonl")
    assert strict_json(array) == [strict_json(line) for line in lines.split(b"\n") if line]
    assert strict_json(array)[0]["did"] == text
    for data in (array, lines):
        assert all(harmless(c) or ord(c) in ZERO_WIDTH for c in data.decode().replace("\n", ""))
    assert pl.read_parquet(agents_of(text, "parquet"))["did"][0] == text


# Characters that belong to scripts and emoji, which data keeps.
ZERO_WIDTH = {0xAD, 0x180E, *range(0x200B, 0x200E), *range(0x2060, 0x2066)}
ZERO_WIDTH |= {*range(0x206A, 0x2070), 0xFEFF}


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("report", REPORTS)
def test_json_says_what_it_is(report: Report) -> None:
    document = strict_json(render(report, "json"))
    assert document["schema_version"] == 1
    assert document["kind"] == report.kind


def test_attribution_json_has_the_contract() -> None:
    document = strict_json(render(attribution_report(QUADRATURE), "json"))
    assert document["tiers"][2] == {
        "tier": "tail",
        "agents": 2_079,
        "value": 0.18879,
        "share": 0.44811,
        "abs_share": 0.44811,
        "agents_involved": 337,
        "share_involved": 0.3,
    }
    assert (document["n_involved"], document["panel_of"], document["active"]) == (
        423, "active", None
    )  # fmt: skip
    assert (document["method"], document["steps"]) == ("quadrature", 5)
    assert document["aggregator"] == {"name": "mean", "weights": [1 / 3, 1 / 3, 1 / 3]}
    assert document["window"] == {"start": "2026-04-01T00:00:00Z", "end": "2026-04-15T00:00:00Z"}
    assert document["gaps"][0]["end"] == "2026-04-03T03:20:00Z"
    assert document["panel"][1]["removed"] == 12
    several = strict_json(render(attributions_report([QUADRATURE]), "json"))
    assert several["results"] == [document]


def test_comparison_json_has_the_contract() -> None:
    document = strict_json(render(comparison_report(COMPARISON), "json"))
    sample = document["indicators"][0]["samples"][0]
    assert sample["rescaling"]["ratio_spread"] is None
    assert sample["rescaling"]["ratio_spread_infinite"] is True
    assert sample["tiers"][0] == {"tier": "top", "share_mean": 0.85, "share_std": 0.0707}
    assert (sample["seeds"], sample["undefined_seeds"]) == (3, 1)
    assert [run["seed"] for run in sample["runs"]] == [0, 1, 2]
    assert sample["runs"][2]["undefined"].startswith("c is 0")
    assert document["indicators"][0]["samples"][1]["rescaling"]["ratio_spread"] == 12.75
    assert document["window"] is not None


@LAW
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=5, max_size=5))
def test_floats_come_back_to_the_last_bit(values: list[float]) -> None:
    result = replace(
        ATTRIBUTION,
        total=values[0] or 1.0,
        tiers=(replace(ATTRIBUTION.tiers[0], value=values[1], share=values[2]),),
        cutoffs=(),
        sample=None,
        means=(values[3], values[4], 1.0),
    )
    report = attribution_report(result)
    expected = [result.total, values[1], values[2], values[3], values[4]]
    document = strict_json(render(report, "json"))
    tier, means = document["tiers"][0], document["means"]
    from_json = [document["total"], tier["value"], tier["share"], means["a"], means["b"]]
    row = csv_rows(render(report, "csv"))[0]
    names = ("total", "value", "share", "mean_a", "mean_b")
    frame = pl.read_parquet(render(report, "parquet"))
    for found in (
        from_json,
        [float(row[name]) for name in names],
        [frame[name][0] for name in names],
    ):
        assert [value.hex() for value in found] == [value.hex() for value in expected]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_report_carries_what_is_not_a_number(value: float) -> None:
    result = replace(ATTRIBUTION, total=value)
    with pytest.raises(ValueError, match="not a number a report can carry"):
        attribution_report(result)
    with pytest.raises(ValueError, match="not JSON compliant"):
        render(Report("any", (), content={"total": value}), "json")


# --- CSV and Parquet -----------------------------------------------------------------------------


@pytest.mark.parametrize("report", [*REPORTS, STATUS, attribution_report(FEATURES_FILE)])
def test_csv_equals_parquet(report: Report) -> None:
    frame = pl.read_parquet(render(report, "parquet"))
    rows = csv_rows(render(report, "csv"))
    assert len(rows) == len(frame) > 0
    assert list(rows[0]) == frame.columns
    for row, expected in zip(rows, frame.iter_rows(named=True), strict=True):
        for name, value in expected.items():
            if isinstance(value, datetime):
                assert datetime.fromisoformat(row[name]) == value
            elif isinstance(value, bool):
                assert row[name] == str(value).lower()
            elif isinstance(value, float):
                assert float(row[name]) == value
            else:
                assert row[name] == ("" if value is None else str(value))


def test_negative_numbers_are_no_formulas() -> None:
    rows = csv_rows(render(attribution_report(VAR), "csv"))
    assert rows[2]["share"] == "-0.75"


def test_the_tidy_comparison_has_every_row() -> None:
    rows = csv_rows(render(comparison_report(COMPARISON), "csv"))
    assert len(rows) == 3 * (1 + 3) + 3 * (1 + 1)
    full = [row for row in rows if row["protocol"] == "full"]
    assert [float(row["share_mean"]) for row in full[:3]] == [0.31206, 0.23983, 0.44811]
    undefined = [row for row in rows if row["protocol"] == "random"]
    assert [row["share_mean"] for row in undefined] == ["", "", ""]
    assert {row["undefined_seeds"] for row in undefined} == {"1"}
    assert {row["gap_seconds"] for row in rows} == {"12000.0"}


def test_parquet_carries_the_whole_report() -> None:
    report = attribution_report(replace(ATTRIBUTION, leaders=()))
    metadata = pl.read_parquet_metadata(render(report, "parquet"))["blueattr"]
    assert metadata.encode() == render(report, "json")
    assert "did:plc" not in metadata


# --- text ----------------------------------------------------------------------------------------


def words(text: str) -> str:
    """Undo what wrapping does: cells and lines in order of reading cannot be told apart then."""
    return re.sub(r"\s", "", re.sub(r"\x1b\[\d+m", "", text))


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("report", [*REPORTS, STATUS])
def test_no_figure_is_cut_at_any_width(report: Report, terminal: Terminal) -> None:
    """What there is no room for is left out as a column, and named."""
    shown = re.sub(r"\x1b\[\d+m", "", text_of(report, replace(terminal, verbose=True)))
    said = " ".join(shown.split())
    left_out = " ".join(re.findall(r"No room for: (.*?)\.(?: |$)", said))
    cells = 0
    for table in (*report.tables, *report.lists, *report.details):
        for position, column in enumerate(table.columns):
            for row in table.rows:
                text = cell_text(row[position], column.kind)
                for figure in re.findall(r"[-+\d.,e]*\d[\d.,e+-]*(?: %)?", text):
                    assert figure in shown or column.heading in left_out or column.kind == "text"
                    cells += 1
    assert cells > 0
    assert "…" not in shown
    for fact in report.facts:
        assert words(fact.text if terminal.unicode else safe_text(fact.text)) in words(shown) or (
            terminal.width < 40  # the two columns of facts interleave
        )


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("report", REPORTS)
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    lines = text_of(report, Terminal(width=width, verbose=True)).splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("report", REPORTS)
def test_a_terminal_of_80_columns_is_enough(report: Report) -> None:
    lines = text_of(report, Terminal(width=80)).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("report", REPORTS)
def test_a_pipe_gets_one_line_a_row(report: Report) -> None:
    lines = text_of(report).splitlines()
    assert "\x1b" not in "".join(lines)
    for step in ORIGIN.panel:
        assert any(step.filter in line and step.note in line for line in lines)
    for line in report.summary:
        assert line in lines


@pytest.mark.parametrize("form", ["text", "json", "csv", "parquet"])
@pytest.mark.parametrize("report", REPORTS)
def test_every_report_says_that_there_was_a_gap(report: Report, form: Any) -> None:
    data = render(report, form)
    if form == "text":
        assert b"! The window has 1 gap, 3 h 20 min in all" in data
        assert b"2026-04-03T03:20:00Z: the server no longer had these events" in data
    elif form == "json":
        found = strict_json(data)
        for result in found.get("results", [found]):
            assert len(result["gaps"]) == 1
    else:
        frame = pl.read_csv(data) if form == "csv" else pl.read_parquet(data)
        assert frame["gaps"].to_list() == [1] * len(frame)


def test_without_gaps_nothing_warns() -> None:
    report = attribution_report(replace(ATTRIBUTION, provenance=replace(ORIGIN, gaps=())))
    assert "!" not in text_of(report)
    assert "gaps           none" in text_of(report)


def test_many_gaps_are_summed_and_some_are_listed() -> None:
    start = datetime(2026, 4, 1, tzinfo=UTC)
    gaps = tuple(
        Gap(start + timedelta(hours=k), start + timedelta(hours=k, minutes=10), "outage")
        for k in range(150)
    )
    report = attribution_report(replace(ATTRIBUTION, provenance=replace(ORIGIN, gaps=gaps)))
    shown = text_of(report)
    assert "150 gaps, 1 d 1 h in all" in shown
    assert shown.count(": outage") == 20
    assert "and 130 more" in shown
    assert len(strict_json(render(report, "json"))["gaps"]) == 150


def test_times_are_utc_whatever_their_zone() -> None:
    east = timezone(timedelta(hours=2))
    table = Table(
        "t", "", (Column("at", "at", "time"),), ((datetime(2026, 4, 1, 2, tzinfo=east),),)
    )
    report = Report("any", (table,))
    forms: tuple[Format, ...] = ("text", "json", "csv")
    for form in forms:
        assert b"2026-04-01T00:00:00Z" in render(report, form)
    expected = datetime(2026, 4, 1, tzinfo=UTC)
    assert pl.read_parquet(render(report, "parquet"))["at"][0] == expected


# --- sentences -----------------------------------------------------------------------------------


def test_the_headline_is_made_of_the_numbers() -> None:
    report = attribution_report(ATTRIBUTION)
    assert report.summary == (
        "Who carried Mythos? 1 to 14 April 2026 (UTC)",
        (
            "The 1 % most followed accounts carry 31 % of Mythos. A sample of 100 visible accounts "
            "would have said 85 %."
        ),
    )
    assert report.notes == (
        (
            "423 of 2,310 accounts wrote about it, or were answered, reposted or quoted; the "
            "others account for 24 % of heat (1, 8 and 15 points of the shares of the tiers) just "
            "by being followed."
        ),
    )
    (leaders,) = report.lists
    assert leaders.rows[0] == ("ann.example.org", "75.00 %", 20, 48, "1,234")


def test_an_inexact_sum_is_said() -> None:
    shown = text_of(attribution_report(QUADRATURE))
    assert "quadrature with 5 steps leaves a relative error of 0.004035" in shown
    assert "relative error" not in text_of(attribution_report(ATTRIBUTION))


@pytest.mark.parametrize(
    ("tests", "sentence"),
    [
        ([EXACT, EXACT], "One global factor λ rescales every sample: the spread is 1."),
        (
            [INEXACT, replace(FINITE, relative_residual=0.5)],
            NO_FACTOR % ("these samples", "0.3417 to 0.5"),
        ),
        (
            [EXACT, INEXACT],
            "One global factor λ rescales visibility samples of 100: the spread is 1.",
        ),
        (
            [EXACT, INEXACT],
            NO_FACTOR % ("the other samples", "0.3417"),
        ),
        ([None, None], "visibility samples of 100: nothing to compare, so no test."),
    ],
)
def test_the_rescaling_test_in_words(tests: list[Any], sentence: str) -> None:
    heat = COMPARISON.indicators[0]
    samples = tuple(replace(s, rescaling=t) for s, t in zip(heat.samples[:2], tests, strict=True))
    result = replace(COMPARISON, indicators=(replace(heat, samples=samples),))
    assert sentence in text_of(comparison_report(result)).splitlines()


def test_undefined_samples_are_explained() -> None:
    shown = text_of(comparison_report(COMPARISON))
    assert (
        "visibility samples of 100: 1 of 3 without an answer "
        "(c is 0 for every agent, so that M = 0); the others are averaged."
    ) in shown
    assert "random samples of 100: no answer (c is 0 for every agent, so that M = 0)." in shown


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("int", 1.5),
        ("text", 1),
        ("float", "1"),
        ("share", math.nan),
        ("time", datetime(2026, 4, 1)),  # noqa: DTZ001 - a naive time is what is refused
        ("bool", 1),
    ],
)
def test_a_cell_that_does_not_fit_is_refused(kind: Any, cell: Any) -> None:
    with pytest.raises(ValueError, match="table t, column x"):
        Table("t", "", (Column("x", "x", kind),), ((cell,),))


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells, 1 columns"):
        Table("t", "", (Column("x", "x"),), (("a", "b"),))


def test_terminals_are_recognised() -> None:
    class Screen(io.StringIO):
        def __init__(self, encoding: str) -> None:
            super().__init__()
            self._encoding = encoding

        @property
        def encoding(self) -> str:  # type: ignore[override] # io.StringIO declares it without a value
            return self._encoding

        def isatty(self) -> bool:
            return True

    assert Terminal.of(io.StringIO(), {}) == Terminal(unicode=False)
    assert Terminal.of(io.TextIOWrapper(io.BytesIO(), "utf-8"), {}) == replace(PIPED, verbose=False)
    screen = Screen("UTF-8")
    assert Terminal.of(screen, {"COLUMNS": "60"}) == Terminal(60, colour=True)
    assert Terminal.of(screen, {}) == Terminal(80, colour=True)
    assert Terminal.of(screen, {"COLUMNS": "60", "NO_COLOR": "1"}) == Terminal(60)
    assert Terminal.of(screen, {"COLUMNS": "60", "NO_COLOR": ""}) == Terminal(60, colour=True)
    assert Terminal.of(screen, {"COLUMNS": "60", "TERM": "dumb"}) == Terminal(60)
    assert not Terminal.of(Screen("cp1252"), {}).unicode


# --- real results --------------------------------------------------------------------------------


def panel(n: int = 50) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "did": [f"did:plc:{k:02}" for k in range(n)],
            "a": [1.0 + k % 3 for k in range(n)],
            "b": [float(k * k) for k in range(n)],
            "c": [0.5 * (k % 7) for k in range(n)],
        }
    )


@pytest.mark.parametrize("indicator", ["lin", "heat", "var", "gini"])
def test_tier_shares_can_be_recomputed_from_the_agents(indicator: str) -> None:
    result: AttributionResult = attribute(panel(), indicator)
    report = strict_json(render(attribution_report(result), "json"))
    file = io.BytesIO()
    write_agents(result, "csv", file)
    agents = pl.read_csv(file.getvalue())
    sums = agents.group_by("tier").agg(pl.col("value").sum(), pl.len())
    by_tier = {tier: (value, agents) for tier, value, agents in sums.iter_rows()}
    assert len(by_tier) == 3
    for tier in report["tiers"]:
        value, count = by_tier[tier["tier"]]
        assert tier["value"] == pytest.approx(value, rel=1e-12, abs=1e-15)
        assert tier["agents"] == count


def test_a_real_comparison_in_every_format() -> None:
    result = compare_scales(
        panel(), ["lin", "heat"], protocols=["visibility", "top"], sizes=[2, 10], seeds=3
    )
    report = comparison_report(result)
    document = strict_json(render(report, "json"))
    assert all(map(math.isfinite, numbers(document)))
    assert len(pl.read_csv(render(report, "csv"))) == 2 * 3 * (1 + 4)
    assert "One global factor λ rescales every sample" in text_of(report)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("form", get_args(AgentsFormat))
def test_of_a_full_disk_agents_say_what_the_system_says(form: AgentsFormat) -> None:
    with pytest.raises(OutputError, match=r"^cannot write /dev/full: No space left on device$"):
        write_with(Path("/dev/full"), lambda file: write_agents(ATTRIBUTION, form, file))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_of_a_disk_that_is_full_at_the_end_of_a_parquet_file_the_reason_is_said() -> None:
    # What describes the columns is at the end, and is longer here than Polars writes at a time.
    wide = pl.DataFrame({f"column {k}": [f"{k} {i}" for i in range(20)] for k in range(200)})
    with pytest.raises(OutputError, match=r"^cannot write /dev/full: No space left on device$"):
        write_with(Path("/dev/full"), lambda file: write_frame(wide, "parquet", file))
