"""Parse chunks of lines on every core."""

from codecs import BOM_UTF8
from itertools import pairwise

import numpy as np

from blueattr.decode.lines import LINE_LIMIT
from blueattr.decode.parser.scanner import Scanned, Scanner
from blueattr.kernels import IntArray
from blueattr.kernels.compiled import each, threads

__all__ = ["Parser"]


# Fewer bytes than this are not worth a second thread.
_SPREAD_FROM = 1 << 20


class Parser:
    """Parses lines that are as Jetstream writes them.

    Parameters
    ----------
    cores
        On how many cores; on all by default.
    """

    def __init__(self, cores: int | None = None) -> None:
        self._scanners = [Scanner() for _ in range(cores or threads())]

    def scan(self, data: bytes, position: int = 0) -> tuple[list[Scanned], IntArray]:
        """Parse lines.

        Parameters
        ----------
        data
            Whole lines; the last one's end may be missing, and it is then left.
        position
            Byte offset of `data` in its source: a byte order mark at its start is neither parsed
            nor left.

        Returns
        -------
        list of Scanned
            Of stretches of the data, in their order; good until the next call.
        int64 (k, 2)
            Stretches of whole lines that were left, some of them perhaps blank.
        """
        begin = len(BOM_UTF8) if position == 0 and data.startswith(BOM_UTF8) else 0
        end = max(data.rfind(b"\n") + 1, begin)
        buffer = np.frombuffer(data, np.uint8)[:end]
        cores = len(self._scanners) if end - begin >= _SPREAD_FROM else 1
        bounds = [begin]
        for k in range(1, cores):
            after = data.find(b"\n", begin + k * (end - begin) // cores) + 1
            bounds.append(max(after, bounds[-1]))
        stretches = [(a, b) for a, b in pairwise([*bounds, end]) if a < b]
        parts = each(
            lambda scanner, a, b: scanner.scan(buffer, a, b, LINE_LIMIT),
            [(scanner, *ab) for scanner, ab in zip(self._scanners, stretches, strict=False)],
        )
        rest = np.array([(end, len(data))] if end < len(data) else [], np.int64).reshape(-1, 2)
        return parts, np.concatenate([*(part.left for part in parts), rest])
