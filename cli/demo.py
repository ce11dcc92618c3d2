"""Commands that need no data of one's own: demo and synth."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
