"""The shipped pipelines, checked by the validators of their formats and for their permissions."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.version import __version__
from tests.deploy.pipelines import (
    ACTIONS,
    GITHUB,
    GITLAB,
    INCLUDE,
    SHIPPED,
    WORKFLOWS,
    Shell,
    commands,
    read,
    shells,
    workflow,
)
from tests.house.source import ROOT
from tests.support.commands import understood

BINARIES = Path(sys.executable).parent
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PINNED = re.compile(r"uses: (?:\./\S+|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)")
ROLES = {"validate": None, "plan": "PLAN", "reconcile": "RECONCILE", "stop": "STOP"}


def checked(*command: str | Path, text: str | None = None) -> str:
    """Run a program of the environment, and return its output."""
    done = subprocess.run(
        [str(BINARIES / command[0]), *map(str, command[1:])],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and text of all jobs of the workflows."""
    for path in WORKFLOWS:
        yield from read(path)["jobs"].items()


def inputs(job: dict[str, Any]) -> dict[str, Any]:
    """Return what a job passes to our own action."""
    (step,) = [one for one in job["steps"] if one.get("uses", "").startswith("./")]
    given: dict[str, Any] = step.get("with", {})
    return given


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", ACTIONS),
        ("vendor.gitlab-ci", (GITLAB, INCLUDE)),
    ],
    ids=["workflows", "actions", "gitlab"],
)
def test_files_are_valid(schema: str, files: tuple[Path, ...]) -> None:
    """Every file is valid by its host's schema."""
    assert files
    checked("check-jsonschema", "--builtin-schema", schema, *files)


def test_zizmor_finds_nothing() -> None:
    """No workflow or action has a known vulnerability."""
    rules = Path(__file__).with_name("zizmor.yml")
    options = ("--offline", "--no-progress", "--quiet", "--config", rules)
    checked("zizmor", *options, *WORKFLOWS, *ACTIONS)


@pytest.mark.parametrize("shell", shells(), ids=lambda shell: shell.place)
def test_shellcheck_finds_nothing(shell: Shell) -> None:
    """Every shell script passes shellcheck, including its remarks on style."""
    checked("shellcheck", "--shell", "bash", "--severity", "style", "-", text=shell.text)


def test_hooks_are_valid() -> None:
    """The offered hooks, and the configuration that `init` writes, are valid."""
    checked("pre-commit", "validate-manifest", HOOKS)
    checked("pre-commit", "validate-config", SHIPPED / "repository" / "pre-commit-config.yaml")


def test_every_action_is_pinned() -> None:
    """Third-party actions are pinned to a full commit, with the version beside it."""
    lines = [
        line.strip().removeprefix("- ")
        for path in (*WORKFLOWS, *ACTIONS)
        for line in path.read_text("utf-8").splitlines()
        if "uses: " in line
    ]

    assert lines
    assert [line for line in lines if not PINNED.match(line)] == []


def test_an_action_has_one_version_everywhere() -> None:
    """Two files that use the same action use the same commit of it."""
    text = "".join(path.read_text("utf-8") for path in (*WORKFLOWS, *ACTIONS))
    uses = set(re.findall(r"uses: ([\w-]+/[\w-]+)@(\w+)", text))

    assert len(uses) == len({name for name, _ in uses}) == 3


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_permissions_are_set_per_job(path: Path) -> None:
    """Permissions are set per job, and every job has a timeout."""
    found = read(path)

    assert found["permissions"] == {}
    for job in found["jobs"].values():
        assert job["timeout-minutes"] <= 30
        assert job["runs-on"] != "ubuntu-latest"


def test_jobs_may_do_what_they_need() -> None:
    """A job may read the repository, request a token if it has a role, and write to commit."""
    assert dict(jobs()).keys() == ROLES.keys()
    for name, job in jobs():
        wanted = {"contents": "write" if name == "reconcile" else "read"}
        wanted |= {"id-token": "write"} if ROLES[name] else {}

        assert job["permissions"] == wanted


def test_each_job_has_the_role_of_its_command() -> None:
    """Plan, reconcile and stop each assume their own role; validate assumes none."""
    for name, job in jobs():
        variable = f"${{{{ vars.BEDROCK_JOBS_{ROLES[name]}_ROLE }}}}"

        assert inputs(job).get("role") == (variable if ROLES[name] else None)
        assert ROLES[name] is None or f"bedrock-jobs {name}" in str(job["steps"])
    for name, job in read(GITLAB).items():
        verb = name.removeprefix("bedrock-jobs ")
        if verb in ROLES:
            named = re.findall(r"BEDROCK_JOBS_(\w+)_ROLE\b", str(job["script"]))
            assert named == ([ROLES[verb]] if ROLES[verb] else [])
            assert (job["extends"] == ".bedrock-jobs-role") is bool(ROLES[verb])


