"""A repository, a person who pushes to it, and a daemon's clone of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.adapters.git.clone import ManagedClone, SidecarMerge
from controller.adapters.git.origin import Origin
from controller.cli.watch.git_sync import WatchedTree
from controller.core.status.merge import ManifestFileState
from tests.git.support import Hub, git

STATUS = "jobs/a.status.json"


def merged(base: bytes, ours: bytes, theirs: bytes, _beside: ManifestFileState) -> bytes:
    """Keep what both sides say: plain enough to see that all three came in."""
    return theirs if ours == base else ours if theirs == base else b"+".join((base, ours, theirs))


def claimed(
    hub: Hub, folder: Path, branch: str = "main", merge: SidecarMerge = merged
) -> ManagedClone:
    """Return a clone in a folder, as a daemon begins with it."""
    made = ManagedClone(folder, Origin(hub.url, branch, (Path("jobs"),)), merge)
    made.mark()
    made.claim()
    return made


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def push(folder: Path, files: Mapping[str, str] | None = None, *removed: str) -> None:
    """Let a person write and remove files, commit and push, whatever the branch was."""
    write(folder, files or {})
    for name in removed:
        (folder / name).unlink()
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Change")
    git(folder, "push", "-q", "--force", "origin", "HEAD:main")


def files(folder: Path) -> dict[str, str]:
    """Return the files of a tree by their paths, less git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def cloned(given: dict[str, Any]) -> WatchedTree:
    """Return a repository whose clone is there."""
    repo = WatchedTree((), given)
    assert repo.clone is not None
    repo.clone.claim()
    repo.clone.pull()
    return repo
