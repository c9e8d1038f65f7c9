"""What comes while a pass is under way, and what a failure leaves behind once it is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.core.call_errors import failure
from controller.core.model import Target
from tests.contract.fake import Fake
from tests.daemon.world import Kept

DENIED = failure("AccessDeniedException", "not you", reading=True)
ROLES = [f"arn:aws:iam::123456789012:role/{name}" for name in ("Blue", "Green")]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A daemon over an empty tree."""
    return Kept(tmp_path, Fake())


def test_an_event_of_a_job_that_is_being_looked_at_is_a_look_more(kept: Kept) -> None:
    """What was asked before the change knows nothing of it."""
    kept.put("a")
    kept.settle()
    kept.after(30.0)
    kept.calls()
    news = iter(["once"])

    def change(operation: str, _argument: str) -> None:
        if operation == "Get" and next(news, None):
            kept.daemon.heard(kept.live()[0].arn)

    kept.fake.watcher = change
    kept.daemon.heard(kept.live()[0].arn)
    kept.settle()

    assert kept.calls() == {"Get": 2}


def test_a_signal_to_renew_counts_for_what_is_being_looked_at(kept: Kept) -> None:
    """Who mended the credentials waits for no backoff of the old ones."""
    kept.fake.failing[("Get", "a")] = DENIED
    kept.put("a")

    def mend(_operation: str, _argument: str) -> None:
        # As the loop does for the signal, while the pass is in a thread of its own.
        kept.roster.hurry_all(kept.now)

    kept.fake.watcher = mend
    kept.daemon.step()
    kept.fake.watcher = lambda *_: None
    kept.fake.failing.clear()
    kept.settle()

    assert kept.phase("a") == "InProgress"


def test_roles_that_were_unknown_are_not_missed_for_ever(kept: Kept) -> None:
    """Looked at as one because nobody could tell their places, they are well again as one."""
    kept.limit(max_active=9)
    for name, role in zip("ab", ROLES, strict=True):
        kept.put(name, target=Target(assume_role_arn=role))
        kept.fake.failing[("Place", role)] = DENIED
    kept.settle()
    assert not kept.daemon.ready()

    kept.fake.failing.clear()
    kept.after(900.0)

    assert {kept.phase(name) for name in "ab"} == {"InProgress"}
    assert kept.daemon.ready()
