"""``python -m tests.git [WRITERS [ROUNDS [SEED]]]``: writers and a person on one branch, full size.

Ends with 1 on a violation. A repository of 200 MB is measured as well.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
from pathlib import Path

from tests.git.contending import Tally, contend
from tests.git.measuring import measured

WRITERS, ROUNDS = 8, 50


def lines(tally: Tally) -> list[str]:
    """Return what came of it as a table."""
    tries = ", ".join(str(tally.tries.count(number)) for number in range(1, 6))
    cells = {
        "writers": tally.writers,
        "rounds": tally.rounds,
        "statuses landed": len(tally.tries),
        "in 1, 2, 3, 4, 5 tries": tries,
        "run again": tally.again,
        "commits": tally.commits,
        "by people": tally.by_people,
        "seconds": round(tally.seconds),
        "violations": len(tally.violations),
    }
    return [
        f"| {' | '.join(cells)} |",
        "|" + "--:|" * len(cells),
        f"| {' | '.join(map(str, cells.values()))} |",
        *tally.violations,
    ]


def main(arguments: list[str]) -> int:
    """Contend, measure, and say what came of it and from which seed."""
    writers = int(arguments[0]) if arguments else WRITERS
    rounds = int(arguments[1]) if len(arguments) > 1 else ROUNDS
    seed = int(arguments[2]) if len(arguments) > 2 else secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")
    with tempfile.TemporaryDirectory() as folder:
        tally = contend(Path(folder), writers, rounds, seed)
        sys.stdout.write("\n".join(lines(tally)) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n".join(measured(Path(folder))) + "\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
