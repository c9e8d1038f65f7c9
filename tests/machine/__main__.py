"""``python -m tests.machine [WALKS [STEPS]]``: the state machine for as long as wanted."""

from __future__ import annotations

import sys
import time

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import Fleet

WALKS, STEPS = 800, 50


def main(arguments: list[str]) -> None:
    """Walk, and say how far; a violation ends in Hypothesis's own account of it."""
    walks = int(arguments[0]) if arguments else WALKS
    steps = int(arguments[1]) if len(arguments) > 1 else STEPS
    began = time.monotonic()
    run_state_machine_as_test(
        Fleet,
        settings=settings(
            max_examples=walks,
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    spent = time.monotonic() - began
    sys.stdout.write(f"{walks} walks, {Fleet.steps} steps, {spent:.0f} s, 0 violations\n")


if __name__ == "__main__":
    main(sys.argv[1:])
