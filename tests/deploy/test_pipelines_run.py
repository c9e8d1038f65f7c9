"""The shell scripts of the shipped pipelines, run with a bare repository and a sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.pipelines import read
from tests.deploy.triggers import Event, gitlab_jobs
from tests.git.support import GIT, Shared, git, shared
from tests.support.commands import environment
from tests.support.project import SETTLED

BINARIES = Path(sys.executable).parent
PIPELINE = Path(".gitlab", "bedrock-jobs.yml")
TOKEN = "a-token"  # noqa: S105 - nobody's
PUSH = f"https://gitlab-ci-token:{TOKEN}@gitlab.example.com:443/acme/fleet.git"


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Iterator[Shared]:
    """A repository as set up by `init` for GitLab, pushed."""
    with shared(tmp_path) as fleet:
        assert fleet.call("init", "--ci", "gitlab").code == 0
        fleet.push("Lay out the fleet")
        yield fleet


def job(fleet: Shared, name: str) -> dict[str, Any]:
    """Return a job of the repository's pipeline."""
    found: dict[str, Any] = read(fleet.folder / PIPELINE)[f"bedrock-jobs {name}"]
    return found


def run(fleet: Shared, name: str, number: int, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script like GitLab: a detached, shallow checkout, one shell, no terminal."""
    here = fleet.another(f"runner-{number}", "--depth=1").folder
    git(here, "checkout", "-q", "--detach")
    # What the job pushes to is on this disk.
    rewritten = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{fleet.hub.url}.insteadOf",
        "GIT_CONFIG_VALUE_0": PUSH,
    }
    variables = {
        "CI_COMMIT_BRANCH": "main",
        "CI_JOB_TOKEN": TOKEN,
        "CI_PROJECT_DIR": str(here),
        "CI_PROJECT_PATH": "acme/fleet",
        "CI_SERVER_HOST": "gitlab.example.com",
        "CI_SERVER_PORT": "443",
        "GITLAB_CI": "true",
        "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job(fleet, name)["script"])],
        cwd=here,
        env=environment(
            here.parent,
            **{**GIT, **rewritten, **variables, **more},
            AWS_ENDPOINT_URL=fleet.project.sandbox.url,
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_merge_on_gitlab_is_reconciled(fleet: Shared) -> None:
    """The scripts plan and submit, push statuses with the job's token, and stop running jobs."""
    planned = run(fleet, "plan", 1)
    passed = run(fleet, "reconcile", 2)

    assert [one.returncode for one in (planned, passed)] == [0, 0], passed.stderr
    assert fleet.hub.touched() == ["jobs/example.status.json"]
    assert fleet.hub.entry("example")["phase"] == "InProgress"
    assert TOKEN not in passed.stdout + passed.stderr

    event = Event("push", "main", tuple(fleet.hub.touched()), fleet.hub.message())
    assert gitlab_jobs(read(fleet.folder / PIPELINE), event) == set()

    stopped = run(fleet, "stop", 3, BEDROCK_JOBS_STOP="example")
    assert stopped.returncode == 0, stopped.stderr
    fleet.project.sandbox.advance(SETTLED)
    assert run(fleet, "reconcile", 4).returncode == 0
    assert fleet.hub.entry("example")["phase"] == "Stopped"
    assert len(fleet.hub.commits()) == 4


def test_reports_are_where_gitlab_looks_for_them(fleet: Shared) -> None:
    """Each report that a job declares as an artifact is one that its command writes."""
    for number, name in enumerate(("validate", "plan")):
        assert run(fleet, name, number).returncode == 0
        folder = fleet.folder.with_name(f"runner-{number}")
        reports = job(fleet, name)["artifacts"]["reports"]

        assert reports
        assert all((folder / path).is_file() for path in reports.values())
