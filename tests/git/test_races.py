"""Others push at the same time: every status lands, and on manifests people win."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest

from controller.adapters.git.command import GitError
from controller.adapters.git.push import PushRefusedError
from tests.git.desks import Desk
from tests.git.entries import entry
from tests.support.manifests import as_yaml, manifest

EDITED = as_yaml(manifest("a", labels={"edited": "yes"}))
HOOKS = ["commit-msg", "pre-push"]


def take(desk: Desk, note: str) -> None:
    """Run the command that a note tells its reader to run."""
    subprocess.run(["sh", "-c", note.split("`")[1]], cwd=desk.folder, check=True)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_lost_race_is_run_again(desk: Desk, hook: str) -> None:
    """Who finds that somebody pushed in between starts from there, and forces nothing."""
    desk.meanwhile(hook, desk.clone("other"), times=2)
    desk.record("a")

    written = desk.writer().write_back()

    assert (written.tries, written.pushed) == (3, True)
    assert [desk.hub.message(commit) for commit in desk.hub.commits()[1:3]] == ["Meanwhile"] * 2
    assert desk.hub.entry("a") == entry("a")
    assert desk.git("worktree", "list").count("\n") == 0


def test_a_race_lost_five_times_keeps_the_files(desk: Desk) -> None:
    """After five tries, with a drawn pause after each but the last, the status is where it was."""
    desk.meanwhile("commit-msg", desk.clone("other"), times=5)
    desk.record("a")
    pauses: list[float] = []
    writer = replace(desk.writer(), pause=pauses.append, draw=lambda: 0.5)

    with pytest.raises(GitError, match="others pushed first, 5 times in a row"):
        writer.write_back()

    assert len(pauses) == 4
    assert all(0 < pause <= 20 for pause in pauses)
    assert json.loads(desk.sidecar("a").read_text())["jobs"]["a"] == entry("a")
    assert desk.writer().write_back().tries == 1
    assert desk.hub.entry("a") == entry("a")


def test_another_writers_status_in_the_same_sidecar_stays(desk: Desk) -> None:
    """Two passes over two jobs of one file: both entries are on the branch."""
    other = desk.clone("other")
    other.record("b", file="a")
    desk.record("a")

    other.writer().write_back()
    desk.writer().write_back()

    assert set(json.loads(desk.hub.read("jobs/a.status.json"))["jobs"]) == {"a", "b"}
    assert desk.clean()


def test_the_later_status_counts_whoever_pushes_last(desk: Desk) -> None:
    """A pass that looked earlier does not take a job back, and its own checkout learns better."""
    other = desk.clone("other")
    desk.record("a", "InProgress", 1)
    other.record("a", "Completed", 9)

    other.writer().write_back()
    written = desk.writer().write_back()

    assert not written.commit
    assert desk.hub.entry("a") == entry("a", "Completed", 9)
    assert json.loads(desk.sidecar("a").read_text())["jobs"]["a"] == entry("a", "Completed", 9)
    assert desk.clean()


@pytest.mark.parametrize("with_sidecar", [False, True], ids=["without status", "with status"])
def test_a_deleted_manifest_stays_deleted(desk: Desk, with_sidecar: bool) -> None:
    """No sidecar comes back beside a manifest that a person has deleted meanwhile."""
    if with_sidecar:
        desk.record("a", minute=1)
        desk.writer().write_back()
    other = desk.clone("other")
    other.delete("jobs/a.yaml", *(["jobs/a.status.json"] if with_sidecar else []))
    desk.record("a", "Completed", 9)
    desk.record("b", "Completed", 9)

    written = desk.writer().write_back()

    assert desk.hub.names() == ["jobs/b.status.json", "jobs/b.yaml"]
    assert written.jobs == ("b",)
    told = "1 sidecar stays here alone (no manifest beside it on the branch): jobs/a.status.json"
    assert told in written.notes
    assert desk.sidecar("a").exists()


def test_a_sidecar_that_was_left_beside_a_deleted_manifest_is_kept_true(desk: Desk) -> None:
    """While the job of a deleted manifest still has its sidecar, that one tells its status."""
    desk.record("a", minute=1)
    desk.writer().write_back()
    desk.clone("other").delete("jobs/a.yaml")
    desk.record("a", "Completed", 9)

    desk.writer().write_back()

    assert desk.hub.entry("a")["phase"] == "Completed"
    assert "jobs/a.yaml" not in desk.hub.names()


def test_a_moved_manifest_stays_where_it_was_moved(desk: Desk) -> None:
    """The status does not follow a move that the pass has not seen, and undoes none."""
    other = desk.clone("other")
    other.git("mv", "jobs/a.yaml", "jobs/c.yaml")
    other.push(message="Move")
    desk.record("a")

    desk.writer().write_back()

    assert desk.hub.names() == ["jobs/b.yaml", "jobs/c.yaml"]


def test_an_edited_manifest_is_left_as_edited(desk: Desk) -> None:
    """A person's edit stands; the status of the pass that had not seen it lands beside it."""
    desk.clone("other").edit("jobs/a.yaml", EDITED)
    desk.record("a")

    written = desk.writer().write_back()

    assert desk.hub.read("jobs/a.yaml").decode() == EDITED
    assert desk.hub.entry("a") == entry("a")
    assert "edited" not in (desk.jobs / "a.yaml").read_text()
    assert "your branch main is behind origin/main" in written.notes[0]
    take(desk, written.notes[0])
    assert desk.clean()


