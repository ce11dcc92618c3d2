"""A part of a panel as tasks are told of it, and indicators as they are sent."""

import contextlib
import functools
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from blueattr.attribution.large.chunks import ChunkedPanel, PanelFile
from blueattr.attribution.large.cuts import TierCut
from blueattr.attribution.tiered import PanelChoice
from blueattr.errors import IndicatorError, UsageError
from blueattr.indicators.base import Indicator
from blueattr.indicators.find import SHIPPED, find_indicator

__all__ = ["PanelPart", "PartSetting", "SentIndicator", "panel_of", "sent"]


@dataclass(frozen=True)
class PanelPart:
    """A file of features.

    Parameters
    ----------
    path, names, key
        The file, the user's column of each part that one plays, and that of the DIDs.
    number
        Its place among the files, from 0.
    first
        The number of agents in the files before it.
    digest
        Of its bytes, where finished work is kept; else empty.
    """

    path: Path
    names: Mapping[str, str]
    key: str
    number: int
    first: int
    digest: str = ""

    @property
    def file(self) -> PanelFile:
        """The file, to be read."""
        return PanelFile(self.path, self.names)


@dataclass(frozen=True)
class SentIndicator:
    """An indicator, by its name, or by the source that defines it.

    Parameters
    ----------
    name
        Of one that ships, or of the object in the source.
    source, sha256
        The bytes of a file, and their digest; None of one that ships.
    """

    name: str
    source: bytes | None = field(default=None, repr=False)
    sha256: str | None = None

    def find(self) -> Indicator:
        """Return the indicator, where the task runs."""
        if self.source is None:
            return find_indicator(self.name)
        return _run(self.name, self.source, self.sha256)


@functools.cache
def _run(name: str, source: bytes, digest: str | None) -> Indicator:
    if hashlib.sha256(source).hexdigest() != digest:
        raise IndicatorError(f"the source of the indicator {name!r} was changed on its way")
    with tempfile.TemporaryDirectory(prefix="blueattr-") as folder:
        # A file that is an indicator itself has its own name for that of the object.
        path = Path(folder) / f"{name}.py"
        path.write_bytes(source)
        with contextlib.suppress(IndicatorError):
            return find_indicator(f"{path}:{name}")
        return find_indicator(str(path))


def sent(indicator: Indicator, *, may_send: bool) -> SentIndicator:
    """Return an indicator as it is sent to workers.

    Parameters
    ----------
    indicator
        Any that was found.
    may_send
        Whether a user's own code may be sent.

    Raises
    ------
    UsageError
        It may not; or its code is in no file.
    """
    info = indicator.info
    if indicator.name in SHIPPED and (info is None or info.origin == "blueattr"):
        return SentIndicator(indicator.name)
    if info is None or info.file is None:
        raise UsageError(
            f"the indicator {indicator.name!r} is in no file whose source could be sent to the "
            "workers of a cluster; write it to one, and name that"
        )
    if not may_send:
        raise UsageError(
            f"the workers of a cluster would run the code of your indicator {indicator.name!r}; "
            "allow that by --send-code"
        )
    try:
        source = Path(info.file).read_bytes()
    except OSError as error:
        raise IndicatorError(f"cannot read {info.file}: {error.strerror or error}") from None
    if hashlib.sha256(source).hexdigest() != info.sha256:
        raise IndicatorError(f"{info.file} was changed since it was read; give the command again")
    return SentIndicator(info.object_name, source, info.sha256)


@dataclass(frozen=True)
class PartSetting:
    """What all tasks of a question are told.

    Parameters
    ----------
    n
        The number of agents in all parts.
    columns
        The columns of numbers, by the parts that they play.
    followers
        The one that ranks agents.
    cutoffs, choice
        As in `blueattr.attribution.attribute.attribute`.
    shared
        A folder that all workers see.
    several
        Whether messages name the file of a row.
    """

    n: int
    columns: tuple[str, ...]
    followers: str
    cutoffs: tuple[float, ...]
    choice: PanelChoice
    shared: Path
    several: bool


def panel_of(
    part: PanelPart, setting: PartSetting, cuts: tuple[TierCut, ...], folder: Path
) -> ChunkedPanel:
    """Return the agents of a part, with their tiers among all.

    Parameters
    ----------
    part, setting
        The part, in order of DID, and what all are told.
    cuts
        The tiers' last agents, each with how many of the part that are like it belong to its tier.
    folder
        For temporary files.
    """
    whole = ChunkedPanel(
        [part.file], folder, part.key, setting.n, setting.followers, (0.0, 0.0, 0.0),
        setting.cutoffs, list(cuts),
    )  # fmt: skip
    if setting.choice == "active":
        return whole
    return ChunkedPanel(
        [part.file], folder, part.key, setting.n, setting.followers, (0.0, 0.0, 0.0),
        setting.cutoffs, list(cuts), whole,
    )  # fmt: skip
