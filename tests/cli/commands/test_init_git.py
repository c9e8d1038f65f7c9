"""The ``init`` command in a git repository: what it reads there, and what git does with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import call, environment
from tests.support.laying import files, folder, git, init, read

__all__ = ["folder"]


def test_what_a_sandbox_leaves_is_ignored_but_statuses_are_not(folder: Path) -> None:
    """Of the files that a pass or a plan in a pipeline writes, git sees only sidecars."""
    git(folder, "init")
    init(folder)
    git(folder, "add", "-A")
    call(folder, "reconcile", "--sandbox")
    in_gitlab = environment(folder, GITLAB_CI="true", CI_PROJECT_DIR=str(folder))
    call(folder, "plan", "--sandbox", "--out", "plan.json", env=in_gitlab)
    assert len(list(folder.glob("bedrock-jobs-plan.*"))) == 2
    (folder / "jobs" / ".example.status.json.1.2.tmp").write_text("half")

    seen = git(folder, "status", "--porcelain", "--untracked-files=all").splitlines()

    assert [line for line in seen if line.startswith("??")] == ["?? jobs/example.status.json"]


def test_a_conflict_in_a_sidecar_leaves_it_whole(folder: Path) -> None:
    """If two branches wrote a status, the file has one of them, without conflict markers."""
    git(folder, "init")
    init(folder)
    sidecar = folder / "jobs" / "example.status.json"
    git(folder, "add", "-A")
    for branch, text in (("main", '{"a": 1}\n'), ("other", '{"a": 2}\n')):
        git(folder, "commit", "--allow-empty", "-m", "base") if branch == "main" else None
        git(folder, "checkout", "-q", "-B", branch, *(["main~1"] if branch == "other" else []))
        sidecar.write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-m", branch)

    git(folder, "merge", "main", code=1)

    assert json.loads(sidecar.read_text()) == {"a": 2}


def test_line_ends_of_sidecars_stay(folder: Path) -> None:
    """A checkout that converts line ends does not change sidecars."""
    git(folder, "init")
    init(folder)
    sidecar = folder / "jobs" / "example.status.json"
    sidecar.write_bytes(b"{}\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "base")
    sidecar.unlink()

    git(folder, "-c", "core.autocrlf=true", "checkout", "--", "jobs")

    assert sidecar.read_bytes() == b"{}\n"


@pytest.mark.parametrize(
    ("remote", "files_there", "ci"),
    [
        ("git@gitlab.example.com:acme/fleet.git", [], "gitlab"),
        ("https://github.com/acme/fleet.git", [], "github"),
        ("", [".gitlab-ci.yml"], "gitlab"),
        ("", [".github/dependabot.yml"], "github"),
        ("", [], "github"),
    ],
)
def test_the_host_is_found_out(folder: Path, remote: str, files_there: list[str], ci: str) -> None:
    """The CI system is detected from the remote or from its files."""
    git(folder, "init")
    git(folder, "remote", "add", "origin", remote) if remote else None
    for name in files_there:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")

    data = init(folder, "--dry-run", "--output", "json").data

    assert (data["ci"], data["owner"]) == (ci, "acme-fleet")


def test_the_remotes_own_branch_is_reconciled(folder: Path) -> None:
    """If the remote has a default branch, the workflow uses it."""
    git(folder.parent, "init", "--bare", "-b", "trunk", "origin.git")
    git(folder, "init", "-b", "trunk")
    git(folder, "commit", "--allow-empty", "-m", "base")
    git(folder, "remote", "add", "origin", "../origin.git")
    git(folder, "push", "-q", "origin", "trunk")
    git(folder, "remote", "set-head", "origin", "--auto")
    git(folder, "checkout", "-q", "-b", "feature")

    init(folder)

    workflow = read(folder / ".github" / "workflows" / "bedrock-jobs-reconcile.yml")
    assert workflow[True]["push"]["branches"] == ["trunk"]


def test_pipelines_belong_to_the_top(folder: Path) -> None:
    """In a subfolder of a repository no pipeline is created, and --ci is refused."""
    git(folder, "init")
    inner = folder / "ml"
    inner.mkdir()

    refused, done = init(inner, "--ci", "github"), init(inner)

    assert (refused.code, done.code) == (64, 0)
    assert str(folder) in refused.err
    assert "run init there" in done.err
    assert (inner / "CODEOWNERS").is_file()
    assert not [name for name in files(inner) if name.startswith((".github", ".gitlab"))]
