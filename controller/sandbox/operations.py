"""The operations that are served: each takes a request that fits its shape, and answers."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.kind import Kind, Simulation
from controller.sandbox import refusal, tags
from controller.sandbox.behaviour import Behaviour
from controller.sandbox.caller import Caller
from controller.sandbox.catalog import BaseModel, model_named
from controller.sandbox.creation import course_of, made
from controller.sandbox.jobs import Job, Jobs, Query
from controller.sandbox.moments import moment_of
from controller.sandbox.showing import facts

Request = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """What one call sees: the store inside its transaction, the caller, and the one moment."""

    rows: sqlite3.Connection
    caller: Caller
    now: int
    behaviour: Behaviour


Handler = Callable[[Scope, Request], Answer]


@dataclass(frozen=True, slots=True)
class JobOperations:
    """Create, Get, List and Stop of one kind."""

    kind: Kind
    simulation: Simulation

    def handlers(self) -> dict[str, Handler]:
        """Return the operations by the names that the service gives them."""
        verbs = {"Create": self.create, "Get": self.get, "List": self.list_}
        if self.kind.stoppable:
            verbs["Stop"] = self.stop
        return {self.kind.operation(verb): handler for verb, handler in verbs.items()}

    def create(self, scope: Scope, request: Request) -> Answer:
        """A token that was used before answers with its job; a name that was used is refused."""
        jobs = self._jobs(scope)
        token = request.get(self.kind.token_member)
        earlier = jobs.with_token(token) if token else None
        if earlier:
            return {self.kind.arn_member: earlier.arn}
        if self.kind.unique_names and jobs.named(request[self.kind.name_member]):
            raise refusal.name_in_use()
        model = self._model(scope, jobs, request[self.simulation.model_member])
        course = course_of(self.kind, self.simulation, request, scope.now, scope.behaviour)
        job = made(self.kind, self.simulation, request, model, scope.caller, course)
        self._put_tags(scope, job, request)
        jobs.add(job, scope.caller, token, str(request[self.simulation.product_name_member]))
        return {self.kind.arn_member: job.arn}

    def get(self, scope: Scope, request: Request) -> Answer:
        """Get shows the job that a name or an ARN identifies."""
        return facts(self._named(scope, request), self.kind, self.simulation, scope.now)

    def list_(self, scope: Scope, request: Request) -> Answer:
        """A page holds the jobs that pass every filter, the newest first unless asked otherwise."""
        wanted = request.get("statusEquals")
        size = request.get("maxResults", scope.behaviour.page_size)
        page: list[Job] = []
        for job in self._jobs(scope).listed(_query(request)):
            if wanted and job.course.status(self.kind, scope.now) != wanted:
                continue
            if len(page) == size:
                return self._page(scope, page) | {"nextToken": _page_token(page[-1])}
            page.append(job)
        return self._page(scope, page)

    def stop(self, scope: Scope, request: Request) -> Answer:
        """A job that runs is Stopping at once; one that is over is left alone."""
        job = self._named(scope, request)
        status = job.course.status(self.kind, scope.now)
        if status in self.kind.terminal:
            raise refusal.conflict()
        if status not in self.kind.stopping:
            due = scope.now + round(scope.behaviour.stop_seconds * 1000)
            self._jobs(scope).stop(job, scope.now, due)
        return {}

    def tagged(self, scope: Scope, arn: str) -> bool:
        """Whether an ARN is that of a job, or of a product that is there."""
        job = self._jobs(scope).with_arn(arn)
        return job is not None and (job.arn == arn or self._is_made(scope, job))

    def _page(self, scope: Scope, page: list[Job]) -> Answer:
        shown = [facts(job, self.kind, self.simulation, scope.now) for job in page]
        return {self.kind.summaries_member: shown}

    def _jobs(self, scope: Scope) -> Jobs:
        return Jobs(scope.rows, self.kind, scope.caller)

    def _named(self, scope: Scope, request: Request) -> Job:
        job = self._jobs(scope).named(request[self.kind.identifier_member])
        if job is None:
            raise refusal.not_found()
        return job

    def _is_made(self, scope: Scope, job: Job) -> bool:
        return job.course.status(self.kind, scope.now) in self.kind.succeeded

    def _model(self, scope: Scope, jobs: Jobs, identifier: str) -> BaseModel:
        """Return the base model behind any of the ways to name one; a product has its maker's."""
        _, found, rest = identifier.partition(":foundation-model/")
        if found:
            return model_named(rest)
        _, found, rest = identifier.partition(f":{self.simulation.product}/")
        if found:
            return model_named(rest.rpartition("/")[0])
        if "." in identifier:
            return model_named(identifier)
        for maker in jobs.makers(identifier):
            if self._is_made(scope, maker):
                return model_named(maker.model)
        raise refusal.unknown_model()

    def _put_tags(self, scope: Scope, job: Job, request: Request) -> None:
        limit = scope.behaviour.tags_per_resource
        for arn, member in (
            (job.arn, self.simulation.job_tags_member),
            (job.product_arn, self.simulation.product_tags_member),
        ):
            wanted = tags.merged(scope.rows, arn, request.get(member, []))
            if len(wanted) > limit:
                raise refusal.too_many_tags(limit, arn)
            tags.put(scope.rows, arn, wanted)


@dataclass(frozen=True, slots=True)
class TagOperations:
    """TagResource, UntagResource and ListTagsForResource, over every kind that is served."""

    owners: tuple[JobOperations, ...]

    def handlers(self) -> dict[str, Handler]:
        """Return the operations by the names that the service gives them."""
        return {
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_,
        }

    def tag(self, scope: Scope, request: Request) -> Answer:
        """Tags are added, all of them or none."""
        arn = self._resource(scope, request)
        wanted = tags.merged(scope.rows, arn, request["tags"])
        if len(wanted) > scope.behaviour.tags_per_resource:
            raise refusal.too_many_tags(scope.behaviour.tags_per_resource, arn)
        tags.put(scope.rows, arn, wanted)
        return {}

    def untag(self, scope: Scope, request: Request) -> Answer:
        """Tags are taken away; keys that are not there are no error."""
        tags.drop(scope.rows, self._resource(scope, request), request["tagKeys"])
        return {}

    def list_(self, scope: Scope, request: Request) -> Answer:
        """A resource's tags are listed in the order of their keys."""
        return {"tags": tags.listed(scope.rows, self._resource(scope, request))}

    def _resource(self, scope: Scope, request: Request) -> str:
        arn = str(request["resourceARN"])
        if not any(owner.tagged(scope, arn) for owner in self.owners):
            raise refusal.not_found()
        return arn


def _query(request: Request) -> Query:
    """Return what a List asks for, status apart: that one depends on the time."""
    return Query(
        newest_first=request.get("sortOrder") != "Ascending",
        name_contains=request.get("nameContains", ""),
        after=_moment(request, "creationTimeAfter"),
        before=_moment(request, "creationTimeBefore"),
        beyond=_place(request.get("nextToken")),
    )


def _moment(request: Request, member: str) -> int | None:
    return moment_of(request[member]) if member in request else None


def _page_token(last: Job) -> str:
    place = json.dumps([last.course.created, last.number])
    return base64.urlsafe_b64encode(place.encode()).decode()


def _place(token: str | None) -> tuple[int, int] | None:
    """Return the place that a page token stands for."""
    if token is None:
        return None
    try:
        created, number = json.loads(base64.urlsafe_b64decode(token))
        return int(created), int(number)
    except (binascii.Error, TypeError, ValueError):
        raise refusal.invalid("The provided nextToken is invalid.") from None
