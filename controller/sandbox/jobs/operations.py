"""The simulated operations; requests are already validated against their shapes."""

from __future__ import annotations

import base64
import binascii
import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.kinds.kind import Kind, Simulation
from controller.sandbox.jobs import quota, tags
from controller.sandbox.jobs.base_models import BaseModel, find_model
from controller.sandbox.jobs.behaviour import Behaviour, JobNames, ModelNames, TokenMismatch
from controller.sandbox.jobs.create import build_job, compute_digest, plan_timeline
from controller.sandbox.jobs.faults import NO_FAULTS, FaultKind, InjectedFaults
from controller.sandbox.jobs.jobs import Job, JobQuery, JobTable
from controller.sandbox.jobs.responses import describe_job
from controller.sandbox.state import api_errors
from controller.sandbox.state.caller import Caller
from controller.sandbox.state.sim_clock import parse_moment

Request = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallContext:
    """The context of one call: the store within a transaction, the caller, and the time."""

    rows: sqlite3.Connection
    caller: Caller
    now: int
    behaviour: Behaviour
    faults: InjectedFaults = NO_FAULTS


Handler = Callable[[CallContext, Request], Answer]


@dataclass(frozen=True, slots=True)
class JobOperations:
    """Create, Get, List and Stop of one kind."""

    kind: Kind
    simulation: Simulation

    def get_handlers(self) -> dict[str, Handler]:
        """Return the handlers by the service's names of the operations."""
        verbs = {"Create": self.create, "Get": self.get, "List": self.list_}
        if self.kind.stoppable:
            verbs["Stop"] = self.stop
        return {self.kind.get_operation(verb): handler for verb, handler in verbs.items()}

    def create(self, context: CallContext, request: Request) -> Answer:
        """Create a job; a known token returns its job, and a used name is rejected."""
        jobs = JobTable(context.rows, self.kind, context.caller)
        kind, simulation, behaviour = self.kind, self.simulation, context.behaviour
        earlier = self._find_replayed(context, jobs, request)
        if earlier:
            return {kind.arn_member: earlier.arn}
        # After the token: a retry of the same request must not fail because of its own name.
        namesakes = self._check_names(context, jobs, request)
        model = self._resolve_model(context, jobs, request[simulation.model_member])
        starts = quota.plan_start(context.rows, jobs.lane, behaviour, context.now)
        if starts is None:
            raise api_errors.over_quota(behaviour.quota or 0)
        timeline = plan_timeline(
            kind, simulation, request, behaviour, now=context.now, starts=starts
        )
        job = build_job(kind, simulation, request, model, context.caller, timeline, namesakes)
        self._put_tags(context, job, request)
        token = request.get(kind.token_member)
        jobs.add(job, context.caller, token, str(request[simulation.product_name_member]))
        return {kind.arn_member: job.arn}

    def get(self, context: CallContext, request: Request) -> Answer:
        """Return the members of the job with a name or an ARN."""
        seen = _compute_read_time(context, context.behaviour.get_lag, FaultKind.STALE_GET)
        shown = describe_job(
            self._get_job(context, request, seen),
            self.kind,
            self.simulation,
            _resolve_moment(context, seen),
        )
        return context.faults.apply_to(shown, self.kind)

    def list_(self, context: CallContext, request: Request) -> Answer:
        """Return a page of the jobs that match all filters, the newest first by default."""
        wanted = request.get("statusEquals")
        size = request.get("maxResults", context.behaviour.page_size)
        seen = _compute_read_time(context, context.behaviour.list_lag, FaultKind.STALE_LIST)
        now = _resolve_moment(context, seen)
        page: list[Job] = []
        for job in JobTable(context.rows, self.kind, context.caller, seen).list_jobs(
            _parse_query(request)
        ):
            # Filtered here, because the status depends on the time and is not in the store.
            if wanted and job.timeline.get_status(self.kind, now) != wanted:
                continue
            # One more match exists, so there is a next page.
            if len(page) == size:
                return self._build_page(context, page, now) | {
                    "nextToken": _encode_page_token(page[-1])
                }
            page.append(job)
        return self._build_page(context, page, now)

    def stop(self, context: CallContext, request: Request) -> Answer:
        """Stop a running job, which is Stopping at once; a job that has ended is a conflict."""
        job = self._get_job(context, request)
        status = job.timeline.get_status(self.kind, context.now)
        if status in self.kind.terminal:
            raise api_errors.conflict()
        if status not in self.kind.stopping:
            due = context.now + round(context.behaviour.stop_seconds * 1000)
            jobs = JobTable(context.rows, self.kind, context.caller)
            jobs.stop(job, context.now, due)
            # The stopped job frees a slot for a waiting one.
            quota.schedule_queue(context.rows, jobs.lane, context.behaviour, context.now)
        return {}

    def has_resource(self, context: CallContext, arn: str) -> bool:
        """Whether an ARN is that of a job, or of a model that exists."""
        job = JobTable(context.rows, self.kind, context.caller).find_by_arn(arn)
        return job is not None and (job.arn == arn or self._has_product(context, job))

    def _build_page(self, context: CallContext, page: list[Job], now: int) -> Answer:
        shown = [
            context.faults.apply_to(describe_job(job, self.kind, self.simulation, now), self.kind)
            for job in page
        ]
        return {self.kind.summaries_member: shown}

    def _find_replayed(self, context: CallContext, jobs: JobTable, request: Request) -> Job | None:
        """Return the job that the request's token created, if the token is still valid."""
        token = request.get(self.kind.token_member)
        earlier = jobs.find_by_token(token) if token else None
        if earlier is None or not context.behaviour.is_token_valid(
            earlier.timeline.created, context.now
        ):
            return None
        strict = context.behaviour.token_mismatch is TokenMismatch.CONFLICT
        if strict and earlier.digest not in {None, compute_digest(self.kind, request)}:
            raise api_errors.conflict()
        return earlier

    def _check_names(self, context: CallContext, jobs: JobTable, request: Request) -> int:
        """Return the number of jobs with the request's name; reject names that must be unique."""
        namesakes = jobs.count_by_name(request[self.kind.name_member])
        unique = self.kind.unique_names and context.behaviour.job_names is JobNames.UNIQUE
        if namesakes and unique:
            raise api_errors.name_in_use()
        if context.behaviour.model_names is ModelNames.UNIQUE:
            product = str(request[self.simulation.product_name_member])
            # A job that failed or was stopped produces no model, so its model name is free.
            spared = self.kind.failed | self.kind.stopped
            for maker in jobs.list_by_product_name(product):
                if maker.timeline.get_status(self.kind, context.now) not in spared:
                    raise api_errors.model_name_in_use()
        return namesakes

    def _get_job(self, context: CallContext, request: Request, seen: int | None = None) -> Job:
        jobs = JobTable(context.rows, self.kind, context.caller, seen)
        job = jobs.find_by_identifier(request[self.kind.identifier_member])
        if job is None:
            raise api_errors.not_found()
        return job

    def _has_product(self, context: CallContext, job: Job) -> bool:
        return job.timeline.get_status(self.kind, context.now) in self.kind.succeeded

    def _resolve_model(self, context: CallContext, jobs: JobTable, identifier: str) -> BaseModel:
        """Return the base model for any identifier; that of a custom model is its job's."""
        _, found, rest = identifier.partition(":foundation-model/")
        if found:
            return find_model(rest)
        _, found, rest = identifier.partition(f":{self.simulation.product}/")
        if found:
            return find_model(rest.rpartition("/")[0])
        if "." in identifier:
            return find_model(identifier)
        for maker in jobs.list_by_product_name(identifier):
            if self._has_product(context, maker):
                return find_model(maker.model)
        raise api_errors.unknown_model()

    def _put_tags(self, context: CallContext, job: Job, request: Request) -> None:
        limit = context.behaviour.tags_per_resource
        for member, carrier in self.kind.tagged.items():
            arn = job.arn if carrier == self.kind.arn_member else job.product_arn
            tags.add(context.rows, arn, request.get(member, []), most=limit)


