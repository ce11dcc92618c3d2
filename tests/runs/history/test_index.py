"""The page of runs: shares that outlive reports, what is compared, and what a kill leaves."""

import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blueattr.atomic import is_part
from blueattr.errors import ExitCode
from blueattr.runs import publish
from blueattr.runs.history.index import index_html, write_index
from blueattr.runs.history.record import RECORD, read_runs
from blueattr.runs.history.shares import read_shares
from support.cli_world import ok, run
from support.forked import processes
from support.html_pages import Element, tree
from support.run_cases import ran, topic
from support.run_child import POINTS, run_and_die
from support.run_folder import EVENTS, HALF, SETTINGS, done, drop, write

REPORTS = Path("reports")


def page() -> Element:
    return tree((REPORTS / "index.html").read_text(encoding="utf-8"))


def links(root: Element) -> list[str]:
    return [str(a.attributes["href"]) for a in root.all("a") if a.attributes["href"] != "#main"]


def points(root: Element) -> list[int]:
    """How many points each line has."""
    lines = [e for e in root.all("polyline") if str(e.attributes["class"]).startswith("line ")]
    return [len(str(line.attributes["points"]).split()) for line in lines]


def sentences(root: Element) -> str:
    return " ".join(item.text() for item in root.all("li"))


# --- what runs leave -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("run_folder")
def test_shares_outlive_reports_that_are_removed() -> None:
    write(SETTINGS + "keep = 1\n")
    done(code=ExitCode.NOTHING_NEW)
    assert "1 run, no report with shares yet" in page().text()
    drop("1.jsonl", EVENTS[:HALF])
    done()
    first = read_runs(REPORTS)[-1]
    assert points(page()) == [1, 1, 1]
    assert links(page()) == [f"{first.name}/"] * 2  # the latest, and its row
    assert "none to compare it with" in sentences(page())

    drop("2.jsonl", EVENTS[HALF:])
    done()
    second = read_runs(REPORTS)[-1]
    assert not (REPORTS / first.name).exists()
    assert points(page()) == [2, 2, 2]
    assert "(removed)" in page().text()
    for address in links(page()):
        assert address == f"{second.end['report']}/"
        assert (REPORTS / address).is_dir()
    more = second.shares.events - first.shares.events  # type: ignore[union-attr]
    assert f"{more:,} events more in the store" in sentences(page())

    # The shares are those of the report, and so is the change.
    full = json.loads((REPORTS / "latest/mythos-comparison.json").read_bytes())
    shares = [tier["share"] for tier in full["indicators"][0]["full"]["tiers"]]
    ((found,),) = ([topic.found for topic in run.shares.topics] for run in [second] if run.shares)
    assert [one.shares for one in found] == [tuple(shares)]
    was = first.shares.topics[0].found[0].shares[0]  # type: ignore[union-attr]
    cells = [cell.text() for cell in page().all("td")]
    assert cells[0] == f"{100 * shares[0]:.1f} %"
    sign = "+" if shares[0] > was else "\u2212"
    assert cells[1] == f"{sign}{abs(100 * (shares[0] - was)):.1f} points"

    done(code=ExitCode.NOTHING_NEW)
    assert points(page()) == [2, 2, 2]
    assert "1 run since the latest report" in sentences(page())
    listed = ok("runs", "--format", "json").json["runs"]
    assert [one["shares"] is None for one in listed] == [True, False, False, True]
    assert listed[2]["shares"]["topics"][0]["found"][0]["shares"] == shares


@pytest.mark.slow
@pytest.mark.usefixtures("run_folder")
def test_runs_that_begin_in_the_same_second_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = "2026-05-01T123000Z"
    monkeypatch.setattr(publish, "report_name", lambda when: second)
    done(code=ExitCode.NOTHING_NEW)
    drop("1.jsonl", EVENTS)
    done()
    done(code=ExitCode.NOTHING_NEW)
    runs = read_runs(REPORTS)
    assert [run.name for run in runs] == [second, f"{second}-2", f"{second}-3"]
    assert [run.shares is None for run in runs] == [True, False, True]
    nothing_new = ExitCode.NOTHING_NEW
    assert [run.exit_code for run in runs] == [nothing_new, ExitCode.OK, nothing_new]
    assert Path(REPORTS / "latest").readlink() == Path(f"{second}-2")
    assert points(page()) == [1, 1, 1]


