"""Which column of a table plays which part, where two are called alike."""

from pathlib import Path

import pytest

from blueattr.errors import InputError, UsageError
from blueattr.ingest.tables import plan_import
from blueattr.sources.tables.columns import find_columns


@pytest.mark.parametrize("names", [("author", "Author"), ("Created At", "created_at", "author")])
def test_no_column_is_taken_silently_in_place_of_one_called_alike(names: tuple[str, ...]) -> None:
    one, other = names[:2]
    with pytest.raises(UsageError, match=f"the columns '{one}' and '{other}', which are called al"):
        find_columns([*names, "text"], {}, "t.csv")
    part = "actor" if one == "author" else "time"
    for column in names[:2]:
        columns, _ = find_columns([*names, "text"], {part: column}, "t.csv")
        assert columns[part] == column
        assert columns["text"] == "text"


def test_a_statement_is_not_handed_columns_that_it_cannot_tell_apart(tmp_path: Path) -> None:
    table, form = tmp_path / "t.csv", tmp_path / "own.sql"
    table.write_text("who,Stamp,stamp\nann,2024-01-02,2024-01-03\n")
    form.write_text("SELECT who AS actor, 'post' AS kind, stamp AS time FROM input")
    with pytest.raises(InputError, match="'Stamp' and 'stamp', which SQL does not tell apart"):
        plan_import([str(table)], tmp_path / "x.duckdb", format=str(form))
    form.write_text("-- columns: who, stamp\n" + form.read_text())
    plan = plan_import([str(table)], tmp_path / "x.duckdb", format=str(form))
    ((_, (row,)),) = plan.first_rows()
    assert row["event_time"].day == 3