def test_a_branch_that_has_diverged_stays_the_users(desk: Desk) -> None:
    """Commits that a person has not pushed are neither pushed nor moved."""
    (desk.jobs / "a.yaml").write_text(EDITED)
    desk.git("commit", "-q", "-a", "-m", "Mine")
    mine = desk.git("rev-parse", "HEAD")
    desk.record("a")

    written = desk.writer().write_back()

    assert desk.git("rev-parse", "HEAD") == mine
    assert mine not in desk.hub.commits()
    assert desk.hub.entry("a") == entry("a")
    assert "have diverged" in written.notes[0]
    take(desk, written.notes[0])
    assert desk.git("status", "--porcelain", "--branch") == "## main...origin/main [ahead 1]"


def test_what_a_push_could_not_bring_is_brought_by_the_next(desk: Desk) -> None:
    """A refused push ends the write-back at once, with what the server said, and loses nothing."""
    desk.hub.hook("pre-receive", "echo 'GH006: Protected branch update failed' >&2; exit 1")
    before = desk.hub.head()
    desk.record("a")

    with pytest.raises(PushRefusedError) as refused:
        desk.writer().write_back()

    assert "origin/main refused the commit (pre-receive hook declined)" in str(refused.value)
    assert "GH006: Protected branch update failed" in str(refused.value)
    assert desk.hub.head() == before == desk.git("rev-parse", "HEAD")
    (desk.hub.bare / "hooks" / "pre-receive").unlink()
    assert desk.writer().write_back().jobs == ("a",)


def test_a_push_whose_answer_was_lost_is_found_to_have_landed(desk: Desk) -> None:
    """When a push took effect and nobody heard of it, the next write-back has nothing to do."""
    desk.hub.hook("post-receive", "kill -9 $PPID")
    desk.record("a")

    with pytest.raises(GitError):
        desk.writer().write_back()
    landed = desk.hub.head()
    (desk.hub.bare / "hooks" / "post-receive").unlink()
    written = desk.writer().write_back()

    assert not written.commit
    assert desk.hub.head() == landed
    assert desk.hub.entry("a") == entry("a")
    assert desk.clean()


def test_a_status_recorded_while_pushing_is_not_overwritten(desk: Desk) -> None:
    """What another pass writes during the push stays in the file, for the next commit."""
    desk.record("a", minute=1)
    text = desk.sidecar("a").read_text().replace("InProgress", "Completed")
    newer = desk.folder / ".git" / "newer"
    newer.write_text(text)
    desk.hook("pre-push", f"cp {newer} {desk.sidecar('a')}")

    desk.writer().write_back()

    assert desk.sidecar("a").read_text() == text
    assert desk.hub.entry("a")["phase"] == "InProgress"
    assert desk.git("status", "--porcelain") == " M jobs/a.status.json"


def test_nothing_is_written_through_a_link(desk: Desk) -> None:
    """Where the user has a link in place of a folder, others' sidecars stay out of it."""
    elsewhere = desk.folder.with_name("elsewhere")
    elsewhere.mkdir()
    (desk.jobs / "deep").symlink_to(elsewhere)
    other = desk.clone("other")
    other.edit("jobs/deep/c.status.json", "{}")
    desk.record("a")

    desk.writer().write_back()

    assert desk.git("rev-parse", "HEAD") == desk.hub.head()
    assert list(elsewhere.iterdir()) == []