@pytest.mark.slow
@pytest.mark.usefixtures("run_folder")
def test_another_question_begins_another_line() -> None:
    drop("1.jsonl", EVENTS)
    done()
    write(SETTINGS.replace("seeds = 2", "seeds = 3"))  # samples change no share of all
    done()
    assert points(page()) == [2, 2, 2]
    write(SETTINGS.replace("seeds = 2", 'seeds = 2\nscale = "raw"'))
    done()
    assert points(page()) == [1, 1, 1]
    assert "the question changed" in sentences(page())
    assert "2 earlier runs asked another question" in page().text()
    write(SETTINGS)
    done()
    assert points(page()) == [3, 3, 3]


@pytest.mark.slow
@pytest.mark.usefixtures("run_folder")
def test_a_list_that_cannot_be_written_ends_a_run_with_7_and_the_report_stays() -> None:
    drop("1.jsonl", EVENTS)
    (REPORTS / "index.html").mkdir(parents=True)
    ended = run("run")
    assert ended.code == ExitCode.OUTPUT
    assert "error index: cannot write" in ended.stderr
    assert (REPORTS / "latest/manifest.json").exists()
    assert read_runs(REPORTS)[-1].exit_code == ExitCode.OUTPUT
    (REPORTS / "index.html").rmdir()
    done(code=ExitCode.NOTHING_NEW)
    assert points(page()) == [1, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_killed_between_record_and_list_the_next_run_mends_both(
    run_folder: Path, point: str
) -> None:
    drop("1.jsonl", EVENTS[:HALF])
    done()
    before = (REPORTS / "index.html").read_bytes()
    drop("2.jsonl", EVENTS[HALF:])
    child = processes.Process(target=run_and_die, args=(run_folder, point))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    killed = read_runs(REPORTS)[-1]
    assert killed.outcome == "killed"
    assert (REPORTS / "latest").readlink() == Path(killed.name)
    assert (killed.shares is None) == (point == "published")
    assert ((REPORTS / "index.html").read_bytes() == before) == (point != "indexed")
    assert any(is_part(path.name) for path in REPORTS.iterdir()) == (point == "writing")

    done(code=ExitCode.NOTHING_NEW)
    assert not any(is_part(path.name) for path in REPORTS.iterdir())
    assert points(page()) == [2, 2, 2]
    mended = read_runs(REPORTS)[-2]
    assert mended.outcome == "killed"
    assert mended.shares is not None
    assert mended.shares.report == killed.name
    assert f"{killed.name}/" in links(page())
    lines = (REPORTS / RECORD).read_bytes()
    assert lines.count(b'"what": "shares"') == 2
    done(code=ExitCode.NOTHING_NEW)
    assert (REPORTS / RECORD).read_bytes().count(b'"what": "shares"') == 2


@pytest.mark.slow
@pytest.mark.usefixtures("run_folder")
def test_a_record_of_an_earlier_version_is_read() -> None:
    REPORTS.mkdir()
    old = [
        {"run": "2026-04-01T000000Z", "what": "start", "started": "2026-04-01T00:00:00+00:00",
         "pid": 1},
        {"run": "2026-04-01T000000Z", "what": "end", "outcome": "fine", "exit_code": 0,
         "seconds": 1.0, "report": "2026-04-01T000000Z", "gaps": 0, "window": None},
    ]  # fmt: skip
    (REPORTS / RECORD).write_text("".join(f"{json.dumps(line)}\n" for line in old))
    drop("1.jsonl", EVENTS)
    done()
    assert [one.shares is None for one in read_runs(REPORTS)] == [True, False]
    assert "2026-04-01T000000Z (removed)" in page().text()
    assert "none to compare it with" in sentences(page())


# --- the page by itself --------------------------------------------------------------------------


def test_lines_have_the_shares_in_proportion_to_time() -> None:
    runs = [ran(0, topic(0.5, 0.25, 0.25)), ran(1, topic(0.0, 0.5, 0.5)),
            ran(4, topic(1.0, 0.0, 0.0))]  # fmt: skip
    root = tree(index_html(runs, {}))
    top = next(e for e in root.all("polyline") if e.attributes["class"] == "line top")
    places = [
        tuple(map(float, point.split(","))) for point in str(top.attributes["points"]).split()
    ]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert (x1 - x0) / (x2 - x0) == pytest.approx(1 / 4, abs=1e-3)
    assert (y1 - y0) / (y1 - y2) == pytest.approx(0.5, abs=1e-2)  # upwards is more
    assert y2 < y0 < y1
    assert "+100.0 points" in root.text()


def test_only_one_version_of_the_method_is_compared() -> None:
    runs = [ran(0, topic(0.5, 0.5), version=1), ran(1, topic(0.4, 0.6)), ran(2, topic(0.3, 0.7))]
    root = tree(index_html(runs, {}))
    assert points(root) == [2, 2]
    assert "1 earlier run asked another question or used another method, and is" in root.text()
    two = tree(index_html(runs[:2], {}))
    assert "The method changed from version 1 to 2" in sentences(two)
    assert "points" not in two.text()


def test_a_topic_without_an_answer_says_why_and_has_no_line() -> None:
    runs = [ran(0, topic(0.5, 0.5)), ran(1, topic(undefined="no post matched"))]
    root = tree(index_html(runs, {}))
    assert "No answer for heat: no post matched." in root.text()
    assert root.all("polyline") == []


def test_topics_that_come_and_go_are_named() -> None:
    runs = [ran(0, topic(0.5, 0.5), topic(0.5, 0.5, name="gone")),
            ran(1, topic(0.5, 0.5), topic(0.5, 0.5, name="fresh"))]  # fmt: skip
    said = sentences(tree(index_html(runs, {})))
    assert "Fresh is new." in said
    assert "Gone is no longer reported on." in said


def test_shares_below_0_stay_within_the_drawing() -> None:
    root = tree(index_html([ran(0, topic(-0.5, 1.5)), ran(1, topic(-2.0, 3.0))], {}))
    (drawing,) = root.all("svg")
    _, _, width, height = map(float, str(drawing.attributes["viewbox"]).split())
    for line in root.all("polyline"):
        for point in str(line.attributes["points"]).split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_many_runs_make_no_large_page() -> None:
    runs = [ran(k, topic(0.5, 0.5)) for k in range(3000)]
    html = index_html(runs, {})
    assert len(html) < 200_000
    assert points(tree(html)) == [200, 200]
    assert "2800 earlier runs are not listed" in tree(html).text()


EVIL = "<script>alert(1)</script>\"'&\u202e\x1b[31m"


def test_texts_of_others_stay_text() -> None:
    evil = topic(0.5, 0.5, indicator=EVIL, tiers=(EVIL, "b"))
    evil = replace(evil, topic=EVIL, title=EVIL)
    end: dict[str, Any] = {"message": EVIL, "window": [EVIL, EVIL], "report": EVIL, "gaps": EVIL}
    runs = [replace(ran(k, evil, **end), outcome=EVIL) for k in range(2)]
    runs = [*runs, replace(ran(3, replace(evil, found=())), outcome=EVIL)]
    for some in (runs, runs[:2]):
        html = index_html(some, {})
        root = tree(html)
        assert root.all("script") == []
        assert "\u202e" not in html
        assert "\x1b" not in html
        assert links(root) == []
        assert "<script>" in root.text()
        for element in root.walk():
            assert not any(name.startswith("on") or name == "style" for name in element.attributes)


def test_nothing_is_loaded_and_nothing_runs() -> None:
    html = index_html([ran(0, topic(0.5, 0.5))], {"2026-05-01T000000Z": "2026-05-01T000000Z/"})
    assert links(tree(html)) == ["2026-05-01T000000Z/"] * 2
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|<script|<img|url\(", html)


def spoiled(noted: Any, path: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yield copies of JSON values with one value of another type or one that is missing."""
    if isinstance(noted, dict):
        for key, value in noted.items():
            yield {k: v for k, v in noted.items() if k != key}
            for other in spoiled(value):
                yield {**noted, key: other}
    elif isinstance(noted, list | tuple):
        yield "a text"
        for k, value in enumerate(noted):
            for other in spoiled(value):
                yield [*noted[:k], other, *noted[k + 1 :]]
    else:
        yield None
        yield [noted]
        yield True


def test_shares_that_are_not_whole_are_none() -> None:
    shares = ran(0, topic(0.5, 0.5)).shares
    assert shares is not None
    noted = json.loads(json.dumps(shares.noted()))
    assert read_shares(noted) == shares
    bad = list(spoiled(noted))
    assert len(bad) > 40
    for one in bad:
        assert read_shares(one) is None, one
    for wrong in ([0.5], [0.5, float("nan")], [0.5, float("inf")]):
        noted["topics"][0]["found"][0]["shares"] = wrong
        assert read_shares(noted) is None
    nothing: tuple[object, ...] = (None, [], "x", {}, 1)
    assert [read_shares(one) for one in nothing] == [None] * 5


def test_a_folder_without_runs_has_a_page(tmp_path: Path) -> None:
    write_index(tmp_path)
    assert "No run yet" in (tmp_path / "index.html").read_text()
    assert os.listdir(tmp_path) == ["index.html"]  # noqa: PTH208 - names
