"""The recipe on Mesa: the real Mesa writes the log that the recipe goes on with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.pages import blocks
from support.places import ROOT

HERE = Path(__file__).resolve().parent
HOME = ROOT / ".venv-mesa"


@pytest.mark.slow
def test_the_real_mesa_writes_the_log_of_the_recipe(tmp_path: Path) -> None:
    if not (HOME / "ready").exists():
        pytest.skip("Mesa is not installed in .venv-mesa: make test-mesa")
    page = (ROOT / "docs" / "recipes" / "mesa.md").read_text(encoding="utf-8")
    (model,) = (one.body for one in blocks(page) if one.body.startswith("# sharing.py\n"))
    (tmp_path / "sharing.py").write_text(model, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "sharing.py"],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120,
        env={**os.environ, "PYTHONPATH": str(HOME)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log.csv").read_bytes() == (HERE / "log.csv").read_bytes()
