"""What a picture promises to the faces."""

import dataclasses

import pytest

from blueattr.watch.picture import Picture
from support.watch_pictures import empty, hostile, picture


@pytest.mark.parametrize("one", [picture(), picture(7), hostile(), empty()])
def test_what_is_drawn_together_has_as_many_parts_as_there_are_tiers(one: Picture) -> None:
    parts = len(one.tiers)
    assert all(len(moment.tiers) == parts for moment in one.history)
    assert one.sample is None or len(one.sample.tiers) == len(one.sample.full) == parts
    assert one.end - one.start == one.choice.window


def test_a_picture_does_not_change_once_it_is_shown() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        picture().total = 1.0  # type: ignore[misc]
