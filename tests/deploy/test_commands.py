"""Every command line in deploy/ and on its page is valid."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from controller.adapters.aws.sqs import parse_queue_url
from controller.core.sharding import Shard
from tests.deploy.test_image import given
from tests.deploy.test_kubernetes import FOLDERS, container, the
from tests.deploy.test_systemd import UNIT, value
from tests.house.source import ROOT
from tests.support.commands import understood

PAGE = ROOT / "docs" / "how-to" / "deploy.md"


def parsed(arguments: list[str]) -> dict[str, Any]:
    """Return click's parameters for the command line of a daemon."""
    verb, *rest = arguments
    assert verb == "watch"
    return understood(verb, *rest)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_pods_command_is_valid(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pod starts a daemon that reads the synced tree and has the shard of its ordinal."""
    replicas = the("StatefulSet", folder)["spec"]["replicas"]
    for ordinal in range(replicas):
        name = f"bedrock-jobs-{ordinal}"
        monkeypatch.setattr("socket.gethostname", lambda name=name: name)
        arguments = [one.replace("$(POD_NAME)", name) for one in container(folder)["args"]]

        found = parsed(arguments)

        assert found["paths"] == (Path("/tree/current/jobs"),)
        assert found["status_dir"] == Path("/status")
        assert found["shard"] == Shard(ordinal, replicas)
        queue = found["events_queue"] and parse_queue_url(found["events_queue"])
        suffix = f"-{ordinal}" if replicas > 1 else ""
        assert not queue or queue.name == f"bedrock-jobs{suffix}-events"


def test_the_units_command_is_valid() -> None:
    """The service's command is valid, alone and with the options in its comments."""
    (example,) = re.findall(
        r"^# +BEDROCK_JOBS_OPTIONS=(.+)$", UNIT.read_text("utf-8"), re.MULTILINE
    )
    for options in ("", example):
        line = value("ExecStart").replace("${STATE_DIRECTORY}", "/var/lib/bedrock-jobs")

        found = parsed(shlex.split(line.replace("$BEDROCK_JOBS_OPTIONS", options))[1:])

        assert found["paths"] == (Path("jobs"),)
        assert found["status_dir"] == Path("/var/lib/bedrock-jobs")
        assert bool(found["events_queue"]) == bool(options)


def test_the_images_command_is_valid() -> None:
    """The image starts a daemon, and its health check uses the daemon's address."""
    found = parsed(json.loads(given("CMD")[-1]))

    assert found["listen"] in given("HEALTHCHECK")[-1]
    assert found["listen"].endswith(f":{given('EXPOSE')[0]}")


def test_the_pages_commands_are_valid() -> None:
    """Each daemon command on the page is valid."""
    text = PAGE.read_text("utf-8").replace("\\\n", " ")
    lines = re.findall(r"^ {4}(?:.* )?bedrock-jobs(?::\S+)? (watch.*)$", text, re.MULTILINE)

    assert lines
    for line in lines:
        assert parsed(shlex.split(line, comments=True))
