from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import pytest

from controller.core.kinds.kind import Kind
from controller.core.model import JobSummary, LiveJob, Place, Target
from controller.ports import Cloud
from tests.machine.service import Walks
from tests.machine.walking import Broken, walk, walks

WALKS, STEPS, SEED = 10, 30, 1


def test_random_lives_pay_for_nothing_twice() -> None:
    """A fixed set of walks through edits, losses, crashes and faults holds every invariant."""
    with walks() as made:
        walk(made, WALKS, STEPS, seed=SEED)

    assert made.steps > WALKS * STEPS // 2


@dataclass(frozen=True, slots=True)
class Through:
    """A cloud that passes every call on; those below each do one thing that none may do."""

    inner: Cloud

    def get_place(self, target: Target) -> Place:
        """Return where the target's credentials act."""
        return self.inner.get_place(target)

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job by name or ARN, or None."""
        return self.inner.get(kind, target, identifier)

    def list_jobs(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[JobSummary, ...]:
        """Return every job's summary."""
        return self.inner.list_jobs(kind, target, status=status, most=most)

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""
        return self.inner.create(kind, target, request, token)

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        self.inner.stop(kind, target, arn)

    def get_tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a resource."""
        return self.inner.get_tags(target, arn)

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Give a resource tags."""
        self.inner.add_tags(target, arn, tags)

    def remove_tags(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Take tags from a resource."""
        self.inner.remove_tags(target, arn, keys)


class RandomToken(Through):
    """Every Create has a token of its own."""

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit under a token that no manifest has."""
        return self.inner.create(kind, target, request, f"{token[:13]}{secrets.token_hex(32)}")


class HastyStop(Through):
    """What is created is stopped."""

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit, and stop what is there."""
        arn = self.inner.create(kind, target, request, token)
        self.inner.stop(kind, target, arn)
        return arn


class OldNews(Through):
    """A job that ended is shown as running."""

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job with another status than it has."""
        live = self.inner.get(kind, target, identifier)
        if live is None or live.status not in kind.terminal:
            return live
        members = {**live.members, kind.status_member: kind.listed_as_active}
        return LiveJob(live.arn, live.name, kind.listed_as_active, live.token, members)


class NeverAgain(Through):
    """Nothing is submitted, and an ARN is answered."""

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Return the ARN of no job."""
        return "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/none/none"


class CleanSweep(Through):
    """Who tags a resource takes away what was there."""

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Leave a resource with these tags alone."""
        self.inner.remove_tags(target, arn, self.inner.get_tags(target, arn).keys())
        self.inner.add_tags(target, arn, tags)


class AlwaysHealing(Through):
    """Every failure is told as one that can heal."""

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job with another failure than it has."""
        live = self.inner.get(kind, target, identifier)
        if live is None or live.status not in kind.failed:
            return live
        members = {**live.members, kind.failure_member: "Internal server error"}
        return LiveJob(live.arn, live.name, live.status, live.token, members)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (RandomToken, "nobody asked for"),
        (HastyStop, "stopped unasked"),
        (OldNews, "and the job is"),
        (NeverAgain, "no job"),
        (CleanSweep, "lost a tag"),
        (AlwaysHealing, "before it was due"),
    ],
)
def test_machine_objects(broken: Broken, told: str) -> None:
    """A controller that reaches the service wrongly is found out, and how is told."""
    with walks(broken) as made:
        assert any(told in objection for objection in islice(_objections(made), 40))


def _objections(made: Walks) -> Iterator[str]:
    """Yield what is told of walks, a few at a time: of several things, the first that is met."""
    for seed in count(SEED):
        try:
            walk(made, 10, 20, seed=seed)
        except AssertionError as error:
            yield str(error)
        else:
            yield ""
