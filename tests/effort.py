"""How much the slowest laws try."""

import os


def examples(number: int) -> int:
    """Give that number of examples, and a quarter of it in `make quick`."""
    return max(3, number // 4) if os.environ.get("BLUEATTR_QUICK") else number
