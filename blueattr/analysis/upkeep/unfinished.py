"""Names to look for in reports, kept beside a store until all reports are looked through."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from blueattr import atomic
from blueattr.errors import OutputError

__all__ = ["Unfinished"]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What an interrupted `forget` leaves to the next one.

    The store no longer has the handles, by which alone some reports name an account. So they are in
    a file beside it, ``.forgetting`` at its end, from before it forgets until no report names them.

    Parameters
    ----------
    accounts
        DIDs and handles of each account, by its DID.
    folders
        Of reports, still to be looked through.
    """

    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folders: frozenset[Path] = frozenset()

    @classmethod
    def read(cls, db: Path) -> Self:
        """Read what was left beside a store; nothing, if nothing was.

        Raises
        ------
        OutputError
            The file cannot be read, or is damaged.
        """
        path = _path(db)
        try:
            found = json.loads(path.read_bytes())
            accounts = {
                str(did): tuple(map(str, names)) for did, names in found["accounts"].items()
            }
            return cls(accounts, frozenset(map(Path, found["folders"])))
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise OutputError(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutputError(
                f"{path} is damaged, which has handles to look for in reports; remove it, and "
                "search your reports for them by hand"
            ) from error

    def more(
        self, accounts: Mapping[str, tuple[str, ...]], folders: Iterable[Path]
    ) -> "Unfinished":
        """Return this with other accounts and folders."""
        names = {
            did: tuple(dict.fromkeys([*self.accounts.get(did, ()), *accounts.get(did, ())]))
            for did in [*self.accounts, *(did for did in accounts if did not in self.accounts)]
        }
        return Unfinished(names, self.folders | frozenset(folders))

    def without(self, folders: Iterable[Path]) -> "Unfinished":
        """Return what is left after folders were looked through."""
        left = self.folders - frozenset(folders)
        return Unfinished(self.accounts, left) if left else Unfinished()

    def write(self, db: Path) -> None:
        """Write this beside a store, or remove the file if nothing is left.

        Raises
        ------
        OutputError
            The file cannot be written or removed.
        """
        path = _path(db)
        if not self.folders:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(f"cannot remove {path}: {error.strerror}") from error
            return
        content = {"accounts": dict(self.accounts), "folders": sorted(map(str, self.folders))}
        atomic.write(path, json.dumps(content, indent=1).encode())


def _path(db: Path) -> Path:
    return Path(f"{db}.forgetting")
