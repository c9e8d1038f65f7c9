"""The ASGI application: the sandbox's own endpoints, and the simulated service on other paths."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from controller.sandbox.http import control_api
from controller.sandbox.http.connection import reset
from controller.sandbox.http.control_api import build_json_response
from controller.sandbox.http.service import RawRequest, Service
from controller.sandbox.jobs.faults import FaultKind

MAX_BODY_BYTES = 4 * 1024 * 1024


class _BodyTooLargeError(Exception):
    """The request body exceeds the limit."""


def create_app(service: Service) -> ASGIApp:
    """Return the ASGI application of a service.

    It only waits for the network and for injected delays. One thread handles all requests, so the
    store needs no lock besides SQLite's.
    """
    own = control_api.build_routes(service.store)
    # Own routes come first: the mount accepts every other path.
    return Starlette(routes=[*own, Mount("/", app=_SimulatedEndpoint(service))])


class _SimulatedEndpoint:
    """The simulated service: any method and path, read before routing decodes percent escapes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await _read_body(request)
        # The client is gone, and the incomplete request must not be recorded.
        except ClientDisconnect:
            return
        except _BodyTooLargeError:
            await _reject_large_body()(scope, receive, send)
            return
        received = RawRequest(
            method=request.method,
            # Starlette decodes ``path``; labels such as ARNs need the escapes to split it.
            path=scope["raw_path"].decode("ascii", "backslashreplace"),
            query=scope["query_string"].decode("ascii", "backslashreplace"),
            headers=request.headers,
            body=body.decode("utf-8", "backslashreplace"),
        )
        # Picked once, before any delay, so that concurrent calls count in order of arrival.
        faults = self._service.pick_faults(received)
        await _pause(faults.sum_seconds(FaultKind.DELAY_BEFORE))
        reply = self._service.answer(received, faults)
        await _pause(faults.sum_seconds(FaultKind.DELAY))
        if reply is None:
            await reset(scope, receive)
            return
        await Response(reply.body, reply.status, dict(reply.headers))(scope, receive, send)


def _reject_large_body() -> Response:
    headers = {"x-amzn-errortype": "RequestEntityTooLargeException", "connection": "close"}
    return build_json_response(
        {"message": f"A body may have at most {MAX_BODY_BYTES} bytes."}, 413, headers
    )


async def _pause(seconds: float) -> None:
    # Without a delay, do not yield to the event loop: calls must not interleave.
    if seconds > 0:
        await asyncio.sleep(seconds)


async def _read_body(request: Request) -> bytes:
    read = bytearray()
    # Checked while reading: a client may send more than it declares, or declare nothing.
    async for piece in request.stream():
        read += piece
        if len(read) > MAX_BODY_BYTES:
            raise _BodyTooLargeError
    return bytes(read)
