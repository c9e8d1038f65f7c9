from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import Fleet


def test_random_lives_pay_for_nothing_twice() -> None:
    """A fixed set of walks through edits, losses, crashes and faults holds every invariant."""
    run_state_machine_as_test(
        Fleet,
        settings=settings(
            max_examples=60,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
