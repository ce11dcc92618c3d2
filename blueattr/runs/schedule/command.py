"""The command that a schedule runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from blueattr.errors import UsageError

__all__ = ["Command"]


@dataclass(frozen=True)
class Command:
    """A command with everything it needs, because cron and systemd provide almost nothing.

    Parameters
    ----------
    words
        The program and its arguments.
    folder
        The folder in which it runs.
    log
        The file to which both its output streams are appended.
    config
        The settings file, which identifies the job.
    environment
        The variables that it needs.
    environment_file
        A file with more variables, which may be secret; None if it needs none.
    """

    words: tuple[str, ...]
    folder: Path
    log: Path
    config: Path
    environment: Mapping[str, str]
    environment_file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse texts that neither a crontab nor a unit can hold."""
        texts = [*self.words, *map(str, (self.folder, self.log, self.config)),
                 *self.environment.values(), str(self.environment_file or "")]  # fmt: skip
        for text in texts:
            if not text.isprintable():
                raise UsageError(f"{text!r} cannot be in a schedule: it holds control characters")