@dataclass(frozen=True, slots=True)
class TagOperations:
    """TagResource, UntagResource and ListTagsForResource for all simulated kinds."""

    owners: tuple[JobOperations, ...]

    def get_handlers(self) -> dict[str, Handler]:
        """Return the handlers by the service's names of the operations."""
        return {
            "TagResource": self.add_tags,
            "UntagResource": self.remove_tags,
            "ListTagsForResource": self.list_tags,
        }

    def add_tags(self, context: CallContext, request: Request) -> Answer:
        """Add tags, all of them or none."""
        arn = self._get_resource(context, request)
        tags.add(context.rows, arn, request["tags"], most=context.behaviour.tags_per_resource)
        return {}

    def remove_tags(self, context: CallContext, request: Request) -> Answer:
        """Remove tags; keys that the resource does not have are ignored."""
        tags.remove(context.rows, self._get_resource(context, request), request["tagKeys"])
        return {}

    def list_tags(self, context: CallContext, request: Request) -> Answer:
        """Return a resource's tags in the order of their keys."""
        return {"tags": tags.list_tags(context.rows, self._get_resource(context, request))}

    def _get_resource(self, context: CallContext, request: Request) -> str:
        arn = str(request["resourceARN"])
        if not any(owner.has_resource(context, arn) for owner in self.owners):
            raise api_errors.not_found()
        return arn


def _compute_read_time(context: CallContext, lag: float, stale: FaultKind) -> int | None:
    """Return the moment whose state a read shows, or None for the current state."""
    seconds = lag + context.faults.sum_seconds(stale)
    if not context.faults.has(stale) and not lag:
        return None
    # Before 1970 no job exists: an infinitely stale read shows an empty service.
    return -1 if math.isinf(seconds) else context.now - round(seconds * 1000)


def _resolve_moment(context: CallContext, seen: int | None) -> int:
    return context.now if seen is None else seen


def _parse_query(request: Request) -> JobQuery:
    """Return the filters of a List, except the status, which depends on the time."""
    return JobQuery(
        newest_first=request.get("sortOrder") != "Ascending",
        name_contains=request.get("nameContains", ""),
        after=_parse_moment(request, "creationTimeAfter"),
        before=_parse_moment(request, "creationTimeBefore"),
        after_position=_decode_page_token(request.get("nextToken")),
    )


def _parse_moment(request: Request, member: str) -> int | None:
    return parse_moment(request[member]) if member in request else None


def _encode_page_token(last: Job) -> str:
    place = json.dumps([last.timeline.created, last.number])
    return base64.urlsafe_b64encode(place.encode()).decode()


def _decode_page_token(token: str | None) -> tuple[int, int] | None:
    """Return the position that a page token encodes."""
    if token is None:
        return None
    try:
        created, number = json.loads(base64.urlsafe_b64decode(token))
        return int(created), int(number)
    except (binascii.Error, TypeError, ValueError):
        raise api_errors.invalid("The provided nextToken is invalid.") from None
