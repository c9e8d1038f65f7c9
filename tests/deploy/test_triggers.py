"""What triggers the shipped pipelines, and that a commit of statuses triggers none of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.expressions import Value, holds
from tests.deploy.pipelines import GITLAB, WORKFLOWS, read, workflow
from tests.deploy.triggers import Event, chosen, github_jobs, github_starts, gitlab_jobs, matches

MANIFEST, SIDECAR = "jobs/support/bot.yaml", "jobs/support/bot.status.json"
STATUSES = Event("push", paths=(SIDECAR, "jobs/example.status.json"), message="Record statuses")


def started(event: Event) -> set[str]:
    """Return the jobs of all workflows that an event runs."""
    return set().union(*(github_jobs(read(path), event) for path in WORKFLOWS))


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("jobs/**", "jobs/a/b.yaml", True),
        ("jobs/**", "jobs/.hidden", True),
        ("jobs/**", "my/jobs/a", False),
        ("jobs/*", "jobs/a/b", False),
        ("**/*.status.json", "a.status.json", True),
        ("**/*.status.json", "jobs/a/b.status.json", True),
        ("**/*.status.json", "jobs/a/status.json", False),
        ("!**/*.md", "README.md", True),
        ("*.jsx?", "page.js", True),
        ("v[12].[0-9]+", "v1.10", True),
        ("main", "mainly", False),
        ("a.b", "axb", False),
    ],
)
def test_patterns_match_as_documented(pattern: str, text: str, fits: bool) -> None:
    """A star stops at a slash, two do not, and the other characters match as documented."""
    assert matches(pattern, text) is fits


def test_the_last_pattern_decides() -> None:
    """Excluded files can be included again, and files that are never included stay excluded."""
    patterns = ["jobs/**", "!jobs/old/**", "jobs/old/kept.yaml"]

    assert chosen(patterns, "jobs/a.yaml")
    assert not chosen(patterns, "jobs/old/a.yaml")
    assert chosen(patterns, "jobs/old/kept.yaml")
    assert not chosen(["!jobs/**"], "README.md")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a == 'x'", True),
        ("a != 'x'", False),
        ("a == 'y' || b", True),
        ("a == 'y' || b && c", False),
        ("(a == 'y' || b) && c == null", True),
        ('$d == "x y"', True),
        ("c", False),
        ("e", False),
    ],
)
def test_conditions_are_evaluated_as_documented(expression: str, expected: bool) -> None:
    """And binds stronger than or; empty and missing values are false."""
    names: dict[str, Value] = {"a": "x", "b": "1", "c": None, "$d": "x y", "e": ""}

    assert holds(expression, names) is expected


def test_an_unknown_name_is_an_error() -> None:
    """A condition on an unknown name is not treated as false."""
    with pytest.raises(KeyError):
        holds("github.misspelt == 'x'", {})


def test_a_commit_of_statuses_starts_nothing() -> None:
    """A write-back starts no workflow and no pipeline, on the main branch or another."""
    for branch in ("main", "other"):
        event = Event("push", branch, STATUSES.paths, "Record statuses [skip ci]", own_token=True)

        assert started(event) == set()
        assert gitlab_jobs(read(GITLAB), event) == set()


@pytest.mark.parametrize(
    "event",
    [
        STATUSES,
        Event("push", paths=(MANIFEST, SIDECAR), message="Record statuses\n\n[skip ci]"),
        Event("push", paths=(MANIFEST, SIDECAR), own_token=True),
    ],
    ids=["by its paths", "by its message", "by its token"],
)
def test_each_safeguard_is_enough(event: Event) -> None:
    """Paths, message and token: each alone keeps a write-back from starting anything."""
    assert started(event) == set()
    assert gitlab_jobs(read(GITLAB), event) == set()


def test_without_safeguards_it_would_start() -> None:
    """The replay can detect a start: the same commit with a manifest in it starts a pass."""
    event = Event("push", paths=(SIDECAR, MANIFEST))

    assert started(event) == {"reconcile"}
    assert gitlab_jobs(read(GITLAB), event) == {"bedrock-jobs reconcile"}


@pytest.mark.parametrize(
    "path",
    [
        MANIFEST,
        "jobs/a.yml",
        "jobs/a.YAML",
        "jobs/a.json",
        "jobs/b/bots.json",
        "jobs/corpus.json",
        "jobs/_defaults.yaml",
        "bedrock-jobs.yaml",
    ],
)
def test_a_merge_starts_one_pass(path: str) -> None:
    """Changes of manifests are reconciled from the main branch, and from no other."""
    pipeline = read(GITLAB)

    assert started(Event("push", paths=(path,))) == {"reconcile"}
    assert started(Event("push", "feature", (path,))) == set()
    assert gitlab_jobs(pipeline, Event("push", paths=(path,))) == {"bedrock-jobs reconcile"}
    assert gitlab_jobs(pipeline, Event("push", "feature", (path,))) == set()


def test_other_files_start_nothing() -> None:
    """A commit of other files starts no pass."""
    event = Event("push", paths=("README.md", "docs/jobs/a.md"))

    assert started(event) == set()
    assert gitlab_jobs(read(GITLAB), event) == set()


def test_a_pull_request_is_checked_and_planned() -> None:
    """A branch of the repository itself is validated and planned, and nothing else."""
    event = Event("pull_request", "feature", (MANIFEST,))

    assert started(event) == {"validate", "plan"}
    assert gitlab_jobs(read(GITLAB), event) == {"bedrock-jobs validate", "bedrock-jobs plan"}


def test_a_fork_is_checked_without_credentials() -> None:
    """A fork's branch is validated, in a job that can get no role."""
    event = Event("pull_request", "feature", (MANIFEST,), fork=True)
    validate: dict[str, Any] = workflow("plan")["jobs"]["validate"]

    assert started(event) == {"validate"}
    assert gitlab_jobs(read(GITLAB), event) == {"bedrock-jobs validate"}
    assert "id-token" not in validate["permissions"]
    assert read(GITLAB)["bedrock-jobs validate"]["extends"] == ".bedrock-jobs"


