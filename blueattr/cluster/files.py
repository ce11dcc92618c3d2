"""Files that tasks exchange: there whole, or not at all, however often a task is run."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["arriving"]


@contextmanager
def arriving(target: Path) -> Iterator[Path]:
    """Yield a path to write to, which becomes the target once it is written.

    A task may run twice at a time, where a worker was thought lost: each writes a file of its own,
    with the same bytes, and the last to be renamed stays.
    """
    path = target.with_name(f".{target.name}-{secrets.token_hex(8)}.part")
    try:
        yield path
        path.replace(target)
    finally:
        path.unlink(missing_ok=True)
