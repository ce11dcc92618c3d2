"""Build and install the real servers that the tests marked ``integration`` run against.

Everything lands in ``.integration/`` (ignored by git), pinned by ``go.mod``, ``go.sum`` and
``package-lock.json`` beside this file. Once is enough: a stamp of the pins says what is there.

Jetstream is built twice. Its sizes of blocks and segments, and how far behind a slow consumer may
be, are constants without an option: with 256 MB to a segment no test would see a second one. The
binary ``jetstream-small`` is the same source with these three constants turned down, and nothing
else; ``jetstream`` is untouched.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".integration"
PINS = ("go.mod", "go.sum", "package.json", "package-lock.json", "install.py")
MODULE = "github.com/bluesky-social/jetstream"
TOOLS = ("go", "node", "npm")


SMALLER = {
    "internal/ingest/config.go": (
        "defaultMaxSegmentBytes int64 = 256 << 20",
        "defaultMaxSegmentBytes int64 = 96 << 10",
    ),
    "segment/writer.go": ("DefaultMaxEventsPerBlock = 4096", "DefaultMaxEventsPerBlock = 128"),
    "internal/subscribe/config.go": (
        "DefaultSlowLagThreshold = 100_000",
        "DefaultSlowLagThreshold = 1_000",
    ),
}


class InstallError(Exception):
    """The servers could not be installed; the message says what is missing or failed."""


def digest() -> str:
    """Hash of the pins: what is installed is what they say."""
    return hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in PINS)).hexdigest()


def missing() -> str | None:
    """Why the servers cannot be started, or None if they can."""
    stamp = HOME / "stamp"
    if shutil.which("node") is None:
        return "node is not installed"
    if not stamp.exists() or stamp.read_text() != digest():
        return "the servers are not built: make test-integration"
    return None


def run(*command: str, folder: Path = HERE, seconds: float = 600) -> str:
    """Run a command to its end and return what it printed."""
    sys.stderr.write(f"{' '.join(command)}\n")
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            timeout=seconds,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InstallError(f"not done after {seconds:.0f} s: {' '.join(command)}") from None
    if done.returncode != 0:
        raise InstallError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")
    return done.stdout


def build_small(binaries: Path) -> None:
    """Build Jetstream from a copy of the module whose sizes are turned down."""
    source = HOME / "jetstream-small"
    original = json.loads(run("go", "list", "-m", "-json", MODULE))["Dir"]
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(original, source, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(source):
        Path(folder).chmod(0o755)
    for name, (before, after) in SMALLER.items():
        text = (source / name).read_text()
        if text.count(before) != 1:
            raise InstallError(f"{name} does not hold {before!r} once")
        (source / name).write_text(text.replace(before, after))
    pins = HOME / "small.mod"
    shutil.copyfile(HERE / "go.mod", pins)
    shutil.copyfile(HERE / "go.sum", HOME / "small.sum")
    run("go", "mod", "edit", f"-replace={MODULE}={source}", str(pins))
    # The copy is another module to go: what it says about its sums is written beside `pins`.
    run(
        "go", "build", "-mod=mod", f"-modfile={pins}", "-trimpath",
        "-o", str(binaries / "jetstream-small"), f"{MODULE}/cmd/jetstream",
    )  # fmt: skip
    shutil.rmtree(source)


def install() -> None:
    """Build and install what is pinned, unless it is there."""
    if missing() is None:
        return
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking:
        raise InstallError(f"not installed: {', '.join(lacking)}")
    HOME.mkdir(exist_ok=True)
    (HOME / "stamp").unlink(missing_ok=True)
    binaries = HOME / "bin"
    run("go", "build", "-mod=readonly", "-trimpath", "-o", f"{binaries}{os.sep}", "tool")
    build_small(binaries)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, HOME / name)
    run("npm", "ci", "--no-audit", "--no-fund", "--omit=dev", folder=HOME)
    (HOME / "stamp").write_text(digest())


def main() -> int:
    """Install; with ``--optional`` say why not and succeed all the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--optional", action="store_true", help="a failure is a note, not an error")
    arguments = parser.parse_args()
    try:
        install()
    except (InstallError, OSError) as error:
        sys.stderr.write(f"no real servers to test against: {error}\n")
        return 0 if arguments.optional else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
