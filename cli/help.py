"""A command: its help, with options in sections and nothing cut, and paths that are empty."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from typer.core import TyperCommand, TyperGroup

from blueattr.errors import UsageError

__all__ = ["SECTIONS", "SectionedCommand", "WholeGroup", "sections"]


SECTIONS: dict[str, tuple[str, ...]] = {
    "What": (
        "graph", "partitioned", "buckets", "no_text", "topic", "all_topics", "match", "topics",
        "topics_file", "db", "events", "features", "columns", "cluster", "shared", "send_code",
        "tls_ca", "tls_cert", "tls_key", "indicator", "only", "by", "many_groups", "pilot", "pi",
        "weight",
        "population_size", "population",
    ),
    "Source": (
        "plc", "replay", "host", "for_", "until_live", "no_fill", "dictionary", "uris", "links",
        "appview", "servers", "server", "insecure", "max_requests", "pace", "rate", "contact",
        "wait", "older_than", "dry_run",
    ),
    "Window": ("before", "after", "since", "against", "start", "end", "window", "complete"),
    "Panel": (
        "panel", "scale", "popularity", "missing_followers", "influence", "tiers", "bots",
        "keep_bots", "max_rate",
    ),
    "Method": (
        "within", "method", "steps", "aggregator", "weights", "protocol", "size", "sizes", "seeds",
        "correct", "n", "exact", "permutations", "coalitions", "antithetic", "intervals",
        "choices", "resamples", "communities", "seed",
    ),
    "Output": (
        "license_", "title", "coarsen", "top", "pseudonyms", "agents", "out", "plain", "serve",
        "form", "notify", "width", "memory", "verbose", "quiet", "help",
    ),
}  # fmt: skip
"""The options of each section, by the names of their parameters, in the order of the help."""


_WIDEST_NAME = 26
_PATHS = {"FILE": "file", "FOLDER": "folder", "PATH": "file or folder"}


def sections(parameters: Sequence[Any]) -> dict[str, list[Any]]:
    """Sort options into sections.

    Parameters
    ----------
    parameters
        The options of a command.

    Returns
    -------
    dict
        The options of each section that has some; those of a command that has others than
        `SECTIONS` names are all in the section ``Options``, in their own order.
    """
    by_name = {str(parameter.name): parameter for parameter in parameters}
    found = {
        title: [by_name[name] for name in names if name in by_name]
        for title, names in SECTIONS.items()
    }
    if sum(map(len, found.values())) < len(by_name):
        return {"Options": list(parameters)}
    return {title: options for title, options in found.items() if options}


class SectionedCommand(TyperCommand):
    """A command whose help has its options in sections."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, unless a path is empty: a ``Path`` made of it is the folder here."""
        for option in self.get_params(ctx):
            what = _PATHS.get(str(option.metavar))
            for name in option.opts if what and option.name != "db" else ():
                if f"{name}=" in args or (name, "") in pairwise(args):
                    raise UsageError(f"{name} is empty; name a {what}, or leave it out")
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line; what must be given stands without typer's braces."""
        pieces: list[str] = super().collect_usage_pieces(ctx)
        return [re.sub(r"^\{(.*)\}", r"\1", piece) for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        parameters: list[Any] = [*self.get_params(ctx)]
        arguments = [one for one in parameters if one.param_type_name == "argument"]
        if arguments:
            with formatter.section("Arguments"):
                # Their types, which typer writes after their names, say nothing to users.
                formatter.write_dl([(one.metavar, one.help) for one in arguments])
        options = [one for one in parameters if one.param_type_name == "option"]
        records = {one.name: one.get_help_record(ctx) for one in options}
        width = min(max(len(name) for name, _ in records.values()), _WIDEST_NAME)
        for title, some in sections(options).items():
            with formatter.section(title):
                rows = [records[one.name] for one in some]
                formatter.write_dl([(name.ljust(width), text) for name, text in rows], width)


class WholeGroup(TyperGroup):
    """A group whose help says of each of its commands a whole sentence, at any width."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer passes it
        """Write the commands, each with the first sentence of its own help."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, (command.help or "").partition("\n")[0])
                    for name, command in self.commands.items()
                    if not command.hidden
                ]
            )
