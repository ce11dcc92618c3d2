# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Counts of a window that slides: rows that come in are added, rows that fall out are taken off.

Each row changes whole numbers only, so that no order and no repetition leaves a rounding error.
"""

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.tallies import FOLLOW, POST, QUOTE, AccountNumbers, Codes

__all__ = ["add_records", "add_rows", "change_givers", "set_present"]


Table = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@compiled.jit()
def _add_rows(account, subject, code, sign, gone, counts):
    for i in range(account.size):
        who, whom, kind = account[i], subject[i], code[i]
        if kind != QUOTE:
            counts[who, 0] += sign
            if kind != FOLLOW:
                counts[who, 1 + kind] += sign
        if kind != POST and whom != who and not gone[who]:
            counts[whom, 3 + kind] += sign


def add_rows(
    account: AccountNumbers,
    subject: AccountNumbers,
    code: Codes,
    *,
    sign: int,
    gone: Flags,
    counts: Table,
) -> None:
    """Count rows that come into a window, or fall out of it.

    Parameters
    ----------
    account, subject
        Who wrote each, and to whom; uint32 (n,), below ``len(counts)``.
    code
        What each is, of `blueattr.kernels.tallies.CODES`; uint8 (n,).
    sign
        1 for rows that come in, -1 for those that fall out.
    gone
        bool (past,): whose gifts do not count.
    counts
        int32 (past, 8): `blueattr.kernels.tallies.WRITTEN`, then ``RECEIVED``; changed in place.
    """
    _add_rows(account, subject, code, np.int32(sign), gone, counts)


@compiled.jit()
def _add_records(account, code, sign, counts):
    for i in range(account.size):
        if code[i] != QUOTE:
            counts[account[i]] += sign


def add_records(
    account: AccountNumbers, code: Codes, sign: int, counts: npt.NDArray[np.int32]
) -> None:
    """Count only how many records each account made: `counts` is int32 (past,)."""
    _add_records(account, code, np.int32(sign), counts)


@compiled.jit()
def _change_givers(account, subject, code, changed, gone, counts):
    for i in range(account.size):
        who, whom, kind = account[i], subject[i], code[i]
        if changed[who] and kind != POST and whom != who:
            counts[whom, 3 + kind] += -1 if gone[who] else 1


def change_givers(
    account: AccountNumbers,
    subject: AccountNumbers,
    code: Codes,
    *,
    changed: Flags,
    gone: Flags,
    counts: Table,
) -> None:
    """Take the gifts of accounts that have gone off the counts, and add those of who came back.

    Parameters
    ----------
    account, subject, code, counts
        As for `add_rows`: the rows that the window has.
    changed, gone
        bool (past,): who went or came back, and who is gone now.
    """
    _change_givers(account, subject, code, changed, gone, counts)


@compiled.jit()
def _count_event(i, sign, account, subject, quoted, kind, counts):
    who, whom, other = account[i], subject[i], quoted[i]
    counts[who, kind[i]] += sign
    if kind[i] != POST and whom != who:
        counts[whom, 2 + kind[i]] += sign
    if other != who:
        counts[other, 5] += sign


@compiled.jit()
def _set_present(
    first, past, changed, all_of_them, inside, account, subject, quoted, kind, own, hung, hanging,
    gone, present, hooks, counts,
):  # fmt: skip
    for i in range(first, past):
        if not (all_of_them or changed[account[i]]):
            continue
        now = inside and not gone[account[i]]
        if present[i] == now:
            continue
        sign = np.int32(1) if now else np.int32(-1)
        present[i] = now
        if own[i] or hooks[i] > 0:
            _count_event(i, sign, account, subject, quoted, kind, counts)
        if own[i]:
            for place in range(hung[i], hung[i + 1]):
                other = hanging[place]
                hooks[other] += sign
                # The only match that it hangs on came or went.
                is_first = hooks[other] == 1 if now else hooks[other] == 0
                if is_first and present[other] and not own[other]:
                    _count_event(other, sign, account, subject, quoted, kind, counts)


def set_present(
    stretch: tuple[int, int],
    *,
    changed: Flags | None,
    inside: bool,
    events: tuple[AccountNumbers, AccountNumbers, AccountNumbers, Codes, Flags, Places, Places],
    gone: Flags,
    present: Flags,
    hooks: Table,
    counts: Table,
) -> None:
    """Let events of a topic come into a window, or fall out of it, with what hangs on them.

    An event counts while it is present and matches by its own words, or hangs on a match that is
    present.

    Parameters
    ----------
    stretch
        The first place, and that past the last.
    changed
        bool (past,): only the events of these accounts; None for all.
    inside
        Whether the events are in the window now.
    events
        ``account``, ``subject`` and ``quoted``, uint32 (n,), the last two that of the account
        itself where there is nobody; ``kind``, uint8 (n,): post, reply, repost; ``own``, bool (n,);
        what hangs on each, as places in `hanging` from ``hung[i]`` to ``hung[i + 1]``.
    gone
        bool (past,): whose events are not present wherever they are.
    present, hooks
        bool and int32 (n,): which events are present, and on how many present matches each hangs;
        changed in place.
    counts
        int32 (past, 6): posts, replies and reposts written; replies, reposts and quotes received;
        changed in place.
    """
    account, subject, quoted, kind, own, hung, hanging = events
    _set_present(
        stretch[0], stretch[1], gone if changed is None else changed, changed is None, inside,
        account, subject, quoted, kind, own, hung, hanging, gone, present, hooks, counts,
    )  # fmt: skip
