"""A manifest that exists is not gone: in git, in a sparse checkout, or under an unread name."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_prune import STOP, actions, removed
from tests.support.manifests import manifest, write
from tests.support.project import Project


@pytest.fixture
def fleet(tree: Project) -> Project:
    """A project whose fleet has an owner, with two jobs that run."""
    tree.fleet(owner="acme-ml")
    for name in ("keep", "gone"):
        tree.add(name, policy=STOP)
    assert tree.call("reconcile").code == 0
    return tree


def git(tree: Project, *words: str) -> None:
    """Run git in the project's folder."""
    given = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    subprocess.run(["git", *given, *words], cwd=tree.jobs.parent, check=True, capture_output=True)


def commit(tree: Project) -> None:
    """Commit the project as it is."""
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "all")


@pytest.mark.parametrize("how", ["skip-worktree", "deleted", "removed from the index"])
def test_manifest_that_git_holds_is_not_gone(fleet: Project, how: str) -> None:
    """A prune stops nothing whose manifest the index or HEAD holds."""
    commit(fleet)
    if how == "removed from the index":
        git(fleet, "rm", "-q", "jobs/gone.yaml")
    else:
        (fleet.jobs / "gone.yaml").unlink()
    if how == "skip-worktree":
        git(fleet, "update-index", "--skip-worktree", "jobs/gone.yaml")

    assert "gone" not in actions(fleet, "--prune")


def test_manifest_that_only_the_index_holds_is_not_gone(fleet: Project) -> None:
    """Nor what was added to the index and is in no commit yet."""
    git(fleet, "init", "-q", "-b", "main")
    git(fleet, "add", "-A")
    (fleet.jobs / "gone.yaml").unlink()

    assert "gone" not in actions(fleet, "--prune")


def test_removal_that_is_committed_counts(fleet: Project) -> None:
    """Once a commit lacks the manifest its job is stopped, as in a folder without git."""
    commit(fleet)
    git(fleet, "rm", "-q", "jobs/gone.yaml")
    git(fleet, "commit", "-qm", "remove")

    planned = actions(fleet, "--prune")

    assert {"gone": planned.get("gone")} == removed("STOP", "gone")


@pytest.mark.parametrize("name", [".gone.yaml", "_gone.yaml", "_gone.YML", ".gone.json"])
def test_file_that_passes_leave_out_is_not_gone(fleet: Project, name: str) -> None:
    """A manifest under a name that passes do not read keeps its job."""
    (fleet.jobs / "gone.yaml").rename(fleet.jobs / name)

    assert "gone" not in actions(fleet, "--prune")


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "---\n", "# apiVersion: bedrock-jobs/v1\n"])
def test_manifest_that_says_nothing_is_not_gone(fleet: Project, text: str) -> None:
    """A file that is empty, or has comments alone, may be cut off: its job is not stopped."""
    (fleet.jobs / "gone.yaml").write_text(text)

    assert "gone" not in actions(fleet, "--prune")


def test_document_that_leaves_its_file_is_gone(fleet: Project) -> None:
    """A file that still holds other manifests was not cut off: the one that left it is stopped."""
    (fleet.jobs / "keep.yaml").unlink()
    write(fleet.jobs / "gone.yaml", manifest("keep", policy=STOP))

    planned = actions(fleet, "--prune")

    assert {"gone": planned.get("gone")} == removed("STOP", "gone")


def test_folder_in_a_manifests_place_is_no_removal(fleet: Project) -> None:
    """What git holds as a file, and the disk as a folder, is not gone."""
    commit(fleet)
    (fleet.jobs / "gone.yaml").unlink()
    (fleet.jobs / "gone.yaml").mkdir()

    assert "gone" not in actions(fleet, "--prune")


@pytest.mark.parametrize(
    "place",
    [
        "jobs/.old/gone.yaml",
        "jobs/.gitold/gone.yaml",
        "jobs/.other.yaml",
        "jobs/old/_other.yml",
        "jobs/gone.yaml.disabled",
        "jobs/other.txt",
        ".archive/gone.yaml",
    ],
)
def test_file_moved_out_of_sight_is_not_gone(fleet: Project, place: str) -> None:
    """A manifest keeps its job wherever in the fleet its file is put, and whatever it is called."""
    moved = fleet.jobs.parent / place
    moved.parent.mkdir(exist_ok=True)
    (fleet.jobs / "gone.yaml").rename(moved)
    commit(fleet)

    assert "gone" not in actions(fleet, "--prune")


@pytest.mark.parametrize("place", ["archive/gone.yaml", "jobs/.old/gone.yaml", "jobs/.gone.yaml"])
def test_file_moved_out_of_a_sparse_checkout_is_not_gone(fleet: Project, place: str) -> None:
    """A manifest keeps its job where git alone knows the place that its file was put in."""
    moved = fleet.jobs.parent / place
    moved.parent.mkdir(exist_ok=True)
    (fleet.jobs / "gone.yaml").rename(moved)
    commit(fleet)
    git(fleet, "update-index", "--skip-worktree", place)
    moved.unlink()

    assert "gone" not in actions(fleet, "--prune")


def test_file_that_is_too_large_in_git_is_not_gone(fleet: Project) -> None:
    """A manifest that has grown past all bounds keeps its job when git alone holds it."""
    with (fleet.jobs / "gone.yaml").open("a") as file:
        file.write("#" * (1 << 20))
    commit(fleet)
    (fleet.jobs / "gone.yaml").unlink()

    assert "gone" not in actions(fleet, "--prune")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bedrock-jobs/v1", "bedrock-jobs/v2"),
        ('"ModelCustomizationJob"', '"ModelCustomisationJob"'),
        ('"apiVersion"', '"version"'),
        ("}}", "}}" + " " * (1 << 20)),
    ],
    ids=["version", "kind", "key", "size"],
)
def test_json_that_is_no_manifest_any_more_is_not_gone(fleet: Project, old: str, new: str) -> None:
    """A JSON file that was a manifest keeps its job until it is deleted."""
    path = fleet.jobs / "gone.json"
    (fleet.jobs / "gone.yaml").unlink()
    path.write_text(json.dumps(manifest("gone", policy=STOP)))
    assert fleet.call("reconcile").code == 0
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    assert "gone" not in actions(fleet, "--prune")

    path.unlink()
    assert actions(fleet, "--prune")["gone"] == ("STOP", "ManifestRemoved")


@pytest.mark.parametrize("verb", ["reconcile", "plan", "stop", "retry", "wait", "watch"])
@pytest.mark.parametrize("name", ["_draft.yaml", ".hidden.yaml", "draft.conf"])
def test_name_that_no_pass_reads_is_refused(fleet: Project, verb: str, name: str) -> None:
    """Verbs that act refuse a file that a pass over its folder would not read."""
    write(Path(fleet.jobs / name), manifest("draft"))

    assert fleet.call(verb, str(fleet.jobs / name)).code == 64


def test_broken_repository_prunes_nothing(fleet: Project) -> None:
    """Where git gives no answer nobody knows what it holds."""
    commit(fleet)
    (fleet.jobs.parent / ".git" / "index").write_bytes(b"DIRC broken")
    (fleet.jobs / "gone.yaml").unlink()

    assert "gone" not in actions(fleet, "--prune")
