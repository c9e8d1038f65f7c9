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
from controller.sandbox.jobs.faults import UNHARMED, FaultKind, InjectedFaults
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
        if not settings.has_faults(self.store.rows):
            return UNHARMED
        with self.store.transaction() as rows:
            return settings.pick_faults(rows, _find_operation(received))

    def answer(self, received: RawRequest, fate: InjectedFaults = UNHARMED) -> RawReply | None:
        """Record a request and return its response, or None to reset the connection."""
        caller = parse_caller(received.headers, self.account)
        entry = JournalLine(
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
            at="",
            fault=fate.names,
        )
        if fate.has(FaultKind.RESET_BEFORE):
            self._record_call(replace(entry, operation=_find_operation(received)), 0, None)
            return None
        if fate.replacement is not None and fate.replacement.before:
            self._record_call(replace(entry, operation=_find_operation(received)), 0, None)
            return _replace_reply(RawReply(200, ""), fate.replacement.kind)
        answer = self._answer_sts if received.is_sts else self._answer_bedrock
        reply = answer(received, caller, entry, fate)
        if fate.replacement is not None:
            reply = _replace_reply(reply, fate.replacement.kind)
        return None if fate.has(FaultKind.RESET_AFTER) else reply

    def _answer_sts(
        self, received: RawRequest, caller: Caller, entry: JournalLine, fate: InjectedFaults
    ) -> RawReply:
        form = sts.parse_form(received.body)
        told = fate.error
        if told is None:
            answer = sts.answer(form, caller, time.time())
        else:
            answer = sts.build_error_answer(get_status(told.code, {}), told.code, told.message)
        self._record_call(
            replace(entry, operation=form.get("Action", ""), members=form),
            answer.status,
            answer.code,
        )
        return RawReply(answer.status, answer.xml, {"content-type": "text/xml"})

    def _answer_bedrock(
        self, received: RawRequest, caller: Caller, entry: JournalLine, fate: InjectedFaults
    ) -> RawReply:
        declared: Mapping[str, int] = {}
        try:
            route, labels = find_route(load_routes(), received.method, received.path)
            declared = route.error_statuses
            entry = replace(entry, operation=route.name)
            members = parse_members(route, labels, received.query, received.body)
            entry = replace(entry, members=members)
            return self._execute(route, members, caller, entry, fate)
        except ApiError as refused:
            status = get_status(refused.code, declared)
            self._record_call(entry, status, refused.code)
            return _build_error_reply(refused, status)
        except Exception as error:
            _log.exception("the sandbox failed to execute %s", entry.operation)
            self._record_call(entry, 500, "InternalServerException")
            return _build_error_reply(
                ApiError("InternalServerException", f"Sandbox: {error!r}"), 500
            )

    def _execute(
        self,
        route: Route,
        members: Mapping[str, Any],
        caller: Caller,
        entry: JournalLine,
        fate: InjectedFaults,
    ) -> RawReply:
        """Execute an operation and record it in the same transaction."""
        if fate.error is not None:
            raise fate.error
        validate_request(route.takes, members)
        with self.store.transaction() as rows:
            now = self.store.get_clock().get_moment(time.time())
            scope = CallContext(rows, caller, now, settings.load_behaviour(rows), fate)
            answer = route.handler(scope, members)
            journal.write(rows, replace(entry, status=route.status, at=format_moment(now)))
        return RawReply(
            route.status, json.dumps(filter_members(route.gives, answer)), _build_json_headers()
        )

    def _record_call(self, entry: JournalLine, status: int, code: str | None) -> None:
        with self.store.transaction() as rows:
            at = format_moment(self.store.get_clock().get_moment(time.time()))
            journal.write(rows, replace(entry, status=status, code=code, at=at))


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


def _build_error_reply(refused: ApiError, status: int) -> RawReply:
    content = json.dumps({"message": refused.message, **refused.members})
    return RawReply(status, content, {**_build_json_headers(), "x-amzn-errortype": refused.code})


def _build_json_headers() -> dict[str, str]:
    return {"content-type": "application/json", "x-amzn-requestid": str(uuid.uuid4())}
