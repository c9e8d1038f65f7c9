"""A `_defaults.yaml` that is away during one pass of a cron job, and back in the next."""

from __future__ import annotations

import pytest

from tests.git.support import git
from tests.support.manifests import manifest, spec, write
from tests.support.project import Project

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture
def lasting(tree: Project) -> Project:
    """A project whose one job runs with a key that its folder's defaults name."""
    (tree.jobs / "_defaults.yaml").write_text(f"spec: {{customModelKmsKeyId: {KEY!r}}}\n")
    return tree


def submitted(tree: Project, **policy: str) -> None:
    """Submit the job, and let a pass meet the tree without the file, and one with it again."""
    write(tree.jobs / "bot.yaml", manifest("bot", spec(), policy=policy))
    git(tree.folder, "add", "--all") if (tree.folder / ".git").exists() else None
    assert tree.call("reconcile").code == 0
    path = tree.jobs / "_defaults.yaml"
    path.rename(tree.folder / "away")
    tree.call("reconcile")
    (tree.folder / "away").rename(path)
    tree.call("reconcile")


def test_held_spec_is_paid_for_once(lasting: Project) -> None:
    """Where a changed spec is held, as by default, nothing follows from the file's absence."""
    submitted(lasting)

    assert len(lasting.calls("Create")) == 1
    assert lasting.entry("bot")["phase"] == "InProgress"


def test_file_that_git_holds_makes_no_revision(lasting: Project) -> None:
    """In a git work tree even a manifest that asks for new revisions gets none."""
    git(lasting.folder, "init", "-q")

    submitted(lasting, onSpecChange="NewRevision")

    assert len(lasting.calls("Create")) == 1
    assert lasting.entry("bot")["phase"] == "InProgress"
