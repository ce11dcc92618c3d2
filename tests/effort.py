"""How much the slowest laws try."""

import os


def examples(number: int) -> int:
    """Give that number of examples, and an eighth of it, at least three, in `make quick`."""
    return max(3, number // 8) if os.environ.get("BLUEATTR_QUICK") else number
