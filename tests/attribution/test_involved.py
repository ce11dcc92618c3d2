"""Those involved: who they are, what they keep of the active panel, and what the others carry."""

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.attribute import attribute
from blueattr.errors import EmptyPanelError, UsageError, ZeroTotalError
from blueattr.indicators.find import SHIPPED
from blueattr.studies.bootstrap import bootstrap
from blueattr.studies.scales import compare_scales
from blueattr.studies.sensitivity import sensitivity
from support.effort import law

LAW = law()

COUNTS = st.sampled_from([0, 0, 0, 1, 1, 2, 5, 9])


@st.composite
def panels(draw: st.DrawFn) -> pl.DataFrame:
    """A panel on which somebody is involved and somebody is popular."""
    rows = draw(st.lists(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), min_size=1, max_size=40))
    rows.append((1, 1, 1, 1))
    columns = zip(*rows, strict=True)
    named = dict(zip(("a", "b", "c", "followers"), columns, strict=True))
    return pl.DataFrame({"did": [f"did:{k:03d}" for k in range(len(rows))], **named})


def by_did(result: Any) -> dict[str, dict[str, Any]]:
    return {row["did"]: row for row in result.agents.iter_rows(named=True)}


@LAW
@given(panels(), st.sampled_from(sorted(SHIPPED)))
def test_what_is_counted_of_those_involved_is_what_their_rows_say(
    frame: pl.DataFrame, name: str
) -> None:
    try:
        result = attribute(frame, name, cutoffs=(20.0, 50.0))
    except ZeroTotalError:
        return
    agents = by_did(result).values()
    involved = [row for row in agents if row["a"] > 0 or row["c"] > 0]
    assert result.n_involved == len(involved)
    for tier in result.tiers:
        mine = [row for row in involved if row["tier"] == tier.tier]
        assert tier.agents_involved == len(mine)
        assert tier.share_involved == pytest.approx(math.fsum(row["share"] for row in mine))
        assert tier.agents == sum(row["tier"] == tier.tier for row in agents)


@pytest.mark.slow
@LAW
@given(panels(), st.sampled_from(sorted(SHIPPED)))
def test_those_involved_are_a_panel_of_their_own_with_the_tiers_of_the_active(
    frame: pl.DataFrame, name: str
) -> None:
    theirs = frame.filter((pl.col("a") > 0) | (pl.col("c") > 0))
    try:
        active = attribute(frame, name, cutoffs=(20.0, 50.0))
        result = attribute(frame, name, cutoffs=(20.0, 50.0), panel="involved")
        alone = attribute(theirs, name, cutoffs=(20.0, 50.0))
    except ZeroTotalError:
        return
    assert (result.total, result.attributed, result.means) == (
        alone.total, alone.attributed, alone.means
    )  # fmt: skip
    rows, everyone = by_did(result), by_did(active)
    assert rows.keys() == set(theirs["did"])
    for did, row in by_did(alone).items():
        assert (rows[did]["value"], rows[did]["share"]) == (row["value"], row["share"])
        assert rows[did]["tier"] == everyone[did]["tier"]
    assert result.n_agents == result.n_involved == active.n_involved
    assert [tier.agents for tier in result.tiers] == [tier.agents_involved for tier in active.tiers]
    assert result.active is not None
    assert result.active.total == active.total
    assert result.active.n_agents == len(frame)
    assert result.active.agents == tuple(tier.agents for tier in active.tiers)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_where_everyone_is_involved_the_panels_are_one(name: str) -> None:
    frame = pl.DataFrame(
        {"did": [f"did:{k}" for k in range(30)], "a": [k % 5 + 1 for k in range(30)],
         "b": [k % 7 for k in range(30)], "c": [k % 3 for k in range(30)]}
    )  # fmt: skip
    active = attribute(frame, name)
    involved = attribute(frame, name, panel="involved")
    assert involved.agents.equals(active.agents)
    assert involved.tiers == active.tiers
    assert all(tier.share == tier.share_involved for tier in active.tiers)


def test_nobody_involved_is_no_answer_and_another_panel_a_usage_error() -> None:
    frame = pl.DataFrame({"did": ["x", "y"], "a": [0, 0], "b": [1, 2], "c": [0, 0]})
    with pytest.raises(EmptyPanelError, match="no agent of the panel is involved"):
        attribute(frame, "lin", panel="involved")
    with pytest.raises(UsageError, match="did you mean 'involved'"):
        attribute(frame, "lin", panel="involvd")


def test_studies_ask_those_involved_about_themselves_alone() -> None:
    n = 60
    frame = pl.DataFrame(
        {"did": [f"did:{k:02d}" for k in range(n)],
         "a": [k % 4 for k in range(n)], "b": [1 + k % 9 for k in range(n)],
         "c": [(k % 8) // 2 if k % 4 else 0 for k in range(n)]}
    )  # fmt: skip
    alone = attribute(frame, "heat", panel="involved")
    assert 0 < alone.n_agents < n
    scales = compare_scales(frame, ["heat"], sizes=(20,), seeds=3, panel="involved")
    assert scales.indicators[0].full.tiers == alone.tiers
    assert scales.indicators[0].full.active == alone.active
    assert (scales.n_agents, scales.panel) == (alone.n_agents, "involved")
    resampled = bootstrap(frame, ["heat"], resamples=100, panel="involved")
    assert [tier.share for tier in resampled.indicators[0].tiers] == [
        tier.share for tier in alone.tiers
    ]
    rows = sensitivity(frame, ["heat"], size=10, seeds=2).indicators[0].rows
    (other,) = [row for row in rows if row.choice == "panel"]
    assert (other.setting, other.tiers, other.n_agents) == (
        "involved", alone.tiers, alone.n_agents
    )  # fmt: skip
    rows = sensitivity(frame, ["heat"], size=10, seeds=2, panel="involved").indicators[0].rows
    (other,) = [row for row in rows if row.choice == "panel"]
    assert (rows[0].tiers, other.setting, other.n_agents) == (alone.tiers, "active", n)
