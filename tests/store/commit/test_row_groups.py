"""How rows lie in the file: large commits write each once, small ones leave no crumbs."""

from itertools import groupby
from pathlib import Path

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.store.commit import writer as writers
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from support.events_builder import at, follow, lines, post, repost, tid, uri
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


@pytest.mark.slow
def test_small_commits_do_not_leave_a_row_group_each(tmp_path: Path) -> None:
    assert groups(tmp_path / "store.duckdb") == [COMMITS * 3]


@pytest.mark.slow
def test_what_a_large_commit_wrote_is_not_compressed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "_ROW_GROUP", 0)
    assert groups(tmp_path / "store.duckdb") == [3] * COMMITS


def test_records_of_a_kind_lie_beside_each_other(tmp_path: Path) -> None:
    """Each column is compressed by itself, and most kinds leave many columns empty."""
    ann, bob = "a" * 24, "b" * 24
    events = [
        event
        for k in range(0, 300, 3)
        for event in (
            post(ann, tid(k), "words", rev=k, time=at(k)),
            repost(ann, tid(k + 1), uri(bob, tid(k)), rev=k + 1, time=at(k)),
            follow(ann, tid(k + 2), bob, rev=k + 2, time=at(k)),
        )
    ]
    data = lines(*events)
    with Writer(tmp_path / "store.duckdb") as writer:
        writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file")))
        with writer._attached():
            found = rows(writer, "SELECT collection FROM record ORDER BY rowid")
    kinds = [kind for kind, _ in groupby(kind for (kind,) in found)]
    # Those few whose keys are far from all others lie by themselves.
    assert len(found) == len(events)
    assert {*kinds} == {"post", "repost", "follow"}
    assert len(kinds) <= 6
