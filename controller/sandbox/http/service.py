"""The simulated service without its transport: a request in, a reply out, a line in the journal."""

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
from controller.sandbox.http.foreign_answers import strange_answer
from controller.sandbox.http.rest_json import Route, cut, find, members_of, route_of
from controller.sandbox.jobs import settings
from controller.sandbox.jobs.faults import UNHARMED, Fate, FaultKind
from controller.sandbox.jobs.operations import Handler, JobOperations, Scope, TagOperations
from controller.sandbox.jobs.param_validation import check
from controller.sandbox.state import journal, sts
from controller.sandbox.state.api_errors import RefusalError, status_of
from controller.sandbox.state.caller import Caller, caller_of
from controller.sandbox.state.journal import Entry
from controller.sandbox.state.sim_clock import text_of
from controller.sandbox.state.store import Store

_log = logging.getLogger(__name__)
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came over the wire; ``path`` is still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str

    @property
    def is_sts(self) -> bool:
        """Whether this is a call in the query protocol, which of the two only STS speaks."""
        kind = self.headers.get("content-type", "")
        return self.method == "POST" and self.path == "/" and kind.startswith(_FORM)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: the status, the body, and the headers that are not the transport's."""

    status: int
    body: str | bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """The simulated Bedrock and STS over one store.

    ``account`` is whose account the callers act in that did not assume a role.
    """

    store: Store
    account: str

    def fate_of(self, received: Received) -> Fate:
        """Return which faults on order a request meets; it counts as one call for them."""
        if not settings.any_order(self.store.rows):
            return UNHARMED
        with self.store.transaction() as rows:
            return settings.meet(rows, _operation(received))

    def answer(self, received: Received, fate: Fate = UNHARMED) -> Reply | None:
        """Every request has a line in the journal, and a reply unless its connection is reset."""
        caller = caller_of(received.headers, self.account)
        entry = Entry(
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
            fault=fate.noted,
        )
        if fate.has(FaultKind.RESET_BEFORE):
            self._note(replace(entry, operation=_operation(received)), 0, None)
            return None
        if fate.strange is not None and fate.strange.before:
            self._note(replace(entry, operation=_operation(received)), 0, None)
            return _in_place_of(Reply(200, ""), fate.strange.kind)
        answer = self._sts if received.is_sts else self._bedrock
        reply = answer(received, caller, entry, fate)
        if fate.strange is not None:
            reply = _in_place_of(reply, fate.strange.kind)
        return None if fate.has(FaultKind.RESET_AFTER) else reply

    def _sts(self, received: Received, caller: Caller, entry: Entry, fate: Fate) -> Reply:
        form = sts.fields_of(received.body)
        told = fate.refusal
        if told is None:
            answer = sts.answer(form, caller, time.time())
        else:
            answer = sts.refused(status_of(told.code, {}), told.code, told.message)
        self._note(
            replace(entry, operation=form.get("Action", ""), members=form),
            answer.status,
            answer.code,
        )
        return Reply(answer.status, answer.xml, {"content-type": "text/xml"})

    def _bedrock(self, received: Received, caller: Caller, entry: Entry, fate: Fate) -> Reply:
        declared: Mapping[str, int] = {}
        try:
            route, labels = find(routes(), received.method, received.path)
            declared = route.error_statuses
            entry = replace(entry, operation=route.name)
            members = members_of(route, labels, received.query, received.body)
            entry = replace(entry, members=members)
            return self._carry_out(route, members, caller, entry, fate)
        except RefusalError as refused:
            status = status_of(refused.code, declared)
            self._note(entry, status, refused.code)
            return _refused(refused, status)
        except Exception as error:
            _log.exception("the sandbox failed to carry out %s", entry.operation)
            self._note(entry, 500, "InternalServerException")
            return _refused(RefusalError("InternalServerException", f"Sandbox: {error!r}"), 500)

    def _carry_out(
        self, route: Route, members: Mapping[str, Any], caller: Caller, entry: Entry, fate: Fate
    ) -> Reply:
        """Run an operation and its journal line in one transaction: both are kept, or neither."""
        if fate.refusal is not None:
            raise fate.refusal
        check(route.takes, members)
        with self.store.transaction() as rows:
            now = self.store.clock().moment(time.time())
            scope = Scope(rows, caller, now, settings.behaviour(rows), fate)
            answer = route.handler(scope, members)
            journal.write(rows, replace(entry, status=route.status, at=text_of(now)))
        return Reply(route.status, json.dumps(cut(route.gives, answer)), _json_headers())

    def _note(self, entry: Entry, status: int, code: str | None) -> None:
        with self.store.transaction() as rows:
            at = text_of(self.store.clock().moment(time.time()))
            journal.write(rows, replace(entry, status=status, code=code, at=at))


@cache
def routes() -> tuple[Route, ...]:
    """Return a route for each operation of each kind that has a simulation, and for tags."""
    model = ServiceModel(create_loader().load_service_model("bedrock", "service-2"), "bedrock")
    owners = tuple(
        JobOperations(kind, kind.simulation)
        for kind in KINDS.values()
        if kind.simulation is not None
    )
    handlers: dict[str, Handler] = TagOperations(owners).handlers()
    for owner in owners:
        handlers |= owner.handlers()
    return tuple(
        route_of(model.operation_model(name), handler) for name, handler in handlers.items()
    )


def _operation(received: Received) -> str:
    """Return the operation that a request is for, or nothing when none is served there."""
    if received.is_sts:
        return sts.fields_of(received.body).get("Action", "")
    try:
        return find(routes(), received.method, received.path)[0].name
    except RefusalError:
        return ""


def _in_place_of(reply: Reply, kind: FaultKind) -> Reply:
    """Return what a fault answers with in the place of a reply."""
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    found = strange_answer(kind, reply.status, body)
    return Reply(found.status, found.body, found.headers)


def _refused(refused: RefusalError, status: int) -> Reply:
    content = json.dumps({"message": refused.message, **refused.members})
    return Reply(status, content, {**_json_headers(), "x-amzn-errortype": refused.code})


def _json_headers() -> dict[str, str]:
    return {"content-type": "application/json", "x-amzn-requestid": str(uuid.uuid4())}
