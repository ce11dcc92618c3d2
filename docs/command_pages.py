"""Generate one page per command from the command's own help, so that the two cannot differ."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from blueattr.cli import main
from blueattr.cli.help import sections

__all__ = ["commands", "page", "slug", "write"]

_EXAMPLE = "Example: "


def commands() -> dict[str, Any]:
    """Return all commands except groups, by their full names, in the order of the help."""
    return dict(_below("", typer.main.get_command(main._app)))  # noqa: SLF001 - the app itself


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for sub, one in command.commands.items():
        yield from _below(f"{name} {sub}".strip(), one)


def slug(name: str) -> str:
    """Return the file name of a command's page, without its suffix."""
    return name.replace(" ", "-")


def page(name: str, command: Any) -> str:
    """Return a command's help as Markdown."""
    context = command.make_context(name, [], resilient_parsing=True)
    words, example = _parts(command.help)
    parts = [f"# blueattr {name}", *words]
    usage = f"blueattr {name} {' '.join(command.collect_usage_pieces(context))}"
    parts += ["## Usage", f"```text\n{usage}\n```"]
    parts += ["For example:", f"```text\n{example}\n```"]
    kinds: dict[str, list[Any]] = {"argument": [], "option": []}
    for parameter in command.params:
        kinds[parameter.param_type_name].append(parameter)
    arguments = {"Arguments": kinds["argument"]} if kinds["argument"] else {}
    for title, some in (arguments | sections(kinds["option"])).items():
        parts += [f"## {title}", "\n\n".join(_entry(one, context) for one in some)]
    parts += ["## Exit codes", *exit_codes()]
    return "\n\n".join(parts) + "\n"


def exit_codes() -> tuple[str, str]:
    """Return a sentence and a table of the exit codes, read from the program's help."""
    text = " ".join(main._EXIT_CODES.split())  # noqa: SLF001 - what `blueattr --help` says
    listed = text.split("Exit codes: ")[1].rstrip(".")
    codes = re.findall(r"(\d+) ((?:\([^)]*\)|[^,(])+)", listed)
    rows = [f"| {code} | {_escaped(meaning.strip())} |" for code, meaning in codes]
    return "All commands share these exit codes.", "\n".join(
        ["| code | meaning |", "|---|---|", *rows]
    )


def _parts(text: str) -> tuple[list[str], str]:
    """Split a help text into paragraphs and example."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    example = next(part for part in paragraphs if part.startswith(_EXAMPLE))
    return [_escaped(p) for p in paragraphs if p != example], example.removeprefix(_EXAMPLE)


def _entry(parameter: Any, context: Any) -> str:
    """Return an option or argument as an entry of a definition list."""
    names, text = parameter.get_help_record(context)
    # The help text ends with facts in brackets: [env var: …; default: …], or [required].
    known = re.search(r"  \[(.+)\]$", text)
    words = text[: known.start()] if known else text
    facts = []
    for fact in known[1].split("; ") if known else ():
        what, _, value = fact.partition(": ")
        label = {"env var": "environment"}.get(what, what)
        facts.append(f"{label} `{value}`" if value else label)
    tail = f" *({'; '.join(facts)})*" if facts else ""
    return f"`{' '.join(names.split())}`\n: {_escaped(' '.join(words.split()))}{tail}"


def _escaped(text: str) -> str:
    """Escape Markdown outside of code spans."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_<>\[\]|#])", r"\\\1", part)
        for part in parts
    )


def write(folder: Path) -> None:
    """Write all pages and their index; remove pages of commands that no longer exist."""
    pages = {f"{slug(name)}.md": page(name, command) for name, command in commands().items()}
    lines = [
        f"| [blueattr {name}]({slug(name)}.md) | {_parts(command.help)[0][0]} |"
        for name, command in commands().items()
    ]
    listed = "\n".join(f"{slug(name)}" for name in commands())
    pages["index.md"] = "\n\n".join(
        [
            "# Commands",
            "Each page shows the same text as `blueattr COMMAND --help`.",
            "\n".join(["| command | what it does |", "|---|---|", *lines]),
            "## Exit codes",
            exit_codes()[1],
            f"```{{toctree}}\n:hidden:\n\n{listed}\n```",
        ]
    ) + "\n"  # fmt: skip
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        # Sphinx rebuilds only changed files. Another build may read the folder at the same time.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            part = path.with_suffix(f".{os.getpid()}")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
