"""Checkouts of every kind: detached, shallow, fresh, dirty, in conflict, filtered, large."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.adapters.git.command import GitError
from controller.adapters.git.repository import UnsuitableCheckoutError
from controller.ports import LedgerError
from tests.git.desks import Desk, desk_in, lone_desk
from tests.git.entries import entry
from tests.git.support import git

CONFLICT = "<<<<<<< HEAD\n{}\n=======\n[]\n>>>>>>> theirs\n"
IN_ACTIONS = {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/main"}
IN_GITLAB = {"GITLAB_CI": "true", "CI_COMMIT_BRANCH": "main"}


def test_a_repository_without_a_remote_commits_here(tmp_path: Path) -> None:
    """The branch that is checked out gets the commit, and nothing else changes."""
    desk = lone_desk(tmp_path)
    desk.record("a")

    written = desk.writer().write_back()

    assert not written.pushed
    assert "which is not pushed" in str(written)
    assert desk.git("status", "--porcelain") == ""
    assert desk.git("log", "-1", "--format=%H", "--", "jobs/a.status.json") == written.commit


def test_without_a_remote_another_branch_is_made_here(tmp_path: Path) -> None:
    """branch:NAME needs no remote, and leaves the checked out branch alone."""
    desk = lone_desk(tmp_path)
    head = desk.git("rev-parse", "main")
    desk.record("a", minute=1)
    desk.writer(branch="status").write_back()
    desk.record("a", minute=2)

    written = desk.writer(branch="status").write_back()

    assert (desk.git("rev-parse", "status"), written.pushed) == (written.commit, False)
    assert desk.git("rev-parse", "main") == head
    assert desk.git("rev-list", "--count", "main..status") == "2"


def test_a_branch_at_work_elsewhere_is_left_to_that_place(tmp_path: Path) -> None:
    """A branch that another work tree has checked out is not moved under its feet."""
    desk = lone_desk(tmp_path)
    desk.git("worktree", "add", "-q", "-b", "status", str(tmp_path / "linked"))
    desk.record("a")

    with pytest.raises(UnsuitableCheckoutError, match=r"status is checked out in .*linked"):
        desk.writer(branch="status").write_back()


@pytest.mark.parametrize("staged", [False, True], ids=["untracked", "staged"])
def test_a_repository_without_a_commit_gets_its_first(tmp_path: Path, staged: bool) -> None:
    """Right after `git init` the status is committed, and the manifest left to its user."""
    desk = lone_desk(tmp_path, committed=False)
    if staged:
        desk.git("add", "jobs/a.yaml")
    desk.record("a")

    desk.writer().write_back()

    assert desk.git("ls-tree", "-r", "--name-only", "main") == "jobs/a.status.json"
    assert desk.git("rev-list", "--all", "--count") == "1"
    assert desk.git("status", "--porcelain", "jobs/a.yaml")[:2] == ("A " if staged else "??")
    assert desk.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_branch_that_the_remote_does_not_have_is_its_users_to_push(desk: Desk) -> None:
    """Commits that a person has not published are not published by us."""
    desk.git("checkout", "-q", "-b", "mine")
    desk.record("a")

    written = desk.writer().write_back()

    assert (written.pushed, str(written.target)) == (False, "mine")
    assert desk.git("rev-parse", "mine") == written.commit
    assert git(desk.hub.bare, "branch", "--format=%(refname:short)") == "main"


@pytest.mark.parametrize(
    ("environment", "options"),
    [(IN_ACTIONS, ()), (IN_GITLAB, ("--depth=1",))],
    ids=["github, whole", "gitlab, shallow"],
)
def test_a_cis_detached_checkout_knows_its_branch(
    desk: Desk,
    environment: dict[str, str],
    options: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On GitHub and GitLab the branch that is built gets the commit, from a shallow clone too."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    desk.edit("README", "More history")
    runner = desk.clone("runner", *options)
    runner.git("checkout", "-q", "--detach")
    desk.edit("README", "Something that the runner has not seen")
    runner.record("a")

    written = runner.writer().write_back()

    assert written.pushed
    assert desk.hub.touched() == ["jobs/a.status.json"]
    assert desk.hub.read("README") == b"Something that the runner has not seen"
    depth = "2" if options else "4"
    assert runner.git("rev-list", "--count", "origin/main").startswith((depth, "3", "4"))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_HEAD_REF": "main"},
        {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/v1"},
        {"GITLAB_CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main"},
    ],
    ids=["nowhere", "pull request", "tag", "merge request"],
)
def test_a_detached_checkout_of_no_branch_asks_for_one(
    desk: Desk, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch is never guessed; the one that is named is written to."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    desk.git("checkout", "-q", "--detach")
    desk.record("a")

    with pytest.raises(UnsuitableCheckoutError, match="--write-back branch:NAME"):
        desk.writer()
    assert desk.writer(branch="main").write_back().pushed
    assert desk.hub.entry("a") == entry("a")


def test_what_a_user_has_changed_or_staged_stays_so(desk: Desk) -> None:
    """A dirty tree is fine: only sidecars are committed, and the index keeps what is in it."""
    (desk.jobs / "a.yaml").write_text("changed\n")
    (desk.jobs / "b.yaml").write_text("staged\n")
    (desk.folder / "new").write_text("new\n")
    desk.git("add", "jobs/b.yaml")
    before = desk.git("status", "--porcelain")
    desk.record("a")

    desk.writer().write_back()

    assert desk.git("status", "--porcelain") == before
    assert desk.hub.touched() == ["jobs/a.status.json"]


def test_a_sidecar_that_is_staged_as_it_lands_is_in_nobodys_way(desk: Desk) -> None:
    """What is staged already is what the branch gets: it follows."""
    desk.record("a")
    desk.git("add", "jobs/a.status.json")

    assert desk.writer().write_back().notes == ()
    assert desk.clean()


def test_a_staged_sidecar_is_left_staged(desk: Desk) -> None:
    """Where the user has staged a sidecar itself, the branch stays where it is, and it is told."""
    desk.record("a", minute=1)
    desk.git("add", "jobs/a.status.json")
    desk.record("a", minute=2)
    head = desk.git("rev-parse", "HEAD")

    written = desk.writer().write_back()

    assert "jobs/a.status.json is staged" in written.notes[0]
    assert desk.git("rev-parse", "HEAD") == head
    assert desk.git("status", "--porcelain") == "AM jobs/a.status.json"
    assert desk.hub.entry("a") == entry("a", minute=2)


@pytest.mark.parametrize("content", [CONFLICT, '{"jobs": 5}'], ids=["conflict", "no entries"])
def test_a_broken_sidecar_on_the_remote_is_made_anew(desk: Desk, content: str) -> None:
    """What is no sidecar there, such as one with the marks of a conflict, counts as not there."""
    desk.clone("other").edit("jobs/a.status.json", content)
    desk.record("a")

    written = desk.writer().write_back()

    assert written.pushed
    assert desk.hub.read("jobs/a.status.json") == desk.sidecar("a").read_bytes()


def test_a_conflict_in_the_users_own_sidecar_is_not_merged_as_text(desk: Desk) -> None:
    """In the middle of a merge a status with conflict marks stays, and so does the branch's."""
    other = desk.clone("other")
    other.record("a", minute=1)
    other.push("jobs/a.status.json")
    desk.record("a", minute=2)
    desk.git("add", "jobs/a.status.json")
    desk.git("commit", "-q", "-m", "Mine")
    desk.git("fetch", "-q")
    desk.git("config", "merge.conflictStyle", "merge")
    assert desk.writer().repository.git.run_unchecked("merge", "origin/main")[0] == 1
    assert "<<<<<<<" in desk.sidecar("a").read_text()
    with pytest.raises(LedgerError, match="conflict markers"):
        desk.record("a", minute=3)

    written = desk.writer().write_back()

    assert desk.hub.entry("a") == entry("a", minute=1)
    assert "have diverged" in written.notes[0]
    assert desk.git("status", "--porcelain") == "AA jobs/a.status.json"


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_a_sidecar_that_is_no_file_on_the_remote_is_left_alone(desk: Desk, kind: str) -> None:
    """A link or a folder where the sidecar would be is a person's doing, and stops no other."""
    other = desk.clone("other")
    if kind == "link":
        other.sidecar("a").symlink_to("../README")
    else:
        other.sidecar("a").mkdir()
        (other.sidecar("a") / "README").write_text("mine")
    other.push("jobs/a.status.json")
    desk.record("a")
    desk.record("b")

    written = desk.writer().write_back()

    assert written.jobs == ("b",)
    assert "no plain file on the branch" in written.notes[0]


