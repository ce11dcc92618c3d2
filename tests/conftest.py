"""What tests of several files are given."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Give each example a folder of its own."""
    count = iter(range(10**6))

    def make() -> Path:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return folder

    return make
