"""``python -m tests.soak [DAYS [SEED]]``: days of a daemon's life; ends with 1 on a violation."""

from __future__ import annotations

import secrets
import sys

from tests.machine.walking import walks
from tests.soak.soak import Tally, soak

DAYS = 10.0
_COLUMNS = (
    ("days", "days"),
    ("events", "events"),
    ("commits", "commits"),
    ("passes", "passes"),
    ("jobs", "jobs"),
    ("killed", "killed"),
    ("left", "left"),
    ("faults", "faults"),
    ("seconds", "seconds"),
)


def lines(tally: Tally) -> list[str]:
    """Return the table of a soak, and what did not hold."""
    cells = [f"{getattr(tally, name):,.0f}" for _, name in _COLUMNS]
    heads = [head for head, _ in _COLUMNS]
    return [
        f"| {' | '.join(heads)} | violations |",
        "|" + "--:|" * (len(heads) + 1),
        f"| {' | '.join(cells)} | {len(tally.violations)} |",
        *tally.violations,
    ]


def _tell(tally: Tally) -> None:
    """Show how far it is: who finds out only after an hour that it is broken has lost an hour."""
    told = f"{tally.days:g} days, {tally.events} events, {len(tally.violations)} violations"
    sys.stderr.write("\n".join([told, *tally.violations]) + "\n")


def main(arguments: list[str]) -> int:
    """Soak, and say what came of it, and from which seed."""
    days = float(arguments[0]) if arguments else DAYS
    seed = int(arguments[1]) if len(arguments) > 1 else secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    with walks() as made:
        tally = soak(made, days, seed, _tell)
    sys.stdout.write("\n".join(lines(tally)) + "\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