def test_a_pull_request_of_statuses_starts_nothing() -> None:
    """If statuses are written to a separate branch, its pull request starts nothing."""
    event = Event("pull_request", "statuses", (SIDECAR,))

    assert started(event) == set()
    assert gitlab_jobs(read(GITLAB), event) == set()


@pytest.mark.parametrize("name", ["push", "schedule", "pull_request", "workflow_dispatch"])
def test_without_roles_nothing_is_called(name: str) -> None:
    """A new repository has green pipelines: they validate and do nothing else."""
    event = Event(name, paths=(MANIFEST,), roles=())
    expected = {"validate"} if name == "pull_request" else set()

    assert started(event) - {"stop"} == expected
    assert gitlab_jobs(read(GITLAB), event) == {f"bedrock-jobs {one}" for one in expected}


def test_statuses_are_refreshed_by_schedule() -> None:
    """Long-running jobs are polled by a schedule, on the main branch only."""
    assert started(Event("schedule")) == {"reconcile"}
    assert gitlab_jobs(read(GITLAB), Event("schedule")) == {"bedrock-jobs reconcile"}
    assert gitlab_jobs(read(GITLAB), Event("schedule", "feature")) == set()


def test_only_a_person_stops_jobs() -> None:
    """Only a person can start the job that stops, and only on the main branch."""
    by_hand = Event("workflow_dispatch", more={"$BEDROCK_JOBS_STOP": "support-bot"})
    elsewhere = Event("workflow_dispatch", "feature", more=dict(by_hand.more))
    stop = workflow("stop")

    assert set(stop[True]) == {"workflow_dispatch"}
    assert github_jobs(stop, by_hand) == {"stop"}
    assert github_jobs(stop, elsewhere) == set()
    assert gitlab_jobs(read(GITLAB), by_hand) == {"bedrock-jobs stop"}
    assert gitlab_jobs(read(GITLAB), elsewhere) == set()
    assert read(GITLAB)["bedrock-jobs stop"]["rules"][0]["when"] == "manual"


def test_passes_wait_for_each_other() -> None:
    """One pass runs at a time and none is cancelled; a new plan cancels the one before."""
    assert workflow("reconcile")["concurrency"]["cancel-in-progress"] is False
    assert "github." not in workflow("reconcile")["concurrency"]["group"]
    assert workflow("plan")["concurrency"]["cancel-in-progress"] is True
    assert read(GITLAB)["bedrock-jobs reconcile"]["resource_group"]
    assert not github_starts(workflow("plan"), Event("push", paths=(MANIFEST,)))
