"""Influence: which kinds of what others wrote count in c, and whether a store knows them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from blueattr.errors import NoAnswerError, UsageError
from blueattr.panel.kept import kept_after
from blueattr.provenance import Window
from blueattr.suggest import did_you_mean

if TYPE_CHECKING:
    from blueattr.store.database import Store

__all__ = ["ALL", "KINDS", "RECEIVED", "Influence", "Kind", "check_influence", "settle"]


Kind = Literal["replies", "reposts", "quotes"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What c can count, in the order in which it is written."""


RECEIVED: Final[dict[Kind, str]] = {
    "replies": "replies_received",
    "reposts": "reposts_received",
    "quotes": "quotes_received",
}
"""The count of each kind."""


_QUOTES: Final = "quotes"


@dataclass(frozen=True, slots=True)
class Influence:
    """What c counts in a window.

    Parameters
    ----------
    kinds
        Of `KINDS`, in their order.
    note
        Why that is less than all, where nobody chose it; else empty.
    """

    kinds: tuple[Kind, ...]
    note: str = ""

    @property
    def quotes(self) -> bool:
        """Whether quotes count."""
        return _QUOTES in self.kinds


ALL: Final = Influence(KINDS)
"""What counts by default."""


def check_influence(text: str | Sequence[str] | None) -> tuple[Kind, ...] | None:
    """Check which kinds are asked for; None stays None.

    Parameters
    ----------
    text
        Names of `KINDS`, in a text with commas or a sequence, in any order.

    Returns
    -------
    tuple or None
        In the order of `KINDS`.

    Raises
    ------
    UsageError
        There is none, one is unknown, or one is named twice.
    """
    if text is None:
        return None
    parts = text.split(",") if isinstance(text, str) else list(text)
    names = [str(part).strip() for part in parts]
    for name in names:
        if name not in KINDS:
            known = f"there are {', '.join(KINDS)}"
            hint = did_you_mean(name, KINDS, known, quoted=True)
            raise UsageError(f"--influence cannot count {name!r}; {hint}")
    if not names or len(set(names)) < len(names):
        raise UsageError(
            f"--influence {','.join(names)!r} should name each kind once, such as replies,reposts"
        )
    return tuple(kind for kind in KINDS if kind in names)


def settle(store: "Store", chosen: Sequence[Kind] | None, *windows: Window) -> Influence:
    """Decide what c counts in some windows, which is the same in all of them.

    Parameters
    ----------
    store
        Open.
    chosen
        Of `KINDS`; None for all that the store knows of.
    windows
        The windows.

    Raises
    ------
    NoAnswerError
        Quotes are asked for, and the store does not know them in all of the windows.

    Notes
    -----
    docs/data.md, "Features".
    """
    if chosen is not None and _QUOTES not in chosen:
        return Influence(tuple(chosen))
    after = kept_after(store)
    start = min(window.start for window in windows)
    if after is None or start > after:
        return ALL if chosen is None else Influence(tuple(chosen))
    rest = tuple(kind for kind in KINDS if kind != _QUOTES)
    why = (
        f"the store knows what posts quote only after {after:%Y-%m-%d %H:%M:%S} UTC, as an earlier "
        "version filled it until then"
    )
    if chosen is not None:
        raise NoAnswerError(
            f"{why}, and the window starts on {start:%Y-%m-%d %H:%M}; choose a later one, or "
            "--influence replies,reposts"
        )
    return Influence(rest, f"Influence counts replies and reposts without quotes: {why}.")
