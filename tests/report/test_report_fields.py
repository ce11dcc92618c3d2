"""Fields are declared once; what is made from them must not lose or invent a value."""

from types import SimpleNamespace

import pytest

from blueattr.report.fields import Field, Fields, definitions, tidy_table

AGENT: Fields[SimpleNamespace] = Fields(
    Field("did", "Who it is."),
    Field("share", "Its part.", "share"),
    Field("note", "A remark.", json=lambda agent: agent.note or None),
)
INNER: Fields[SimpleNamespace] = Fields(Field("total", "Their sum.", "float"), inside="agents")
OUTER: Fields[SimpleNamespace] = Fields(
    Field("agents", "One object each."), Field("n", "How many.")
)


def test_a_value_for_a_field_that_there_is_not_is_refused() -> None:
    agent = SimpleNamespace(did="x", share=0.5, note="")
    assert AGENT.json(agent, share=0.25) == {"did": "x", "share": 0.25, "note": None}
    with pytest.raises(ValueError, match="no such field: shares"):
        AGENT.json(agent, shares=0.25)


def test_cells_stay_below_their_columns_where_a_result_is_missing() -> None:
    agent = SimpleNamespace(did="x", share=0.5, note="")
    rows = [{"agent": agent, "sum": None}, {"agent": None, "sum": SimpleNamespace(total=1.0)}]
    table = tidy_table("agents", (("agent", AGENT), ("sum", INNER)), rows)
    assert [column.name for column in table.columns] == ["did", "share", "note", "total"]
    assert table.rows == (("x", 0.5, "", None), (None, None, None, 1.0))


def test_definitions_stand_once_and_below_the_field_that_holds_them() -> None:
    rows = definitions([OUTER, AGENT, INNER, AGENT], elsewhere=[AGENT["note"]]).splitlines()[2:]
    assert rows == [
        "| `agents` | One object each. | |",
        "| `agents.total` | Their sum. | |",
        "| `n` | How many. | |",
        "| `did` | Who it is. | |",
        "| `share` | Its part. | share |",
    ]
