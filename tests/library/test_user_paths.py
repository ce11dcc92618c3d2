"""Paths in the folder of a user who does not exist are refused in words, wherever they stand."""

from collections.abc import Callable
from pathlib import Path

import pytest

import blueattr
from blueattr.analysis.asked import parse
from blueattr.analysis.asked.naming import pseudonym_key
from blueattr.errors import ExitCode
from blueattr.user_path import user_path
from support.cli_world import refused, run

NOWHERE = "~nobody-of-this-name/x"


@pytest.mark.parametrize(
    "give",
    [
        lambda: blueattr.open(f"{NOWHERE}.duckdb"),
        lambda: blueattr.attribute(f"{NOWHERE}.csv"),
        lambda: blueattr.topics(f"{NOWHERE}.toml"),
        lambda: blueattr.write_report({"agent": ["x"], "a": [1], "b": [1], "c": [1]}, NOWHERE),
        lambda: parse.query(db=Path("x.duckdb"), bots=NOWHERE),
        lambda: pseudonym_key(Path(NOWHERE)),
    ],
)
def test_the_library_refuses_the_folder_of_nobody_without_a_traceback_of_pathlib(
    give: Callable[[], object],
) -> None:
    with pytest.raises(blueattr.BlueattrError, match="a user who is not known here"):
        give()


def test_commands_and_settings_refuse_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(
        ExitCode.USAGE, "attribute", "--features", f"{NOWHERE}.csv", says="a user who is not known"
    )
    text = f'sources = []\n[report]\ntopic = ["mythos"]\n[output]\nreports = "{NOWHERE}"\n'
    Path("blueattr.toml").write_text(text)
    done = run("run")
    assert (done.code, "not known here" in done.stderr) == (ExitCode.USAGE, True)


def test_a_tilde_is_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x") == tmp_path / "x"
    assert user_path("a/~/x") == Path("a/~/x")
