"""``python -m tests.machine [WALKS [STEPS [SEED]]]``: the state machine for as long as wanted."""

from __future__ import annotations

import secrets
import sys
import time
import traceback

from tests.machine.walking import walk, walks

WALKS, STEPS = 400, 50


def main(arguments: list[str]) -> int:
    """Walk, and say last how far; a violation ends the walking, and is told by its steps."""
    count = int(arguments[0]) if arguments else WALKS
    steps = int(arguments[1]) if len(arguments) > 1 else STEPS
    seed = int(arguments[2]) if len(arguments) > 2 else secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")
    began = time.monotonic()
    violations = 0
    with walks() as made:
        try:
            walk(made, count, steps, seed=seed)
        except Exception:
            violations = 1
            traceback.print_exc()
    spent = time.monotonic() - began
    sys.stdout.write(
        f"{made.walks} walks, {made.steps} steps, {spent:.0f} s, {violations} violations\n"
    )
    return min(violations, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
