"""Addresses in place of files: named as they were typed, and never opened."""

from pathlib import Path

import pytest

from support.cli_world import run

WHERE = {
    "features": ["attribute", "--features"],
    "store": ["status", "--db"],
    "output": ["attribute", "--features", "x.csv", "--out"],
    "a source": ["ingest", "--db", "s.duckdb"],
    "a directory": ["ingest", "--db", "s.duckdb", "--plc"],
}


EVERYWHERE = pytest.mark.parametrize("command", WHERE.values(), ids=WHERE)


@EVERYWHERE
@pytest.mark.parametrize("address", ["s3://bucket/x.json", "https://example.org/x.json"])
def test_an_address_is_named_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*command, address)
    assert done.code != 0
    assert address in done.stderr
    assert list(tmp_path.iterdir()) == []


@EVERYWHERE
@pytest.mark.parametrize("scheme", ["s3", "https", "wss"])
def test_no_name_or_password_of_an_address_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], scheme: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for who in ("name:secret@", "secret@", "name:se@secret@"):
        done = run(*command, f"{scheme}://{who}example.org/x.json")
        assert done.code != 0
        assert "example.org" in done.stderr
        assert "secret" not in done.stderr + done.text
