"""Print what `make coverage` measured, by room: ``python -m strength.coverage_by_room REPORT``.

A room is a package of blueattr, with the packages inside it; the modules at the top are a room too.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from strength import machine

__all__ = ["by_room", "table"]


def by_room(report: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Count the statements of each room, and those that ran, in a report of ``coverage json``."""
    statements: Counter[str] = Counter()
    ran: Counter[str] = Counter()
    for name, file in report["files"].items():
        # The command line is linked into the package, and coverage follows the link.
        top, *inside, _ = Path(name).parts
        room = inside[0] if inside and top == "blueattr" else top
        statements[room] += file["summary"]["num_statements"]
        ran[room] += file["summary"]["covered_lines"]
    return {room: (n, ran[room]) for room, n in sorted(statements.items()) if n}


def table(rooms: dict[str, tuple[int, int]]) -> str:
    """Return the rooms as a table, the least covered first, and all of them at the end."""
    rows = sorted(rooms.items(), key=lambda room: room[1][1] / max(room[1][0], 1))
    rows.append(("all", (sum(n for _, (n, _) in rows), sum(n for _, (_, n) in rows))))
    lines = [f"{'room':<12}{'statements':>12}{'ran':>8}{'%':>8}"]
    lines += [
        f"{room:<12}{statements:>12}{ran:>8}{100 * ran / max(statements, 1):>8.1f}"
        for room, (statements, ran) in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(machine("coverage", "numba"))
    print(table(by_room(json.loads(Path(sys.argv[1]).read_text("utf-8")))))
