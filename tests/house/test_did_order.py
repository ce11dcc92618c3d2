"""The order of agents is that of their DIDs as texts, whatever they begin with."""

from operator import add

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr import did_order
from support.effort import law

STARTS = ("did:plc:", "did:plc:abcdefg", "did:plc:abcdefgh", "did:web:", "did:aaa:", "")


@pytest.mark.few(2)
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("alike", [True, False])
@given(st.lists(st.builds(add, st.sampled_from(STARTS), st.text("ab", max_size=12))), st.data())
@law()
def test_agents_are_in_the_order_of_their_dids(
    kind: pa.DataType, alike: bool, dids: list[str], data: st.DataObject
) -> None:
    found = data.draw(st.permutations(dids))
    cut = data.draw(st.integers(0, len(found)))
    whole = pa.array(["did:plc:before", *found], kind)[1:]  # as a slice, not from 0 on
    parts = pa.chunked_array([whole[:cut], whole[cut:]])
    with pytest.MonkeyPatch.context() as patch:
        # Without this, so few are all sorted as texts.
        patch.setattr(did_order, "_SELDOM", 8 if alike else 0)
        assert [found[k] for k in did_order.by_did(parts)] == sorted(dids)


def test_nobody_has_an_order() -> None:
    assert did_order.by_did(pa.chunked_array([], pa.string())).tolist() == []


def test_names_that_begin_alike_are_sorted_as_texts() -> None:
    def told_apart(*starts: str) -> bool:
        return did_order.are_told_apart(
            pl.Series([f"{starts[k % len(starts)]}{k * 7919 % 5000:08}" for k in range(5000)])
        )

    assert told_apart("did:plc:")
    assert not told_apart("did:plc:00000000")
    assert not told_apart("agent")
    assert not told_apart("did:plc:", "did:web:")


def test_dids_of_plc_are_not_sorted_as_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("sorted as texts")

    dids = [f"did:plc:{k * 7919 % 1000:08}aaaa" for k in range(1000)]
    texts = pa.chunked_array([pa.array(dids)])
    assert [dids[k] for k in did_order.by_did(texts)] == sorted(dids)
    sort = pl.Series.arg_sort
    monkeypatch.setattr(pl.Series, "arg_sort", lambda s: sort(s) if s.is_empty() else refuse())
    assert [dids[k] for k in did_order.by_did(texts)] == sorted(dids)
