"""Every way to install blueattr gives the same whole package, from any folder, with no network."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from blueattr.version import __version__
from support.places import ROOT

pytestmark = pytest.mark.install


LINKS = ("cli", "data", "sql")


def call(*command: object, **options: object) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "BLUEATTR"))}
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=300,
        env=environment, **options,  # type: ignore[call-overload] # of cwd alone
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def tracked() -> list[str]:
    """The files of the repository: what lies about beside them must not leak into a package."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is not a checkout")
    names = call("git", "ls-files", "-z", cwd=ROOT).split("\0")
    return [name for name in names if os.path.lexists(ROOT / name) and name]


def checkout(to: Path) -> Path:
    for name in tracked():
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    assert all((to / "blueattr" / name).is_symlink() for name in LINKS)
    return to


def build(tree: Path, to: Path) -> Path:
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps",
         "--no-build-isolation", "--wheel-dir", to, tree)  # fmt: skip
    (wheel,) = to.glob("*.whl")
    return wheel


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return build(checkout(folder / "tree"), folder / "out")


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything installed here but blueattr itself, as a folder of links."""
    folder = tmp_path_factory.mktemp("dependencies")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "blueattr" not in entry.name and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    assert (folder / "polars").exists()
    return folder


class Installed:
    """An environment of its own with blueattr installed in one way."""

    def __init__(self, folder: Path, dependencies: Path, *what: object) -> None:
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.bin = folder / "venv" / "bin"
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(call(self.bin / "python", "-c", code).strip())
        (site / "dependencies.pth").write_text(f"{dependencies}\n")
        call(sys.executable, "-m", "pip", "--python", self.bin / "python", "install", "--quiet",
             "--no-index", "--no-deps", "--no-build-isolation", *what)  # fmt: skip

    def blueattr(self, *arguments: object) -> str:
        return call(self.bin / "blueattr", *arguments, cwd=self.elsewhere)

    def home(self) -> Path:
        code = "import blueattr; print(blueattr.__file__)"
        return Path(call(self.bin / "python", "-c", code, cwd=self.elsewhere).strip()).parent

    def check(self) -> None:
        assert self.blueattr("--version") == f"blueattr {__version__}\n"
        assert "claude mythos" in self.blueattr("topics", "list", "--format", "csv")


def test_the_wheel_holds_the_package_whole_and_nothing_else(wheel: Path) -> None:
    names = contents(wheel)
    assert {name.split("/")[0] for name in names} == {
        "blueattr",
        f"blueattr-{__version__}.dist-info",
    }
    wanted = set()
    for name in tracked():
        top, _, rest = name.partition("/")
        if top == "blueattr" and rest not in LINKS:
            wanted.add(name)
        elif top in LINKS:
            wanted.add(f"blueattr/{name}")
    assert sum(name.endswith(".sql") for name in wanted) > 20
    assert {"blueattr/py.typed", "blueattr/data/topics.toml", "blueattr/data/bots.toml",
            "blueattr/data/sample.jsonl.zst", "blueattr/cli/main.py"} <= wanted  # fmt: skip
    assert {name for name in names if name.startswith("blueattr/")} == wanted


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    info = f"blueattr-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as file:
        metadata = file.read(f"{info}/METADATA").decode()
        entry_points = file.read(f"{info}/entry_points.txt").decode()
    assert f"Version: {__version__}\n" in metadata
    assert "License-Expression: MIT\n" in metadata
    assert "Requires-Dist: polars" in metadata
    assert "Requires-Dist: scipy" not in metadata
    assert "# blueattr" in metadata
    assert "blueattr = blueattr.cli.main:app" in entry_points


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    tree = checkout(tmp_path / "tree")
    code = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    call(sys.executable, "-c", code, tmp_path, cwd=tree)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        file.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert contents(build(unpacked, tmp_path / "out")) == contents(wheel)


def test_a_checkout_without_links_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    tree = checkout(tmp_path / "tree")
    for name in LINKS:
        link = tree / "blueattr" / name
        target = link.readlink()
        link.unlink()
        # What git writes where the file system has no links.
        link.write_text(str(target))
    assert contents(build(tree, tmp_path / "out")) == contents(wheel)


def test_the_wheel_runs_the_main_job_in_an_empty_environment(
    wheel: Path, dependencies: Path, tmp_path: Path
) -> None:
    installed = Installed(tmp_path, dependencies, wheel)
    installed.check()
    assert installed.home().is_relative_to(tmp_path / "venv")
    shown = installed.blueattr("demo", "--out", "made here")
    assert "The 1 % most followed accounts carry 11 % of Mythos." in shown
    assert "is the sample's attribution a multiple of the full panel's?" in shown
    made = {path.name for path in (installed.elsewhere / "made here").iterdir()}
    assert {
        "demo.duckdb",
        "agents.parquet",
        "attribution.json",
        "scales.json",
        "mythos.html",
    } <= made


@pytest.mark.parametrize("how", ["plain", "editable"])
def test_pip_installs_a_checkout(how: str, dependencies: Path, tmp_path: Path) -> None:
    tree = checkout(tmp_path / "tree")
    installed = Installed(tmp_path, dependencies, *(["-e"] if how == "editable" else []), tree)
    installed.check()
    where = tmp_path / ("tree" if how == "editable" else "venv")
    assert installed.home().is_relative_to(where)
    assert "Usage: blueattr synth" in installed.blueattr("synth", "--help")
