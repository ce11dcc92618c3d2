"""What a user's code prints, handed to the log: stdout is for results."""

import contextlib
import io
import logging
from collections.abc import Iterator

__all__ = ["output_to_log"]


# It has no handler of its own: where nobody has set up logging, Python writes to stderr what is
# logged here, as a user expects of `print`.
_LOG = logging.getLogger("blueattr.indicators")


@contextlib.contextmanager
def output_to_log(name: str) -> Iterator[None]:
    """Log, as warnings, the lines that a user's code writes to stdout and stderr meanwhile.

    Parameters
    ----------
    name
        The indicator, module or file whose code runs.
    """
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            yield
    finally:
        # Only now: a handler may write to stderr itself.
        for line in text.getvalue().splitlines():
            _LOG.warning("%s printed: %s", name, line)
