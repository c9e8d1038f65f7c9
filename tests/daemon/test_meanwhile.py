"""Events during a pass, and recovery after a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.core.call_errors import make_failure
from controller.core.model import Target
from tests.contract.fake import Fake
from tests.daemon.world import Kept

DENIED = make_failure("AccessDeniedException", "not you", reading=True)
ROLES = [f"arn:aws:iam::123456789012:role/{name}" for name in ("Blue", "Green")]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A daemon over an empty tree."""
    return Kept(tmp_path, Fake())


def test_an_event_during_an_observation_causes_another(kept: Kept) -> None:
    """An event during a job's observation makes the job due again."""
    kept.put("a")
    kept.settle()
    kept.after(30.0)
    kept.calls()
    news = iter(["once"])

    def change(operation: str, _argument: str) -> None:
        if operation == "Get" and next(news, None):
            kept.daemon.notify_job_event(kept.live()[0].arn)

    kept.fake.watcher = change
    kept.daemon.notify_job_event(kept.live()[0].arn)
    kept.settle()

    assert kept.calls() == {"Get": 2}


def test_a_reload_during_a_pass_ends_its_backoff(kept: Kept) -> None:
    """A reload during a pass ends the backoff that the pass's failure would cause."""
    kept.fake.failing[("Get", "a")] = DENIED
    kept.put("a")

    def mend(_operation: str, _argument: str) -> None:
        # As the loop does for the signal, while the pass is in a thread of its own.
        kept.roster.schedule_all(kept.now)

    kept.fake.watcher = mend
    kept.daemon.run_once()
    kept.fake.watcher = lambda *_: None
    kept.fake.failing.clear()
    kept.settle()

    assert kept.phase("a") == "InProgress"


def test_unknown_roles_recover(kept: Kept) -> None:
    """Roles whose places were unknown are ready again once they can be resolved."""
    kept.limit(max_active=9)
    for name, role in zip("ab", ROLES, strict=True):
        kept.put(name, target=Target(assume_role_arn=role))
        kept.fake.failing[("Place", role)] = DENIED
    kept.settle()
    assert not kept.daemon.is_ready()

    kept.fake.failing.clear()
    kept.after(900.0)

    assert {kept.phase(name) for name in "ab"} == {"InProgress"}
    assert kept.daemon.is_ready()
