"""A merge on GitLab, by the very script that ``init`` lays out, over a bare repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.pipelines import read
from tests.deploy.triggers import Event, gitlab_jobs
from tests.git.support import GIT, Shared, shared
from tests.support.commands import Ran, environment
from tests.support.project import SETTLED

PIPELINE = Path(".gitlab", "bedrock-jobs.yml")
NAMES = ["claims", "support-bot"]
PUSHED = "https://gitlab-ci-token:a-token@gitlab.example.com:443/acme/fleet.git"


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Iterator[Shared]:
    """A repository as `init` lays it out, with two manifests, pushed."""
    with shared(tmp_path) as fleet:
        assert fleet.call("init", "--ci", "gitlab", "--owner", "acme-ml").code == 0
        (fleet.project.jobs / "example.yaml").unlink()
        for name in NAMES:
            fleet.project.add(name)
        fleet.push("Train two models")
        yield fleet


def run(fleet: Shared, name: str, number: int) -> Ran:
    """Run a job's script in bash, as a runner does: in a shallow clone with a detached head.

    What the job pushes to GitLab goes to the bare repository.
    """
    clone = fleet.another(f"runner-{number}", "--depth=1").folder
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=clone, check=True)
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(read(fleet.folder / PIPELINE)[name]["script"])],
        cwd=clone,
        env={
            **environment(clone, AWS_ENDPOINT_URL=fleet.project.sandbox.url),
            **GIT,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{fleet.hub.url}.insteadOf",
            "GIT_CONFIG_VALUE_0": PUSHED,
            "BEDROCK_JOBS_RECONCILE_ROLE": "arn:aws:iam::123456789012:role/bedrock-jobs-reconcile",
            "CI_COMMIT_BRANCH": "main",
            "CI_DEFAULT_BRANCH": "main",
            "CI_JOB_TOKEN": "a-token",
            "CI_PROJECT_PATH": "acme/fleet",
            "CI_SERVER_HOST": "gitlab.example.com",
            "CI_SERVER_PORT": "443",
            "GITLAB_CI": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_merge_is_reconciled_and_recorded(fleet: Shared) -> None:
    """A push submits, a schedule records the end, both commit the statuses; no loop begins."""
    pipeline = read(fleet.folder / PIPELINE)
    merged = Event("push", paths=tuple(f"jobs/{name}.yaml" for name in NAMES))
    (job,) = gitlab_jobs(pipeline, merged)

    ran = run(fleet, job, 1)
    assert ran.code == 0, ran.err
    assert "a-token" not in ran.out + ran.err
    assert {fleet.hub.entry(name)["phase"] for name in NAMES} == {"InProgress"}

    fleet.project.sandbox.advance(SETTLED)
    assert gitlab_jobs(pipeline, Event("schedule")) == {job}
    assert run(fleet, job, 2).code == 0
    assert {fleet.hub.entry(name)["phase"] for name in NAMES} == {"Completed"}
    assert sorted(fleet.project.sandbox.list_names()) == NAMES

    recorded = fleet.hub.commits()[:2]
    assert run(fleet, job, 3).code == 0
    assert fleet.hub.commits()[:2] == recorded
    for commit in recorded:
        paths = tuple(fleet.hub.touched(commit))
        assert sorted(paths) == [f"jobs/{name}.status.json" for name in NAMES]
        assert gitlab_jobs(pipeline, Event("push", paths=paths)) == set()
        told = Event("push", paths=merged.paths, message=fleet.hub.message(commit))
        assert gitlab_jobs(pipeline, told) == set()
