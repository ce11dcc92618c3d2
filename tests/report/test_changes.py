"""The report of a change: sentences that are true of it, and names that do nothing."""

import json
import re
from dataclasses import replace

import pytest

from blueattr.provenance import Provenance
from blueattr.report import change_report, changes_report, render
from blueattr.report.formats.tabular import tidy_frame
from blueattr.report.formats.text import PIPED, Terminal
from blueattr.report.numbers import MINUS
from support.cli_world import harmless
from support.hostile_text import HOSTILE
from support.study_cases import CHANGE, UNSHARED


def summary(result: object) -> str:
    return change_report(result).summary[1]  # type: ignore[arg-type]


def test_a_rise_and_a_fall_are_called_so_and_none_is_said() -> None:
    assert summary(CHANGE).startswith("heat rose from 0.25 to 0.4213. The rise is made of: ")
    fall = replace(CHANGE, change=-0.1713, before=CHANGE.after, after=CHANGE.before)
    assert summary(fall).startswith("heat fell from 0.4213 to 0.25. The fall is made of: ")
    still = replace(UNSHARED, change=0.0, after=replace(CHANGE.after, total=0.25))
    assert summary(still) == "var is 0.25 in both windows."
    assert summary(UNSHARED) == (
        "var rose from 0.25 to 0.4213; var changed by no more than a millionth of what accounts "
        "added and took away."
    )


def test_kinds_that_nobody_is_of_are_left_out_of_the_sentence() -> None:
    kinds = tuple(
        replace(part, agents=0, value=0.0, share=0.0) if part.name in {"left", "same"} else part
        for part in CHANGE.kinds
    )
    assert "went" not in summary(replace(CHANGE, kinds=kinds))
    nobody = replace(CHANGE, kinds=tuple(replace(part, agents=0) for part in kinds))
    assert summary(nobody).endswith(f"The rise is made of: the panel's size {MINUS}12 %.")


def test_gaps_are_said_of_the_window_that_has_them() -> None:
    assert CHANGE.after.provenance.gaps
    assert not CHANGE.before.provenance.gaps
    (warning,) = change_report(CHANGE).warnings
    assert warning.startswith("After: The window has 1 gap")
    both = replace(CHANGE, before=CHANGE.after)
    assert [one.partition(":")[0] for one in change_report(both).warnings] == ["Before", "After"]


def test_rows_of_a_table_sum_to_the_change() -> None:
    frame = tidy_frame(changes_report([CHANGE, UNSHARED]))
    assert frame["part"].to_list() == (["kind"] * 5 + ["size"] + ["tier"] * 3) * 2
    rows = frame.filter(indicator="heat")
    for part in ("kind", "tier"):
        values = rows.filter(rows["part"].is_in([part, "size"]))["value"]
        assert values.sum() == pytest.approx(CHANGE.change)
    assert frame.filter(indicator="var")["share"].null_count() == 9


def test_frames_in_memory_have_no_windows_and_no_panel() -> None:
    nowhere = Provenance("in memory", version="0.0.0")
    result = replace(
        CHANGE,
        before=replace(CHANGE.before, provenance=nowhere),
        after=replace(CHANGE.after, provenance=nowhere),
        movers=tuple(
            replace(one, written_before=None, written_after=None) for one in CHANGE.movers
        ),
    )
    text = render(change_report(result), "text").decode()
    assert text.startswith("What carried the change of your panel? 2,310 accounts, then 2,500 acc")
    assert "written" not in text
    content = json.loads(render(change_report(result), "json"))
    assert content["before"]["window"] is None


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_hostile_names_are_harmless_in_every_form(text: str) -> None:
    movers = (
        replace(CHANGE.movers[0], handle=text),
        replace(CHANGE.movers[1], did=text),
    )
    report = change_report(replace(CHANGE, movers=movers))
    for terminal in (PIPED, Terminal(width=80, unicode=False)):
        assert harmless(render(report, "text", terminal).decode())
    content = json.loads(render(report, "json"))
    spelled = re.sub(r"[\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", text)
    assert content["accounts"][0]["handle"] == content["accounts"][1]["did"] == spelled
    assert content["accounts"][1]["link"] is None
    for form in ("md", "tex", "csv"):
        assert harmless(render(report, form).decode())
