"""What brings a mended fault back: an edit of one file, and the test that must then fail."""

from pathlib import Path
from typing import NamedTuple

from support.places import ROOT

__all__ = ["Fault"]


class Fault(NamedTuple):
    """An edit of a file that takes one fix out: `old`, which occurs once in it, becomes `new`.

    Parameters
    ----------
    row
        The number of the fault.
    what
        What goes wrong again.
    file
        Relative to the project.
    test
        Must then fail, and pass otherwise; as pytest names it.
    """

    row: int
    what: str
    file: str
    old: str
    new: str
    test: str

    def text(self, project: Path = ROOT) -> str:
        """Return the text of the file with the edit."""
        text = (project / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} has {text.count(self.old)} times {self.old!r}")
        return text.replace(self.old, self.new)
