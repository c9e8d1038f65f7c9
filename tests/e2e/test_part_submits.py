"""A pass over a part of the tree submits nothing that a pass over all of it holds."""

from __future__ import annotations

import pytest

from tests.daemon.process import watch
from tests.sandbox.support import poll
from tests.support.manifests import OTHER_ACCOUNT, manifest, spec, write
from tests.support.project import Project

REVISES = {"onSpecChange": "NewRevision"}
INVALID, UNSAFE = 4, 5


def created(tree: Project) -> list[str]:
    """Return the names of the jobs that were submitted."""
    return [call["members"]["jobName"] for call in tree.calls("Create")]


@pytest.mark.parametrize("part", ["jobs/a.yaml", "jobs/b.yaml"])
def test_one_job_name_of_two_manifests(tree: Project, part: str) -> None:
    """Two manifests whose jobs would have one name are held, whichever the pass is over."""
    tree.add("a", spec(jobName="same-name"))
    tree.add("b", spec(jobName="same-name", customModelName="other"))

    ran = tree.call("reconcile", part)

    assert (ran.code, created(tree)) == (INVALID, [])
    assert "same-name" in ran.err + ran.out


def test_one_identity_in_two_files(tree: Project) -> None:
    """Files that take turns with one identity make no revision of each other."""
    tree.add("a", policy=REVISES)
    write(tree.jobs / "z.yaml", manifest("a", spec(customModelName="other"), policy=REVISES))

    codes = [tree.call("reconcile", f"jobs/{name}.yaml").code for name in "azaz"]

    assert (codes, created(tree)) == ([INVALID] * 4, [])


def test_name_that_a_retry_could_take(tree: Project) -> None:
    """A job is not submitted under the name of another manifest's retry."""
    tree.add("m", policy={"onFailure": {"retries": 2}})
    tree.add("m-r1")

    assert tree.call("reconcile", "jobs/m-r1.yaml").code == INVALID
    assert created(tree) == []


def test_label_that_only_one_of_two_has(tree: Project) -> None:
    """A selector that chooses one of two manifests submits it no more than a path does."""
    tree.add("a", spec(jobName="same-name"), labels={"team": "x"})
    tree.add("b", spec(jobName="same-name", customModelName="other"))

    assert tree.call("reconcile", "-l", "team=x").code == INVALID
    assert created(tree) == []


def test_credentials_that_another_manifest_shows_to_be_wrong(tree: Project) -> None:
    """What one manifest declares of the account holds for the others of its credentials."""
    tree.add("a", target={"accountId": OTHER_ACCOUNT})
    tree.add("b")

    assert tree.call("reconcile", "jobs/b.yaml").code == UNSAFE
    assert created(tree) == []


def test_examples_elsewhere_hold_nothing(tree: Project) -> None:
    """A copy in another folder of the repository, which no whole pass reads, is no clash."""
    (tree.folder / ".git").mkdir()
    tree.add("a")
    write(tree.folder / "docs" / "example.yaml", manifest("a"))

    assert tree.call("reconcile", "jobs/a.yaml").code == 0
    assert created(tree) == ["a"]


def test_copy_beside_the_one_that_a_link_leads_to_holds_nothing(tree: Project) -> None:
    """git-sync lays a new copy beside the present one, and lets its link flip then."""
    for copy in ("one", "two"):
        write(tree.folder / "git" / copy / "a.yaml", manifest("a"))
    (tree.folder / "git" / "current").symlink_to("one")

    assert tree.call("reconcile", "git/current").code == 0
    assert created(tree) == ["a"]


def test_part_without_a_clash_is_submitted(tree: Project) -> None:
    """Others of the tree keep no job from being submitted, in another region under one name."""
    tree.add("a", spec(jobName="same-name"))
    tree.add("b", spec(jobName="same-name"), target={"region": "us-west-2"})
    tree.add("c")

    assert tree.call("reconcile", "jobs/c.yaml").code == 0
    assert tree.call("reconcile", "jobs/b.yaml").code == 0
    assert sorted(created(tree)) == ["c", "same-name"]


def test_watch_over_a_part_submits_nothing_that_the_whole_holds(tree: Project) -> None:
    """Nor does a daemon that works on a file, or a label, of several."""
    tree.add("a", spec(jobName="same-name"), labels={"team": "x"})
    tree.add("b", spec(jobName="same-name", customModelName="other"))

    with watch(tree, "jobs/a.yaml") as daemon:
        daemon.ready()
        poll(lambda: bool(daemon.said("pass")))
        assert daemon.end() == 0

    assert created(tree) == []
    assert tree.entry("a")["conditions"][0]["reason"] == "Invalid"
