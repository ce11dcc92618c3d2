"""Let what tests start be stopped with Ctrl-C, however the tests were started."""

import signal

__all__ = ["heed_interrupts"]


def heed_interrupts() -> None:
    """Take SIGINT again where whoever started this process had it ignored.

    A shell without job control does so to what it starts with ``&``. Every process started from
    here would inherit that, and lose a SIGINT sent before it has a handler of its own.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
