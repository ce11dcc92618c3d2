"""How a child process that is to be killed dies."""

import os
import signal
from typing import Any

from blueattr.store import Store


def before_statement(number: int) -> None:
    """Die before the statement of that number, from 0, of all that commits execute."""
    run, count = Store.run, 0

    def dying(self: Store, query: str, **parameters: Any) -> None:
        nonlocal count
        if query.startswith("append/"):
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
        run(self, query, **parameters)

    Store.run = dying  # type: ignore[method-assign]
