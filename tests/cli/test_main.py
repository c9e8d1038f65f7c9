"""The command line as a whole: help, completion, exit codes, and closed pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from controller.cli.output.exit_codes import ExitCode, select_exit_code
from controller.version import __version__
from tests.support.commands import Ran, call, environment, run
from tests.support.project import Project

SCRIPT = Path(sys.executable).with_name("bedrock-jobs")
GRAVEST_FIRST = (1, 5, 4, 6, 3, 2)
VERBS = (
    "validate",
    "plan",
    "reconcile",
    "status",
    "wait",
    "stop",
    "retry",
    "adopt",
    "schema",
    "new",
    "sandbox",
)


def completed(folder: Path, *words: str) -> list[str]:
    """Return bash's completions for the last of these words."""
    env = environment(
        folder,
        _BEDROCK_JOBS_COMPLETE="bash_complete",
        COMP_WORDS=" ".join(("bedrock-jobs", *words)),
        COMP_CWORD=str(len(words)),
    )
    ran = run(folder, env=env, command=(str(SCRIPT),))
    assert ran.code == 0, ran.err
    return [line.partition(",")[2] for line in ran.out.splitlines()]


def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    """--version prints name and release, as the AWS CLI does."""
    assert call(tmp_path, "--version") == Ran(0, f"bedrock-jobs/{__version__}\n", "")


def test_help_lists_every_command(tmp_path: Path) -> None:
    """--help and -h list each command with its own line."""
    ran = call(tmp_path, "--help")
    assert ran.code == 0
    assert ran == call(tmp_path, "-h")
    for verb in VERBS:
        assert any(line.split()[:1] == [verb] for line in ran.out.splitlines()), verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_help(tmp_path: Path, verb: str) -> None:
    """Each command's help exits with 0 and describes the command."""
    ran = call(tmp_path, verb, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: bedrock-jobs {verb}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("reconcil",), "Did you mean 'reconcile'?"),
        (("apply",), "Did you mean 'reconcile'?"),
        (("frobnicate",), "The commands are validate, plan, reconcile, "),
        (("plan", "--no-such-option"), "--no-such-option"),
        (("plan", "--output", "xml"), "xml"),
        (("plan", "absent"), "absent"),
        (("plan", "-l", "=x"), "label selector"),
        (("reconcile", "--max-submits", "-1"), "--max-submits"),
        (("wait", "--timeout", "soon"), "--timeout"),
        (("wait", "--every", "0"), "--every"),
        (("plan", "--config", "absent.yaml", "."), "absent.yaml"),
        (("plan",), "there is no folder jobs/"),
        (("validate",), "there is no folder jobs/"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_ends_with_64(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    """A usage error is printed to stderr, with 64, before anything is done."""
    ran = call(tmp_path, *arguments)
    assert ran.code == 64
    assert told in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("count", range(1, len(GRAVEST_FIRST) + 1))
def test_exit_codes_have_a_precedence(count: int) -> None:
    """If several codes apply, the first of 1, 5, 4, 6, 3, 2 wins; without any it is 0."""
    for met in combinations(GRAVEST_FIRST, count):
        assert select_exit_code(map(ExitCode, reversed(met))) == met[0]
    assert select_exit_code([]) == 0


def test_no_command_shows_the_help(tmp_path: Path) -> None:
    """Without arguments the commands are listed, and the exit code is 64."""
    ran = call(tmp_path)
    assert ran.code == 64
    assert "reconcile" in ran.out + ran.err


def test_completion_script_is_for_this_command(tmp_path: Path) -> None:
    """Bash's script completes the program by its name."""
    env = environment(tmp_path, _BEDROCK_JOBS_COMPLETE="bash_source")
    ran = run(tmp_path, env=env, command=(str(SCRIPT),))
    assert ran.code == 0
    assert "complete" in ran.out
    assert "bedrock-jobs" in ran.out


def test_commands_are_completed(tmp_path: Path) -> None:
    """Every command is offered, and a prefix is completed."""
    assert set(VERBS) <= set(completed(tmp_path, ""))
    assert completed(tmp_path, "rec") == ["reconcile"]


def test_options_are_completed(tmp_path: Path) -> None:
    """A command's options and the values of a choice are offered."""
    assert "--max-submits" in completed(tmp_path, "reconcile", "--max")
    assert set(completed(tmp_path, "plan", "--output", "")) >= {"text", "json", "yaml"}


@pytest.mark.parametrize("verb", ["plan", "reconcile", "status"])
def test_reader_that_leaves_makes_no_noise(tree: Project, verb: str) -> None:
    """With stdout closed a command ends as usual, without a traceback."""
    for number in range(3):
        tree.add(f"job-{number}")
    ran = tree.piped_to_nobody(verb)
    assert ran.code == 0
    assert "Traceback" not in ran.err
    assert "Broken" not in ran.err


def test_closed_stderr_stops_no_submit(tree: Project) -> None:
    """With stderr closed too, every job is still submitted and recorded."""
    names = [f"job-{number:02}" for number in range(20)]
    for name in names:
        tree.add(name)
    reading, writing = os.pipe()
    os.close(reading)
    env = environment(tree.folder, AWS_ENDPOINT_URL=tree.sandbox.url)
    command = [sys.executable, "-m", "controller", "reconcile"]
    try:
        done = subprocess.run(
            command, cwd=tree.folder, env=env, stdout=writing, stderr=writing, check=False
        )
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert {tree.entry(name)["phase"] for name in names} == {"InProgress"}
    assert len(tree.calls("Create")) == len(names)


def test_terminal_without_the_letters(tree: Project) -> None:
    """Characters that stdout cannot encode are escaped, without a traceback."""
    tree.add("support-bot", {"roleArn": "naïve rôle ☃"}, labels={"team": "søk"})
    given = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for verb in ("validate", "plan", "reconcile", "status"):
        ran = run(tree.folder, verb, env=environment(tree.folder, **given))
        assert ran.code in {1, 4}, ran.err
        assert "Traceback" not in ran.err
    data = run(
        tree.folder, "validate", "--output", "json", env=environment(tree.folder, **given)
    ).data
    assert any("naïve rôle ☃" in problem["message"] for problem in data["problems"])


@pytest.mark.parametrize("verb", ["validate", "plan", "reconcile", "status"])
def test_missing_fleet_file_is_not_reported_as_a_missing_folder(tree: Project, verb: str) -> None:
    """Without a path, an error about --config names --config."""
    tree.add("support-bot")
    ran = tree.call(verb, "--config", "absent.yaml")
    assert ran.code == 64
    assert "absent.yaml: no such file" in ran.err
