"""What breaks off in the middle, and what cannot be seen: no status goes back or is lost by it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from controller.adapters.git import fast_forward
from controller.adapters.git.command import GitError
from tests.git.desks import Desk, lone_desk
from tests.git.entries import entry
from tests.git.support import install_hook


def test_a_full_disk_while_following_takes_no_other_writers_status_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch is followed once the files are there: until then they are no older news."""
    desk.record("b", minute=1)
    desk.writer().write_back()
    other = desk.clone("other")
    other.record("b", "Completed", 9)
    other.writer().write_back()
    desk.record("a", minute=2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(fast_forward, "replace", full)
        assert "No space left" in desk.writer().write_back().notes[0]
    again = desk.writer().write_back()

    assert not again.commit
    assert desk.hub.entry("b") == entry("b", "Completed", 9)
    assert desk.clean()


@pytest.mark.parametrize("way", ["hidden folder", "hidden file", "link", "unreadable", "sparse"])
def test_a_sidecar_that_passes_do_not_see_stays_on_the_branch(
    desk: Desk, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a file that is gone has gone: one that nobody looks at is not ours to remove."""
    path = {"hidden folder": "jobs/.old/c.status.json", "hidden file": "jobs/.c.status.json"}.get(
        way, "jobs/deep/c.status.json"
    )
    desk.edit(path, "{}")
    if way == "link":
        shutil.rmtree(desk.jobs / "deep")
        (desk.jobs / "deep").symlink_to(desk.folder)
    if way == "sparse":
        desk.git("sparse-checkout", "set", "--no-cone", "/jobs/a*")
        assert not (desk.folder / path).exists()
    if way == "unreadable":
        real = os.scandir

        def refused(folder: str | Path) -> object:
            if Path(folder).name == "deep":
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return real(folder)

        monkeypatch.setattr(os, "scandir", refused)
    desk.record("a")

    desk.writer().write_back()

    assert desk.hub.touched() == ["jobs/a.status.json"]
    assert path in desk.hub.names()


def test_a_work_tree_that_was_half_made_is_in_nobodys_way(desk: Desk) -> None:
    """Killed while it made its work tree, git has that locked, and without its way back."""
    desk.git("worktree", "add", "-q", "--detach", "--lock", ".git/bedrock-jobs")
    (desk.folder / ".git" / "bedrock-jobs" / ".git").unlink()
    desk.record("a")

    assert desk.writer().write_back().pushed

    assert desk.git("worktree", "list").count("\n") == 0


def test_a_folder_whose_name_is_no_text_is_worked_in(desk: Desk) -> None:
    """Whatever bytes and ends of lines lead to the checkout, its statuses land."""
    place = Path(os.fsdecode(os.fsencode(desk.folder.parent) + b"/caf\xe9\nx"))
    desk.folder.rename(place)
    moved = Desk(desk.hub, place)
    moved.record("a")

    assert moved.writer().write_back().pushed
    assert moved.clean()


def test_a_branch_that_cannot_be_written_is_no_lost_race(tmp_path: Path) -> None:
    """What hinders git here is told as it is, at once."""
    desk = lone_desk(tmp_path)
    heads = desk.folder / ".git" / "refs" / "heads"
    desk.git("pack-refs", "--all")
    shutil.rmtree(heads)
    desk.record("a")
    writer = desk.writer()
    install_hook(desk.folder / ".git" / "hooks" / "post-commit", f"rm -rf {heads}; touch {heads}")

    with pytest.raises(GitError, match=r"git update-ref: .*cannot lock ref"):
        writer.write_back()
