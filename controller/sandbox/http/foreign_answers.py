"""Responses that are not the service's, such as those of a proxy or a broken connection."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from controller.sandbox.jobs.faults import FaultKind

# Deeper than any recursive JSON parser can handle.
_NESTED = b"[" * 100_000
_HTML = b"<html><body><h1>Sign in to the network</h1></body></html>"
_HTML_TYPE = {"content-type": "text/html"}
_JSON_TYPE = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class ForeignResponse:
    """A response as it is sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def build_foreign_response(kind: FaultKind, status: int, body: bytes) -> ForeignResponse:
    """Return the response with which a fault replaces the service's."""
    return _ANSWERS[kind](status, body)


def _make_page(status: int) -> Callable[[int, bytes], ForeignResponse]:
    return lambda _status, _body: ForeignResponse(status, _HTML, _HTML_TYPE)


_ANSWERS: Mapping[FaultKind, Callable[[int, bytes], ForeignResponse]] = {
    FaultKind.PAGE: _make_page(200),
    FaultKind.EMPTY_OBJECT: lambda status, _: ForeignResponse(status, b"{}", _JSON_TYPE),
    FaultKind.CUT: lambda status, body: ForeignResponse(status, body[: len(body) // 2], _JSON_TYPE),
    FaultKind.GARBLED: lambda status, body: ForeignResponse(
        status, bytes(byte | 128 for byte in body), _JSON_TYPE
    ),
    FaultKind.GZIP: lambda status, body: ForeignResponse(
        status, gzip.compress(body), {**_JSON_TYPE, "content-encoding": "gzip"}
    ),
    FaultKind.NESTED: lambda status, _: ForeignResponse(status, _NESTED, _JSON_TYPE),
    FaultKind.REDIRECT: lambda _status, _body: ForeignResponse(
        # Port 9 discards: a client that followed the redirect would fail.
        302,
        b"",
        {"location": "http://127.0.0.1:9/sign-in"},
    ),
    FaultKind.PROXY_400: _make_page(400),
    FaultKind.PROXY_403: _make_page(403),
    FaultKind.PROXY_404: _make_page(404),
    FaultKind.PROXY_408: _make_page(408),
}
