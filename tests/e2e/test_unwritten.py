"""Sidecars that cannot be written: nothing is undone, repeated or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import Ran
from tests.support.project import Project

ROOM_FOR_INTENT = 1400
"""Bytes that hold the sidecar written before Create, and not the one after."""


def only_line(ran: Ran, *parts: str) -> None:
    """Hold what was said to the form: exit 1, one line with all these parts."""
    assert ran.code == 1, ran.err
    assert "Traceback" not in ran.err
    (line,) = [line for line in ran.said if line.startswith("bedrock-jobs: ")]
    for part in parts:
        assert part in line


def leftovers(tree: Project) -> list[Path]:
    """Return temporary files that were left behind."""
    return list(tree.folder.rglob("*.tmp"))


def test_no_room_for_the_intent(tree: Project) -> None:
    """Without a written intent nothing is submitted."""
    tree.add("support-bot")
    ran = tree.confined("reconcile", largest=10)
    only_line(ran, "jobs/support-bot.status.json", "cannot be written", "nothing was submitted")
    assert tree.changes() == []
    assert tree.sidecars() == {}
    assert leftovers(tree) == []


def test_no_room_for_the_outcome(tree: Project) -> None:
    """A job whose outcome cannot be written is told with its ARN, and not submitted again."""
    tree.add("support-bot")
    ran = tree.confined("reconcile", largest=ROOM_FOR_INTENT)
    arn = tree.sandbox.get("support-bot")["jobArn"]
    only_line(ran, "jobs/support-bot.status.json", "cannot be written", arn)
    assert tree.entry("support-bot")["phase"] == "Submitting"
    assert leftovers(tree) == []
    assert tree.call("reconcile").code == 0
    assert tree.entry("support-bot")["jobArn"] == arn
    assert len(tree.calls("Create")) == 1


def test_no_room_for_one_of_many(tree: Project) -> None:
    """Jobs whose sidecars can be written are served beside one whose cannot."""
    tree.add("blocked")
    tree.add("served")
    (tree.jobs / "blocked.status.json").mkdir()
    ran = tree.call("reconcile")
    only_line(ran, "jobs/blocked.status.json", "a folder has the sidecar's name")
    assert [entry["members"]["jobName"] for entry in tree.calls("Create")] == ["served"]
    assert tree.entry("served")["phase"] == "InProgress"
    (tree.jobs / "blocked.status.json").rmdir()
    assert tree.call("reconcile").code == 0
    assert tree.entry("blocked")["phase"] == "InProgress"


def test_read_only_folder(tree: Project) -> None:
    """In a folder that cannot be written nothing is submitted, and the remedy is told."""
    tree.add("support-bot")
    tree.jobs.chmod(0o555)
    ran = tree.confined("reconcile")
    tree.jobs.chmod(0o755)
    only_line(ran, "jobs/support-bot.status.json", "make the folder writable")
    assert tree.changes() == []


def test_read_only_folder_of_running_jobs(tree: Project) -> None:
    """A job's end that cannot be recorded is told all the same, and recorded by the next pass."""
    tree.add("support-bot")
    tree.call("reconcile")
    before = tree.sidecars()
    tree.sandbox.advance(7200)
    tree.jobs.chmod(0o555)
    ran = tree.confined("reconcile")
    tree.jobs.chmod(0o755)
    only_line(ran, "Completed", tree.sandbox.get("support-bot")["jobArn"])
    assert tree.sidecars() == before
    assert tree.call("reconcile").code == 0
    assert tree.entry("support-bot")["phase"] == "Completed"


def test_read_only_folder_of_settled_jobs(tree: Project) -> None:
    """With nothing to write a folder that cannot be written is fine."""
    tree.add("support-bot")
    tree.settle()
    tree.jobs.chmod(0o555)
    ran = tree.confined("reconcile")
    tree.jobs.chmod(0o755)
    assert (ran.code, [line for line in ran.said if line.startswith("bedrock-jobs")]) == (0, [])


def test_several_documents_share_one_blocked_file(tree: Project) -> None:
    """Every job that the file was to hold is named in the one line."""
    tree.add("first")
    path = tree.jobs / "first.yaml"
    path.write_text(path.read_text() + "---\n" + path.read_text().replace("first", "second"))
    (tree.jobs / "first.status.json").mkdir()
    only_line(tree.call("reconcile"), "[first, second]")


@pytest.mark.parametrize("content", ["[]", "{", "", "\xff", '{"jobs": null}'])
def test_sidecar_that_is_none(tree: Project, content: str) -> None:
    """A truncated or foreign file in a sidecar's place costs no second submit."""
    tree.add("support-bot")
    tree.call("reconcile")
    before = tree.sidecars()
    (tree.jobs / "support-bot.status.json").write_bytes(content.encode("latin-1"))
    assert tree.call("reconcile").code == 0
    assert tree.sidecars() == before
    assert len(tree.calls("Create")) == 1


def test_sidecar_that_is_a_link(tree: Project, tmp_path: Path) -> None:
    """A link that leads out of the tree may hide a record: nothing is submitted or replaced."""
    outside = tmp_path / "precious.json"
    outside.write_text("{}")
    tree.add("support-bot")
    (tree.jobs / "support-bot.status.json").symlink_to(outside)
    only_line(tree.call("reconcile"), "RecordUnreadable", "leads out of the tree")
    assert tree.changes() == []
    assert (tree.jobs / "support-bot.status.json").is_symlink()
    assert outside.read_text() == "{}"


def test_reader_that_leaves(tree: Project) -> None:
    """A reader that closes the pipe early, as head does, causes no noise and no lost status."""
    names = [f"job-{number:02}" for number in range(20)]
    for name in names:
        tree.add(name)
    ran = tree.piped_to_nobody("reconcile")
    assert ran.err.count("\n") <= len(names) + 1
    assert "Traceback" not in ran.err
    assert "BrokenPipe" not in ran.err
    assert {tree.entry(name)["phase"] for name in names} == {"InProgress"}
    assert len(tree.calls("Create")) == len(names)
