"""When to try again: waits, turns, and when to give up."""

import pytest

from blueattr.sources.backoff import Retries
from blueattr.sources.live.socket import ConnectionRefused


def test_waits_double_up_to_a_ceiling_and_are_spread() -> None:
    for jitter, factor in ((0.0, 0.5), (0.5, 1.0), (0.999, 1.499)):
        retries = Retries(1, lambda jitter=jitter: jitter)  # type: ignore[misc]
        waits = [retries.failed() for _ in range(12)]
        ideal = [1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64]
        assert waits == pytest.approx([factor * wait for wait in ideal])
        retries.worked()
        assert retries.failed() == pytest.approx(factor)
    drawn = [Retries(1).failed() for _ in range(50)]
    assert all(0.5 <= wait < 1.5 for wait in drawn)
    assert len(set(drawn)) > 10


def test_servers_take_turns() -> None:
    retries = Retries(3, lambda: 0.5)
    turns = []
    for _ in range(8):
        turns.append(retries.turn)
        retries.failed()
    assert turns == [0, 0, 1, 1, 2, 2, 0, 0]
    # One that refuses has no second turn.
    retries = Retries(2, lambda: 0.5)
    turns = []
    for k in range(4):
        turns.append(retries.turn)
        retries.failed(refused=k % 2 == 0)
    assert turns == [0, 1, 1, 0]


def test_it_is_refused_only_where_every_server_refuses() -> None:
    retries = Retries(2, lambda: 0.5)
    retries.failed(refused=True)
    assert not retries.refused
    retries.failed()
    retries.failed()
    retries.failed(refused=True)
    assert not retries.refused, "the other one only failed"
    retries.failed(refused=True)
    assert retries.refused
    for status in (408, 425, 429, 500, 503):
        assert not ConnectionRefused(status).refuses, "it may pass"
    for status in (200, 301, 400, 403, 404):
        assert ConnectionRefused(status).refuses


def test_asking_otherwise_needs_no_wait_unless_it_does_not_end() -> None:
    retries = Retries(1, lambda: 0.5)
    waits = [retries.negotiated() for _ in range(10)]
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64]
    assert retries.hopeless
