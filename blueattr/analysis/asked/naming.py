"""How results name accounts: by DID and handle, by pseudonym, or not at all."""

import hmac
import logging
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import polars as pl

from blueattr.atomic import sync
from blueattr.errors import OutputError, UsageError
from blueattr.provenance import Provenance
from blueattr.user_path import user_path

__all__ = ["KEY_FILE", "OPEN", "VARIABLE", "Naming", "pseudonym_key"]


_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


VARIABLE = "BLUEATTR_PSEUDONYM_KEY"
"""The environment variable that holds the key of pseudonyms."""


KEY_FILE = "pseudonyms.key"
"""The file that holds the key where the environment does not."""


_LEAST_KEY = 16
# Twelve letters of 5 bits: among two million accounts, two share a pseudonym once in 500,000 keys.
_LETTERS = 12
_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
_PREFIX = "agent-"
# Columns that say who an agent is, beside its DID.
_TELLING = ("handle", "link", "uri", "text")
_NOTES = {
    True: "Accounts have pseudonyms, keyed hashes of their DIDs.",
    False: "Nobody is named.",
}


@dataclass(frozen=True, slots=True)
class Naming:
    """How results name accounts.

    Parameters
    ----------
    key
        The key of pseudonyms; None where there are none.
    nobody
        Whether nobody is named. With a key, agents in files still have pseudonyms; without one,
        they are numbered.
    """

    key: bytes | None = field(default=None, repr=False)
    nobody: bool = False

    @classmethod
    def of(cls, *, top: int, pseudonyms: bool, beside: Path | None = None) -> "Naming":
        """Return what options ask for.

        Parameters
        ----------
        top
            How many agents are named; 0 names nobody.
        pseudonyms
            Whether accounts have pseudonyms.
        beside
            The output, beside which the key is made: see `pseudonym_key`.

        Raises
        ------
        UsageError, OutputError
            See `pseudonym_key`.
        """
        return cls(pseudonym_key(beside) if pseudonyms else None, nobody=top == 0)

    @property
    def hides(self) -> bool:
        """Whether results must not say who an account is."""
        return self.nobody or self.key is not None

    @property
    def mark(self) -> str:
        """Tells namings apart, without telling the key."""
        key = "" if self.key is None else _digest(self.key, "").hex()
        return f"{self.nobody} {key}"

    def hide(self, result: _T) -> _T:
        """Return a result that says of no account who it is.

        In every part of it, ``did`` becomes a pseudonym or None, and ``handle`` None. Frames have
        pseudonyms, or numbers from 1 on, in ``did``. The provenance says so.

        Parameters
        ----------
        result
            A result of any question; a dataclass, or several of them in a list or tuple.
        """
        return cast("_T", self._hidden(result)) if self.hides else result

    def frame(self, frame: pl.DataFrame, before: int = 0) -> pl.DataFrame:
        """Return a frame of agents without their DIDs.

        Parameters
        ----------
        frame
            With ``did``.
        before
            How many agents are in the frames before this one, of which they are one.
        """
        if not self.hides or "did" not in frame.columns:
            return frame
        frame = frame.drop(_TELLING, strict=False)
        # By value where there is one. Nothing is left in order of DID, which would tell who is who.
        if self.key is None:
            frame = _ordered(frame, *(name for name in frame.columns if name != "did"))
            numbers = pl.Series("did", np.arange(before + 1, before + len(frame) + 1))
            return frame.with_columns(numbers.cast(pl.String))
        return _ordered(frame.with_columns(pseudonyms(frame["did"], self.key)), "did")

    def frames(self, frames: Iterator[pl.DataFrame], before: int = 0) -> Iterator[pl.DataFrame]:
        """Yield frames that together have all agents, without their DIDs.

        Parameters
        ----------
        frames
            Of all agents, or of a part of them.
        before
            How many agents are in the parts before this one.
        """
        for frame in frames:
            yield self.frame(frame, before)
            before += len(frame)

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, pl.DataFrame):
            return self.frame(value)
        if isinstance(value, Provenance):
            note = _NOTES[self.key is not None]
            return value if note in value.notes else replace(value, notes=(*value.notes, note))
        if isinstance(value, list | tuple):
            parts = [self._hidden(part) for part in value]
            changed = any(new is not old for new, old in zip(parts, value, strict=True))
            return type(value)(parts) if changed else value
        if is_dataclass(value) and not isinstance(value, type):
            parts_of = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
            hidden = {name: self._part(name, part) for name, part in parts_of.items()}
            changes = {name: new for name, new in hidden.items() if new is not parts_of[name]}
            return replace(value, **changes) if changes else value
        return value

    def _part(self, name: str, value: Any) -> Any:
        if name == "handle":
            return None
        if name == "did" and isinstance(value, str):
            if self.nobody or self.key is None:
                return None
            return pseudonyms(pl.Series([value]), self.key)[0]
        return self._hidden(value)