def test_a_sidecar_that_cannot_be_read_stops_no_other(desk: Desk) -> None:
    """A link or a broken file where a sidecar should be is left as it is; the others land."""
    desk.record("a", minute=1)
    desk.writer().write_back()
    desk.sidecar("a").unlink()
    desk.sidecar("a").symlink_to("a.yaml")
    desk.record("b")

    written = desk.writer().write_back()

    assert written.jobs == ("b",)
    assert desk.hub.entry("a") == entry("a", minute=1)


def test_ends_of_lines_survive(desk: Desk) -> None:
    """Whatever a checkout makes of ends of lines, the bytes that are committed are ours."""
    desk.edit(".gitattributes", "*.json text eol=crlf\n*.yaml text eol=crlf\n")
    desk.record("a", minute=1)
    desk.writer().write_back()
    other = desk.clone("other")
    assert b"\r\n" in other.sidecar("a").read_bytes()

    idle = other.writer().write_back()
    other.record("a", "Completed", 5)
    written = other.writer().write_back()

    assert not idle.commit
    assert written.commit == desk.hub.head()
    assert b"\r" not in desk.hub.read("jobs/a.status.json")
    assert desk.hub.entry("a") == entry("a", "Completed", 5)
    assert other.clean()


def test_bytes_that_git_would_expand_survive(desk: Desk) -> None:
    """An attribute that rewrites texts in files does not reach a status."""
    desk.edit(".gitattributes", "*.json ident text working-tree-encoding=UTF-16\n")
    desk.record("a", failure="$Id: not ours to change $")

    desk.writer().write_back()

    assert desk.hub.read("jobs/a.status.json") == desk.sidecar("a").read_bytes()


