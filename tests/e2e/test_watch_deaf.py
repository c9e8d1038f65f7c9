"""A daemon that is told nothing: without file events, without SQS, or with neither."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.test_eventbridge import event
from tests.daemon.process import names, phase, watch
from tests.sandbox.support import poll
from tests.support.project import SETTLED, Project

DEAF = ("--no-file-events", "--poll", "0.2s")
HEARING = ("--poll", "1h")
UNHEARD = "http://127.0.0.1:9/123456789012/events"
"""A queue that nobody serves."""


@pytest.mark.parametrize("files", [HEARING, DEAF], ids=["files", "no files"])
@pytest.mark.parametrize("hears", [True, False], ids=["queue", "no queue"])
def test_it_converges_whatever_tells_it(
    tree: Project, queue: tuple[Any, str], files: tuple[str, ...], hears: bool
) -> None:
    """A save is submitted, an edit acted on and an end recorded, by events or by looking alone."""
    client, url = queue
    # With a queue nothing else would have it look at a job that runs.
    heard = ("--events-queue", url if hears else UNHEARD, "--interval", "1h" if hears else "0.5s")
    with watch(tree, *files, *heard) as daemon:
        daemon.ready()
        tree.add("support-bot")
        tree.add("other-bot")
        poll(lambda: {phase(tree, "support-bot"), phase(tree, "other-bot")} == {"InProgress"})
        tree.edit("other-bot", "spec:", "policy: {state: Stopped}\nspec:")
        poll(lambda: phase(tree, "other-bot") in {"Stopping", "Stopped"})
        tree.sandbox.advance(SETTLED)
        if hears:
            for name in ("support-bot", "other-bot"):
                told = event(detail={"jobArn": tree.entry(name)["jobArn"]})
                client.send_message(QueueUrl=url, MessageBody=json.dumps(told))
        poll(lambda: phase(tree, "support-bot") == "Completed")
        poll(lambda: phase(tree, "other-bot") == "Stopped")
        assert daemon.end() == 0

    assert names(tree) == ["other-bot", "support-bot"]
    assert len(tree.calls("Create")) == 2
    assert len(daemon.said("events not heard")) == (not hears)
