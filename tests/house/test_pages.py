"""Tutorial and recipes: every block is run, and what is seen compared with what is shown."""

import contextlib
import importlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from blueattr.scenarios.own import find_scenario
from support import judge_server
from support.appview_server import serving
from support.archive_server import ArchiveServer, Sealed
from support.binary_builder import row_of
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


@pytest.mark.slow
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
        assert text.count("\n```") == 2 * len(fences) + 2 * text.count("\n```{"), page
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


@pytest.mark.slow
def test_the_page_on_ethics_shows_what_it_prints(home: Path, sample_store: Path) -> None:
    shutil.copy(sample_store, home / "my.duckdb")
    folder = Folder(home, clean=lambda text: re.sub(r"\d+\.\d MB", "6.3 MB", text))
    check(DOCS / "ethics.md", folder)
    assert [command.split()[1] for command in folder.ran] == [
        "report", "forget", "forget", "compact"
    ]  # fmt: skip
    page = (home / "reports" / "mythos.html").read_text(encoding="utf-8")
    assert "did:plc:" in page
    assert folder.ran[1].split()[2] not in page


@pytest.mark.slow
def test_the_page_on_judges_shows_a_judge_that_is_found_out(home: Path) -> None:
    def by_row(_number: int, request: judge_server.Request) -> judge_server.Reply:
        return judge_server.chat(json.dumps({key: k for k, key in enumerate(request.keys)}))

    with judge_server.serving(by_row) as server:
        ask = "blueattr judge record.json --base-url http://127.0.0.1:8080 --model by-row"
        folder = Folder(
            home,
            {
                command: [*command.replace("http://127.0.0.1:8080", server.url).split()]
                for command in (ask, f"{ask} --dry-run")
            },
            replaced={server.url.removeprefix("http://"): "127.0.0.1:8080"},
            # The last bit of a logarithm is not the same on every machine.
            clean=lambda text: re.sub(
                r"SHA-256 [0-9a-f]{64}", f"SHA-256 {'0123456789abcdef' * 4}", text
            ),
        )
        check(DOCS / "judges.md", folder)
        assert len(server.requests) == 3
    assert "The judge scores by position" in (DOCS / "judges.md").read_text(encoding="utf-8")


# --- recipes --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that the tutorial makes."""
    db = tmp_path_factory.mktemp("sample") / "my.duckdb"
    ok("ingest", SAMPLE, "--db", db)
    return db


def shown(svg: str) -> tuple[list[str], list[str]]:
    """Return the words and colours of a picture; their places depend on installed fonts."""
    # A text of several lines has one element for each.
    texts = re.findall(r"<text[^>]*>(.*?)</text>", svg, re.DOTALL)
    words = [word for text in texts for word in re.split(r"<[^<>]*>", text) if word]
    return words, re.findall(r'(?:fill|stroke)="(#[^"]*)"', svg)


