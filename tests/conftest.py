"""What tests of several files are given."""

import gc
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from blueattr.report.figures.charts import drawing
from blueattr.report.figures.charts.converter import converter
from support.effort import leave_most_cases, register_profiles
from support.interrupts import heed_interrupts
from support.pictures import OnceDrawn

register_profiles()
heed_interrupts()

pytest_plugins = ["support.cli_fixtures"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All that is collected stays: nothing of it need be looked through for what can go."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    """Otherwise modules say at the end that they were never let go of."""
    gc.unfreeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before tests are chosen by what they cost."""
    leave_most_cases(items)


@pytest.fixture(scope="session", autouse=True)
def _pictures_drawn_once() -> Iterator[None]:
    """Pages show the same pictures again and again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "converter", OnceDrawn(converter))
        yield


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Make a new folder for each example."""
    count = iter(range(10**6))

    def make() -> Path:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return folder

    return make


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is made, and nothing else: to be copied."""
    from blueattr.store.commit.writer import Writer  # noqa: PLC0415 - most tests do without the engine

    path = tmp_path_factory.mktemp("empty") / "store.duckdb"
    Writer(path).close()
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium with an empty profile, as a context of Playwright's.

    It is closed with each module: as long as it is there, so is the event loop of its own that it
    runs in this thread, in which no other test could run one.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no chromium; Debian's package of that name will do")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    arguments = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, \
            sync_api.sync_playwright() as playwright:  # fmt: skip
        opened = playwright.chromium.launch_persistent_context(
            profile, executable_path=program, args=arguments, headless=True
        )
        yield opened
        opened.close()
