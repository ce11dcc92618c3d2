"""The command that a schedule runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from blueattr.errors import UsageError

__all__ = ["Command"]


# --- the command ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """What is run, with all it needs said: cron and systemd give a job next to nothing.

    Parameters
    ----------
    words
        The program and its arguments.
    folder
        Where it runs.
    log
        What it says on either stream is added to this file.
    config
        The file of settings, by which the job is known.
    environment
        Variables it needs.
    environment_file
        A file of further ones, which may be secret; None where none is needed.
    """

    words: tuple[str, ...]
    folder: Path
    log: Path
    config: Path
    environment: Mapping[str, str]
    environment_file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what neither a crontab nor a unit can hold."""
        texts = [*self.words, *map(str, (self.folder, self.log, self.config)),
                 *self.environment.values(), str(self.environment_file or "")]  # fmt: skip
        for text in texts:
            if not text.isprintable():
                raise UsageError(f"{text!r} cannot be in a schedule: it holds control characters")
