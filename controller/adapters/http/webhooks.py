"""Webhooks of a forge: hints that a branch may have moved, taken from who knows the secret.

A hook only ever asks for a pull, and many ask for one. Nothing here is needed for a right result:
without hooks the branch is pulled when its time comes.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from controller.adapters.http.server import RequestHandler, serve_requests
from controller.adapters.http.webhook_signatures import (
    Headers,
    SecretError,
    is_authentic,
    is_signed,
)

_log = logging.getLogger(__name__)

WEBHOOK_PATH = "/hooks"
MAX_BODY_BYTES = 4 << 20
"""Bytes of the largest hook that is read: larger ones are refused, and the next pull is in turn."""
_BODY_SECONDS = 10.0
_CHUNK_BYTES = 1 << 16
_FORM = "application/x-www-form-urlencoded"
_EVENTS = {"X-GitHub-Event": {"push"}, "X-Gitlab-Event": {"Push Hook", "System Hook"}}


@dataclass(slots=True)
class WebhookReceiver:
    """What hooks are checked with and do: ``heard`` is called for each that may concern a branch.

    ``secrets`` is asked for each hook, so that it may change; it may raise SecretError. ``branch``
    is the branch's name, nothing while that is not known. What is refused is told once, until a
    hook is taken again.
    """

    secrets: Callable[[], Sequence[str]]
    branch: Callable[[], str]
    on_push: Callable[[], None]
    _told: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, headers: Headers, body: bytes) -> tuple[HTTPStatus, str]:
        """Take a hook in, and return the status and the words that answer it."""
        if not is_signed(headers):
            return self._refuse(HTTPStatus.UNAUTHORIZED, "there is no signature")
        try:
            secrets = self.secrets()
        except SecretError as error:
            self._log_refusal(str(error))
            return HTTPStatus.SERVICE_UNAVAILABLE, "hooks cannot be checked now"
        if not is_authentic(headers, body, secrets):
            return self._refuse(HTTPStatus.FORBIDDEN, "the signature is not right")
        with self._lock:
            self._told.clear()
        ignored = explain_ignored(headers, body, self.branch())
        _log.debug("webhook", extra={"ignored": ignored})
        if ignored:
            return HTTPStatus.ACCEPTED, f"ignored: {ignored}"
        self.on_push()
        return HTTPStatus.ACCEPTED, "the branch is pulled"

    def _refuse(self, status: HTTPStatus, why: str) -> tuple[HTTPStatus, str]:
        self._log_refusal(why)
        return status, why

    def _log_refusal(self, why: str) -> None:
        with self._lock:
            is_news = why not in self._told
            self._told.add(why)
        if is_news:
            _log.warning("webhook refused", extra={"why": why})


@contextmanager
def receive_webhooks(address: str, hooks: WebhookReceiver) -> Iterator[str]:
    """While the context lasts hooks posted to an address are taken; yields the URL to post to.

    Raises AddressError; ``answering`` tells of addresses.
    """
    with serve_requests(address, partial(_WebhookHandler, hooks)) as url:
        yield f"{url}{WEBHOOK_PATH}"


def explain_ignored(headers: Headers, body: bytes, branch: str) -> str:
    """Return why an authentic hook does not concern a branch; nothing if it may.

    What cannot be understood may: one pull too many costs little.
    """
    for name, pushes in _EVENTS.items():
        event = headers.get(name)
        if event and event not in pushes:
            return "it tells of no push"
    told = _parse_payload(headers, body)
    if headers.get("X-Gitlab-Event") == "System Hook" and told.get("event_name") != "push":
        return "it tells of no push"
    ref = told.get("ref")
    if branch and isinstance(ref, str) and ref.removeprefix("refs/heads/") != branch:
        return "it tells of another branch"
    return ""


def _parse_payload(headers: Headers, body: bytes) -> dict[str, Any]:
    kind = (headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    try:
        text = body.decode()
        if kind == _FORM:
            text = parse_qs(text, max_num_fields=10)["payload"][0]
        told = json.loads(text)
    except (ValueError, KeyError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


class _WebhookHandler(RequestHandler):
    """Answers POST; every other method is refused."""

    allowed = "POST"

    def __init__(self, hooks: WebhookReceiver, *given: Any) -> None:
        self._hooks = hooks
        super().__init__(*given)

    def handle_post(self) -> None:
        """Take the hook in, if it is posted to the one path."""
        status, body = self._read_request()
        words = status.phrase
        if status is HTTPStatus.OK:
            if self.path.partition("?")[0] == WEBHOOK_PATH:
                status, words = self._hooks.answer(self.headers, body)
            else:
                status, words = HTTPStatus.NOT_FOUND, f"hooks are posted to {WEBHOOK_PATH}"
        self.answer(status, f"{words}\n".encode())

    def _read_request(self) -> tuple[HTTPStatus, bytes]:
        """Return the body, or the status that refuses it."""
        length = self.headers.get("Content-Length")
        if length is None:
            return HTTPStatus.LENGTH_REQUIRED, b""
        if not (length.isascii() and length.isdecimal()):
            return HTTPStatus.BAD_REQUEST, b""
        if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b""
        try:
            body = self._read_body(int(length))
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT, b""
        whole = len(body) == int(length)
        return (HTTPStatus.OK, body) if whole else (HTTPStatus.BAD_REQUEST, b"")

    def _read_body(self, length: int) -> bytes:
        """Return what comes of the body; raises TimeoutError however slowly it goes on coming."""
        deadline, parts, left = time.monotonic() + _BODY_SECONDS, [], length
        while left:
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise TimeoutError
            self.connection.settimeout(min(seconds, self.timeout))
            part = self.rfile.read1(min(left, _CHUNK_BYTES))
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
