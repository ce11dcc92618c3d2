"""The image and its compose file: linted, and each step taken where there is no builder."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path

import orjson
import pytest

from blueattr.errors import ExitCode
from blueattr.runs.plan_file import SECTIONS, make_plan
from blueattr.runs.settings import Document, settle
from support.places import ROOT

DOCKERFILE = ROOT / "Dockerfile"
yaml = pytest.importorskip("yaml", reason="what reads YAML is not installed")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
NOBODY = 10001


def steps() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with its text in one line."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.split(None, 1)[1]) for line in lines if line]


def last(instruction: str) -> str:
    return [text for name, text in steps() if name == instruction][-1]


def test_a_real_linter_finds_nothing_to_say_of_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    worse = DOCKERFILE.read_text(encoding="utf-8").replace("python:3.12-slim\n", "python\n")
    done = subprocess.run([hadolint, "-"], input=worse, capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_the_image_does_not_run_as_root_and_declares_all_that_it_writes() -> None:
    assert last("USER") == f"{NOBODY}:{NOBODY}"
    assert last("VOLUME") == "/data" == last("WORKDIR")
    environment = dict(pair.split("=", 1) for pair in shlex.split(last("ENV")))
    written = ("HOME", "NUMBA_CACHE_DIR", "BLUEATTR_DB")
    assert all(Path(environment[name]).is_relative_to("/data") for name in written)


@pytest.mark.parametrize("service", sorted(COMPOSE["services"]))
def test_each_service_can_write_to_nothing_but_its_volume_and_stops_cleanly(service: str) -> None:
    its = COMPOSE["services"][service]
    assert its["read_only"]
    assert its["init"]
    assert its["cap_drop"] == ["ALL"]
    assert its["security_opt"] == ["no-new-privileges:true"]
    assert its["volumes"] == ["data:/data"]
    assert "data" in COMPOSE["volumes"]
    assert not {"ports", "privileged", "network_mode", "user"} & its.keys()


def test_settings_in_the_compose_file_are_a_plan_whose_runs_leave_the_stream_to_the_follower(
    tmp_path: Path,
) -> None:
    (tmp_path / "blueattr.toml").write_text(COMPOSE["configs"]["settings"]["content"])
    plan = make_plan(settle(SECTIONS, Document(tmp_path / "blueattr.toml"), {}))
    assert not plan.sources
    assert {str(plan.query.db.parent), str(plan.reports.parent)} == {"/data"}
    target = COMPOSE["services"]["report"]["configs"][0]["target"]
    assert COMPOSE["services"]["report"]["environment"]["BLUEATTR_CONFIG"] == target


def test_the_build_sees_all_that_the_package_holds_and_no_more() -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is not a checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    seen = {name for name in names.stdout.decode().split("\0") if name and is_sent(name)}
    tops = {name.split("/")[0] for name in seen}
    assert tops == {"requirements-run.lock", "pyproject.toml", "README.md", "LICENSE",
                    "blueattr", "cli", "sql", "data"}  # fmt: skip


def is_sent(name: str) -> bool:
    """Whether .dockerignore lets a file through; the last pattern that fits decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            parts = name.split("/")
            fits = (
                any(fnmatch(part, pattern) for part in parts)
                if "**/" in line
                else fnmatch(parts[0], pattern)
            )
            sent = line.startswith("!") if fits else sent
    return sent


# --- without a builder ----------------------------------------------------------------------------


@dataclass
class Image:
    """What the steps of the Dockerfile make, in a folder that stands for the root of an image."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        return re.sub(r"(?<![\w.])/(opt/blueattr|data|src|etc/blueattr\.toml)\b",
                      lambda found: str(self.root / found[1]), text)  # fmt: skip

    def build(self) -> None:
        for name, text in steps():
            match name:
                case "ARG":
                    variable, value = text.split("=")
                    self.environment[variable] = self.here(value)
                case "ENV":
                    for pair in shlex.split(text):
                        variable, value = pair.split("=", 1)
                        value = self.here(value.replace("$PATH", os.environ["PATH"]))
                        self.environment[variable] = value
                case "RUN" if "useradd" not in text:
                    self.shell(text)
                case "RUN":  # what is left of it where no user is made
                    (self.root / "data").mkdir()
                    os.chown(self.root / "data", NOBODY, NOBODY)
                case "COPY" if not text.startswith("--from"):
                    self.copy(*text.split())

    def copy(self, what: str, to: str) -> None:
        assert to in {".", "./"}
        source = self.root / "src"
        source.mkdir(exist_ok=True)
        if what != ".":
            shutil.copy2(ROOT / what, source)
            return
        for one in ROOT.iterdir():
            if is_sent(one.name):
                copied = shutil.copytree if one.is_dir() else shutil.copy2
                if one.is_dir():
                    ignore = shutil.ignore_patterns("__pycache__", "*.duckdb*")
                    shutil.copytree(one, source / one.name, symlinks=True, ignore=ignore)
                else:
                    copied(one, source / one.name)

    def shell(self, text: str) -> None:
        environment = {**clean(), **self.environment}
        done = subprocess.run(["sh", "-ec", text], cwd=self.root / "src", env=environment,
                              capture_output=True, text=True, check=False)  # fmt: skip
        if re.search(r"No matching distribution|Temporary failure|Connection", done.stderr):
            pytest.skip("the packages cannot be downloaded here")
        assert done.returncode == 0, done.stderr

    def run(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as a container would.

        As its user, in its folder and environment, on a file system that is read only but for
        /data.
        """
        words = [self.here(part) for part in command]
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", NAMESPACE, "sh", str(self.root), str(NOBODY),
             sys.base_prefix, hidden(Path(sys.base_prefix)), *words],
            env={"LANG": "C.UTF-8", **self.environment, **more}, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip


