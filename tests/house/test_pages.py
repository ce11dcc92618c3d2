"""Tutorial and recipes: every block is run, and what is seen compared with what is shown."""

import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from support.appview_server import serving
from support.archive_server import ArchiveServer
from support.cli_world import LAST_EVENT, events, ok, write_events
from support.pages import HOME, Folder, Timeless, blocks, short_folder
from support.places import ROOT
from support.stream_server import StreamServer

DOCS = ROOT / "docs"
WRITE = os.environ.get("BLUEATTR_WRITE_GOLDEN") == "1"
SAMPLE = ROOT / "data" / "sample.jsonl.zst"


@pytest.fixture
def home() -> Iterator[Path]:
    with short_folder() as path:
        yield path


def check(page: Path, folder: Folder, text: str | None = None) -> None:
    """Run a page; what it shows is what is seen."""
    written = page.read_text(encoding="utf-8")
    text = written if text is None else text
    actual = folder.run(text)
    if WRITE:
        page.write_text(written.replace(text, actual), encoding="utf-8")
    else:
        assert actual == text
    assert folder.ran


# What sets up an environment is run by itself, below.
_MAKE = re.compile(r"^```console\n\$ make run\n.*?^```$", re.MULTILINE | re.DOTALL)


def test_the_tutorial_shows_what_its_commands_print(home: Path) -> None:
    page = DOCS / "tutorial.md"
    text = page.read_text(encoding="utf-8")
    (setup,) = _MAKE.finditer(text)
    (home / "data").mkdir()
    shutil.copy(SAMPLE, home / "data")
    # How large a store is depends on when the engine came to tidy it.
    folder = Folder(home, clean=lambda text: re.sub(r"\(\d+\.\d MB\)", "(6.3 MB)", text))
    check(page, folder, text[setup.end() :])
    done = {command.split()[1] for command in folder.ran}
    assert {"ingest", "status", "topics", "attribute", "compare-scales", "report"} <= done
    assert (home / "report" / "mythos.html").stat().st_size > 100_000
    assert (home / "agents.parquet").exists()