@pytest.mark.slow
def test_the_pictures_of_the_first_pages_are_those_of_the_report(
    sample_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(DOCS)
    pictures = importlib.import_module("pictures")
    made = pictures.pictures(sample_store)
    assert len(made) == 4
    for name, svg in made.items():
        path = DOCS / "_static" / name
        if WRITE and (not path.exists() or shown(path.read_text()) != shown(svg)):
            path.write_text(svg, encoding="utf-8")
        assert shown(path.read_text(encoding="utf-8")) == shown(svg), name
        assert "var(" not in svg
    light, dark = (made[f"answer-{scheme}.svg"] for scheme in ("light", "dark"))
    assert shown(light)[0] == shown(dark)[0]
    assert shown(light)[1] != shown(dark)[1]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in (readme, index):
        assert set(re.findall(r'_static/(answer[\w-]*\.svg)"', page)) == made.keys()
    # What the picture says to those who do not see it.
    (alt,) = re.findall(r'alt="([^"]+)">\n</picture>', readme)
    numbers = [word for word in shown(light)[0] if re.fullmatch(r"\d+ %", word)]
    assert len(numbers) == 6
    assert [n for n in numbers if n.removesuffix(" %") not in re.findall(r"\d+", alt)] == []


_NOTEBOOK = """
import ast, json, sys

shown = []
scope = {}
for cell in json.loads(sys.stdin.read()):
    body = ast.parse(cell).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), scope)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), scope)
        show = getattr(value, "_repr_html_", None) or getattr(value, "_repr_svg_", value.__repr__)
        shown.append(show())
print(json.dumps(shown))
"""


@pytest.mark.slow
def test_the_notebook_opens_a_store_and_ends_with_a_figure(home: Path, sample_store: Path) -> None:
    """Its cells run in their order in an interpreter of its own; what each ends with is shown."""
    shutil.copy(sample_store, home / "my.duckdb")
    notebook = json.loads((DOCS / "recipes" / "notebook.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    # Outputs would go out of date.
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    code = ["".join(cell["source"]) for cell in cells]
    assert not any(line.startswith(("!", "%")) for cell in code for line in cell.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", _NOTEBOOK], input=json.dumps(code), capture_output=True, text=True,
        check=False, cwd=home, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert len(shown) == len(cells) > 5
    assert sum("<table" in one for one in shown) > 4
    assert shown[-1].startswith("<svg")
    assert (home / "shares.svg").stat().st_size > 500


def recipe(name: str) -> Path:
    return DOCS / "recipes" / f"{name}.md"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["simulation", "own-topics", "own-indicator", "notebook", "datasette",
     pytest.param("size", marks=pytest.mark.slow)],
)  # fmt: skip
def test_recipes_that_need_no_network(name: str, home: Path, sample_store: Path) -> None:
    shutil.copy(sample_store, home / "my.duckdb")
    check(recipe(name), Folder(home))


@pytest.mark.slow
def test_the_log_of_a_mesa_model_becomes_an_answer(home: Path) -> None:
    """`tests/mesa` has the real Mesa write the same log."""
    shutil.copy(ROOT / "tests" / "mesa" / "log.csv", home / "log.csv")
    folder = Folder(home)
    check(recipe("mesa"), folder)
    asked = [command.split()[2] for command in folder.ran if command.startswith("blueattr")]
    assert asked == ["run", "attribute", "compare"]
    with contextlib.chdir(home):
        assert find_scenario("given.py").replay()["wealth"] < 1e-13


def _of_any_day(text: str) -> str:
    """What a command prints on one day, as the page shows it: a window of other days may wrap."""
    text = re.sub(r"is \d+ s old", "is 2 s old", text)
    return re.sub(
        r"Mythos\? [^:]*\(UTC\),\s+so\s+far,\s+until\s+\d\d:\d\d",
        "Mythos? 16 to 29 November 2026 (UTC), so far, until 12:30", text,
    )  # fmt: skip


@pytest.mark.parametrize(
    "said", ["30 November to 13 December 2026 (UTC), so far, until 00:01",
             "25 December 2026 to 7 January 2027 (UTC), so far,\nuntil 23:59"],
)  # fmt: skip
def test_a_page_that_follows_shows_the_same_on_any_day(said: str) -> None:
    shown = "Who carried Mythos? 16 to 29 November 2026 (UTC), so far, until 12:30\nThe"
    assert shown in recipe("follow").read_text(encoding="utf-8")
    assert _of_any_day(f"Who carried Mythos? {said}\nThe") == shown


@pytest.mark.slow
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
        }, clean=_of_any_day)  # fmt: skip
        check(recipe("follow"), folder)
        assert len(server.subscriptions()) == 2


@pytest.mark.slow
def test_looking_at_a_past_fortnight(home: Path) -> None:
    past = events()
    (home / "recordings").mkdir()
    write_events(home / "recordings" / "may.jsonl")
    archive = ArchiveServer(key="secret")
    # It began the evening before, with a post that is older.
    older = next(event for event in past if event["kind"] == "commit")
    fetched = older | {"time_us": past[0]["time_us"] - 4 * 3600_000_000}
    row = row_of(1, fetched, indexed_at=fetched["time_us"] - 4 * 86_400_000_000)
    archive.segments.append(Sealed(0, [[row]]))
    for k in range(0, len(past), 400):
        archive.seal(past[k : k + 400], 4)
    with archive.running() as server:
        fetch = "blueattr ingest archive --from 2026-05-01 --to 2026-05-15 --db past.duckdb"
        before = (
            "blueattr ingest archive --accounts panel.csv --from 2026-04-24 --to 2026-05-01 "
            "--db before.duckdb"
        )
        folder = Folder(home, {
            command: [*command.split(), "--host", server.url, "--quiet"]
            for command in (fetch, f"{fetch} --dry-run", before)
        })  # fmt: skip
        folder.environment["BLUEATTR_JETSTREAM_KEY"] = "secret"
        check(recipe("past"), folder)
        assert server.fetched()


@pytest.mark.slow
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


@pytest.mark.slow
def test_keeping_a_report_fresh(home: Path) -> None:
    (home / "events").mkdir()
    write_events(home / "events" / "may.jsonl")
    folder = Folder(home, clean=Timeless(), codes=[ExitCode.OK, ExitCode.NOTHING_NEW])
    check(recipe("schedule"), folder)
    assert (home / "reports" / "latest" / "index.html").exists()