# The root of the image, its user, where Python is, the folder that hides it from that user, if one
# does, and the command.
NAMESPACE = """
root=$1 user=$2 python=$3 hidden=$4; shift 4
mount --make-rprivate /
if [ "$hidden" ]; then
    mount --bind "$python" "$root/python"
    mount -t tmpfs -o mode=755 none "$hidden"
    mkdir -p "$python"
    mount --bind "$root/python" "$python"
fi
mount --bind "$root/data" "$root/data"
mount -o remount,ro,bind /
cd "$root/data"
exec setpriv --reuid="$user" --regid="$user" --clear-groups -- "$@"
"""


def hidden(python: Path) -> str:
    """The folder above Python's that other users cannot enter; nothing if they can."""
    above = [*reversed(python.parents), python]
    return next((str(folder) for folder in above if not folder.stat().st_mode & 0o001), "")


def clean() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "BLUEATTR"))}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    if os.geteuid() != 0:
        pytest.skip("only root can run a program as another user")
    with tempfile.TemporaryDirectory(prefix="image") as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "python").mkdir()
        made = Image(root)
        made.build()
        tried = made.run("true")
        if tried.returncode:
            pytest.skip(f"no file system of one's own can be had here: {tried.stderr}")
        yield made


@pytest.mark.install
@pytest.mark.slow
def test_its_steps_make_a_follower_and_reports_as_nobody_on_a_tree_that_is_only_read(
    image: Image,
) -> None:
    entry = orjson.loads(last("ENTRYPOINT"))
    healthy = orjson.loads(last("HEALTHCHECK").split("CMD", 1)[1])
    before = image.run(*healthy)
    assert before.returncode == ExitCode.STORE
    assert "Traceback" not in before.stderr
    now = datetime.now(UTC)
    fill = image.run(*entry, "synth", "--agents", "300", "--days", "2", "--db",
                     image.environment["BLUEATTR_DB"], "--from",
                     f"{now - timedelta(days=2):%Y-%m-%d}")  # fmt: skip
    assert fill.returncode == ExitCode.OK, fill.stderr
    old = image.run(*healthy)
    assert old.returncode == ExitCode.SOURCE
    assert "the newest event is" in old.stderr
    (image.root / "event").write_bytes(event(datetime.now(UTC)))
    added = image.run(*entry, "ingest", str(image.root / "event"))
    assert added.returncode == ExitCode.OK, added.stderr
    assert image.run(*healthy).returncode == ExitCode.OK

    settings = COMPOSE["configs"]["settings"]["content"].replace('"mythos"', '"all"')
    (image.root / "etc").mkdir()
    (image.root / "etc" / "blueattr.toml").write_text(image.here(settings))
    report = COMPOSE["services"]["report"]
    once = report["command"][0].replace("$$", "$")
    once = re.sub("sleep 3600.*", "exit", once)
    config = image.here(report["environment"]["BLUEATTR_CONFIG"])
    done = image.run(*report["entrypoint"], once, BLUEATTR_CONFIG=config)
    assert (image.root / "data" / "reports" / "latest" / "index.html").exists(), done.stderr
    assert any((image.root / "data" / "kernels").rglob("*.nbc"))
    mine = {path for path in image.root.rglob("*") if path.lstat().st_uid == NOBODY}
    assert all(path.is_relative_to(image.root / "data") for path in mine)


def event(time: datetime) -> bytes:
    """A line of Jetstream of this moment."""
    micros = int(time.timestamp() * 1_000_000)
    record = {"$type": "app.bsky.feed.post", "text": "hello", "createdAt": time.isoformat()}
    commit = {"rev": "3l3qo2vutsw2b", "operation": "create", "collection": "app.bsky.feed.post",
              "rkey": "3l3qo2vuowo2b", "record": record, "cid": "bafyreic2"}  # fmt: skip
    line = {"did": "did:plc:eygmaihciaxprqvxpfvl6flk", "time_us": micros, "kind": "commit",
            "commit": commit}  # fmt: skip
    return orjson.dumps(line) + b"\n"
