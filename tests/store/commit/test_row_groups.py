"""How rows lie in the file: large commits write each once, small ones leave no crumbs."""

from pathlib import Path

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.store.commit import writer as writers
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from support.events_builder import at, lines, post
from support.store_content import rows

COMMITS = 3


def groups(db: Path) -> list[int]:
    """Rows of each row group of the table of records, after some commits of a few posts each."""
    with Writer(db) as writer:
        state = SourceState("x", "file")
        for number in range(COMMITS):
            posts = [
                post("ann", f"{number}-{n}", "words", rev=10 * number + n + 1, time=at(number))
                for n in range(3)
            ]
            data = lines(*posts)
            end = state.position + len(data)
            chunk = Chunk(data, state.position, state.position, end)
            state = writer.commit(writer.stage(chunk, state))
        with writer._attached():
            found = rows(
                writer,
                "SELECT sum(count) FROM pragma_storage_info('record') "
                "WHERE column_name = 'account' AND segment_type <> 'VALIDITY' "
                "GROUP BY row_group_id ORDER BY row_group_id",
            )
    return [int(count) for (count,) in found]


def test_small_commits_do_not_leave_a_row_group_each(tmp_path: Path) -> None:
    assert groups(tmp_path / "store.duckdb") == [COMMITS * 3]


def test_what_a_large_commit_wrote_is_not_compressed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "_ROW_GROUP", 0)
    assert groups(tmp_path / "store.duckdb") == [3] * COMMITS
