# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
"""What accounts did and received, counted by their numbers: one pass over rows, no hashing.

Accounts are numbered from 1 on without gaps, so a count is a place in a table. Who wrote and who
received are counted by a thread each.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled

__all__ = ["CODES", "RECEIVED", "WRITTEN", "Tally", "add_up", "narrow"]


AccountNumbers = npt.NDArray[np.uint32]
Codes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int32]
Sums = npt.NDArray[np.int64]


POST, REPLY, REPOST, FOLLOW, QUOTE = range(5)
CODES = ("post", "reply", "repost", "follow", "quote")
"""What the codes stand for, from 0 on: of records, and of quotes, which are beside their posts."""


WRITTEN = ("records", "posts", "replies", "reposts")
RECEIVED = ("replies_received", "reposts_received", "follows_received", "quotes_received")
"""The columns of the counts."""


_LARGEST = 1 << 24  # accounts: 512 MB of counts
# Of the type of the counts: if numpy has to convert each time, it takes thirty times as long.
_ONE = np.int32(1)


@compiled.jit()
def _count_written(account, code, first, counts):
    size = np.uint32(counts.shape[0])
    for i in range(account.size):
        place = account[i] - first
        # Unsigned: what is below `first` is far above.
        if place < size and code[i] != QUOTE:
            counts[place, 0] += 1
            if code[i] != FOLLOW:
                counts[place, 1 + code[i]] += 1


@compiled.jit()
def _count_received(account, subject, code, first, counts):
    size = np.uint32(counts.shape[0])
    for i in range(account.size):
        place = subject[i] - first
        if place < size and code[i] != POST and subject[i] != account[i]:
            counts[place, code[i] - REPLY] += 1


@compiled.jit()
def _harvest(written, received, first, account, columns):
    """Move the counts of those who have any to columns, ascending; return how many they are."""
    found = 0
    for place in range(written.shape[0]):
        got = received[place, 0] | received[place, 1] | received[place, 2] | received[place, 3]
        if written[place, 0] | got:
            account[found] = first + np.uint32(place)
            for column in range(4):
                columns[column, found] = written[place, column]
                written[place, column] = 0
            for column in range(4):
                columns[4 + column, found] = received[place, column]
                received[place, column] = 0
            found += 1
    return found


class Tally:
    """Counts of what accounts with numbers in a range did and received.

    Parameters
    ----------
    first, past
        The range; of at most 2²⁴ numbers (`ranges` cuts a larger one).
    """

    def __init__(self, first: int, past: int) -> None:
        self._first = np.uint32(first)
        self._written = np.zeros((past - first, 4), np.int32)
        self._received = np.zeros((past - first, 4), np.int32)

    @staticmethod
    def ranges(past: int, largest: int = _LARGEST) -> Iterator[tuple[int, int]]:
        """Cut the numbers below `past` into ranges that fit into memory."""
        for first in range(0, past, largest):
            yield first, min(first + largest, past)

    def add(self, account: AccountNumbers, subject: AccountNumbers, code: Codes) -> None:
        """Count records.

        Parameters
        ----------
        account, subject
            Who wrote each, and to whom; uint32 (n,). A post's subject may be anybody. A quote has
            a row of its own beside that of its post.
        code
            What each is, of `CODES`; uint8 (n,).
        """
        if compiled.few(account.size):
            self._add_few(account, subject, code)
            return

        def written() -> None:
            _count_written(account, code, self._first, self._written)

        def received() -> None:
            _count_received(account, subject, code, self._first, self._received)

        compiled.each(lambda work: work(), [(written,), (received,)])

    def _add_few(self, account: AccountNumbers, subject: AccountNumbers, code: Codes) -> None:
        written, received = self._written.reshape(-1), self._received.reshape(-1)
        place = account - self._first  # unsigned, as above
        mine = (place < self._written.shape[0]) & (code != QUOTE)
        np.add.at(written, 4 * place[mine].astype(np.intp), _ONE)
        mine &= code != FOLLOW
        np.add.at(written, 4 * place[mine].astype(np.intp) + 1 + code[mine], _ONE)
        place = subject - self._first
        given = (place < self._received.shape[0]) & (code != POST) & (subject != account)
        np.add.at(received, 4 * place[given].astype(np.intp) + code[given] - REPLY, _ONE)

    def take(self) -> tuple[AccountNumbers, Counts]:
        """Return the accounts with any count, ascending, and their counts; begin anew.

        Returns
        -------
        tuple
            uint32 (n,), and int32 (8, n): `WRITTEN`, then `RECEIVED`. Interactions with oneself are
            not received.
        """
        size = self._written.shape[0]
        if compiled.few(size):
            return self._take_few()
        account, columns = np.empty(size, np.uint32), np.empty((8, size), np.int32)
        found = _harvest(self._written, self._received, self._first, account, columns)
        return account[:found], columns[:, :found]

    def _take_few(self) -> tuple[AccountNumbers, Counts]:
        places = np.flatnonzero((self._written[:, 0] != 0) | self._received.any(axis=1))
        columns = np.hstack([self._written[places], self._received[places]]).T
        self._written[:], self._received[:] = 0, 0
        return self._first + places.astype(np.uint32), np.ascontiguousarray(columns)


@compiled.jit()
def _add_up(account, counts, first, sums):
    for i in range(account.size):
        sums[account[i] - first] += counts[i]


def add_up(account: AccountNumbers, columns: Sequence[Counts], first: int, sums: Sums) -> None:
    """Add counts that were made before, a column to a row of sums.

    Parameters
    ----------
    account
        Whose each is; uint32 (n,), from `first` on and below ``first + sums.shape[1]``.
    columns
        k of them, int32 (n,).
    first
        The account whose sums come first.
    sums
        int64 (k, ·); added to.
    """
    if account.size and not first <= account.min() <= account.max() < first + sums.shape[1]:
        raise IndexError("an account is beyond the sums")

    if compiled.few(account.size, len(columns) / 4):
        place = (account - np.uint32(first)).astype(np.intp)
        for column, row in zip(columns, sums, strict=True):
            np.add.at(row, place, column.astype(np.int64))
        return

    def work(start: int, stop: int) -> None:
        for column, row in zip(columns[start:stop], sums[start:stop], strict=True):
            if column.any():  # many have nothing, where statements put different things together
                _add_up(account, column, np.uint32(first), row)

    half = len(columns) // 2
    compiled.each(work, [(0, half), (half, len(columns))])


def narrow(sums: npt.NDArray[np.int64]) -> Counts | npt.NDArray[np.int64]:
    """Return sums in half their bytes, where that holds each of them."""
    most = np.iinfo(np.int32)
    if sums.size and not most.min <= sums.min() <= sums.max() <= most.max:
        return sums
    return sums.astype(np.int32)