def test_a_filter_that_is_there_is_used(desk: Desk) -> None:
    """Where the user's filter encrypts sidecars, what is committed went through it."""
    desk.edit(".gitattributes", "*.status.json filter=swap\n")
    desk.git("config", "filter.swap.clean", "tr a-z n-za-m")
    desk.git("config", "filter.swap.smudge", "tr a-z n-za-m")
    desk.record("a", minute=1)
    first = desk.writer().write_back()
    desk.record("a", minute=2)
    second = desk.writer().write_back()

    assert (first.jobs, second.jobs) == (("a",), ("a",))
    assert b'"wbof"' in desk.hub.read("jobs/a.status.json")
    assert json.loads(desk.sidecar("a").read_text())["jobs"]["a"] == entry("a", minute=2)
    assert desk.clean()


def test_a_filter_that_is_absent_does_no_harm(desk: Desk) -> None:
    """Attributes for Git LFS where it is not installed: the status is committed as it is."""
    desk.edit(".gitattributes", "*.json filter=lfs diff=lfs merge=lfs -text\n")
    desk.record("a")

    desk.writer().write_back()

    assert desk.hub.entry("a") == entry("a")


def test_a_filter_that_is_required_and_absent_is_told(desk: Desk) -> None:
    """Nothing is committed past a filter that must not be left out."""
    desk.edit(".gitattributes", "*.json filter=lfs\n")
    desk.git("config", "filter.lfs.clean", "there-is-no-such-program")
    desk.git("config", "filter.lfs.required", "true")
    desk.record("a")

    with pytest.raises(GitError, match="clean filter 'lfs' failed"):
        desk.writer().write_back()

    assert desk.sidecar("a").exists()


