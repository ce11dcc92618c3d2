"""Parse chunks of lines on every core."""

from codecs import BOM_UTF8
from itertools import pairwise

import numpy as np

from blueattr.decode.clock import OPEN, Horizon
from blueattr.decode.cut_lines import LINE_LIMIT
from blueattr.decode.parser.layout import ParsedLines
from blueattr.decode.parser.scanner import Scanner
from blueattr.kernels import IntArray
from blueattr.kernels.compiled import each, threads

__all__ = ["Parser", "unparsed"]


# Fewer bytes than this are not worth a second thread.
_SPREAD_FROM = 1 << 20


class Parser:
    """Parses lines that are as Jetstream writes them, and refuses others.

    Parameters
    ----------
    cores
        How many to use; all by default.
    """

    def __init__(self, cores: int | None = None) -> None:
        self._scanners = [Scanner() for _ in range(cores or threads())]

    def parse(
        self, data: bytes, position: int = 0, horizon: Horizon = OPEN
    ) -> tuple[list[ParsedLines], IntArray]:
        """Parse lines.

        Parameters
        ----------
        data
            Whole lines; the last one may lack its end, and is then unparsed.
        position
            Byte offset of `data` in its source. A byte order mark at its start is passed over.
        horizon
            By the clock at this reading; lines beyond it are refused.

        Returns
        -------
        list of ParsedLines
            For stretches of the data, in their order; valid until the next call.
        int64 (k, 2)
            Bounds of stretches of whole lines that were not parsed; some lines may be blank.
        """
        begin = _begin(data, position)
        end = max(data.rfind(b"\n") + 1, begin)
        buffer = np.frombuffer(data, np.uint8)[:end]
        cores = len(self._scanners) if end - begin >= _SPREAD_FROM else 1
        bounds = [begin]
        for core in range(1, cores):
            after = data.find(b"\n", begin + core * (end - begin) // cores) + 1
            bounds.append(max(after, bounds[-1]))
        stretches = [(first, past) for first, past in pairwise([*bounds, end]) if first < past]
        parts = each(
            lambda scanner, first, past: scanner.scan(buffer, first, past, LINE_LIMIT, horizon),
            [
                (scanner, *bounds)
                for scanner, bounds in zip(self._scanners, stretches, strict=False)
            ],
        )
        rest = np.array([(end, len(data))] if end < len(data) else [], np.int64).reshape(-1, 2)
        return parts, np.concatenate([*(part.unparsed for part in parts), rest])


def unparsed(data: bytes, position: int = 0) -> IntArray:
    """Return the bounds of all lines, int64 (1, 2), as if `Parser.parse` had parsed none."""
    return np.array([(_begin(data, position), len(data))], np.int64)


def _begin(data: bytes, position: int) -> int:
    return len(BOM_UTF8) if position == 0 and data.startswith(BOM_UTF8) else 0
