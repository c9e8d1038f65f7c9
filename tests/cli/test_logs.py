"""The content and the formats of the log, and what it never contains."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.cli.main import root
from tests.support.commands import COMMAND, DEADLINE, environment
from tests.support.manifests import spec
from tests.support.project import Project

SECRET = "s3cr3t-of-the-spec"  # noqa: S105 - seeded, to be looked for
LEVELS = ("debug", "info", "warning", "error")
SEEDED = spec(
    roleArn=f"arn:aws:iam::123456789012:role/{SECRET}",
    trainingDataConfig={"s3Uri": f"s3://acme-training/{SECRET}/train.jsonl"},
    outputDataConfig={"s3Uri": f"s3://acme-training/{SECRET}/output/"},
)


def lines(said: str) -> list[dict[str, Any]]:
    """Return the log's lines of what was printed to stderr."""
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def test_a_job_action_and_a_pass_are_one_line_each(tree: Project) -> None:
    """A submit is one line with its names and codes, a pass one with its counts."""
    tree.add("support-bot")

    job, whole = lines(tree.call("reconcile", "--log-level", "info").err)

    assert {
        "event": "job",
        "level": "info",
        "job": "ModelCustomizationJob/support-bot",
        "verb": "SUBMIT",
        "reason": "NotSubmitted",
        "now": "InProgress",
        "phase": "InProgress",
        "account": "123456789012",
        "region": "us-east-1",
        "attempt": 0,
        "arn": tree.entry("support-bot")["jobArn"],
        "written": True,
        "unwritten": False,
    }.items() <= job.items()
    assert "failure" not in job
    assert {
        "event": "pass",
        "level": "info",
        "mode": "apply",
        "jobs": 1,
        "verbs": {"SUBMIT": 1},
        "written": 1,
        "failures": 0,
        "refused": False,
    }.items() <= whole.items()


def test_a_settled_job_has_no_line(tree: Project) -> None:
    """If nothing changes, only the pass is logged."""
    tree.add("support-bot")
    tree.settle()

    (whole,) = lines(tree.call("reconcile", "--log-level", "info").err)

    assert (whole["event"], whole["verbs"], whole["written"]) == ("pass", {"NOOP": 1}, 0)


def test_a_failed_action_has_its_code(tree: Project) -> None:
    """The job's line has the service's error code, and not its message, which may quote."""
    tree.add("support-bot")
    tree.sandbox.inject_fault("server-error", "CreateModelCustomizationJob", times=3)

    job, whole = lines(tree.call("reconcile", "--log-level", "info").err)

    assert (job["failure"], whole["failures"]) == ("InternalServerException", 1)
    assert "injected this error" not in json.dumps(job)


def test_times_are_utc(tree: Project) -> None:
    """Each line has its time in ISO 8601, in UTC whatever the machine's time zone."""
    tree.add("support-bot")

    ran = tree.run("plan", "--debug", TZ="Asia/Tokyo")

    moments = [datetime.fromisoformat(line["timestamp"]) for line in lines(ran.err)]
    assert moments
    assert all(moment.utcoffset() == timedelta(0) for moment in moments)
    assert all(line["timestamp"].endswith("Z") for line in lines(ran.err))


@pytest.mark.parametrize(
    ("options", "lowest"),
    [
        ((), None),
        (("--log-level", "error"), "error"),
        (("--log-level", "info"), "info"),
        (("--log-level", "debug"), "debug"),
        (("--debug",), "debug"),
        (("--debug", "--log-level", "error"), "debug"),
        (("--log-level", "error", "--debug"), "debug"),
    ],
    ids=repr,
)
def test_levels_are_kept(tree: Project, options: tuple[str, ...], lowest: str | None) -> None:
    """Nothing below the requested level is logged, and nothing at all without one."""
    tree.add("support-bot")

    told = {line["level"] for line in lines(tree.call("reconcile", *options).err)}

    every = {"debug", "info"}
    assert told == {one for one in every if lowest and LEVELS.index(one) >= LEVELS.index(lowest)}


@pytest.mark.parametrize("level", LEVELS)
def test_no_value_of_a_spec_is_logged(tree: Project, level: str) -> None:
    """No line has a spec value, whether of a lost answer, a refusal or a held edit."""
    for name in ("lost", "refused", "edited"):
        tree.add(name, SEEDED)
    tree.sandbox.inject_fault("reset-after", "CreateModelCustomizationJob", times=3)
    tree.sandbox.change_settings(quota=1, overQuota="refuse")
    said = [tree.call("reconcile", "--log-level", level)]
    for name in ("lost", "refused", "edited"):
        tree.edit(name, "train.jsonl", f"{SECRET}.jsonl")
    said += [tree.call(verb, "--log-level", level) for verb in ("reconcile", "plan", "validate")]

    assert all(SECRET in call["body"] for call in tree.calls("Create"))
    shown = [line for ran in said for line in lines(ran.err)]
    assert bool(shown) == (level in {"debug", "info"})
    assert SECRET not in json.dumps(shown)


def on_a_terminal(folder: Path, *arguments: str, **env: str) -> str:
    """Return what a command prints to stderr on a terminal."""
    ours, theirs = pty.openpty()
    given = environment(folder, TERM="xterm-256color", COLUMNS="200", **env)
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, env=given, stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        try:
            return b"".join(iter(lambda: _read(ours), b"")).decode()
        finally:
            process.wait(DEADLINE)
            os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=repr)
def test_people_get_lines_on_a_terminal(tree: Project, env: dict[str, str], coloured: bool) -> None:
    """On a terminal the lines are for people, coloured unless NO_COLOR is set."""
    tree.add("support-bot")
    options = ("--log-level", "info", "--endpoint-url", tree.sandbox.url)

    said = on_a_terminal(tree.folder, "reconcile", *options, **env)

    assert lines(said) == []
    assert "support-bot" in said
    assert "SUBMIT" in said
    assert ("\x1b[" in said) is coloured


@pytest.mark.parametrize("verb", root.list_commands(root.make_context("bedrock-jobs", ["new"])))
def test_every_command_takes_a_level(verb: str) -> None:
    """Every command has --log-level and --debug."""
    command = root.get_command(root.make_context("bedrock-jobs", [verb]), verb)
    assert command is not None

    options = {option for one in command.params for option in one.opts}

    assert {"--log-level", "--debug"} <= options