def test_ignored_sidecars_are_told(desk: Desk) -> None:
    """A rule that keeps sidecars out of the repository contradicts --write-back."""
    desk.edit(".gitignore", "*.status.json\n")
    desk.record("a")

    with pytest.raises(GitError, match=r"jobs/a\.status\.json is ignored by a \.gitignore"):
        desk.writer().write_back()


def test_some_ignored_sidecars_are_left_out(desk: Desk) -> None:
    """The others land, and those that stay are named."""
    desk.edit(".gitignore", "jobs/a.status.json\n")
    desk.record("a")
    desk.record("b")

    written = desk.writer().write_back()

    assert written.jobs == ("b",)
    assert "jobs/a.status.json" in written.notes[0]


def test_a_submodule_is_a_repository_of_its_own(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statuses of manifests in a submodule go to its own remote, on a branch that is named."""
    outer = desk_in(tmp_path / "outer")
    git(
        outer.folder,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "-q",
        "add",
        desk.hub.url,
        "sub",
    )
    outer.push(message="Add a submodule")
    outer.git("-C", "sub", "checkout", "-q", "--detach")
    for name, value in IN_ACTIONS.items():
        monkeypatch.setenv(name, value)
    inner = Desk(desk.hub, outer.folder / "sub")
    inner.record("a")
    outer.record("b")
    head = outer.hub.head()

    with pytest.raises(UnsuitableCheckoutError, match="detached"):
        inner.writer()
    with pytest.raises(UnsuitableCheckoutError, match="different repositories"):
        outer.writer(outer.jobs, inner.jobs)
    inner.writer(branch="main").write_back()

    assert desk.hub.entry("a") == entry("a")
    assert outer.hub.head() == head
    written = outer.writer(outer.folder).write_back()
    assert written.paths == ("jobs/b.status.json",)
    assert written.notes[0].startswith("sub is a repository of its own: run once for it")


def test_a_linked_work_tree_is_a_checkout_like_any_other(desk: Desk) -> None:
    """Two work trees of one repository write back, each from where it stands."""
    desk.git("worktree", "add", "-q", "-b", "linked", str(desk.folder.with_name("linked")), "main")
    linked = Desk(desk.hub, desk.folder.with_name("linked"))
    linked.record("a")
    desk.record("b")

    desk.writer().write_back()
    linked.writer(branch="main").write_back()

    assert (desk.hub.entry("a"), desk.hub.entry("b")) == (entry("a"), entry("b"))
    assert "linked" in desk.git("worktree", "list")


def test_what_a_killed_write_back_left_is_in_nobodys_way(desk: Desk) -> None:
    """A work tree that was left behind is replaced, and then removed."""
    desk.git("worktree", "add", "-q", "--detach", ".git/bedrock-jobs")
    (desk.folder / ".git" / "bedrock-jobs" / "jobs" / "a.status.json").write_text("left")
    desk.record("a")

    desk.writer().write_back()

    assert desk.hub.touched() == ["jobs/a.status.json"]
    assert desk.git("worktree", "list").count("\n") == 0


def test_a_repository_that_cannot_be_written_is_told(desk: Desk) -> None:
    """What the file system refuses is one line, as what git refuses is."""
    (desk.folder / ".git" / "worktrees").write_text("in the way")
    desk.record("a")

    with pytest.raises(GitError, match="Not a directory"):
        desk.writer().write_back()

    (desk.folder / ".git" / "worktrees").unlink()
    assert desk.writer().write_back().pushed


def test_a_lock_on_the_users_index_only_delays_the_branch(desk: Desk) -> None:
    """While the user's git is at work the status lands, and their branch is left where it is."""
    (desk.folder / ".git" / "index.lock").touch()
    desk.record("a")

    written = desk.writer().write_back()

    assert desk.hub.entry("a") == entry("a")
    assert "another git command is at work" in written.notes[0]
    (desk.folder / ".git" / "index.lock").unlink()
    assert not desk.writer().write_back().commit
    assert desk.clean()
