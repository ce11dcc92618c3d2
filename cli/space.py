"""Little space for the process: refused, or watched over, as native libraries crash in it."""

import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["more_space", "too_little_space", "watch_over"]


# Bytes below which numba or DuckDB may end with a segmentation fault whatever is asked of them.
_LEAST = 2 << 30
# Bytes below which they may still find none for a thread: threads reserve far more than they use.
_PLENTY = 16 << 30
_LIMITS = (
    (resource.RLIMIT_AS, "address space", "-v"),
    (resource.RLIMIT_DATA, "data", "-d"),
)
# How a process ends that its own code has given up.
_GIVEN_UP = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP)
# Of <linux/prctl.h>, and of glibc's <malloc.h>.
_PDEATHSIG, _ARENA_MAX = 1, -8
_HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def too_little_space() -> str | None:
    """Return the sentence that refuses to work in so little space, or None if there is enough."""
    for space, what, option in _limited(_LEAST):
        return (
            f"this process may use {space >> 20} MB of {what}, and needs 2048 MB; {_raise(option)}"
        )
    return None


def watch_over() -> str | None:
    """Where space is limited, do the work in another process, and say what it was if that crashes.

    Returns
    -------
    str or None
        None in the process that is to do the work. In the one that watches it, the sentence that
        says why the other ended; if it ended by itself, this does not return.
    """
    limits = _limited(_PLENTY)
    if not limits or not hasattr(signal, "sigwaitinfo"):
        return None
    waited_for: set[signal.Signals] = {signal.SIGCHLD, *_HANDED_ON}
    # It may be ignored by who started this.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
    watching = os.getpid()
    worker = os.fork()
    if worker == 0:
        _end_with(watching)
        _use_little()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return None
    status = _ended(worker, waited_for)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    by = signal.Signals(os.WTERMSIG(status))
    if by not in _GIVEN_UP:
        # It ends as the other did, so that who started it learns the same.
        if by != signal.SIGKILL:
            signal.signal(by, signal.SIG_DFL)
        os.kill(os.getpid(), by)
    return _crashed(limits, by)


def more_space() -> str | None:
    """Return what to do where a process with little space has found no more; None with plenty."""
    return next((_raise(option) for _, _, option in _limited(_PLENTY)), None)


def _raise(option: str) -> str:
    return f"raise the limit (ulimit {option})"


def _end_with(parent: int) -> None:
    """Have the system kill this process when its parent is gone, whatever ended that."""
    _system("prctl", _PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _use_little() -> None:
    """Have all threads allocate from one arena: each has one of its own else, of 64 MB."""
    _system("mallopt", _ARENA_MAX, 1)


def _system(function: str, *numbers: int) -> None:
    """Call a function of Linux's C library; nothing is done where there is none of that name."""
    import ctypes

    with suppress(OSError, AttributeError):
        getattr(ctypes.CDLL(None), function)(*numbers)


def _limited(least: int) -> Sequence[tuple[int, str, str]]:
    """Return each limit of this process under so many bytes: its size, its name, its option."""
    found = [(resource.getrlimit(limit)[0], what, option) for limit, what, option in _LIMITS]
    return [one for one in found if one[0] != resource.RLIM_INFINITY and one[0] < least]


def _ended(worker: int, waited_for: set[signal.Signals]) -> int:
    """Wait for the other process, and hand signals on to it. Return how it ended."""
    while True:
        got = signal.sigwaitinfo(waited_for)
        if got.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(worker, os.WNOHANG)
            if ended:
                return status
        elif got.si_code <= 0:
            # By a process; a terminal's the other has got itself.
            os.kill(worker, got.si_signo)


def _crashed(limits: Sequence[tuple[int, str, str]], by: signal.Signals) -> str:
    space, what, option = limits[0]
    return (
        f"not enough memory: this process may use {space >> 20} MB of {what}, and was ended by "
        f"{by.name} when a library found no more; {_raise(option)}"
    )
