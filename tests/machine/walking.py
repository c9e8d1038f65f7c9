"""Walks of the state machine, so many of so many steps."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from controller.ports import Cloud
from tests.machine.machine import FleetMachine
from tests.machine.service import Walks, serving

Broken = Callable[[Cloud], Cloud]


@contextmanager
def walks(broken: Broken = lambda cloud: cloud) -> Iterator[Walks]:
    """While the context lasts a service runs to walk on, reached as controllers do it."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        yield Walks(service, broken(service.cloud))


def walk(made: Walks, count: int, steps: int, *, drawn_anew: bool) -> None:
    """Walk; raises what the first violation raised, told with the steps that led to it."""
    machine: Any = partial(FleetMachine, made)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=count,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not drawn_anew,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
