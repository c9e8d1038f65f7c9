"""A daemon that hears of changed jobs: SQS by moto, everything else by the sandbox."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from subprocess import Popen, TimeoutExpired
from time import monotonic
from typing import Any

from tests.core.test_eventbridge import event
from tests.support.commands import DEADLINE, environment, started
from tests.support.project import SETTLED, Project

DEAF = ("--no-file-events", "--poll", "10h", "--interval", "10h", "--listen", "")
"""Nothing but an event makes such a daemon look again."""


@contextmanager
def watched(tree: Project, *options: str) -> Iterator[Popen[str]]:
    """While the context lasts a daemon keeps the project's jobs."""
    env = environment(tree.folder)
    arguments = ("watch", "--endpoint-url", tree.sandbox.url, *options)
    with started(tree.folder, *arguments, env=env) as process:
        yield process


def eventually(process: Popen[str], holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold while the daemon runs and time is left."""
    deadline = monotonic() + DEADLINE
    while monotonic() < deadline:
        if holds():
            return True
        with suppress(TimeoutExpired):
            process.wait(0.02)
            return False
    return False


def phase(tree: Project, name: str) -> str:
    """Return a job's phase in its sidecar, if it has one yet."""
    try:
        return str(tree.entry(name)["phase"])
    except FileNotFoundError:
        return ""


def test_an_event_brings_the_status_at_once(tree: Project, queue: tuple[Any, str]) -> None:
    """A job's end is recorded when its event comes, hours before its time to be looked at."""
    client, url = queue
    tree.add("support-bot")
    tree.add("other-bot")
    with watched(tree, *DEAF, "--events-queue", url) as process:
        assert eventually(process, lambda: phase(tree, "support-bot") == "InProgress")
        assert eventually(process, lambda: phase(tree, "other-bot") == "InProgress")
        tree.sandbox.advance(SETTLED)
        told = event(detail={"jobArn": tree.entry("support-bot")["jobArn"]})
        for body in ("poison", json.dumps(told), json.dumps(told)):
            client.send_message(QueueUrl=url, MessageBody=body)
        assert eventually(process, lambda: phase(tree, "support-bot") == "Completed")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    assert phase(tree, "other-bot") == "InProgress"
    assert len(tree.calls("Create")) == 2
