"""The server and blueattr are killed at random moments; nothing is lost and nothing is twice."""

from pathlib import Path

import pytest

from integration.soak import Soak

pytestmark = pytest.mark.integration


def test_killed_again_and_again(tmp_path: Path) -> None:
    soak = Soak(tmp_path, 50, (1, 14), seed=1, accounts=200, tell=lambda _: None)
    held = soak.run()
    kills = {what.split()[1] for what in soak.faults if what.startswith("kill")}
    assert {"blueattr", "jetstream"} <= kills
    assert soak.reconnects > 0
    assert soak.faults["drop a connection"] > 0
    # Of processes that were killed, and of those that ended by themselves.
    assert soak.fruitful + soak.faults["short run that wrote"] > 1
    assert len(held.records) > 2000