def test_only_pushing_jobs_keep_credentials() -> None:
    """The checkout's token is kept only in the job that commits the statuses."""
    for name, job in jobs():
        (checkout,) = [one for one in job["steps"] if "actions/checkout@" in one.get("uses", "")]

        assert checkout["with"]["persist-credentials"] is (name == "reconcile")


def test_stops_need_a_confirmation() -> None:
    """Stopping needs the reviewers of an environment, and is a dry run by default."""
    stop = workflow("stop")

    assert stop["jobs"]["stop"]["environment"] == "bedrock-jobs-stop"
    assert stop[True]["workflow_dispatch"]["inputs"]["dry-run"]["default"] is True
    assert read(GITLAB)["bedrock-jobs stop"]["environment"] == "bedrock-jobs-stop"


@pytest.mark.parametrize("shell", shells(), ids=lambda shell: shell.place)
def test_nothing_is_interpolated_into_shell(shell: Shell) -> None:
    """Untrusted text is passed to shell in variables only."""
    assert "${{" not in shell.text


@pytest.mark.parametrize("shell", shells(), ids=lambda shell: shell.place)
def test_every_command_is_valid(shell: Shell) -> None:
    """Each call of bedrock-jobs is valid, and none prompts."""
    for verb, *rest in commands(shell):
        given = understood(verb, *rest)

        assert verb != "stop" or given["yes"] or given["dry_run"]


def test_expressions_use_known_contexts() -> None:
    """No expression misspells a context, which its host would treat as empty."""
    texts = [path.read_text("utf-8") for path in (*WORKFLOWS, *ACTIONS)]
    names = {
        name
        for text in texts
        for inner in re.findall(r"\$\{\{(.*?)\}\}", text)
        for name in re.findall(r"[a-z]+\.[\w.-]+", re.sub(r"'[^']*'", "", inner))
    }
    inputs = {"role", "region", "names", "dry-run"}

    assert names <= {
        "github.event.pull_request.number",
        "github.ref",
        "github.run_id",
        "vars.BEDROCK_JOBS_REGION",
        *(f"vars.BEDROCK_JOBS_{role}_ROLE" for role in ROLES.values()),
        *(f"inputs.{name}" for name in inputs),
    }
    declared = {*workflow("stop")[True]["workflow_dispatch"]["inputs"], *read(ACTIONS[0])["inputs"]}
    assert declared == inputs


def test_calls_are_found() -> None:
    """The commands of the pipelines are those that have a role, and validate."""
    for places in (WORKFLOWS, (GITLAB,)):
        stems = {path.stem for path in places}
        calls = [
            arguments[0]
            for shell in shells()
            for arguments in commands(shell)
            if shell.place.startswith(tuple(stems)) or places == (GITLAB,)
        ]
        assert set(calls) == ROLES.keys()


@pytest.mark.parametrize("names", ["", "   "])
def test_blank_names_stop_nothing(names: str, tmp_path: Path) -> None:
    """Blank names are rejected, and do not mean every job."""
    (shell,) = [one for one in shells() if one.place.startswith("bedrock-jobs-stop")]
    (tmp_path / "jobs").mkdir()
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", shell.text],
        cwd=tmp_path,
        env={"PATH": f"{BINARIES}:/usr/bin:/bin", "JOBS": names, "DRY_RUN": "false"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 64
    assert "select the jobs" in done.stderr


def test_names_are_words_and_not_shell(tmp_path: Path) -> None:
    """Names reach the command as names: never as a pattern, an option or a command."""
    (shell,) = [one for one in shells() if one.place.startswith("bedrock-jobs-stop")]
    told = tmp_path / "bedrock-jobs"
    told.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    told.chmod(0o755)
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", shell.text],
        cwd=tmp_path,
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "JOBS": "support-bot  * --all $(id)",
            "DRY_RUN": "true",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split("\n") == [
        "stop", "--dry-run", "--", "support-bot", "*", "--all", "$(id)", "",
    ]  # fmt: skip


def test_pipelines_install_this_release() -> None:
    """Every place that names a release names this one."""
    texts = [path.read_text("utf-8") for path in SHIPPED.rglob("*") if path.is_file()]
    named = [one for text in texts for one in re.findall(r"\bbedrock-jobs==([\w.]+)", text)]

    assert len(named) == 3
    assert set(named) == {__version__}


def test_workflows_use_files_of_their_folder() -> None:
    """Files that the workflows use are in the folder that a team copies to .github."""
    text = "".join(path.read_text("utf-8") for path in (*WORKFLOWS, *ACTIONS))
    named = set(re.findall(r"\.github/([\w/.-]+\w)", text))

    assert named
    for path in named:
        assert (GITHUB / path).exists(), path
