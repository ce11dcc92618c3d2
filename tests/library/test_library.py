"""What `import blueattr` offers: names, help, stores, frames and files, one result or several."""

import ast
import contextlib
import inspect
import io
import os
import pydoc
import re
import rlcompleter
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import blueattr
from blueattr.analysis.upkeep.status import Status
from blueattr.attribution.large import streaming
from blueattr.display import Presented
from blueattr.errors import (
    FeatureError,
    InputError,
    NoMatchError,
    StoreError,
    UnknownTopicError,
    UsageError,
)
from blueattr.library.options import Options, takes
from blueattr.studies.validation.result import Validation
from support.cli_world import ok
from support.study_cases import BOOTSTRAP, DAYS, GRID, SENSITIVITY
from support.topic_cases import report

PANEL = {"agent": list(range(40)), "a": [k % 5 for k in range(40)],
         "b": [40 / (k + 1) for k in range(40)], "c": [k % 3 for k in range(40)]}  # fmt: skip


@pytest.fixture(scope="module")
def store(db: Path) -> blueattr.Store:
    return blueattr.open(db)


# --- what there is --------------------------------------------------------------------------------


def test_tab_offers_what_there_is_and_nothing_else() -> None:
    offers = {*blueattr.__all__, "Aggregator", "AttributionResult", "BlueattrError", "Bootstrap",
              "ChangeResult", "Correction", "Designs", "GraphResult", "GroupShares", "OwnIndicator",
              "PostsResult", "Provenance", "Results", "ScaleComparison", "ScaleGrid",
              "ScenarioAttribution", "Sensitivity", "WhyResult"}  # fmt: skip
    assert dir(blueattr) == sorted(offers)
    complete = rlcompleter.Completer({"blueattr": blueattr}).complete
    offered = [complete("blueattr.", k) for k in range(200)]
    names = {str(one).removeprefix("blueattr.").rstrip("()") for one in offered if one}
    assert {name for name in names if not name.startswith("_")} == offers
    for name in offers:
        assert getattr(blueattr, name).__doc__


def test_an_editor_that_only_reads_the_file_offers_the_same_names() -> None:
    """Completion by static analysis, as in Jupyter, takes each name that the module binds."""
    tree = ast.parse(Path(inspect.getfile(blueattr)).read_text(encoding="utf-8"))
    bound = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {one.asname or one.name.partition(".")[0] for one in node.names}
    bound |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    local = {"drawer", "home"}  # within functions
    assert local < bound
    assert {name for name in bound - local if not name.startswith("_")} == set(dir(blueattr))


def test_help_is_a_page_that_tells_of_each_function() -> None:
    page = pydoc.plain(pydoc.render_doc(blueattr))
    assert "with blueattr.open(" in page
    for name in ("attribute", "compare_scales", "open", "write_report"):
        assert f"\n    {name}(" in page
    assert "JSON lines or Arrow file" in page
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        help(blueattr.attribute)
    assert "columns : " in shown.getvalue() or "columns\n" in shown.getvalue()


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'atribute'"):
        _ = blueattr.atribute
    with pytest.raises(AttributeError, match=r"write store.compare_scales\(topic="):
        _ = blueattr.scale_grid


_PANDAS = """
import os, traceback
traceback.print_stack()
os._exit(7)
"""
_ASKING = """
import sys
import blueattr
store = blueattr.open(sys.argv[1])
assert "Mythos" in str(store.attribute("mythos"))
assert store.status().totals["events"]
blueattr.attribute(store.features("mythos")).to_polars()
blueattr.attribute(sys.argv[2])
blueattr.attribute({"agent": [1, 2], "a": [1, 2], "b": [1, 2], "c": [1, 2]})
assert store.attribute("mythos").plot().svg
"""


