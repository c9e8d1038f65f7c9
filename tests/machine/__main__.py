"""``python -m tests.machine [WALKS [STEPS [SEED]]]``: the state machine for as long as wanted."""

from __future__ import annotations

import secrets
import sys
import time
import traceback

from tests.machine.walking import AT_A_TIME, walk, walks

WALKS, STEPS = 400, 50


def main(arguments: list[str]) -> int:
    """Walk, and say last how far; a violation is shown by its steps, and the next seed goes on."""
    count = int(arguments[0]) if arguments else WALKS
    steps = int(arguments[1]) if len(arguments) > 1 else STEPS
    seed = int(arguments[2]) if len(arguments) > 2 else secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")
    began = time.monotonic()
    violations = 0
    with walks() as made:
        while made.walks < count:
            try:
                walk(made, min(AT_A_TIME, count - made.walks), steps, seed=seed)
            except Exception:
                violations += 1
                sys.stdout.write(f"violation, seed {seed}\n")
                traceback.print_exc()
            seed += 1
    spent = time.monotonic() - began
    sys.stdout.write(
        f"{made.walks} walks, {made.steps} steps, {spent:.0f} s, {violations} violations\n"
    )
    return min(violations, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
