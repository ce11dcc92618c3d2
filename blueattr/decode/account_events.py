"""Identity, account and profile events as rows for the staging table; pure.

A few events in a hundred are of accounts. They wait for a commit as the rows that
``sql/store/batch/decode_lines.sql`` would have made.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from blueattr.decode.arrow import fixed_strings, offsets, strings
from blueattr.decode.parser import layout
from blueattr.decode.parser.dids import spell, spell_dids
from blueattr.decode.parser.layout import AccountEvents
from blueattr.decode.schema import HANDLE

__all__ = ["SCHEMA", "account_rows"]


SCHEMA = pa.schema(
    [
        ("did", pa.string()),
        ("kind", pa.string()),
        ("event_time", pa.timestamp("us")),
        ("operation", pa.string()),
        ("rkey", pa.string()),
        ("rev", pa.string()),
        ("bot", pa.bool_()),
        ("handle", pa.string()),
        ("active", pa.bool_()),
        ("status", pa.string()),
    ]
)
"""The columns of ``sql/store/batch/staging.sql`` that an account event fills."""


_KINDS = pa.array(["identity", "account", "profile"])
_OPERATIONS = pa.array(["create", "update", "delete"])
_LONGEST_HANDLE = 253


def account_rows(events: AccountEvents) -> pa.Table:
    """Return account events as rows of `SCHEMA`, which share no memory with `events`."""
    numbers = events.numbers
    bits = numbers[layout.ACCOUNT_BITS]
    kind = bits & layout.KIND_MASK
    is_identity, is_account, is_profile = (
        kind == each for each in (layout.IDENTITY, layout.ACCOUNT, layout.PROFILE)
    )
    is_active = bits & layout.IS_ACTIVE != 0
    did = spell_dids(numbers[layout.AUTHOR_HIGH], numbers[layout.AUTHOR_LOW])
    rev = np.empty((bits.size, 13), np.uint8)
    spell(numbers[layout.REV], rev)
    operation = np.where(bits & layout.IS_DELETE, 2, bits & layout.IS_UPDATE != 0)
    handle_or_status = strings(offsets(events.ends), events.words.copy())
    handle = pc.ascii_lower(handle_or_status)
    is_handle = pc.and_(
        pc.match_substring_regex(handle, f"^({HANDLE})$"),
        pc.less_equal(pc.binary_length(handle), _LONGEST_HANDLE),
    )
    is_handle = pc.and_(is_handle, pc.not_equal(handle, "handle.invalid"))
    status = pc.if_else(pc.equal(handle_or_status, ""), "unknown", handle_or_status)
    columns = {
        "did": fixed_strings(did),
        "kind": _KINDS.take(pa.array(kind)),
        "event_time": pa.array(numbers[layout.TIME].copy()).cast(pa.timestamp("us")),
        "operation": _OPERATIONS.take(pa.array(operation, mask=~is_profile)),
        "rkey": pc.if_else(pa.array(is_profile), "self", None),
        "rev": fixed_strings(rev, is_profile),
        # The parser refuses a profile with labels.
        "bot": pa.array(np.zeros(bits.size, np.bool_)),
        "handle": pc.if_else(pc.and_(pa.array(is_identity), is_handle), handle, None),
        "active": pa.array(is_active, mask=~is_account),
        "status": pc.if_else(
            pa.array(is_account), pc.if_else(pa.array(is_active), "", status), None
        ),
    }
    return pa.table(columns, schema=SCHEMA)
