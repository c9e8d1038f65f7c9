"""Passes over very many targets: threads are bounded, and no target starves."""

from __future__ import annotations

import threading
from dataclasses import replace

from controller.core.fleet import Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import Target
from controller.engine.observe import Observer
from controller.engine.rate_limit import MAX_PLACES
from tests.contract.fake import Fake
from tests.contract.test_idle import job

WIDTH = 4


def test_three_hundred_targets_take_a_bounded_number_of_threads() -> None:
    """Every target is observed, with no more threads than the parallel places need."""
    counted: list[int] = []
    jobs = [job(f"job-{number}", Target("us-east-1", f"{number:012}")) for number in range(300)]
    jobs = [
        replace(one, target=replace(one.target, assume_role_arn=role_of(one.target)))
        for one in jobs
    ]
    cloud = Fake(watcher=lambda _operation, _argument: counted.append(threading.active_count()))
    before = threading.active_count()

    seen = Observer(KINDS, {}, Fleet(), cloud).observe_all(jobs, WIDTH)

    assert len(seen.observations) == len(jobs)
    assert max(counted) - before <= MAX_PLACES * (WIDTH + 1)


def role_of(target: Target) -> str:
    """Return a role in a target's account."""
    return f"arn:aws:iam::{target.account_id}:role/BedrockJobs"
