"""Files that git holds and the work tree lacks: what rests on them is invalid, nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.adapters.manifests.loader import load
from tests.git.support import git
from tests.support.manifests import manifest, write

LOST = "BJ118"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which one folder's manifests rest on defaults, all committed."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "jobs" / "team" / "a.yaml", manifest("a"))
    write(tmp_path / "jobs" / "b.yaml", manifest("b"))
    (tmp_path / "jobs" / "team" / "_defaults.yaml").write_text("metadata: {labels: {team: x}}\n")
    (tmp_path / "bedrock-jobs.yaml").write_text("owner: acme-ml\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "all")
    return tmp_path


def problems(tree: Path) -> dict[str, list[str]]:
    """Return the codes of each manifest's problems."""
    found = load([tree / "jobs"])
    return {one.key.name: [each.code for each in one.problems] for one in found.manifests}


def test_what_is_there_is_no_problem(tree: Path) -> None:
    """A whole work tree has nothing to report."""
    assert problems(tree) == {"a": [], "b": []}


@pytest.mark.parametrize("is_staged", [False, True])
def test_defaults_that_git_holds_are_not_gone(tree: Path, is_staged: bool) -> None:
    """Without its defaults a manifest is invalid, and others go on, until this is committed."""
    (tree / "jobs" / "team" / "_defaults.yaml").unlink()
    if is_staged:
        git(tree, "add", "-A")

    assert problems(tree) == {"a": [LOST], "b": []}
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "without defaults")
    assert problems(tree) == {"a": [], "b": []}


def test_defaults_that_were_only_added_are_not_gone(tree: Path) -> None:
    """What the index alone holds counts as well."""
    path = tree / "jobs" / "_defaults.yml"
    path.write_text("{}\n")
    git(tree, "add", "-A")
    path.unlink()

    assert problems(tree) == {"a": [LOST], "b": [LOST]}


def test_rules_that_git_holds_are_not_gone(tree: Path) -> None:
    """Without the fleet's file nobody knows what is allowed: nothing is valid."""
    (tree / "bedrock-jobs.yaml").unlink()

    assert problems(tree) == {"a": [LOST], "b": [LOST]}


def test_sparse_checkout_lacks_nothing_that_matters(tree: Path) -> None:
    """Defaults that a sparse checkout leaves out are missed by the manifests that it holds."""
    git(tree, "sparse-checkout", "set", "--no-cone", "/jobs/**/a.yaml", "/bedrock-jobs.yaml")

    assert problems(tree) == {"a": [LOST]}


def test_first_commit_is_still_to_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository without a commit has an index at most."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "jobs" / "a.yaml", manifest("a"))
    git(tmp_path, "init", "-q")

    assert problems(tmp_path) == {"a": []}


def test_no_program_of_the_repository_runs(tree: Path) -> None:
    """What a repository configures to run while it is read does not run."""
    git(tree, "config", "core.fsmonitor", "touch ran; false")
    (tree / "jobs" / "team" / "_defaults.yaml").unlink()

    assert problems(tree) == {"a": [LOST], "b": []}
    assert not (tree / "ran").exists()


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("kill -9 $$", "a signal ended it"),
        ("echo 'fatal: index file smaller than expected' >&2; exit 128", "index file smaller"),
    ],
)
def test_git_that_does_not_answer_says_nothing(
    tree: Path, monkeypatch: pytest.MonkeyPatch, program: str, expected: str
) -> None:
    """A git that was ended, or failed, has not said that no defaults are missing."""
    (tree / "jobs" / "team" / "_defaults.yaml").unlink()
    (tree / "bin").mkdir()
    (tree / "bin" / "git").write_text(f"#!/bin/sh\n{program}\n")
    (tree / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tree / 'bin'}:{os.environ['PATH']}")

    found = load([tree / "jobs"])

    assert [[each.code for each in one.problems] for one in found.manifests] == [["BJ101"]] * 2
    assert all(expected in one.message for one in found.problems)


def test_repository_that_is_not_for_us_bars_nobody(tree: Path) -> None:
    """The pointer of a work tree whose repository is elsewhere leads to no answer, ever."""
    (tree / "jobs" / "team" / "_defaults.yaml").unlink()
    (tree / ".git").rename(tree / "elsewhere")
    (tree / ".git").write_text("gitdir: /nowhere/.git/worktrees/x\n")

    assert problems(tree) == {"a": [], "b": []}
