"""Servers that several tests read, and the reason to skip where there are none."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pytest

from integration import truth
from integration.install import missing
from integration.servers import Jetstream, Network
from support.events_builder import Event


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)


@dataclass
class Past:
    """A network whose traffic has ended, and a Jetstream that holds all of it."""

    network: Network
    jetstream: Jetstream
    segments: list[dict[str, object]] = field(init=False)

    def __post_init__(self) -> None:
        self.segments = truth.archive_segments(self.jetstream.url)

    @cached_property
    def events(self) -> list[Event]:
        """Everything, as version 2 streams it."""
        return truth.jetstream_v2(self.jetstream.socket_url)

    @cached_property
    def sealed(self) -> list[Event]:
        """What the archive holds."""
        return truth.archive_events(self.jetstream.url)


def sealed_segments(jetstream: Jetstream) -> int:
    """How many segments with events a Jetstream has sealed."""
    return sum(s["eventCount"] > 0 for s in truth.archive_segments(jetstream.url))


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    with (
        Network(folder / "network", commits=800) as network,
        Jetstream(folder / "jetstream", network.url, network.url, small=True) as jetstream,
    ):
        truth.until(lambda: sealed_segments(jetstream) >= 5)
        network.quieten()
        truth.settle()
        yield Past(network, jetstream)
        assert not network.strangers() | jetstream.strangers()
