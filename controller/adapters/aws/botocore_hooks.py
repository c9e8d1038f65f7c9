"""What goes over the wire: botocore's requests, told one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from controller.adapters.aws.errors import SERVER_ERROR, translate_error
from controller.core.call_errors import NOT_UNDERSTOOD
from controller.ports import CloudError
from controller.telemetry import OK

if TYPE_CHECKING:
    from botocore.session import Session

RequestCallback = Callable[[str, str, float], None]
"""What hears of a request: its operation, the code of its answer, the seconds that it took."""

_FIRST_ERROR_STATUS = 300


def report_requests(session: Session, told: RequestCallback) -> None:
    """Have a session's clients tell of every request, each of botocore's own retries too.

    Time spent waiting between retries, for credentials or for our own pace is in none of them.
    """
    requests = _RequestTimer(told)
    session.register("before-send.*", requests.begin)
    session.register("response-received.*", requests.record_response)
    session.register("after-call-error.*", requests.record_error)


class LostResponses:
    """What remembers that a request's answer was lost, though botocore sent it again after that.

    The last answer says nothing of the first request, which may have taken effect.
    """

    def __init__(self) -> None:
        self._mine = threading.local()

    def watch(self, session: Session) -> None:
        """Have a session's clients tell of every answer of Bedrock's."""
        session.register("response-received.bedrock", self._record_response)

    @contextmanager
    def track_losses(self) -> Iterator[None]:
        """While the context lasts this thread's errors are ambiguous once an answer was lost."""
        self._mine.lost = False
        try:
            yield
        except CloudError as error:
            if not self._mine.lost:
                raise
            raise CloudError(replace(error.failure, ambiguous=True)) from error

    def _record_response(self, **event: Any) -> None:
        error, answer = event["exception"], event["parsed_response"]
        if error is not None:
            found = translate_error(error, reading=False)
            is_lost = found is None or found.ambiguous
        else:
            is_lost = answer["ResponseMetadata"]["HTTPStatusCode"] >= SERVER_ERROR
            is_lost = is_lost or answer.get("Error", {}).get("Code") == NOT_UNDERSTOOD
        self._mine.lost = getattr(self._mine, "lost", False) or is_lost


class _RequestTimer:
    """The requests under way, one in each thread: botocore sends and receives in the caller's."""

    def __init__(self, told: RequestCallback) -> None:
        self._told = told
        self._mine = threading.local()

    def begin(self, **_: Any) -> None:
        self._mine.began = perf_counter()

    def record_response(self, **event: Any) -> None:
        answer = event["parsed_response"]
        if answer is None:
            self.record_error(**event)
            return
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(answer.get("Error", {}).get("Code") or status)
        self._report(event["event_name"], code if status >= _FIRST_ERROR_STATUS else OK)

    def record_error(self, **event: Any) -> None:
        # Of an answer that cannot be parsed botocore tells only as the call's own error.
        found = translate_error(event["exception"], reading=True)
        self._report(event["event_name"], found.code if found is not None else "Unknown")

    def _report(self, event_name: str, code: str) -> None:
        began = getattr(self._mine, "began", None)
        if began is not None:
            self._mine.began = None
            self._told(event_name.rpartition(".")[2], code, perf_counter() - began)
