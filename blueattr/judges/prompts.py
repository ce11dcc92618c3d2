"""The prompts, which are files of this package, and the failure modes that two of them name."""

import tomllib
from functools import cache
from importlib import resources
from string import Template

__all__ = ["modes", "prompt"]


def prompt(name: str, **values: str) -> str:
    """Return a prompt with these values in their places.

    Parameters
    ----------
    name
        Of the file, without its extension.
    values
        For each ``$name`` in it; what a value holds is not looked through again.
    """
    return Template(_text(f"{name}.txt")).substitute(values).strip()


@cache
def modes() -> dict[str, str]:
    """Return the fourteen failure modes of MAST by name, with what each means."""
    return {name: str(meaning) for name, meaning in tomllib.loads(_text("modes.toml")).items()}


@cache
def _text(name: str) -> str:
    return (resources.files("blueattr.judges") / "prompts" / name).read_text("utf-8")
