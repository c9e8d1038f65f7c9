"""``python -m tests.git [WRITERS [ROUNDS [SEED]]]``: writers and a person on one branch, full size.

Then a write-back dies around each of its commands, and a repository of 200 MB is measured. Ends
with 1 on a violation.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from pathlib import Path

from tests.git.contending import Tally, contend
from tests.git.desks import desk_in
from tests.git.killing import deaths
from tests.git.measuring import measured
from tests.git.support import GIT

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
    os.environ.update(GIT)
    with tempfile.TemporaryDirectory() as folder:
        died = dict(deaths(desk_in(Path(folder) / "pattern"), Path(folder)))
    wrong = [f"killed {death}: {', '.join(why)}" for death, why in died.items() if why]
    sys.stdout.write("\n".join([f"{len(died)} deaths, {len(wrong)} violations", *wrong]) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n".join(measured(Path(folder))) + "\n")
    return 1 if tally.violations or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