def _ordered(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    first = ("value",) if "value" in frame.columns else ()
    return frame.sort([*first, *columns], descending=[True] * len(first) + [False] * len(columns))


OPEN = Naming()
"""Accounts are named as they are."""


def pseudonyms(names: pl.Series, key: bytes) -> pl.Series:
    """Return the pseudonym of each account: ``agent-`` and 12 letters of a keyed hash.

    Parameters
    ----------
    names
        Text: DIDs, or whatever names agents in a file of features.
    key
        Whoever has it can find out whose pseudonym one is, by trying all DIDs.

    Returns
    -------
    Series
        Named ``did``. The first 60 bits of HMAC-SHA256 (RFC 2104), in the letters of RFC 4648,
        section 6, in lower case.
    """
    size = -(-_LETTERS * 5 // 8)
    hashes = b"".join(_digest(key, name)[:size] for name in names)
    bits = np.unpackbits(np.frombuffer(hashes, dtype=np.uint8).reshape(-1, size), axis=1)
    fives = bits[:, : _LETTERS * 5].reshape(-1, _LETTERS, 5)
    letters = _ALPHABET[fives @ np.array([16, 8, 4, 2, 1], dtype=np.uint8)]
    words = letters.view(f"S{_LETTERS}").ravel().astype(str)
    return (_PREFIX + pl.Series(words, dtype=pl.String)).alias("did")


def _digest(key: bytes, name: str) -> bytes:
    return hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256")


# --- the key --------------------------------------------------------------------------------------


def pseudonym_key(beside: Path | None = None) -> bytes:
    """Return the key of pseudonyms: that of the environment, else that of a file, made if need be.

    Parameters
    ----------
    beside
        A file or folder of output. The key is never in it: its file, `KEY_FILE`, is in the folder
        that it is in; the current folder where there is none. Only its owner can read it.

    Raises
    ------
    UsageError
        The key is too short to be safe, or others can read its file.
    OutputError
        The file cannot be read or made.
    """
    if VARIABLE in os.environ:
        return _checked(os.environ[VARIABLE], VARIABLE)
    folder = Path.cwd() if beside is None else user_path(beside).resolve().parent
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise UsageError(f"others can read the key of the pseudonyms; run: chmod 600 {path}")
        return _checked(path.read_text("utf-8", "surrogateescape"), str(path))
    except OSError as error:
        raise OutputError(
            f"cannot keep the key of the pseudonyms in {path}: {error.strerror}; set {VARIABLE} "
            "instead"
        ) from None


def _checked(text: str, where: str) -> bytes:
    key = text.strip().encode("utf-8", "surrogateescape")
    if len(key) < _LEAST_KEY:
        raise UsageError(
            f"{where} holds {len(key)} characters; a key of pseudonyms has {_LEAST_KEY} or more, "
            "so that nobody can guess it"
        )
    return key


def _make_key(path: Path) -> None:
    """Write a new key; if another process is faster, its key stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".blueattr-{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            return
        sync(path.parent)
    finally:
        part.unlink(missing_ok=True)
    _LOG.warning(
        "made the key of the pseudonyms, %s; keep it for the same pseudonyms next time, and give "
        "it to nobody who must not know who they are",
        path,
    )
