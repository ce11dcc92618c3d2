"""What other programs read of a deposit's metadata: rocrate and mlcroissant, which are an extra."""

import logging
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from blueattr.errors import OutputError
from blueattr.report.deposit.metadata import CROISSANT

__all__ = ["READERS", "read_back"]


def read_back(folder: Path, names: set[str]) -> tuple[str, ...]:
    """Let those programs read a deposit that are installed.

    Parameters
    ----------
    folder
        The deposit's.
    names
        The files that its metadata must name.

    Returns
    -------
    tuple of str
        The programs.

    Raises
    ------
    OutputError
        One of them refuses the metadata, or does not find a file in it.
    """
    done = []
    for program, read in READERS.items():
        if find_spec(program) is None:
            continue
        try:
            with warnings.catch_warnings():
                # Of what they rest on; nobody who deposits can do anything about it.
                warnings.simplefilter("ignore")
                found = read(folder)
        except OutputError:
            raise
        except Exception as error:
            raise OutputError(f"{program} does not read the metadata: {error}") from error
        if lacking := sorted(names - found):
            raise OutputError(f"{program} does not find {', '.join(lacking)} in the metadata")
        done.append(program)
    return tuple(done)


def _rocrate(folder: Path) -> set[str]:
    from rocrate.rocrate import ROCrate  # noqa: PLC0415 - an extra

    crate: Any = ROCrate(folder)
    return {str(entity.id) for entity in crate.get_entities() if entity.type == "File"}


def _mlcroissant(folder: Path) -> set[str]:
    import mlcroissant  # noqa: PLC0415 - an extra

    # It would speak of what is recommended, such as a citation, on stderr.
    logger = logging.getLogger("absl")
    before, logger.disabled = logger.disabled, True
    try:
        described: Any = mlcroissant.Dataset(jsonld=folder / CROISSANT)
        if described.metadata.issues.errors:
            raise OutputError(
                f"mlcroissant refuses the metadata: {min(described.metadata.issues.errors)}"
            )
        # Each is known to its record sets by what they take from it.
        return {one.id for one in described.metadata.distribution}
    finally:
        logger.disabled = before


READERS: dict[str, Callable[[Path], set[str]]] = {"rocrate": _rocrate, "mlcroissant": _mlcroissant}
"""By the program's name: what it finds of a folder's files."""
