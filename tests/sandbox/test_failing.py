"""A share of the jobs fails, selected by name and seed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.sandbox.jobs.behaviour import RECORDED_BEHAVIOUR, FailureMode
from controller.sandbox.jobs.job_failures import FAILURES, find_failure
from tests.sandbox.support import LONG_ENOUGH, Sandbox

FINE = {"s3Uri": "s3://acme-training/train.jsonl"}


def failing(share: float, seed: int = 0) -> set[str]:
    """Return which of a thousand names fail."""
    behaviour = replace(RECORDED_BEHAVIOUR, failing_share=share, failing_seed=seed)
    names = [f"job-{number}" for number in range(1000)]
    return {name for name in names if find_failure(name, FINE, behaviour)}


def test_share_of_the_jobs_fails() -> None:
    """About as many jobs fail as the share says: none at 0, all at 1."""
    assert failing(0) == set()
    assert 200 < len(failing(0.25)) < 300
    assert len(failing(1)) == 1000


def test_the_same_seed_selects_the_same_jobs() -> None:
    """The selection is the same each time; another seed selects others."""
    assert failing(0.25) == failing(0.25)
    assert failing(0.25) != failing(0.25, seed=1)


def test_a_larger_share_selects_more() -> None:
    """A job that fails at some share also fails at a larger one."""
    assert failing(0.25) < failing(0.5)


def test_attempts_are_selected_independently() -> None:
    """Names with a suffix fail independently, so that a retry can succeed."""
    behaviour = replace(RECORDED_BEHAVIOUR, failing_share=0.25)
    again = {name for name in failing(0.25) if find_failure(f"{name}-r1", FINE, behaviour)}

    assert 0 < len(again) < len(failing(0.25)) / 2


@pytest.mark.parametrize("word", FailureMode)
def test_the_failure_is_of_the_requested_kind(word: FailureMode) -> None:
    """Each kind has a message; data that request their own failure get that one."""
    behaviour = replace(RECORDED_BEHAVIOUR, failing_share=1.0, failing_with=word)
    message = find_failure("job", FINE, behaviour)
    asked = find_failure("job", {"s3Uri": "s3://acme/sandbox-fail-size"}, behaviour)

    (expected,) = (failure.message for failure in FAILURES if failure.mode is word)
    assert message is not None
    assert "{" not in message
    assert message.split("`")[0] == expected.split("`")[0]
    assert asked == "Maximum input token count 4097 exceeds limit of 4096"


def test_share_is_set_over_http(sandbox: Sandbox) -> None:
    """The share can be set so that every job fails, with the message of the kind."""
    sandbox.change_settings(failingShare=1, failingWith="capacity", failingSeed=7)
    sandbox.create("job")
    sandbox.advance(LONG_ENOUGH)

    shown = sandbox.get("job")

    assert shown["status"] == "Failed"
    assert "capacity" in shown["failureMessage"]
