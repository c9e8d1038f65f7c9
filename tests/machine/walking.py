"""Walks of the state machine, so many of so many steps."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from controller.ports import Cloud
from tests.machine.machine import FleetMachine
from tests.machine.service import Walks, serving

Broken = Callable[[Cloud], Cloud]
AT_A_TIME = 20
"""How many walks one seed draws."""


@contextmanager
def walks(broken: Broken = lambda cloud: cloud) -> Iterator[Walks]:
    """While the context lasts a service runs to walk on, reached as controllers do it."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        yield Walks(service, broken(service.cloud))


def walk(made: Walks, count: int, steps: int, *, seed: int) -> None:
    """Walk at least so often; raises what the first violation raised, with the steps to it.

    One seed always draws the same walks. Controllers that race may leave another world behind than
    the last time, and Hypothesis then refuses to draw on from it: that is no violation, and the
    next seed goes on.
    """
    enough = made.walks + count
    while made.walks < enough:
        with suppress(FlakyStrategyDefinition):
            _draw(made, min(AT_A_TIME, enough - made.walks), steps, seed)
        seed += 1


def _draw(made: Walks, count: int, steps: int, seed: int) -> None:
    machine: Any = partial(FleetMachine, made)
    # Hypothesis has no public name for the seed of a machine.
    machine._hypothesis_internal_use_seed = seed
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=count,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
