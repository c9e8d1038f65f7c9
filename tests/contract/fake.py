"""A cloud in memory that behaves like the AWS adapter over the sandbox, as contract tests check.

Tests of the engine use it: they count its calls and make them fail.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controller.core.call_errors import NAME_IN_USE, make_failure
from controller.core.kinds.kind import Kind
from controller.core.model import CallFailure, JobSummary, LiveJob, Place, Target
from controller.ports import CloudError, ListingTooLongError
from tests.contract.showing import ACCOUNT, REGION, arn_of, product_of, shown

PAGE = 1000
TAGS_PER_RESOURCE = 50
CREATED = "2026-01-01T08:00:00.000Z"
ENDED = "2026-01-01T09:00:00.000Z"


@dataclass
class Fake:
    """The Cloud port over a dictionary.

    ``failing`` maps an operation, or an operation and its argument, to the failure of each such
    call; ``losing`` does the same after the call has taken effect. ``lag`` is the number of Gets
    that do not show an existing job, only of ``late`` if that names one. ``later_pages_fail`` lets
    only the first page of a listing succeed. ``kept_tags`` holds the tags of jobs and their outputs
    by ARN, those of outputs even before they exist. ``watcher`` is called before each call takes
    effect.
    """

    jobs: dict[Place, dict[str, LiveJob]] = field(default_factory=lambda: defaultdict(dict))
    kept_tags: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    calls: list[tuple[str, str]] = field(default_factory=list)
    failing: dict[str | tuple[str, str], CallFailure] = field(default_factory=dict)
    losing: dict[str, CallFailure] = field(default_factory=dict)
    lag: int = 0
    late: str = ""
    later_pages_fail: CallFailure | None = None
    watcher: Callable[[str, str], None] = lambda _operation, _argument: None
    account: str = ACCOUNT
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get_place(self, target: Target) -> Place:
        """Return the role's own account, or the default one."""
        role = target.assume_role_arn
        self._called("Place", role or "")
        return Place(role.split(":")[4] if role else self.account, target.region or REGION)

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job by name or ARN."""
        self._called("Get", identifier)
        for live in self._jobs(target).values():
            if identifier in {live.name, live.arn}:
                self.lag -= self.late in {"", live.name}
                return live if self.lag < 0 or self.late not in {"", live.name} else None
        return None

    def list_jobs(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[JobSummary, ...]:
        """Return the summaries of all jobs, newest first; each page counts as a call."""
        found = [
            JobSummary(live.arn, live.name, live.status, live.members.get(kind.modified_member), {})
            for live in reversed(self._jobs(target).values())
            if status in {None, live.status}
        ]
        for page in range(max(1, -(-len(found) // PAGE))):
            if page == most:
                raise ListingTooLongError
            self._called("List", status or "")
            if page and self.later_pages_fail:
                raise CloudError(self.later_pages_fail)
        return tuple(found)

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Return the job of a token that was used; refuse a name that was used."""
        name = str(request[kind.name_member])
        self._called("Create", name)
        with self._lock:
            jobs = self._jobs(target)
            for live in jobs.values():
                if live.members.get(kind.token_member) == token:
                    return live.arn
            if name in jobs:
                raise CloudError(make_failure("ValidationException", NAME_IN_USE, reading=False))
            jobs[name] = self._made(kind, target, request, token, len(jobs))
            self._keep_tags(kind, jobs[name].arn, request)
        self._lost("Create")
        return jobs[name].arn

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Stop a running job; stopping one that ended is a conflict."""
        self._called("Stop", arn)
        live = next((one for one in self._jobs(target).values() if one.arn == arn), None)
        if live is None:
            raise CloudError(
                make_failure("ResourceNotFoundException", "no such job", reading=False)
            )
        if live.status in kind.terminal:
            raise CloudError(make_failure("ConflictException", "it has ended", reading=False))
        self.turn(kind, live.name, min(kind.stopping), target)
        self._lost("Stop")

    def get_tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return the tags of a job, or of an output that exists."""
        self._called("Tags", arn)
        return dict(self._carried(target, arn, reading=True))

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Add all of the tags or none; the service's own keys are refused."""
        self._called("Tag", arn)
        kept = self._carried(target, arn, reading=False)
        _refuse_reserved(tags)
        if sum(not key.startswith("aws:") for key in {*kept, *tags}) > TAGS_PER_RESOURCE:
            raise CloudError(make_failure("TooManyTagsException", "too many tags", reading=False))
        kept |= tags
        self._lost("Tag")

    def remove_tags(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Remove tags, including ones that do not exist; the service's own keys are refused."""
        self._called("Untag", arn)
        kept = self._carried(target, arn, reading=False)
        _refuse_reserved(keys)
        for key in keys:
            kept.pop(key, None)
        self._lost("Untag")

    def turn(
        self, kind: Kind, name: str, status: str, target: Target | None = None, **more: str
    ) -> None:
        """Change a job's status and add members."""
        jobs = self._jobs(target or Target())
        ended = {kind.ended_member: ENDED} if status in kind.terminal else {}
        if status in kind.succeeded:
            made = product_of(kind, jobs[name].arn)
            ended |= dict.fromkeys(_product_members(kind), made)
        members = {
            **jobs[name].members,
            kind.status_member: status,
            kind.modified_member: ENDED,
            **ended,
            **more,
        }
        jobs[name] = replace(jobs[name], status=status, members=members)

    def count(self) -> dict[str, int]:
        """Return how often each operation of Bedrock was called; STS is not counted."""
        return dict(Counter(operation for operation, _ in self.calls if operation != "Place"))

    def _jobs(self, target: Target) -> dict[str, LiveJob]:
        role = target.assume_role_arn
        account = role.split(":")[4] if role else self.account
        return self.jobs[Place(account, target.region or REGION)]

    def _keep_tags(self, kind: Kind, arn: str, request: Mapping[str, Any]) -> None:
        for member, carrier in kind.tagged.items():
            carrying = arn if carrier == kind.arn_member else product_of(kind, arn)
            self.kept_tags[carrying] |= {
                tag["key"]: tag["value"] for tag in request.get(member, ())
            }

    def _carried(self, target: Target, arn: str, *, reading: bool) -> dict[str, str]:
        jobs = self._jobs(target).values()
        if not any(arn == live.arn or arn in live.members.values() for live in jobs):
            code = "ResourceNotFoundException"
            raise CloudError(make_failure(code, "no such resource", reading=reading))
        return self.kept_tags[arn]

    def _lost(self, operation: str) -> None:
        if operation in self.losing:
            raise CloudError(self.losing[operation])

    def _called(self, operation: str, argument: str) -> None:
        with self._lock:
            self.calls.append((operation, argument))
        self.watcher(operation, argument)
        found = self.failing.get((operation, argument)) or self.failing.get(operation)
        if found is not None:
            raise CloudError(found)

    def _made(
        self, kind: Kind, target: Target, request: Mapping[str, Any], token: str, number: int
    ) -> LiveJob:
        role = target.assume_role_arn
        account = role.split(":")[4] if role else self.account
        region = target.region or REGION
        arn = arn_of(kind, f"job{number:09}", account, region)
        status = kind.listed_as_active
        members = {
            **shown(kind, request, region),
            kind.arn_member: arn,
            kind.status_member: status,
            kind.created_member: CREATED,
            kind.modified_member: CREATED,
            **({kind.token_member: token} if kind.echoes_token else {}),
        }
        name = str(request[kind.name_member])
        return LiveJob(arn, name, status, token if kind.echoes_token else None, members)


def _product_members(kind: Kind) -> set[str]:
    return set(kind.tagged.values()) - {kind.arn_member}


def _refuse_reserved(keys: Collection[str]) -> None:
    if any(key.startswith("aws:") for key in keys):
        raise CloudError(make_failure("ValidationException", "reserved key", reading=False))
