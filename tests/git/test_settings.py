"""Whatever a user has set git to: only the sidecars' branch moves, and only by one commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.adapters.git.command import GitError
from controller.adapters.git.objects import is_blob
from tests.git.desks import Desk
from tests.git.entries import entry, record
from tests.git.support import git, make_hub
from tests.support.manifests import manifest, write

SETTINGS = {
    "commit.cleanup": "scissors",
    "commit.status": "true",
    "commit.verbose": "true",
    "core.autocrlf": "true",
    "core.commentChar": "R",
    "core.fsmonitor": "false",
    "core.quotePath": "true",
    "core.safecrlf": "true",
    "core.sparseCheckout": "true",
    "core.untrackedCache": "true",
    "diff.mnemonicPrefix": "true",
    "diff.noprefix": "true",
    "diff.renames": "copies",
    "feature.manyFiles": "true",
    "fetch.prune": "true",
    "fetch.pruneTags": "true",
    "i18n.commitEncoding": "ISO-8859-1",
    "index.sparse": "true",
    "index.version": "4",
    "log.showSignature": "true",
    "merge.ff": "false",
    "pull.rebase": "true",
    "push.default": "nothing",
    "push.followTags": "true",
    "push.recurseSubmodules": "check",
    "remote.origin.push": "+refs/heads/*:refs/heads/*",
    "remote.origin.tagOpt": "--tags",
    "status.showUntrackedFiles": "no",
    "submodule.recurse": "true",
}
ODD = ("a b", "ä", "-dash", 'quo"te', "back\\slash", "new\nline", "*")


def test_no_setting_of_the_users_changes_what_is_pushed(desk: Desk) -> None:
    """Tags, other branches and settings that turn forcing on stay out of it, all at once."""
    desk.git("tag", "-a", "-m", "Mine", "v1")
    desk.git("branch", "mine")
    for name, value in SETTINGS.items():
        desk.git("config", name, value)
    before = desk.hub.head()
    desk.record("a", failure="größer")

    desk.writer(template="Réglé: {jobs}").write_back()

    assert git(desk.hub.bare, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert desk.hub.commits()[1] == before
    assert desk.hub.read("jobs/a.status.json") == desk.sidecar("a").read_bytes()
    assert desk.hub.message().startswith("Réglé: a [skip ci]\n")
    assert desk.git("config", "core.sparseCheckout") == "true"
    assert desk.git("tag") == "v1"


def test_files_of_any_name_are_committed(desk: Desk) -> None:
    """What a shell or a pattern would take apart is a file's name and nothing more."""
    names = {f"odd-{number}": name for number, name in enumerate(ODD)}
    for job, name in names.items():
        write(desk.jobs / f"{name}.yaml", manifest(job))
    desk.push("jobs", message="Add")
    for job, name in names.items():
        record(desk.jobs, job, entry(job), file=name)

    written = desk.writer().write_back()

    assert set(written.paths) == {f"jobs/{name}.status.json" for name in ODD}
    for job, name in names.items():
        assert desk.hub.entry(job, f"jobs/{name}.status.json") == entry(job)
    assert desk.clean()


def test_a_repository_of_sha256_is_like_any_other(tmp_path: Path) -> None:
    """The ids are longer, and nothing else changes: made, changed and removed."""
    hub = make_hub(tmp_path / "none.git")
    desk = Desk(hub, tmp_path / "alone")
    write(desk.jobs / "a.yaml", manifest("a"))
    desk.git("init", "-q", "-b", "main", "--object-format=sha256")
    desk.record("a", minute=1)
    first = desk.writer().write_back()
    desk.git("add", "--all")
    desk.git("commit", "-q", "-m", "Add")
    idle = desk.writer().write_back()
    desk.git("rm", "-q", "jobs/a.yaml")
    desk.git("commit", "-q", "-m", "Remove")
    desk.sidecar("a").unlink()

    written = desk.writer().write_back()

    assert (first.jobs, idle.commit, written.jobs) == (("a",), "", ("a",))
    assert len(written.commit) == 64
    assert desk.git("ls-tree", "-r", "--name-only", "HEAD") == ""


