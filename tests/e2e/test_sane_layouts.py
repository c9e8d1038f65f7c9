"""Layouts with links and several rules that people have for good reasons work with every verb."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.core.identity.tags import OWNER
from tests.git.support import GIT, git
from tests.support.attended import watched
from tests.support.commands import call, environment
from tests.support.manifests import as_yaml, manifest, spec
from tests.support.project import Project

ROLE = spec()["roleArn"]
LONG_AGO = time.time() - 3600
Place = tuple[Path, str]
"""The folder in which verbs are called, and the path that they are given."""


def lay(folder: Path, owner: str = "acme") -> None:
    """Write a fleet whose only job takes its role from the defaults."""
    (folder / "jobs").mkdir(parents=True, exist_ok=True)
    rules = {"owner": owner, "stampTags": True, "allow": {"roleArns": [ROLE]}}
    (folder / "bedrock-jobs.yaml").write_text(as_yaml(rules))
    (folder / "jobs" / "_defaults.yaml").write_text(as_yaml({"spec": {"roleArn": ROLE}}))
    (folder / "jobs" / "bot.yaml").write_text(as_yaml(manifest("bot", spec(roleArn=None))))


def commit(folder: Path) -> None:
    """Make a folder a repository that holds all its files."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "Begin")


def git_sync(root: Path) -> Place:
    """Lay out a worktree behind the link that git-sync flips."""
    lay(root / "source")
    commit(root / "source")
    git(root / "source", "worktree", "add", "-q", "--detach", str(root / ".worktrees" / "abc"))
    (root / "current").symlink_to(".worktrees/abc")
    return root, "current/jobs"


def linked_prefix(root: Path) -> Place:
    """Lay out a repository below a link, as /tmp is on macOS."""
    lay(root / "private" / "fleet")
    commit(root / "private" / "fleet")
    (root / "tmp").symlink_to("private")
    return root / "tmp" / "fleet", str(root / "tmp" / "fleet" / "jobs")


def config_map(root: Path) -> Place:
    """Lay out files as Kubernetes mounts a ConfigMap: each a link, through one to all data."""
    lay(root / "once")
    mount, data = root / "mount", root / "mount" / "..2026_01_02"
    mount.mkdir()
    shutil.copytree(root / "once" / "jobs", data)
    shutil.copy(root / "once" / "bedrock-jobs.yaml", data)
    (mount / "..data").symlink_to("..2026_01_02")
    for path in data.iterdir():
        (mount / path.name).symlink_to(f"..data/{path.name}")
    return root, "mount"


def linked_jobs(root: Path) -> Place:
    """Lay out a repository in which ``jobs`` is a link to another folder of it."""
    lay(root)
    (root / "teams").mkdir()
    (root / "jobs").rename(root / "teams" / "ml")
    (root / "jobs").symlink_to("teams/ml")
    commit(root)
    return root, "jobs"


def linked_parts(root: Path) -> Place:
    """Lay out a repository whose manifests and defaults are shared by links inside it."""
    lay(root)
    (root / "common").mkdir()
    (root / "jobs" / "_defaults.yaml").rename(root / "common" / "_defaults.yaml")
    (root / "jobs" / "_defaults.yaml").symlink_to("../common/_defaults.yaml")
    (root / "common" / "team").mkdir()
    (root / "jobs" / "bot.yaml").rename(root / "common" / "team" / "bot.yaml")
    (root / "common" / "team" / "_defaults.yaml").symlink_to("../_defaults.yaml")
    (root / "jobs" / "team").symlink_to("../common/team")
    commit(root)
    return root, "jobs"


def monorepo(root: Path) -> Place:
    """Lay out a repository of two fleets side by side."""
    lay(root / "ours")
    lay(root / "theirs", "somebody")
    commit(root)
    return root, "ours/jobs"


def stale_lock(root: Path) -> Place:
    """Lay out a repository in which git left its lock behind an hour ago."""
    lay(root)
    commit(root)
    (root / ".git" / "index.lock").touch()
    os.utime(root / ".git" / "index.lock", (LONG_AGO, LONG_AGO))
    return root, "jobs"


LAYOUTS = (
    git_sync,
    linked_prefix,
    config_map,
    linked_jobs,
    linked_parts,
    monorepo,
    stale_lock,
)


@pytest.fixture
def root(tree: Project) -> Path:
    """An empty folder."""
    (tree.folder / "jobs").rmdir()
    return tree.folder


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("first", ["reconcile", "watch"])
def test_layout_works_with_every_verb(
    tree: Project, root: Path, layout: Callable[[Path], Place], first: str
) -> None:
    """The job is found, with its own fleet's rules and defaults, submitted once and followed."""
    folder, path = layout(root)
    env = environment(root, AWS_ENDPOINT_URL=tree.sandbox.url, **GIT)
    verbs = {
        "validate": lambda: call(folder, "validate", path, env=env),
        "plan": lambda: call(folder, "plan", path, env=env),
        "reconcile": lambda: call(folder, "reconcile", path, env=env),
        "status": lambda: call(folder, "status", path, env=env),
        "watch": lambda: watched(folder, path, "--interval", "1s", env=env),
    }

    for verb in ("validate", "plan", first, "plan", "reconcile", "watch", "status"):
        ran = verbs[verb]()
        assert (ran.code, verb) == (0, verb), ran.out + ran.err
        assert "BJ1" not in ran.out + ran.err

    (made,) = tree.calls("Create")
    assert made["members"]["roleArn"] == ROLE
    assert {"key": OWNER, "value": "acme"} in made["members"]["jobTags"]
    assert "InProgress" in verbs["status"]().out


def test_two_fleets_are_never_one(root: Path) -> None:
    """Of two fleets side by side each is run for itself."""
    folder, path = monorepo(root)

    ran = call(folder, "plan", path, "theirs/jobs", env=environment(root, **GIT))

    assert ran.code == 64
    assert "run once for each" in ran.err
