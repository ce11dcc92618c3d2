"""Every error that a user can cause, as a tree, with its exit code.

BlueattrError
├── UsageError             an option or argument makes no sense                            exit 2
│   ├── IndicatorError     a user's own indicator cannot be loaded or does not work
│   └── ScenarioError      a user's own simulation cannot be loaded or does not work
├── SourceError            a source on the network is unreachable, or refuses us           exit 8
│   └── ClusterError       a cluster cannot be reached, is lost, or cannot be used
├── InputError             an input file is missing, truncated, or not what its name says  exit 3
│   └── FeatureError       a panel whose features are not finite and ≥ 0
├── NoAnswerError          the question has no answer on this data                         exit 4
│   ├── UnknownTopicError  there is no such topic
│   ├── UnknownAccountError  no account of this name is on the panel
│   ├── EmptyPanelError    nobody is left to attribute to
│   ├── ZeroTotalError     the indicator is 0, so there is nothing to share out
│   └── SampleSizeError    a sample is larger than the panel
├── PatternError           the engine refuses a regular expression                         exit 2
├── StoreError             the store cannot be used                                        exit 6
│   ├── NoStoreError       there is no such file
│   ├── StoreBusyError     another process is writing to it                                exit 5
│   └── StoreVersionError  a newer version of blueattr wrote it
├── OutputError            the result cannot be written                                    exit 7
└── RunGoingError          another scheduled run is going                                  exit 11
"""

import re
from enum import IntEnum
from typing import ClassVar

__all__ = [
    "BlueattrError",
    "ClusterError",
    "EmptyPanelError",
    "ExitCode",
    "FeatureError",
    "IndicatorError",
    "InputError",
    "NoAnswerError",
    "NoStoreError",
    "OutputError",
    "PatternError",
    "RunGoingError",
    "SampleSizeError",
    "ScenarioError",
    "SourceError",
    "StoreBusyError",
    "StoreError",
    "StoreVersionError",
    "UnknownAccountError",
    "UnknownTopicError",
    "UsageError",
    "ZeroTotalError",
    "reason",
]


class ExitCode(IntEnum):
    """The exit codes of commands. They are a contract: scheduled runs rely on them."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    INPUT = 3
    NO_ANSWER = 4
    STORE_BUSY = 5
    STORE = 6
    OUTPUT = 7
    SOURCE = 8
    GAPS = 9
    NOTHING_NEW = 10
    RUN_GOING = 11
    MOSTLY_REJECTED = 12
    INTERRUPTED = 130


class BlueattrError(Exception):
    """An error that a user can cause. It says what failed, on what, and what to do next."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILURE


class UsageError(BlueattrError):
    """An option or argument that makes no sense."""

    exit_code = ExitCode.USAGE


class IndicatorError(UsageError):
    """A user's own indicator cannot be loaded, breaks the protocol, or fails in its own code."""


class ScenarioError(UsageError):
    """A user's own simulation cannot be loaded, breaks the protocol, or fails in its own code."""


class PatternError(BlueattrError):
    """A regular expression that the engine refuses."""

    exit_code = ExitCode.USAGE


class SourceError(BlueattrError):
    """A source on the network cannot be reached, or refuses us."""

    exit_code = ExitCode.SOURCE


class ClusterError(SourceError):
    """A cluster cannot be reached, is lost, or has workers that cannot be used."""


class InputError(BlueattrError):
    """An input file is missing, truncated, or not what its name says."""

    exit_code = ExitCode.INPUT


class FeatureError(InputError):
    """A panel whose features are not finite and ≥ 0, or whose columns are not as declared."""


class NoAnswerError(BlueattrError):
    """The question has no answer on this data."""

    exit_code = ExitCode.NO_ANSWER


class UnknownTopicError(NoAnswerError):
    """There is no such topic."""


class UnknownAccountError(NoAnswerError):
    """No account of this name is on the panel; the message says why, or which name is near."""


class NoMatchError(NoAnswerError):
    """No post of the window matches the topic."""


class EmptyPanelError(NoAnswerError):
    """Nobody is left to attribute to."""


class NobodyInvolvedError(EmptyPanelError):
    """Nobody on the panel wrote anything of the topic or was answered, reposted or quoted on it."""


class ZeroTotalError(NoAnswerError):
    """The indicator is 0 on this panel, so there is nothing to share out."""


class SampleSizeError(NoAnswerError):
    """A sample larger than the panel it is drawn from."""


class StoreError(BlueattrError):
    """The store cannot be used."""

    exit_code = ExitCode.STORE


class NoMemoryError(StoreError):
    """There is not enough memory for what is asked of the store, which is sound."""

    exit_code = ExitCode.FAILURE

    more = "use a machine with more memory"
    """What to do where the machine has no more to give."""


class NoStoreError(StoreError):
    """There is no store at this path."""


class StoreBusyError(StoreError):
    """Another process is writing to the store."""

    exit_code = ExitCode.STORE_BUSY


class StoreVersionError(StoreError):
    """The store was written by a newer version of blueattr."""


class OutputError(BlueattrError):
    """The result cannot be written."""

    exit_code = ExitCode.OUTPUT


class RunGoingError(BlueattrError):
    """Another scheduled run is going into the same folder."""

    exit_code = ExitCode.RUN_GOING


def reason(error: Exception) -> str:
    r"""Return in one line why a library refused something, without what it tells programmers.

    >>> reason(ValueError("Invalid Input Error: missing ): (?i)("))
    'missing ): ('
    >>> reason(ValueError("regex parse error:\n    (?i)(\n        ^\nerror: unclosed group\n"))
    'unclosed group'
    """
    text = str(error)
    found = re.search(r"^error: (.+)$", text, re.MULTILINE)  # of Rust's regex, with a drawing above
    first = found[1] if found else (text.splitlines() or [type(error).__name__])[0]
    return re.sub(r"^(?:(?:[A-Z]\w* )+Error|regex error): ", "", first).replace("(?i)", "")
