"""A manifest whose sidecar no disk can hold is a problem of its own."""

from __future__ import annotations

from pathlib import Path

from tests.support.hostile_trees import Outside, grow
from tests.support.project import Project


def test_name_too_long_for_a_sidecar_stops_no_other_job(tree: Project) -> None:
    """A name near the longest that a disk takes is reported, and the other jobs are submitted."""
    tree.add("keep")
    tree.add("long")
    (tree.jobs / "long.yaml").rename(tree.jobs / f"{'a' * 245}.yaml")

    ran = tree.call("reconcile")

    assert ran.code == 4
    assert "longer than 200 bytes" in ran.out + ran.err
    assert tree.entry("keep")["phase"] == "InProgress"


def test_path_too_long_for_the_system_says_which_and_why(tree: Project, tmp_path: Path) -> None:
    """A folder that cannot be reached is a problem; it holds new jobs alone, with that reason."""
    tree.add("recorded")
    tree.call("reconcile")
    tree.add("new")
    grow(tree.folder, Outside(tmp_path / "outside"), [("jobs/sub", "an abyss")])

    ran = tree.call("plan")

    assert ran.code == 1
    assert "BJ101 the file or folder cannot be read: File name too long" in ran.err
    assert "hint: shorten its path" in ran.err
    assert "HOLD  RecordUnreadable  new" in ran.out
    assert "WAIT  InProgress        recorded" in ran.out
