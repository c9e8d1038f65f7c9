"""The simulated service behind HTTP: its own endpoints, and all other paths for the service."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from controller.sandbox import journal
from controller.sandbox.moments import text_of
from controller.sandbox.service import Received, Service
from controller.sandbox.store import Store
from controller.version import __version__

LARGEST_BODY = 4 * 1024 * 1024


class _TooLargeError(Exception):
    """A body larger than any request may be."""


def application(service: Service) -> ASGIApp:
    """Return the ASGI application of a service.

    Nothing in it waits but for the network, so one thread serves every request in turn, and the
    store needs no lock but its own.
    """
    control = _Control(service.store)
    return Starlette(
        routes=[
            Route("/_sandbox/health", control.health, methods=["GET"]),
            Route("/_sandbox/calls", control.calls, methods=["GET"]),
            Route("/_sandbox/calls", control.forget, methods=["DELETE"]),
            Route("/_sandbox/clock", control.clock, methods=["GET"]),
            Route("/_sandbox/clock", control.advance, methods=["POST"]),
            Mount("/", app=_Front(service)),
        ]
    )


class _Front:
    """The service's side: any method, any path, read before routing undoes the percent signs."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return
        except _TooLargeError:
            await _too_large()(scope, receive, send)
            return
        received = Received(
            method=request.method,
            path=scope["raw_path"].decode("ascii", "backslashreplace"),
            query=scope["query_string"].decode("ascii", "backslashreplace"),
            headers=request.headers,
            body=body.decode("utf-8", "backslashreplace"),
        )
        reply = self._service.answer(received)
        await Response(reply.body, reply.status, dict(reply.headers))(scope, receive, send)


def _json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in ASCII, which can show any text that a request may hold."""
    return Response(json.dumps(content), status, dict(headers or {}), "application/json")


def _too_large() -> Response:
    headers = {"x-amzn-errortype": "RequestEntityTooLargeException", "connection": "close"}
    return _json({"message": f"A body holds at most {LARGEST_BODY} bytes."}, 413, headers)


async def _body(request: Request) -> bytes:
    read = bytearray()
    async for piece in request.stream():
        read += piece
        if len(read) > LARGEST_BODY:
            raise _TooLargeError
    return bytes(read)


class _Control:
    """The sandbox's own endpoints: they are not part of any service that it simulates."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def health(self, _request: Request) -> Response:
        """Health says that this is a sandbox, and which release of it."""
        return _json({"sandbox": True, "version": __version__, "now": self._now()})

    async def calls(self, _request: Request) -> Response:
        """The journal holds every call to the simulated services, the oldest first."""
        with self._store.transaction() as rows:
            return _json({"calls": journal.read(rows)})

    async def forget(self, _request: Request) -> Response:
        """The journal starts anew."""
        with self._store.transaction() as rows:
            journal.clear(rows)
        return _json({})

    async def clock(self, _request: Request) -> Response:
        """The simulated time and its speed."""
        return _json({"now": self._now(), "speed": self._store.clock().speed})

    async def advance(self, request: Request) -> Response:
        """The simulated clock moves forward by ``advance`` seconds; it never goes back."""
        try:
            seconds = json.loads(await request.body())["advance"]
        except (KeyError, TypeError, ValueError):
            seconds = None
        if type(seconds) not in {int, float} or not 0 <= seconds < 1e10:
            message = 'Send {"advance": seconds}, with seconds from 0 to 10,000,000,000.'
            return _json({"message": message}, 400)
        with self._store.transaction():
            self._store.set_clock(self._store.clock().advanced(seconds))
        return _json({"now": self._now()})

    def _now(self) -> str:
        return text_of(self._store.clock().moment(time.time()))
