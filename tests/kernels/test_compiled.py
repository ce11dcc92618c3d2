"""Compilation of the kernels: with and without it, its cache, and who is told of it."""

import json
import logging
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from blueattr.cli.output import announce_compiling, show_warning, warnings_to
from blueattr.decode.parser import words
from blueattr.kernels import compiled, machine_code
from support import kernel_results
from support.effort import INTERPRETED

PACKAGE = Path(compiled.__file__).parents[1]
DAY = 86_400


def run_python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with the package and the tests at hand, and without numba's own settings."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=Path(__file__).parents[1], env=keep | environment, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip


# --- without compilation -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="there is nothing to compare with")
def test_python_alone_gives_what_compiled_kernels_give() -> None:
    done = run_python("-m", "support.kernel_results", NUMBA_DISABLE_JIT="1")
    assert (done.returncode, done.stderr) == (0, "")
    interpreted, compiled_ones = json.loads(done.stdout), kernel_results.results()
    assert len(interpreted) == len(compiled_ones) > 12
    for name, values in interpreted.items():
        assert values == compiled_ones[name], name
        assert values


@pytest.mark.skipif(INTERPRETED, reason="there is nothing to compare with")
def test_words_are_read_and_written_as_plain_python_does() -> None:
    rng = np.random.default_rng(1)
    data = rng.integers(0, 256, 400, np.uint8)

    @compiled.jit(makes_arrays=False)
    def load(array, index):  # type: ignore[no-untyped-def]  # numba infers them
        return words.load_word(array, index)

    @compiled.jit(makes_arrays=False)
    def count(word):  # type: ignore[no-untyped-def]
        return words.trailing_zeros(word)

    @compiled.jit(makes_arrays=False)
    def store(array, index, word):  # type: ignore[no-untyped-def]
        words.store_word(array, index, word)

    for index in range(len(data) - words.SIZE + 1):
        word = words.load_word.plain(data, index)
        assert load(data, index) == word
        low = word & (np.uint64(0xFFFF) << np.uint64(index % 49)) or np.uint64(1 << 63)
        assert count(low) == words.trailing_zeros.plain(low)
        written = [data[::-1].copy() for _ in range(2)]
        store(written[0], index, word)
        words.store_word.plain(written[1], index, word)
        assert (written[0] == written[1]).all()
        assert (written[0] != data[::-1]).any()


@pytest.mark.parametrize("stop", [*b'"\\', *range(32)])
def test_the_first_stop_of_a_word_is_found_whatever_follows(stop: int) -> None:
    rng = np.random.default_rng(stop)
    usual = [byte for byte in range(32, 256) if byte not in b'"\\']
    for place in range(words.SIZE):
        for _ in range(20):
            letters = rng.choice(usual, words.SIZE).astype(np.uint8)
            assert words.string_stops(words.load_word.plain(letters, 0)) == 0
            letters[place] = stop
            letters[place + 1 :] = rng.integers(0, 256, words.SIZE - place - 1)
            stops = int(words.string_stops(words.load_word.plain(letters, 0)))
            assert (stops & -stops).bit_length() == 8 * (place + 1)


# --- the cache of machine code --------------------------------------------------------------------


def test_every_folder_with_a_kernel_is_hashed() -> None:
    decorated = {
        path.parent.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"^ *@compiled\.(jit|intrinsic)\(", path.read_text(), re.MULTILINE)
    }
    assert decorated == set(machine_code.KERNEL_FOLDERS)


def make_cache(folder: Path, days: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "kernel.nbc").write_bytes(b"machine code")
    os.utime(folder, (time.time() - days * DAY,) * 2)
    return folder


def caches(folder: Path) -> tuple[Path, list[Path]]:
    """Make a cache that may go, and folders that may not."""
    return make_cache(folder / "kernels-0123456789abcdef", days=31), [
        make_cache(folder / "kernels-00112233445566ff", days=29),
        make_cache(folder / "kernels-notes", days=99),
        make_cache(folder / "other", days=99),
    ]


_COMPILE = """
import numpy as np
from blueattr.kernels import agents, machine_code
agents.combine(np.ones(9), np.ones(9), np.ones(9), (1.0, 2.0, 3.0))
print(machine_code._FOLDER)
"""


def test_only_machine_code_of_other_versions_unused_for_a_month_is_removed(
    tmp_path: Path,
) -> None:
    old, kept = caches(tmp_path)
    used = make_cache(tmp_path / "kernels-fedcba9876543210", days=99)
    machine_code._remove_old_caches(used)
    assert sorted(tmp_path.iterdir()) == sorted([*kept, used])
    assert not old.exists()


