"""A pull request's whole path, by the workflows that ``init`` lays out, over a bare repository."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.pipelines import read
from tests.deploy.triggers import Event, github_jobs
from tests.git.support import GIT, Shared, shared
from tests.support.commands import Ran
from tests.support.project import SETTLED, Project

FLOWS = Path(".github", "workflows")
NAMES = ["claims", "reports", "support-bot"]
BAD = "reports"


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Iterator[Shared]:
    """A repository as `init` lays it out, pushed."""
    with shared(tmp_path) as fleet:
        assert fleet.call("init", "--ci", "github", "--owner", "acme-ml").code == 0
        (fleet.project.jobs / "example.yaml").unlink()
        fleet.push("Lay out the fleet")
        yield fleet


def event(fleet: Shared, name: str, branch: str, base: str, **more: Any) -> Event:
    """Return what GitHub makes of a branch's commits since a base."""
    paths = fleet.git("diff", "--name-only", f"{base}..{branch}").splitlines()
    return Event(name, branch, tuple(paths), **more)


def jobs(fleet: Shared, happened: Event) -> dict[str, dict[str, Any]]:
    """Return the jobs that an event starts, by the workflows that the repository holds."""
    flows = [read(path) for path in sorted((fleet.folder / FLOWS).glob("*.yml"))]
    return {name: one["jobs"][name] for one in flows for name in github_jobs(one, happened)}


class Runner:
    """A machine of GitHub's: a fresh, shallow clone, and the variables that are set there."""

    def __init__(self, fleet: Shared, branch: str, number: int) -> None:
        self._here = fleet.another(f"runner-{number}", "--depth=1", f"--branch={branch}")
        self._summary = self._here.folder.with_suffix(".md")
        self._summary.touch()

    @property
    def summary(self) -> str:
        """What stands on the run's summary page."""
        return self._summary.read_text(encoding="utf-8")

    def run(self, job: dict[str, Any]) -> Ran:
        """Run the command of a job's last step."""
        command = shlex.split(job["steps"][-1]["run"])
        assert command[0] == "bedrock-jobs"
        return self.call(*command[1:])

    def call(self, *arguments: str) -> Ran:
        """Run the command as a step does."""
        return self._here.call(
            *arguments,
            **GIT,
            GITHUB_ACTIONS="true",
            GITHUB_WORKSPACE=str(self._here.folder),
            GITHUB_STEP_SUMMARY=str(self._summary),
        )


def propose(project: Project) -> int:
    """Write two good manifests and a bad one, and return the line of what is wrong in it."""
    for name in NAMES:
        project.add(name)
    project.edit(BAD, "roleArn", "ruleArn")
    lines = (project.jobs / f"{BAD}.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if "ruleArn" in line)


def statuses(fleet: Shared) -> dict[str, str]:
    """Return the phases that the main branch's sidecars show."""
    return {name: fleet.hub.entry(name)["phase"] for name in NAMES}


def test_a_pull_requests_whole_path(fleet: Shared) -> None:
    """Annotated, mended, planned, merged, reconciled, recorded on main; and no loop begins."""
    # A branch with one bad and two good manifests: annotations with file and line, exit 4.
    fleet.git("switch", "-q", "-c", "train")
    line = propose(fleet.project)
    fleet.push("Train three models")
    started = jobs(fleet, event(fleet, "pull_request", "train", "main"))
    assert set(started) == {"validate", "plan"}
    assert started["plan"]["needs"] == "validate"
    runner = Runner(fleet, "train", 1)
    told = runner.run(started["validate"])
    assert told.code == 4
    errors = [one for one in told.said if one.startswith("::error ")]
    assert errors[0].startswith(f"::error file=jobs/{BAD}.yaml,line={line},col=")
    assert all(f"file=jobs/{BAD}.yaml" in one for one in errors)
    assert f"jobs/{BAD}.yaml:{line}" in runner.summary

    # Mended: the plan stands on the summary page, and nothing has happened yet.
    fleet.project.edit(BAD, "ruleArn", "roleArn")
    fleet.push("Mend a key")
    runner = Runner(fleet, "train", 2)
    assert [runner.run(started[name]).code for name in ("validate", "plan")] == [0, 0]
    printed = runner.call("plan", "--output", "markdown")
    assert printed.code == 0
    rows = [row for row in printed.out.splitlines() if row.startswith("| **SUBMIT**")]
    assert [name for name in NAMES for row in rows if f"<code>{name}</code>" in row] == NAMES
    assert all(row in runner.summary for row in rows)
    assert [*fleet.project.sandbox.list_names()] == []

    # Merged: one pass submits, and the statuses are on main.
    fleet.git("switch", "-q", "main")
    before = fleet.git("rev-parse", "HEAD")
    fleet.git("merge", "-q", "--no-ff", "-m", "Merge train", "train")
    fleet.git("push", "-q")
    started = jobs(fleet, event(fleet, "push", "main", before))
    assert set(started) == {"reconcile"}
    assert Runner(fleet, "main", 3).run(started["reconcile"]).code == 0
    assert sorted(fleet.project.sandbox.list_names()) == NAMES
    assert set(statuses(fleet).values()) == {"InProgress"}

    # The jobs end, and a scheduled pass records it; another one has nothing to commit.
    fleet.project.sandbox.advance(SETTLED)
    started = jobs(fleet, Event("schedule"))
    assert Runner(fleet, "main", 4).run(started["reconcile"]).code == 0
    assert set(statuses(fleet).values()) == {"Completed"}
    head = fleet.hub.head()
    assert Runner(fleet, "main", 5).run(started["reconcile"]).code == 0
    assert fleet.hub.head() == head
    assert sorted(fleet.project.sandbox.list_names()) == NAMES

    # What was written back starts nothing, by its paths, by its message or by its token.
    recorded = fleet.hub.commits()[:2]
    for commit in recorded:
        paths = tuple(fleet.hub.touched(commit))
        assert sorted(paths) == [f"jobs/{name}.status.json" for name in NAMES]
        assert jobs(fleet, Event("push", "main", paths)) == {}
        manifests = (*paths, f"jobs/{BAD}.yaml")
        assert jobs(fleet, Event("push", "main", manifests, fleet.hub.message(commit))) == {}
        assert jobs(fleet, Event("push", "main", manifests, own_token=True)) == {}
        assert set(jobs(fleet, Event("push", "main", manifests))) == {"reconcile"}
