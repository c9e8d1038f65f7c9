"""Every property over examples of its own: ``python -m tests.properties [ROUNDS]``.

`make test` draws the same ones each time, so that no landing is refused by chance; here each round
draws others.
"""

from __future__ import annotations

import re
import subprocess
import sys

from tests.chaos.forge import ROOT

ROUNDS = 10
_COMMAND = (
    *(sys.executable, "-m", "pytest", "tests", "-q", "-n", "2", "-m", "hypothesis"),
    "--hypothesis-profile=searching",
)
_FIGURE = re.compile(r"(\d+) (\w+)")


def main() -> int:
    """Draw so many rounds, show what does not hold, and fail if anything does not."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    held = violations = 0
    for _ in range(rounds):
        done = subprocess.run(_COMMAND, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        last = done.stdout.strip().rpartition("\n")[2]
        found = {what: int(number) for number, what in _FIGURE.findall(last)}
        held += found.get("passed", 0)
        if done.returncode:
            violations += max(1, found.get("failed", 0) + found.get("errors", 0))
            sys.stdout.write(done.stdout)
    sys.stdout.write(f"{rounds} rounds, {held} properties, {violations} violations\n")
    return int(violations > 0)


if __name__ == "__main__":
    sys.exit(main())
