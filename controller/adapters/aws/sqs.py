"""EventBridge's events of jobs, from an SQS queue: hints to look at a job at once.

What is understood is deleted, what is not is left for the queue's redrive policy. Nothing here is
needed for a right result: without events every job is still looked at when its time comes.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from controller.adapters.aws.clients import ClientCache, map_botocore_errors
from controller.adapters.aws.connection import Connection
from controller.core.eventbridge import InvalidEvent, parse_event
from controller.core.kinds.registry import KINDS
from controller.core.model import Target
from controller.ports import CloudError

_log = logging.getLogger(__name__)

LONG_POLL_SECONDS = 20
"""Seconds that a poll waits for messages: the longest that SQS allows, and so the cheapest."""
BATCH_SIZE = 10
"""Messages in one batch, as SQS allows."""
VISIBILITY_SECONDS = 60
"""Seconds until a message that was not deleted shows again, whatever the queue itself says."""
MAX_PAUSE = 300.0

_SLACK = 10
_CLOSE_SECONDS = 1.0
_MAX_REMEMBERED = 1000
_REGION = re.compile(r"(?:.+\.)?sqs(?:-fips)?\.([a-z]{2,}(?:-[a-z]+)+-[0-9]+)\..+")
_PUBLIC = re.compile(r"sqs\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """A queue, as its URL tells; ``endpoint`` where it is not at AWS's usual host."""

    url: str
    name: str
    region: str | None
    endpoint: str | None


def parse_queue_url(url: str) -> SqsQueue:
    """Return what the URL of a queue tells; raises ValueError for any other URL."""
    parts = urlsplit("" if "[" in url else url)
    path = re.fullmatch(r"/(?:.+/)?([0-9]{12}|queue)/([A-Za-z0-9_-]{1,80})", parts.path)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or path is None:
        raise ValueError(
            f"{url!r} is not the URL of an SQS queue: "
            "give it as https://sqs.us-east-1.amazonaws.com/123456789012/NAME"
        )
    region = _REGION.fullmatch(host)
    return SqsQueue(
        url=url,
        name=path[2],
        region=region[1] if region else None,
        endpoint=None if _PUBLIC.fullmatch(host) else f"{parts.scheme}://{parts.netloc}",
    )


@contextmanager
def listen_to_queue(
    queue_url: str,
    connection: Connection,
    heard: Callable[[str], None],
    *,
    wait: int = LONG_POLL_SECONDS,
    hidden: int = VISIBILITY_SECONDS,
    pause: float = 1.0,
) -> Iterator[None]:
    """While the context lasts, ``heard`` is called with the ARN of each job that changed.

    It is called from a thread of its own, and never again once the context has been left, which
    takes no longer than the message in hand. A poll lasts ``wait`` seconds at most; what was
    received and not deleted shows again after ``hidden`` seconds; after an error the next poll
    waits for ``pause`` seconds, doubling up to five minutes. Raises ValueError when the URL is not
    a queue's.
    """
    listener = _Listener(_QueueClient(parse_queue_url(queue_url), connection, wait, hidden), heard)
    thread = threading.Thread(target=listener.run, args=(pause,), name="events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.close()


class _QueueClient:
    """The queue, with a client of its own."""

    def __init__(self, queue: SqsQueue, connection: Connection, wait: int, hidden: int) -> None:
        self.queue = queue
        self._asked = {
            "QueueUrl": queue.url,
            "MaxNumberOfMessages": BATCH_SIZE,
            "WaitTimeSeconds": wait,
            "VisibilityTimeout": hidden,
        }
        self._target = Target(region=queue.region)
        self._clients = ClientCache(
            replace(
                connection,
                endpoint_url=queue.endpoint or connection.endpoint_url,
                # A poll that never returns would end the listening for good.
                read_timeout=wait + _SLACK,
            )
        )

    def receive(self) -> Sequence[Mapping[str, Any]]:
        """Return up to ten messages, as soon as there is one; raises CloudError."""
        answer = self._call("receive_message", self._asked)
        messages: Sequence[Mapping[str, Any]] = answer.get("Messages", ())
        return messages

    def delete(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Delete messages; the ones that SQS keeps all the same are delivered again, harmlessly."""
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ]
        self._call("delete_message_batch", {"QueueUrl": self.queue.url, "Entries": entries})

    def forget(self) -> None:
        """Close the client; the next call makes another, with the credentials of that time."""
        self._clients.forget(self._target)

    def _call(self, method: str, members: dict[str, Any]) -> dict[str, Any]:
        client = self._clients.get_client("sqs", self._target)
        answer: dict[str, Any] = map_botocore_errors(
            lambda: getattr(client, method)(**members), reading=True
        )
        return answer


class _Listener:
    """The loop that polls, hears, deletes, and backs off."""

    def __init__(
        self,
        inbox: _QueueClient,
        heard: Callable[[str], None],
    ) -> None:
        self._inbox = inbox
        self._heard = heard
        self._closed = threading.Event()
        self._hand = threading.Lock()
        self._failing: str | None = None
        self._poison: OrderedDict[str, None] = OrderedDict()

    def run(self, pause: float) -> None:
        """Listen until closed; errors are told once, and followed by ever longer pauses."""
        delay = pause
        while not self._closed.is_set():
            if self._poll_once():
                delay = pause
            else:
                self._inbox.forget()
                self._closed.wait(delay)
                delay = min(delay * 2, MAX_PAUSE)
        self._inbox.forget()

    def close(self) -> None:
        """Hear nothing any more; the poll under way is left to end by itself."""
        self._closed.set()
        # Whoever holds the hand is about to delete what it heard: let it.
        if self._hand.acquire(timeout=_CLOSE_SECONDS):
            self._hand.release()

    def _poll_once(self) -> bool:
        """Poll once; returns whether it went well."""
        try:
            self._process_messages(self._inbox.receive())
        except CloudError as error:
            self._record_failure(error.failure.code, error.failure.message)
            return False
        # A thread that ended by a defect would leave nobody listening, for months.
        except Exception as error:
            self._record_failure(type(error).__name__, "a defect", error)
            return False
        self._record_recovery()
        return True

    def _process_messages(self, messages: Sequence[Mapping[str, Any]]) -> None:
        with self._hand:
            if self._closed.is_set():
                return
            understood = [message for message in messages if self._handle_message(message)]
            if understood:
                self._inbox.delete(understood)

    def _handle_message(self, message: Mapping[str, Any]) -> bool:
        found = parse_event(str(message.get("Body", "")), KINDS.values())
        if isinstance(found, InvalidEvent):
            self._log_poison_once(str(message.get("MessageId", "")), found)
            return False
        self._heard(found)
        return True

    def _log_poison_once(self, identifier: str, poison: InvalidEvent) -> None:
        """Log a message that is left, the first time that it comes; never its body."""
        if identifier not in self._poison:
            told = {"queue": self._inbox.queue.name, "id": identifier, "why": poison.value}
            _log.warning("event not understood", extra=told)
        self._poison[identifier] = None
        self._poison.move_to_end(identifier)
        if len(self._poison) > _MAX_REMEMBERED:
            self._poison.popitem(last=False)

    def _record_failure(self, code: str, why: str, defect: Exception | None = None) -> None:
        if self._closed.is_set() or self._failing == code:
            return
        self._failing = code
        told = {"queue": self._inbox.queue.name, "code": code, "why": why}
        _log.warning("events not heard", extra=told, exc_info=defect)

    def _record_recovery(self) -> None:
        if self._failing is not None:
            self._failing = None
            _log.info("events heard again", extra={"queue": self._inbox.queue.name})