@pytest.mark.slow
def test_the_one_command_shows_what_it_prints(home: Path) -> None:
    """What `make run` does when all is set up, as the Makefile says it."""
    page = DOCS / "tutorial.md"
    (setup,) = _MAKE.finditer(page.read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^run: .+\n\t@\$\(BIN\)/(blueattr .+)$", makefile, re.MULTILINE)
    folder = Folder(home, instead={"make run": recipe.split()})
    folder.replaced[str(SAMPLE)] = f"{HOME}/blueattr/data/sample.jsonl.zst"
    check(page, folder, setup[0])
    assert (home / "out" / "mythos.html").exists()


def test_every_page_with_something_to_run_is_run() -> None:
    """And no page shows a command that is not."""
    here = Path(__file__).read_text(encoding="utf-8")
    found = [*sorted((DOCS / "recipes").glob("*.md")), *sorted(DOCS.glob("*.md"))]
    assert len(found) > 12
    for page in found:
        text = page.read_text(encoding="utf-8")
        fences = blocks(text)
        assert text.count("\n```") == 2 * len(fences) + 2 * text.count("\n```{toctree}"), page
        assert {block.language for block in fences} <= {"console", "python", "toml", "text", "sh"}
        for block in fences:
            assert ("\n$ " in f"\n{block.body}") == (block.language == "console"), page
            assert block.language != "sh" or "blueattr " not in block.body, page
        if any(block.language in {"console", "python"} for block in fences):
            assert f'"{page.stem}"' in here or f'"{page.name}"' in here, page


def test_the_example_of_the_methods_is_an_indicator(tmp_path: Path) -> None:
    (example,) = (block.body for block in blocks((DOCS / "methods.md").read_text(encoding="utf-8"))
                  if block.language == "python")  # fmt: skip
    (tmp_path / "mine.py").write_text(example, encoding="utf-8")
    (tmp_path / "panel.csv").write_text("agent,a,b,c\nx,1,0,2\ny,2,1,0\nz,0,0,1\n")
    asked = ("attribute", "--features", tmp_path / "panel.csv", "--format", "json")
    found = ok(*asked, "--indicator", tmp_path / "mine.py").json
    assert found["total"] == pytest.approx(7 / 3 + math.log1p(19 / 3))
    assert (found["method"], found["definition"]["weights"]) == ("closed form", True)
    assert found["attributed"] == pytest.approx(found["total"])


# --- recipes --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that the tutorial makes."""
    db = tmp_path_factory.mktemp("sample") / "my.duckdb"
    ok("ingest", SAMPLE, "--db", db)
    return db


def recipe(name: str) -> Path:
    return DOCS / "recipes" / f"{name}.md"


@pytest.mark.parametrize(
    "name",
    ["simulation", "own-topics", "own-indicator", "notebook",
     pytest.param("size", marks=pytest.mark.slow)],
)  # fmt: skip
def test_recipes_that_need_no_network(name: str, home: Path, sample_store: Path) -> None:
    shutil.copy(sample_store, home / "my.duckdb")
    check(recipe(name), Folder(home))


def test_following_a_topic_from_today(home: Path) -> None:
    """The network of a fortnight that ends now, on a server of this machine."""
    late = int(time.time() * 1e6) - LAST_EVENT - 2_000_000
    recent = [{**event, "time_us": event["time_us"] + late} for event in events()]
    with StreamServer(recent).running() as server:
        first, again = (
            ["blueattr", "ingest", "jetstream", "--host", server.url, "--until-live", "--quiet",
             "--db", "live.duckdb", *more]
            for more in (["--from", datetime.fromtimestamp(recent[0]["time_us"] // 10**6, UTC)
                          .isoformat()], [])
        )  # fmt: skip
        folder = Folder(home, {
            "blueattr ingest --for 10m --db live.duckdb": first,
            "blueattr ingest --until-live --db live.duckdb": again,
        }, clean=lambda text: re.sub(r"is \d+ s old", "is 2 s old", text))  # fmt: skip
        check(recipe("follow"), folder)
        assert len(server.subscriptions()) == 2


def test_looking_at_a_past_fortnight(home: Path) -> None:
    past = events()
    (home / "recordings").mkdir()
    write_events(home / "recordings" / "may.jsonl")
    archive = ArchiveServer(key="secret")
    for k in range(0, len(past), 400):
        archive.seal(past[k : k + 400], 4)
    with archive.running() as server:
        fetch = "blueattr ingest archive --from 2026-05-01 --to 2026-05-15 --db past.duckdb"
        folder = Folder(home, {fetch: [*fetch.split(), "--host", server.url, "--quiet"]})
        folder.environment["BLUEATTR_JETSTREAM_KEY"] = "secret"
        check(recipe("past"), folder)
        assert server.fetched()


def test_real_follower_counts(home: Path, sample_store: Path) -> None:
    shutil.copy(sample_store, home / "my.duckdb")
    ok("panel", "--db", home / "my.duckdb", "--agents", home / "agents.json")
    dids = [row["did"] for row in json.loads((home / "agents.json").read_text())]
    known = {did: {"followersCount": 7919 * k % 1009, "createdAt": "2025-01-01T00:00:00.000Z"}
             for k, did in enumerate(dids) if k % 50}  # fmt: skip
    with serving(known) as server:
        ask = "blueattr hydrate --only panel --db my.duckdb"
        folder = Folder(
            home,
            {ask: [*ask.split(), "--appview", server.url, "--rate", "1000", "--quiet"]},
            replaced={server.url: "https://public.api.bsky.app"},
            clean=Timeless(),
        )
        check(recipe("followers"), folder)
        assert set(dids) <= set(server.asked)


def test_keeping_a_report_fresh(home: Path) -> None:
    (home / "events").mkdir()
    write_events(home / "events" / "may.jsonl")
    folder = Folder(home, clean=Timeless(), codes=[ExitCode.OK, ExitCode.NOTHING_NEW])
    check(recipe("schedule"), folder)
    assert (home / "reports" / "latest" / "index.html").exists()
