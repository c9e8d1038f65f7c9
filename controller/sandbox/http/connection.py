"""Connections that the application can reset, like a network failure: without any response."""

from __future__ import annotations

import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_RESET = "bedrock_jobs.reset"
# A linger time of 0 makes the kernel send RST instead of FIN.
_NO_LINGER = struct.pack("ii", 1, 0)


class ResettableProtocol(H11Protocol):
    """HTTP over connections that the application can reset."""

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        self.app = self._wrap_app(self.app)

    def _wrap_app(self, inner: Any) -> Any:
        async def call_with_reset(scope: Scope, receive: Receive, send: Send) -> None:
            # ASGI has no message for a reset, so the protocol passes a function to the application.
            scope.setdefault("extensions", {})[_RESET] = self._reset
            application: ASGIApp = inner
            await application(scope, receive, send)

        return call_with_reset

    def _reset(self) -> None:
        if self.transport.is_closing():
            return  # the client has closed it already
        connected = self.transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection of a completely read request, and return once it is closed."""
    scope["extensions"][_RESET]()
    # Returning earlier would let uvicorn send an empty response first.
    while (await receive())["type"] != "http.disconnect":
        pass