def test_a_users_own_sparse_checkout_stays_sparse(desk: Desk) -> None:
    """What is not checked out for the user is not afterwards, and is not removed either."""
    desk.edit("large/data", "much")
    desk.git("sparse-checkout", "set", "--no-cone", "/jobs/")
    desk.record("a")

    desk.writer().write_back()

    assert not (desk.folder / "large").exists()
    assert "large/data" in desk.hub.names()
    assert desk.clean()


def test_a_clone_without_blobs_fetches_what_it_needs(desk: Desk) -> None:
    """In a partial clone the sidecars' bytes come when they are asked for."""
    git(desk.hub.bare, "config", "uploadpack.allowFilter", "true")
    desk.record("a", minute=1)
    desk.writer().write_back()
    partial = desk.clone("partial", "--filter=blob:none")
    desk.record("b", minute=1)
    desk.writer().write_back()
    partial.record("a", minute=2)
    partial.record("b", minute=2)

    written = partial.writer().write_back()

    assert written.jobs == ("a", "b")
    assert partial.clean()


def test_a_branch_that_two_make_at_once_is_made_by_one(desk: Desk) -> None:
    """Who comes second to make a branch goes on from there."""
    other = desk.clone("other")
    other.git("checkout", "-q", "-b", "status")
    desk.meanwhile("pre-push", other)
    desk.record("a")

    written = desk.writer(branch="status").write_back()

    assert written.tries == 2
    assert desk.hub.message(desk.hub.commits("status")[1]) == "Meanwhile"
    assert desk.hub.entry("a", commit="status") == entry("a")


def test_a_detached_checkout_makes_a_branch_of_the_default_one(desk: Desk) -> None:
    """Where nobody knows the branch, one that is named begins where the remote's own is."""
    desk.git("checkout", "-q", "--detach")
    desk.record("a")

    desk.writer(branch="status").write_back()

    assert desk.hub.commits("status")[1:] == desk.hub.commits()
    assert desk.hub.entry("a", commit="status") == entry("a")


def test_a_branch_that_ci_builds_and_somebody_deleted_is_not_made_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status of a branch that is gone has nowhere to land: that is told, and nothing made."""
    desk.git("checkout", "-q", "--detach")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_COMMIT_BRANCH", "gone")
    desk.record("a")

    with pytest.raises(GitError, match="origin has no branch gone"):
        desk.writer().write_back()

    assert git(desk.hub.bare, "branch", "--format=%(refname:short)") == "main"
    assert desk.git("for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/main"


def test_a_folder_that_is_a_link_is_followed_to_its_repository(desk: Desk) -> None:
    """A path through a link leads to the checkout that the manifests really stand in."""
    link = desk.folder.with_name("link")
    link.symlink_to(desk.jobs)
    desk.record("a")

    written = desk.writer(link).write_back()

    assert written.paths == ("jobs/a.status.json",)


def test_only_the_given_paths_are_written_back(desk: Desk) -> None:
    """A sidecar outside the given folders waits for a pass that is asked for it."""
    write(desk.folder / "more" / "c.yaml", manifest("c"))
    desk.push("more", message="Add")
    record(desk.folder / "more", "c", entry("c"))
    desk.record("a")

    assert desk.writer().write_back().jobs == ("a",)
    assert desk.writer(desk.folder / "more", desk.jobs).write_back().jobs == ("c",)


def test_blobs_are_known_by_their_ids(desk: Desk) -> None:
    """What git calls a file's bytes is what we compare by, without asking it."""
    content = (desk.jobs / "a.yaml").read_bytes()
    identity = desk.git("hash-object", "jobs/a.yaml")

    assert is_blob(content, identity)
    assert not is_blob(content + b"\n", identity)