@pytest.mark.slow
def test_compiling_removes_what_was_unused_for_a_month_and_reading_counts_as_use(
    tmp_path: Path,
) -> None:
    old, kept = caches(tmp_path)
    done = run_python("-c", _COMPILE, NUMBA_CACHE_DIR=str(tmp_path))
    # A library says nothing of its own accord, not even that it compiles.
    assert (done.returncode, done.stderr) == (0, "")
    used = Path(done.stdout.strip())
    assert used.parent == tmp_path
    assert sorted(tmp_path.iterdir()) == sorted([*kept, used])
    assert not old.exists()

    os.utime(used, (time.time() - 99 * DAY,) * 2)
    run_python("-c", _COMPILE, NUMBA_CACHE_DIR=str(tmp_path))
    # As another version would that starts now.
    machine_code._remove_old_caches(tmp_path / "kernels-ffffffffffffffff")
    assert used.exists()
    os.utime(used, (time.time() - 99 * DAY,) * 2)
    machine_code._remove_old_caches(tmp_path / "kernels-eeeeeeeeeeeeeeee")
    assert not used.exists()


@pytest.mark.slow
def test_a_process_whose_cache_was_removed_compiles(tmp_path: Path) -> None:
    code = f"""
import shutil
from blueattr.kernels import compiled, machine_code
{_COMPILE}
shutil.rmtree(machine_code._FOLDER)
from blueattr import kernels
assert kernels.exact_sum(np.ones(9)) == 9
"""
    done = run_python("-c", code, NUMBA_CACHE_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_numba_was_tried_to_load_machine_code_without_what_compiles() -> None:
    assert machine_code.loads_alone(), "run the slow tests with its version in _LOADS_ALONE"


_KEPT = """
import json, sys
from support import kernel_results
print(json.dumps([kernel_results.results(), "numba.np.linalg" in sys.modules]))
"""


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="there is no machine code")
def test_machine_code_that_is_kept_gives_the_same_without_what_compiles() -> None:
    wanted = kernel_results.results()  # afterwards all of it is kept
    done = run_python("-c", _KEPT)
    assert (done.returncode, done.stderr) == (0, "")
    found, prepared_to_compile = json.loads(done.stdout)
    assert found == wanted
    assert len(found) > 12
    assert not prepared_to_compile


def test_nothing_is_cached_in_the_working_folder_where_there_is_no_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(machine_code.config, "CACHE_DIR", "")

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert machine_code._cache_folder() is None
    monkeypatch.undo()
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(machine_code.config, "CACHE_DIR", "")
    monkeypatch.setenv("HOME", "not/absolute")
    assert machine_code._cache_folder() is None
    monkeypatch.setenv("HOME", "/home/user")
    folder = machine_code._cache_folder()
    assert folder is not None
    assert folder.parent == Path("/home/user/.cache/blueattr")


def test_machine_code_is_loaded_from_no_folder_that_others_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_code.config, "CACHE_DIR", str(tmp_path / "caches"))
    before = os.umask(0o002)  # as on systems where each user has a group
    try:
        folder = machine_code._trusted_folder()
    finally:
        os.umask(before)
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    assert machine_code._trusted_folder() == folder
    for mode in (0o777, 0o770, 0o702):
        folder.chmod(mode)
        assert machine_code._trusted_folder() is None, oct(mode)
    folder.chmod(0o700)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert machine_code._trusted_folder() is None, "others can let a link lead elsewhere"
    folder.unlink()
    folder.write_text("")
    assert machine_code._trusted_folder() is None
    folder.unlink()
    folder.mkdir(0o700)
    if os.geteuid() == 0:
        os.chown(folder, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert machine_code._trusted_folder() is None, "somebody else made it first"


# --- who is told ----------------------------------------------------------------------------------

_ANNOUNCED = "blueattr: compiling kernels once; the first run takes up to a minute longer\n"
_ANNOUNCE = f"""
from blueattr.cli.output import announce_compiling, show_warning, warnings_to
announce_compiling()
with warnings_to(show_warning):
{textwrap.indent(_COMPILE, "    ")}
    agents.add_scaled(np.ones(9), 2.0, np.ones(9))
"""


@pytest.mark.slow
def test_compiling_is_announced_once_and_only_where_the_cache_lacks_a_kernel(
    tmp_path: Path,
) -> None:
    first, second = (run_python("-c", _ANNOUNCE, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert (first.stderr, second.stderr) == (_ANNOUNCED, "")


def test_the_announcement_goes_where_warnings_go(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("blueattr.kernels")
    before = logger.level
    taken: list[tuple[str, str]] = []
    message = "compiling kernels once; the first run takes up to a minute longer"
    try:
        announce_compiling()
        with warnings_to(show_warning):
            with warnings_to(lambda package, text: taken.append((package, text))):
                logging.getLogger(machine_code.__name__).info(message)
            assert (taken, capsys.readouterr()) == ([("kernels", message)], ("", ""))
            logging.getLogger(machine_code.__name__).info(message)
        assert capsys.readouterr() == ("", _ANNOUNCED)
    finally:
        logger.setLevel(before)
