"""What the engine raises becomes a sentence that says what is wrong: the store, or the memory."""

from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pytest

from blueattr.errors import ExitCode, NoMemoryError, StoreError
from blueattr.store.engine import trial
from blueattr.store.engine.engine import store_errors

STORE = Path("/somewhere/x.duckdb")


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        (duckdb.OutOfMemoryException("failed to pin block"), "raise --memory-limit"),
        (duckdb.OutOfMemoryException("Failed to allocate block (bad allocation)"), "more memory"),
        (duckdb.InternalException("INTERNAL Error: std::bad_alloc"), "more memory"),
        (duckdb.IOException("Cannot allocate memory"), "more memory"),
        (duckdb.Error("thread: Resource temporarily unavailable"), "more memory"),
    ],
)  # fmt: skip
def test_a_lack_of_memory_is_not_called_a_store_that_cannot_be_used(
    error: duckdb.Error, way_out: str
) -> None:
    with pytest.raises(NoMemoryError, match=way_out) as raised, store_errors(STORE):
        raise error
    assert raised.value.exit_code == ExitCode.FAILURE


def test_a_damaged_store_is_not_called_a_lack_of_memory() -> None:
    with pytest.raises(StoreError, match=r"x\.duckdb") as raised, store_errors(STORE):
        raise duckdb.InternalException("INTERNAL Error: Corrupt database file")
    assert raised.value.exit_code == ExitCode.STORE


@pytest.mark.parametrize(
    ("code", "said", "exit_code"),
    [
        (-6, "terminate called after throwing an instance of 'std::bad_alloc'", ExitCode.FAILURE),
        (1, "Traceback\nMemoryError", ExitCode.FAILURE),
        (-11, "", ExitCode.STORE),
        (1, "Traceback\nImportError: no", ExitCode.STORE),
    ],
)
def test_a_trial_that_ends_for_memory_does_not_speak_against_the_store(
    code: int, said: str, exit_code: ExitCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = CompletedProcess([], code, "", said)
    monkeypatch.setattr("blueattr.store.engine.trial.subprocess.run", lambda *_, **__: done)
    with pytest.raises(StoreError) as raised:
        trial.try_to_open(STORE, 1 << 30)
    assert raised.value.exit_code == exit_code
