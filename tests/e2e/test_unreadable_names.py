"""A manifest whose sidecar no disk can hold is a problem of its own."""

from __future__ import annotations

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
