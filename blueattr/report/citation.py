"""How to cite: the one source of a report's foot, of CITATION.cff and of the README's BibTeX."""

from textwrap import fill

from blueattr.version import __version__

__all__ = ["PAPER_LINK", "RELEASED", "bibtex", "citation", "citation_file"]


RELEASED = "2026-11-29"
"""The day of this version's release, as CHANGELOG.md states it."""

_AUTHORS = "The blueattr authors"
_TITLE = "blueattr: attribution of macro events on Bluesky to every account"
_PAPER = "Attributing Emergence in Million-Agent Systems"
_EPRINT = "2605.11404"
_PAPER_YEAR = "2026"
PAPER_LINK = f"https://arxiv.org/abs/{_EPRINT}"
_ABSTRACT = (
    "A command line pipeline and library that splits macro indicators of a topic on Bluesky among "
    "all active accounts by their Aumann-Shapley values, and shows what a small sample would have "
    "said instead."
)


def citation(version: str = __version__) -> list[str]:
    """Return how to cite the software and the paper whose method it follows, in sentences."""
    return [
        f"{_AUTHORS} ({RELEASED[:4]}). {_TITLE}. Version {version}.",
        f"The method is that of the paper {_PAPER}, arXiv:{_EPRINT}, {PAPER_LINK}.",
    ]


def bibtex(version: str = __version__) -> str:
    """Return the two entries for a bibliography.

    The paper's entry names no author: its title page was not at hand when this was written.
    """
    return f"""\
@software{{blueattr,
  author  = {{{{{_AUTHORS}}}}},
  title   = {{{_TITLE}}},
  version = {{{version}}},
  year    = {{{RELEASED[:4]}}}
}}

@misc{{arxiv-{_EPRINT},
  title         = {{{_PAPER}}},
  year          = {{{_PAPER_YEAR}}},
  eprint        = {{{_EPRINT}}},
  archivePrefix = {{arXiv}},
  url           = {{{PAPER_LINK}}}
}}
"""


def citation_file() -> str:
    """Return the content of CITATION.cff, in version 1.2.0 of the Citation File Format."""
    abstract = fill(_ABSTRACT, 90, initial_indent="  ", subsequent_indent="  ")
    return f"""\
cff-version: 1.2.0
message: If you use blueattr, please cite it, and the paper whose method it follows.
type: software
title: "{_TITLE}"
abstract: >-
{abstract}
authors:
  - name: {_AUTHORS}
version: {__version__}
date-released: "{RELEASED}"
license: MIT
keywords:
  - Bluesky
  - AT Protocol
  - Aumann-Shapley value
  - attribution
  - computational social science
references:
  - type: article
    scope: The method.
    title: {_PAPER}
    authors:
      - name: The authors of arXiv {_EPRINT}
    year: {_PAPER_YEAR}
    identifiers:
      - type: other
        value: arXiv:{_EPRINT}
        description: arXiv
    url: {PAPER_LINK}
"""