@pytest.mark.slow
def test_pandas_is_not_imported_unless_a_pandas_frame_is_given(
    db: Path, panel_file: Path, tmp_path: Path
) -> None:
    """Whoever would import it: pyarrow does so by itself where it is installed."""
    (tmp_path / "pandas").mkdir()
    (tmp_path / "pandas" / "__init__.py").write_text(_PANDAS)
    for code, expected in ((_ASKING, 0), ("import pandas", 7)):
        done = subprocess.run(
            [sys.executable, "-c", code, str(db), str(panel_file)],
            capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == expected, done.stderr


# --- a store --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_store_is_found_by_path_text_home_and_environment(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(db.parent))
    monkeypatch.setenv("BLUEATTR_DB", str(db))
    opened = [blueattr.open(x) for x in (db, str(db), f"~/{db.name}", None)]
    assert {one.path for one in opened} == {db}
    assert len({one.attribute("mythos").total for one in opened}) == 1
    with pytest.raises(StoreError, match=r"there is no store at .*none"):
        blueattr.open(tmp_path / "none.duckdb")
    other = tmp_path / "other.duckdb"
    other.write_text("did,a,b,c\n")
    with pytest.raises(StoreError, match="other"):
        blueattr.open(other)
    assert sorted(tmp_path.iterdir()) == [other]


def test_a_store_that_was_closed_answers_no_more(db: Path) -> None:
    with blueattr.open(db) as store:
        assert store.status().totals["events"] > 0
    assert repr(store) == f"blueattr.open({str(db)!r}) (closed)"
    for ask in (store.status, store.topics, store.attribute, store.panel, store.features):
        with pytest.raises(StoreError, match="was closed; open it again"):
            ask()


def test_a_store_can_be_written_to_while_a_program_has_it_open(db: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    path.write_bytes(db.read_bytes())
    before = path.stat().st_mtime_ns
    store = blueattr.open(path)
    assert store.attribute("mythos").n_agents
    assert path.stat().st_mtime_ns == before, "reading does not write"
    ok("rollup", "--db", path)
    assert store.attribute("mythos").n_agents


@pytest.mark.slow
def test_a_panel_of_a_topic_has_who_is_involved_in_it(store: blueattr.Store, here: Path) -> None:
    about: dict[str, Any] = {"match": "good morning", "start": "2026-05-02", "window": "1d"}
    panel, whole = store.panel(None, **about), store.panel()
    features = store.features(None, scale="raw", **about)
    involved = features.filter((pl.col("a") > 0) | (pl.col("c") > 0))["did"]
    assert panel.agents.filter("involved")["did"].to_list() == involved.to_list()
    assert panel.n_involved == len(involved)
    assert 0 < len(involved) < panel.n_agents
    assert panel.n_involved == store.attribute(indicator="lin", **about).n_involved
    assert whole.n_involved is None
    assert "involved" not in str(whole)
    words = ("--match", "good morning", "--from", "2026-05-02", "--window", "1d")
    ok("panel", *words, "--agents", "a.csv", "--db", store.path)
    assert pl.read_csv("a.csv").equals(panel.agents.select("did", "involved"))
    with pytest.raises(NoMatchError, match="no post matched"):
        store.panel(match="nobody says this")
    ok("panel", "--agents", "b.csv", "--db", store.path)
    assert pl.read_csv("b.csv").columns == ["did"]


def test_options_are_values_or_the_texts_of_the_command(store: blueattr.Store) -> None:
    texts = store.compare_scales(
        "mythos", "lin,gini", start="2026-05-02", window="3d", sizes="5,10", tiers="5,20",
        weights="0.5,0.25,0.25", protocol="visibility,random", seeds=2,
    )  # fmt: skip
    values = store.compare_scales(
        topic="mythos", indicator=["lin", "gini"], start=date(2026, 5, 2),
        window=timedelta(days=3), sizes=[5, 10], tiers=(5, 20), weights=[0.5, 0.25, 0.25],
        protocol=("visibility", "random"), seeds=2,
    )  # fmt: skip
    assert texts == values
    assert store.panel(start=datetime(2026, 5, 2, tzinfo=UTC)).provenance == (
        store.panel(start="2026-05-02").provenance
    )
    matched = [store.attribute(match=one, indicator="lin").total for one in ("claude", ["claude"])]
    assert matched[0] == matched[1] > 0


WRONG: list[tuple[Callable[[blueattr.Store], Any], type[Exception], str]] = [
    (lambda s: s.attribute("mythos", indicators=["heat"]), TypeError,
     r"no option indicators; write indicator='heat' for one result, or indicator=\['heat'"),
    (lambda s: s.attribute("mythos", cutoffs=(1,)), TypeError, r"write tiers=\(1, 10\)"),
    (lambda s: s.compare_scales("mythos", protocols=["top"]), TypeError, "write protocol='random'"),
    (lambda s: s.attribute("mythos", windw="3d"), TypeError, "did you mean window"),
    (lambda s: s.attribute("mythos", "heat", "lin"), TypeError, "too many positional"),
    (lambda s: s.attribute("mythos", window="long"), UsageError, "^window 'long' is not a length"),
    (lambda s: s.attribute("mythos", window=timedelta()), UsageError, "^window 0:00:00 is not"),
    (lambda s: s.attribute("mythos", start="soon"), UsageError, "^start 'soon' is not a date"),
    (lambda s: s.attribute("mythos", indicator=[]), UsageError, "^indicator names none"),
    (lambda s: s.attribute("mythos", by="hour"), UsageError, "^by 'hour' is nothing .* are day"),
    (lambda s: s.attribute("mythos", scale="ln"), UsageError, "^scale 'ln' is none of log1p, raw"),
    (lambda s: s.attribute(), UsageError, "^name a topic: topic NAME"),
    (lambda s: s.attribute("mythos", start=5), UsageError, "^start cannot be 5"),
    (lambda s: s.attribute("mythos", window=5), UsageError, "^window cannot be 5"),
    (lambda s: s.compare_scales("mythos", seeds="x", sizes=5), UsageError, "^seeds cannot be 'x'"),
    (lambda s: s.compare_scales("mythos", sizes=[]), UsageError, r"^sizes \[\] should be"),
    (lambda s: blueattr.open(s.path, memory="1KB"), UsageError, "^memory '1KB' is not an amount"),
    (lambda _: blueattr.attribute(PANEL, columns=["a"]), UsageError, "^columns cannot be"),
    (lambda _: blueattr.attribute(PANEL, columns="a"), UsageError, "^columns 'a' should name"),
    (lambda s: s.attribute(["mythos", "x"]), UsageError, "topic names one topic here"),
    (lambda s: s.attribute("mytos"), UnknownTopicError, "mythos"),
    (lambda s: s.compare_scales("mythos", sizes=[1.5]), UsageError, r"^sizes \[1.5\] should be"),
    (lambda s: s.sensitivity("mythos", protocol="all"), UsageError, "one protocol"),
    (lambda s: s.report("x.pdf", "mythos"), UsageError, "a folder or to a .html file"),
    (lambda s: s.report("x", "mythos", format="gif"), UsageError, "format 'gif'"),
    (lambda s: s.topics("mythos", match="x"), UsageError, "by name or by match"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_a_wrong_option_is_refused_in_the_words_of_a_program(
    case: int, store: blueattr.Store
) -> None:
    ask, error, says = WRONG[case]
    with pytest.raises(error, match=says):
        ask(store)


# --- a panel of the user's own --------------------------------------------------------------------


def test_frames_of_all_kinds_and_files_give_the_same_answer(tmp_path: Path) -> None:
    frame = pl.DataFrame(PANEL)
    path = tmp_path / "panel.parquet"
    lines = tmp_path / "panel.jsonl"
    frame.write_parquet(path)
    frame.write_ndjson(lines)
    categories = frame.with_columns(pl.col("agent").cast(pl.String).cast(pl.Categorical))
    kinds = [
        frame,
        frame.lazy(),
        PANEL,
        frame.to_arrow(),
        categories,  # as of a categorical column of pandas
        path,
        str(path),
        lines,
    ]
    answers = [blueattr.attribute(one, "gini") for one in kinds]
    assert isinstance(frame.to_arrow(), pa.Table)
    assert len({one.total for one in answers}) == 1
    assert all(one.agents.equals(answers[0].agents) for one in answers)
    assert [one.provenance.source for one in answers[:2]] == ["in memory", "in memory"]
    assert answers[-1].provenance.source == str(lines)


def test_columns_of_other_names_are_named_once_for_every_question() -> None:
    theirs = pl.DataFrame(PANEL).rename({"agent": "user", "a": "posts", "b": "fans", "c": "heard"})
    columns = {"did": "user", "a": "posts", "b": "fans", "c": "heard"}
    few: dict[str, dict[str, Any]] = {
        "compare_scales": {"sizes": 5, "seeds": 1}, "sensitivity": {"size": 5, "seeds": 1},
        "bootstrap": {"resamples": 100}, "validate": {"permutations": 8, "coalitions": 8},
    }  # fmt: skip
    for name in ("attribute", "compare_scales", "bootstrap", "sensitivity", "convergence"):
        ask = getattr(blueattr, name)
        ours = ask(PANEL, **few.get(name, {}))
        mapped = ask(theirs, columns=columns, **few.get(name, {}))
        assert ours.to_polars().equals(mapped.to_polars())
        assert any("a is posts" in note for note in mapped.provenance.notes)


def test_a_large_file_is_read_in_chunks_with_its_columns_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "panel.parquet"
    pl.DataFrame(PANEL).rename({"a": "posts"}).write_parquet(path)
    small = blueattr.attribute(path, "all", columns={"a": "posts"})
    monkeypatch.setattr(streaming, "STREAM_FROM", 1)
    large = blueattr.attribute(str(path), "all", columns="a=posts", top=3)
    assert [len(one.agents) for one in large] == [3] * 4, "it was read in chunks"
    assert large[0].leaders == small[0].leaders[:3]
    assert [one.tiers for one in large[:3]] == [one.tiers for one in small[:3]]
    assert large["gini"].total == pytest.approx(small["gini"].total)
    assert large[0].provenance == small[0].provenance


def test_what_is_no_panel_is_refused_with_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        blueattr.attribute(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="as a Polars, pandas or Arrow table, not as int"):
        blueattr.attribute(3)
    with pytest.raises(FeatureError, match="no column 'post' to be a; did you mean 'posts'"):
        blueattr.attribute({**PANEL, "posts": PANEL["a"]}, columns={"a": "post"})


def test_the_columns_that_a_docstring_names_are_there(store: blueattr.Store) -> None:
    few: dict[str, dict[str, Any]] = {
        "compare_scales": {"sizes": 5, "seeds": 1}, "sensitivity": {"size": 5, "seeds": 1},
        "bootstrap": {"resamples": 100},
        "validate": {"permutations": 8, "coalitions": 8, "n": 9, "exact": 4},
    }  # fmt: skip
    for name in ("attribute", "convergence", *few):
        ask = getattr(blueattr, name)
        columns = {*ask(PANEL, **few.get(name, {})).to_polars().columns, "day", "participants"}
        if name == "attribute":
            columns |= {*ask(PANEL, by="tier").to_polars().columns, "groups"}
        of_panel = _columns(ask, "to_polars()")
        of_store = _columns(getattr(blueattr.Store, name), "to_polars()")
        assert len(of_panel) > 3
        assert of_panel | of_store <= columns, name
    status, panel = store.status(), store.panel("mythos")
    assert _columns(blueattr.Store.panel, "agents") - {"n_involved", "provenance"} == set(
        panel.agents.columns
    )
    assert _columns(blueattr.Store.features, "did", with_it=True) == set(store.features().columns)
    frames = {*status.days.columns, *status.sources.columns, *status.rejected.columns}
    assert _columns(blueattr.Store.status, "days") <= {*frames, "sources", "rejected", "coverage",
                                                       "gaps"}  # fmt: skip


def _columns(function: Any, after: str, with_it: bool = False) -> set[str]:
    """The names that stand in code after a word of a docstring's Returns."""
    text = (inspect.getdoc(function) or "").split("Returns\n-------\n")[1].split("\n\n")[0]
    names = re.findall(r"``([\w()]+)``", text)
    place = names.index(after) + (not with_it)
    return {name for name in names[place:] if name not in {"whole", "to_polars()"}}


# --- one result or several ------------------------------------------------------------------------


class Loudness:
    names = ("a",)

    def statistics(self, a: Any, b: Any, c: Any) -> Any:
        return np.stack([a], axis=1)

    def value(self, m: Any) -> Any:
        return m[0] ** 2


def test_one_indicator_gives_a_result_and_several_a_sequence_also_by_name() -> None:
    few = {"sizes": 5, "seeds": 1}
    one = blueattr.compare_scales(PANEL, "gini", **few)
    many = blueattr.compare_scales(PANEL, ["heat", "gini"], **few)
    assert many.names == ("heat", "gini")
    assert [*many] == [many[0], many[1]] == [many["heat"], many[-2 + 1]]
    assert many["gini"] == one
    assert len(many) == 2
    assert many[0:1] == (many["heat"],)
    with pytest.raises(KeyError, match="no 'lin'; there are heat, gini"):
        many["lin"]
    assert blueattr.attribute(PANEL, "all").names == ("lin", "heat", "var", "gini")
    listed: Any = blueattr.attribute(PANEL, "lin,gini")
    assert listed.names == ("lin", "gini")
    assert blueattr.attribute(PANEL, ["heat"]).names == ("heat",)
    assert blueattr.attribute(PANEL, Loudness()).indicator == "Loudness"
    assert blueattr.attribute(PANEL, [Loudness(), "lin"])["Loudness"].total > 0


def test_a_type_checker_knows_one_result_from_several(store: blueattr.Store) -> None:
    """The types are checked where this file is; here, that they are true."""
    one = assert_type(blueattr.attribute(PANEL), blueattr.AttributionResult)
    also = assert_type(blueattr.attribute(PANEL, "gini"), blueattr.AttributionResult)
    many = assert_type(
        blueattr.attribute(PANEL, "all"), blueattr.Results[blueattr.AttributionResult]
    )
    few = assert_type(
        store.bootstrap("mythos", indicator=["heat"]), blueattr.Results[blueattr.Bootstrap]
    )
    assert isinstance(one, blueattr.AttributionResult)
    assert isinstance(also, blueattr.AttributionResult)
    assert isinstance(many, blueattr.Results)
    assert isinstance(few["heat"], blueattr.Bootstrap)


def test_several_results_are_split_without_loss_by_every_question() -> None:
    few: dict[str, dict[str, Any]] = {
        "compare_scales": {"sizes": 5, "seeds": 1}, "sensitivity": {"size": 5, "seeds": 1},
        "bootstrap": {"resamples": 100},
        "validate": {"permutations": 8, "coalitions": 8, "exact": 4},
    }  # fmt: skip
    for name in ("attribute", "compare_scales", "bootstrap", "sensitivity", "convergence"):
        ask = getattr(blueattr, name)
        both = ask(PANEL, ["lin", "heat"], **few.get(name, {}))
        for indicator, part in zip(("lin", "heat"), both, strict=True):
            alone = ask(PANEL, indicator, **few.get(name, {}))
            assert part.to_polars().equals(alone.to_polars())
            assert str(part) == str(alone)
    blocks = blueattr.validate(PANEL, ["lin", "heat"], **few["validate"])
    assert [block.indicator for block in blocks["heat"].blocks] == ["heat", "heat"]


@pytest.mark.slow
def test_several_results_show_themselves_together(store: blueattr.Store) -> None:
    for results in (
        blueattr.attribute(PANEL, ["lin", "heat"]),
        blueattr.compare_scales(PANEL, ["lin", "heat"], sizes=5, seeds=1),
        store.attribute("mythos", ["lin", "heat"], by="day"),
    ):
        assert "<table" in results._repr_html_()
        assert set(results.to_polars()["indicator"]) == {"lin", "heat"}
        assert "lin" in str(results)
        assert "heat" in str(results)
        assert results.plot().svg


# --- results in a program -------------------------------------------------------------------------


@pytest.mark.slow
def test_a_result_is_short_in_a_prompt_and_long_in_print(store: blueattr.Store) -> None:
    assert repr(store.attribute("mythos")) == "AttributionResult(heat, mythos, 58 agents)"
    results = [
        BOOTSTRAP, DAYS[0], GRID, SENSITIVITY, report(), store.status(), store.panel(),
        store.topics("mythos"), blueattr.topics(), store.attribute("mythos", "all"),
        blueattr.convergence(PANEL), blueattr.validate(PANEL, permutations=8, coalitions=8),
        store.compare_scales("mythos", sizes=5, seeds=1),
    ]  # fmt: skip
    for result in results:
        assert isinstance(result, Presented)
        assert type(result).__name__ in repr(result)
        assert len(repr(result)) < 300
        assert "\n" not in repr(result)
        assert len(str(result).splitlines()) > 3
        assert not str(result).endswith("\n")
        # Figures are not cut, nor is the name of a source.
        if not isinstance(result, Status | Validation):
            assert max(map(len, str(result).splitlines())) <= 84
        assert "<table" in result._repr_html_()


# --- how options are declared ---------------------------------------------------------------------


def test_an_option_that_is_declared_arrives_with_its_default_and_description() -> None:
    def declared(*, loud: bool = False, by: int = 3) -> tuple[bool, int]:
        """Declare.

        Parameters
        ----------
        loud
            How loud.
        by
            By what.
        """
        return loud, by

    @takes("x", group=Options(declared, defaults={"by": 4}))
    def ask(x: int, *, group: tuple[bool, int]) -> Any:
        """Ask.

        Parameters
        ----------
        x
            What.

        Returns
        -------
        tuple
        """
        return x, group

    assert str(inspect.signature(ask)).startswith("(x: int, *, loud=False, by=4)")
    assert ask(1) == (1, (False, 4))
    assert ask(1, by=5, loud=True) == (1, (True, 5))
    text = inspect.getdoc(ask) or ""
    assert text.index("What.") < text.index("How loud.") < text.index("By what.")
    assert text.index("By what.") < text.index("Returns")
