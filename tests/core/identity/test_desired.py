"""Desired jobs: a submission for a valid manifest, only a name for an invalid one."""

from __future__ import annotations

from typing import Any

import pytest

from controller.core.identity.desired import build_desired
from controller.core.identity.tokens import derive_submission
from controller.core.model import (
    JobKey,
    Manifest,
    Problem,
    Source,
    Target,
)
from controller.core.policy import Policy, State
from tests.core.cases import OFFERED, SPEC

KEY = JobKey(OFFERED.name, "support-bot")
SOURCE = Source("jobs/support-bot.yaml", 4, 9)
PROBLEM = Problem("BJ204", "roleArn is missing", SOURCE)
FALLBACK = Target("us-east-1", "123456789012", "arn:aws:iam::123456789012:role/BedrockJobs")


def manifest(**changes: Any) -> Manifest:
    """Return a valid manifest with some parts changed."""
    given: dict[str, Any] = {"key": KEY, "source": SOURCE, "spec": SPEC, **changes}
    return Manifest(**given)


def test_valid_manifest_has_its_submission() -> None:
    """A valid manifest has exactly the submission that identity derives."""
    made = build_desired(manifest(), OFFERED, "acme-ml", Target())

    assert made.submission == derive_submission(OFFERED, SPEC, "support-bot", "acme-ml")
    assert made.name == "support-bot"
    assert made.problems == ()


def test_job_name_of_the_spec_is_used() -> None:
    """A job name in the spec is used, whatever the manifest is named."""
    made = build_desired(manifest(spec={**SPEC, "jobName": "another"}), OFFERED, "", Target())

    assert made.name == "another"
    assert made.submission is not None
    assert made.submission.name == "another"


@pytest.mark.parametrize(
    ("given", "outside"),
    [
        (manifest(spec=None, problems=(PROBLEM,)), ()),
        (manifest(problems=(PROBLEM,)), ()),
        (manifest(), (PROBLEM,)),
        (manifest(spec=None), ()),
    ],
    ids=["unread", "with problems", "problem from outside", "without a spec"],
)
def test_invalid_manifest_only_has_a_name(given: Manifest, outside: tuple[Problem, ...]) -> None:
    """An invalid manifest has nothing to submit, but a job to look up."""
    made = build_desired(given, OFFERED, "acme-ml", Target(), outside)

    assert made.submission is None
    assert made.name == "support-bot"
    assert made.problems == given.problems + outside


@pytest.mark.parametrize(
    ("own", "resolved"),
    [
        (Target(), FALLBACK),
        (Target("us-west-2"), Target("us-west-2", "123456789012", FALLBACK.assume_role_arn)),
        (
            Target(None, "999999999999"),
            Target("us-east-1", "999999999999", FALLBACK.assume_role_arn),
        ),
    ],
)
def test_target_fills_its_gaps(own: Target, resolved: Target) -> None:
    """The fleet's target fills the gaps of a manifest's."""
    assert build_desired(manifest(target=own), OFFERED, "", FALLBACK).target == resolved


def test_policy_and_labels_are_taken_over() -> None:
    """Policy and labels are passed on unchanged."""
    policy, labels = Policy(state=State.STOPPED, priority=7), {"team": "support"}
    made = build_desired(manifest(policy=policy, labels=labels), OFFERED, "", Target())

    assert (made.policy, made.labels, made.key, made.source) == (policy, labels, KEY, SOURCE)


def test_owner_changes_only_the_token() -> None:
    """Two owners have the same digest under different tokens."""
    one, other = (
        build_desired(manifest(), OFFERED, owner, Target()).submission for owner in ("a", "b")
    )

    assert one is not None
    assert other is not None
    assert one.digest == other.digest
    assert one.token != other.token
