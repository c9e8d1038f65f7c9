"""The simulated service without its transport: handles requests and records them."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from botocore.loaders import create_loader
from botocore.model import ServiceModel

from controller.core.kinds.registry import KINDS
from controller.sandbox.http.foreign_answers import build_foreign_response
from controller.sandbox.http.rest_json import (
    Route,
    build_route,
    filter_members,
    find_route,
    parse_members,
)
from controller.sandbox.jobs import settings
from controller.sandbox.jobs.faults import NO_FAULTS, FaultKind, InjectedFaults
from controller.sandbox.jobs.operations import CallContext, Handler, JobOperations, TagOperations
from controller.sandbox.jobs.param_validation import validate_request
from controller.sandbox.state import journal, sts
from controller.sandbox.state.api_errors import ApiError, get_status
from controller.sandbox.state.caller import Caller, parse_caller
from controller.sandbox.state.journal import JournalLine
from controller.sandbox.state.sim_clock import format_moment
from controller.sandbox.state.store import Store

_log = logging.getLogger(__name__)
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it was received; ``path`` is still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str

    @property
    def is_sts(self) -> bool:
        """Whether this is a call in the query protocol, which only STS uses."""
        kind = self.headers.get("content-type", "")
        return self.method == "POST" and self.path == "/" and kind.startswith(_FORM)


@dataclass(frozen=True, slots=True)
class RawReply:
    """The response: status, body, and headers except those of the transport."""

    status: int
    body: str | bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """The simulated Bedrock and STS over one store.

    ``account`` is the account of callers that have not assumed a role.
    """

    store: Store
    account: str

    def pick_faults(self, received: RawRequest) -> InjectedFaults:
        """Return the faults that apply to a request, and count the call for them."""
        # The common case: without faults, no write transaction is needed.
        if not settings.has_faults(self.store.rows):
            return NO_FAULTS
        with self.store.transaction() as rows:
            return settings.pick_faults(rows, _find_operation(received))

    def answer(self, received: RawRequest, faults: InjectedFaults = NO_FAULTS) -> RawReply | None:
        """Record a request and return its response, or None to reset the connection."""
        caller = parse_caller(received.headers, self.account)
        line = JournalLine(
            service="sts" if received.is_sts else "bedrock",
            operation="",
            account=caller.account,
            region=caller.region,
            method=received.method,
            path=received.path,
            query=received.query,
            body=received.body,
            status=0,
            code=None,
            # Set when the line is written, in the order of the transactions.
            at="",
            fault=faults.names,
        )
        # Status 0 marks a call that was not carried out.
        if faults.has(FaultKind.RESET_BEFORE):
            self._record_call(replace(line, operation=_find_operation(received)), 0, None)
            return None
        if faults.replacement is not None and faults.replacement.before:
            self._record_call(replace(line, operation=_find_operation(received)), 0, None)
            return _replace_reply(RawReply(200, ""), faults.replacement.kind)
        answer = self._answer_sts if received.is_sts else self._answer_bedrock
        reply = answer(received, caller, line, faults)
        if faults.replacement is not None:
            reply = _replace_reply(reply, faults.replacement.kind)
        # Only now: the call took effect, and only its response is lost.
        return None if faults.has(FaultKind.RESET_AFTER) else reply

    def _answer_sts(
        self, received: RawRequest, caller: Caller, line: JournalLine, faults: InjectedFaults
    ) -> RawReply:
        form = sts.parse_form(received.body)
        error = faults.error
        if error is None:
            answer = sts.answer(form, caller, time.time())
        else:
            answer = sts.build_error_answer(get_status(error.code, {}), error.code, error.message)
        self._record_call(
            replace(line, operation=form.get("Action", ""), members=form),
            answer.status,
            answer.code,
        )
        return RawReply(answer.status, answer.xml, {"content-type": "text/xml"})

    def _answer_bedrock(
        self, received: RawRequest, caller: Caller, line: JournalLine, faults: InjectedFaults
    ) -> RawReply:
        declared: Mapping[str, int] = {}
        try:
            route, labels = find_route(load_routes(), received.method, received.path)
            declared = route.error_statuses
            # Known so far, in case the members cannot be parsed.
            line = replace(line, operation=route.name)
            members = parse_members(route, labels, received.query, received.body)
            line = replace(line, members=members)
            return self._execute(route, members, caller, line, faults)
        except ApiError as error:
            status = get_status(error.code, declared)
            self._record_call(line, status, error.code)
            return _build_error_reply(error, status)
        # A defect must reach the client as an error of the service, and the log as a traceback.
        except Exception as error:
            _log.exception("the sandbox failed to execute %s", line.operation)
            self._record_call(line, 500, "InternalServerException")
            return _build_error_reply(
                ApiError("InternalServerException", f"Sandbox: {error!r}"), 500
            )

    def _execute(
        self,
        route: Route,
        members: Mapping[str, Any],
        caller: Caller,
        line: JournalLine,
        faults: InjectedFaults,
    ) -> RawReply:
        """Execute an operation and record it in the same transaction."""
        # Before validation, like a service that throttles requests it has not parsed.
        if faults.error is not None:
            raise faults.error
        validate_request(route.request_shape, members)
        with self.store.transaction() as rows:
            # Read within the transaction, so that the order of times is that of the commits.
            now = self.store.get_clock().get_moment(time.time())
            context = CallContext(rows, caller, now, settings.load_behaviour(rows), faults)
            answer = route.handler(context, members)
            journal.write(rows, replace(line, status=route.status, at=format_moment(now)))
        return RawReply(
            route.status,
            json.dumps(filter_members(route.response_shape, answer)),
            _build_json_headers(),
        )

    def _record_call(self, line: JournalLine, status: int, code: str | None) -> None:
        with self.store.transaction() as rows:
            at = format_moment(self.store.get_clock().get_moment(time.time()))
            journal.write(rows, replace(line, status=status, code=code, at=at))


@cache
def load_routes() -> tuple[Route, ...]:
    """Return the routes of all operations of simulated kinds, and of tags."""
    model = ServiceModel(create_loader().load_service_model("bedrock", "service-2"), "bedrock")
    owners = tuple(
        JobOperations(kind, kind.simulation)
        for kind in KINDS.values()
        if kind.simulation is not None
    )
    handlers: dict[str, Handler] = TagOperations(owners).get_handlers()
    for owner in owners:
        handlers |= owner.get_handlers()
    return tuple(
        build_route(model.operation_model(name), handler) for name, handler in handlers.items()
    )


def _find_operation(received: RawRequest) -> str:
    """Return the name of a request's operation, or nothing for an unknown one."""
    if received.is_sts:
        return sts.parse_form(received.body).get("Action", "")
    try:
        return find_route(load_routes(), received.method, received.path)[0].name
    except ApiError:
        return ""


def _replace_reply(reply: RawReply, kind: FaultKind) -> RawReply:
    """Return the response with which a fault replaces another."""
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    found = build_foreign_response(kind, reply.status, body)
    return RawReply(found.status, found.body, found.headers)


def _build_error_reply(error: ApiError, status: int) -> RawReply:
    content = json.dumps({"message": error.message, **error.members})
    return RawReply(status, content, {**_build_json_headers(), "x-amzn-errortype": error.code})


def _build_json_headers() -> dict[str, str]:
    return {"content-type": "application/json", "x-amzn-requestid": str(uuid.uuid4())}
