"""What the process does in which a store is tried, which `blueattr.store.engine.trial` starts.

It prints who has the file for itself, or null; or the error that opening the file has raised.
"""

import json
import resource
import sys
from pathlib import Path

from blueattr.errors import BlueattrError
from blueattr.store.database import Store


def main(path: str, memory: str) -> None:
    """Open and verify a store."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = {"holder": Store.tried(Path(path), int(memory))}
    except BlueattrError as error:
        answer = {"error": type(error).__name__, "says": str(error)}
    sys.stdout.write(json.dumps(answer))
