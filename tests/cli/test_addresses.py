"""Addresses in place of files: named as they were typed, and never opened."""

from pathlib import Path

import pytest

from support.cli_world import run

WHERE = {
    "features": ["attribute", "--features"],
    "store": ["status", "--db"],
    "output": ["attribute", "--features", "x.csv", "--out"],
}


@pytest.mark.parametrize("command", WHERE.values(), ids=WHERE)
@pytest.mark.parametrize("address", ["s3://bucket/x.json", "https://example.org/x.json"])
def test_an_address_is_named_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*command, address)
    assert done.code != 0
    assert address in done.stderr
    assert list(tmp_path.iterdir()) == []
