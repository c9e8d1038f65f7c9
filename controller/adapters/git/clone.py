"""The daemon's own clone of a repository: create it, pull it, and replace it when it is broken.

Manifests always match the remote. Statuses are merged, so that none that has not been pushed yet is
lost. While the remote cannot be reached, the tree stays as it was.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable, Set
from pathlib import Path

from controller.adapters.git.clone_files import (
    can_hold_sidecar,
    clear_folder,
    discard_tree,
    find_stale_locks,
    find_statuses,
    ignore_attributes,
    read_sidecar,
    remove_folder,
    update_sidecar,
    write_file,
)
from controller.adapters.git.command import Git, GitError
from controller.adapters.git.login import split_credentials
from controller.adapters.git.objects import read_blobs
from controller.adapters.git.origin import Origin
from controller.adapters.sidecars.paths import SUFFIX
from controller.core.documents.file_names import SPELLINGS
from controller.core.status.merge import ManifestFileState
from controller.core.urls import find_secrets, mask_urls

_log = logging.getLogger(__name__)

MARKER = ".bedrock-jobs-clone"
FETCH_SECONDS = 120.0
CLONE_SECONDS = 1800.0
_TREE, _NEW, _OLD = "tree", "tree.new", "tree.old"
_TRACKING = "refs/remotes/origin/"
_SYMREF = "ref: refs/heads/"
_GITLINK = b"160000 "
_SETTINGS = {
    # Treat a remote that sends nothing for half a minute as unreachable.
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "30",
    # No background process may use a clone that may be replaced.
    "gc.autoDetach": "false",
    "maintenance.autoDetach": "false",
    # No reflog: it would keep the commits of every head for months.
    "core.logAllRefUpdates": "false",
    "gc.pruneExpire": "1.hour.ago",
    "core.autocrlf": "false",
    "core.sparseCheckout": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "advice.detachedHead": "false",
}

SidecarMerge = Callable[[bytes, bytes, bytes, ManifestFileState], bytes]
"""Merges a sidecar's base, ours and theirs; empty bytes stand for a missing file."""


class ForeignFolderError(Exception):
    """A folder is not one of ours; the text names it and says what to do."""


class ManagedClone:
    """The clone of an origin in a folder of its own, marked as ours; for one thread at a time.

    ``tree_lock`` is held while files of the tree change; take it to read or write there. ``branch``
    is the branch's name as soon as that is known.
    """

    def __init__(self, folder: Path, origin: Origin, merge: SidecarMerge) -> None:
        self.folder = folder.resolve()
        self.tree = self.folder / _TREE
        self.paths = tuple(self.tree / path for path in origin.paths)
        self.tree_lock = threading.RLock()
        self.branch = origin.branch
        self._origin = origin
        self._merge = merge
        self._is_told = self._is_ended = False
        # In the clone's configuration, and on git's command lines, the URL has no password.
        self._url, login = split_credentials(origin.url, os.environ)
        place = {"GIT_DIR": str(self.tree / ".git"), "GIT_WORK_TREE": str(self.tree)}
        self._remote = Git(
            self.folder,
            seconds=CLONE_SECONDS,
            settings=_SETTINGS,
            environment=login,
            secrets=find_secrets(origin.url),
        )
        # Named outright: git would look for a repository upward, in folders that are not ours.
        self._git = self._remote.copy_for(self.tree, environment=place)

    def mark(self) -> None:
        """Create the folder and mark it as ours; raises ForeignFolderError if it is not."""
        marker = self.folder / MARKER
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not marker.exists():
                self._check_empty()
                write_file(
                    marker, b"bedrock-jobs keeps a clone here, and replaces it when broken.\n"
                )
        except OSError as error:
            raise ForeignFolderError(_describe_unusable(self.folder, error)) from error

    def claim(self) -> None:
        """Remove what an earlier daemon left half done; no other process may be using the folder.

        Raises ForeignFolderError.
        """
        try:
            self._restore_old_tree()
            discard_tree(self.folder / _OLD, self.tree)
            for path in self.folder.iterdir():
                if path.name.startswith(_NEW):
                    remove_folder(path)
            for lock in find_stale_locks(self.tree / ".git"):
                lock.unlink(missing_ok=True)
        except OSError as error:
            raise ForeignFolderError(_describe_unusable(self.folder, error)) from error

    def stop(self) -> None:
        """Stop the running git command, from any thread; it fails and can be repeated."""
        self._is_ended = True
        self._remote.stop()

    def pull(self) -> bool:
        """Update the tree to the branch's head; return whether anything but statuses changed.

        Raises GitError when the remote cannot be read; the tree then stays as it is. A clone that
        git itself reports as broken is replaced; its statuses are kept.
        """
        self._is_ended = False
        if not self.tree.exists():
            self._replace_clone()
            return True
        try:
            return self._update_tree(self._fetch_head())
        except (GitError, OSError) as error:
            # A check that was stopped found nothing broken either.
            if self._is_ended or self._is_intact() or self._is_ended:
                raise error if isinstance(error, GitError) else GitError(str(error)) from error
        _log.error("the clone is broken: it is made anew", extra={"clone": str(self.tree)})
        self._replace_clone()
        return True

    def _fetch_head(self) -> str:
        """Fetch the branch and return the commit at its head."""
        if not self._is_told:
            # Earlier versions kept the URL's credentials here.
            self._git.run("config", "remote.origin.url", self._url)
            if ignore_attributes(self.tree):
                # Without an index git checks out every file again, byte for byte.
                (self.tree / ".git" / "index").unlink(missing_ok=True)
            self._is_told = True
        here = os.fsdecode(
            self._git.run_unchecked("symbolic-ref", "--quiet", "--short", "HEAD")[1]
        ).rstrip()
        branch = self._origin.branch or self._get_remote_head() or here
        if branch != here:
            self._follow_branch(here, branch)
        self.branch = branch
        spec = f"+refs/heads/{branch}:{_TRACKING}{branch}"
        what = ("--quiet", "--depth", "1", "--no-tags", "origin", spec)
        self._git.run("fetch", *what, seconds=FETCH_SECONDS)
        return self._git.run("rev-parse", "--verify", f"{_TRACKING}{branch}^{{commit}}")

    def _get_remote_head(self) -> str:
        """Return the branch that the remote's HEAD names; empty if it does not say."""
        told = self._git.run("ls-remote", "--symref", "origin", "HEAD", seconds=FETCH_SECONDS)
        lines = (line.split("\t") for line in told.splitlines())
        named = [one[0] for one in lines if one[0].startswith(_SYMREF) and one[1:] == ["HEAD"]]
        return named[0].removeprefix(_SYMREF) if named else ""

    def _follow_branch(self, before: str, after: str) -> None:
        """Make the clone follow another branch, starting from the commit that it is at."""
        base = self._git.run("rev-parse", "--verify", "HEAD^{commit}")
        # One branch may be named like a folder of the other (a and a/b): free its name first.
        self._git.run("update-ref", "--no-deref", "HEAD", base)
        for ref in (f"refs/heads/{before}", f"{_TRACKING}{before}") if before else ():
            self._git.run("update-ref", "-d", ref)
        self._git.run("update-ref", f"refs/heads/{after}", base)
        self._git.run("symbolic-ref", "HEAD", f"refs/heads/{after}")
        _log.info("another branch is followed", extra={"branch": after, "before": before})

    def _update_tree(self, head: str) -> bool:
        """Check out a commit and merge the statuses; return whether anything else changed."""
        base = self._git.run("rev-parse", "--verify", "HEAD^{commit}")
        # After a failed update the tree is checked out again although HEAD is the same.
        if base == head and not self._is_dirty:
            return False
        changed = self._diff_commits(base, head)
        statuses = {path: blobs for path, blobs in changed.items() if path.endswith(SUFFIX)}
        news = changed.keys() - statuses.keys()
        bytes_of = read_blobs(
            self._git, (one for blobs in statuses.values() for one in blobs if one)
        )
        with self.tree_lock:
            self._is_dirty = True
            self._check_out_files(head)
            for path, (before, after) in statuses.items():
                base_bytes, theirs = bytes_of.get(before, b""), bytes_of.get(after, b"")
                self._merge_sidecar(path, base_bytes, theirs, self._find_beside(path, news))
            # Last of all: an update that was interrupted starts again from the same base.
            self._git.run("update-ref", "HEAD", head)
            self._is_dirty = False
        return bool(news) or base == head

    _is_dirty = True
    """Whether the tree may differ from HEAD: at first, and after an update that failed."""

    def _check_out_files(self, head: str) -> None:
        """Make every file except the statuses what it is in a commit."""
        self._git.run("read-tree", "--reset", head)
        told = self._git.read_output("diff-files", "--name-only", "-z").split(b"\0")[:-1]
        names = b"".join(path + b"\0" for path in told if not path.endswith(SUFFIX.encode()))
        self._git.run("checkout-index", "--force", "--index", "-z", "--stdin", content=names)
        # Ignored files go as well: a manifest that .gitignore names is not on the remote.
        self._git.run("clean", "-ffdxq", "-e", f"*{SUFFIX}")
        self._clear_submodules()

    def _clear_submodules(self) -> None:
        """Remove all but statuses from submodules: a fresh clone leaves them empty."""
        listed = self._git.read_output("ls-files", "--stage", "-z").split(b"\0")[:-1]
        for line in listed:
            if line.startswith(_GITLINK):
                clear_folder(self.tree / os.fsdecode(line.partition(b"\t")[2]))

    def _diff_commits(self, base: str, head: str) -> dict[str, tuple[str, str]]:
        """Return the paths that differ between two commits, with their regular files' blobs."""
        told = self._git.read_output("diff-tree", "-r", "-z", "--raw", "--no-renames", base, head)
        parts = told.split(b"\0")
        changed = {}
        for raw, path in zip(parts[::2], parts[1::2], strict=False):
            modes = raw.decode().lstrip(":").split(" ")
            before, after = (
                identity if mode.startswith("100") else ""
                for mode, identity in zip(modes[:2], modes[2:4], strict=True)
            )
            # Links and submodules have modes that do not start with 100, and count as no file.
            changed[os.fsdecode(path)] = before, after
        return changed

    def _find_beside(self, path: str, news: Set[str]) -> ManifestFileState:
        """Return whether a sidecar's manifest exists, and is the version passes have read."""
        manifests = [f"{path.removesuffix(SUFFIX)}{suffix}" for suffix in SPELLINGS]
        there = any((self.tree / one).is_file() for one in manifests)
        return ManifestFileState(there, is_current=there and news.isdisjoint(manifests))

    def _merge_sidecar(
        self, path: str, base: bytes, theirs: bytes, beside: ManifestFileState
    ) -> None:
        """Merge the remote's version of a sidecar into the file on disk."""
        place = self.tree / path
        if can_hold_sidecar(place):
            ours = read_sidecar(place)
            update_sidecar(place, ours, self._merge(base, ours, theirs, beside))

    def _is_intact(self) -> bool:
        """Return whether the clone itself is intact, so that the cause is elsewhere."""
        try:
            if not self._git.is_success("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
                return False
            return self._git.is_success(
                "fsck", "--connectivity-only", "--no-dangling", "--no-progress"
            )
        except GitError:
            return True  # git did not answer, so nothing is proven

    def _replace_clone(self) -> None:
        """Clone beside the tree, carry the statuses over, and swap the two."""
        # A git that outlived its daemon may still be writing to the folder of its clone.
        new = self.folder / f"{_NEW}-{secrets.token_hex(4)}"
        old = self.folder / _OLD
        try:
            self._create_clone(new)
            with self.tree_lock:
                self._restore_old_tree()
                self._carry_statuses(new)
                if self.tree.exists():
                    self.tree.rename(old)
                new.rename(self.tree)
            discard_tree(old, self.tree)
        except OSError as error:
            raise GitError(f"{self.folder}: {error.strerror or error}") from error
        finally:
            remove_folder(new)
        self._is_dirty = False

    def _restore_old_tree(self) -> None:
        """Put the old tree back if the new one never took its place."""
        old = self.folder / _OLD
        if not self.tree.exists() and old.exists():
            old.rename(self.tree)

    def _create_clone(self, new: Path) -> None:
        branch = ("--branch", self._origin.branch) if self._origin.branch else ()
        what = ("--quiet", "--depth", "1", "--no-tags", "--single-branch", "--no-local")
        kept = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._remote.run("clone", *what, "--no-checkout", *branch, *kept, "--", self._url, str(new))
        place = {"GIT_DIR": str(new / ".git"), "GIT_WORK_TREE": str(new)}
        git = self._remote.copy_for(new, environment=place)
        if not git.is_success("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
            raise GitError(f"git clone: {mask_urls(self._url)} has no commit yet")
        self.branch = git.run("symbolic-ref", "--short", "HEAD")
        ignore_attributes(new)
        git.run("read-tree", "HEAD")
        git.run("checkout-index", "--all", "--index")

    def _carry_statuses(self, new: Path) -> None:
        """Merge the statuses of the present tree into the one that replaces it."""
        for path in find_statuses(self.tree):
            place = new / path.relative_to(self.tree)
            if not can_hold_sidecar(place):
                continue
            theirs = read_sidecar(place)
            # A job whose manifest is gone may still have to be stopped, so no status is dropped.
            beside = ManifestFileState(exists=True, is_current=True)
            update_sidecar(place, theirs, self._merge(b"", read_sidecar(path), theirs, beside))

    def _check_empty(self) -> None:
        found = sorted(path.name for path in self.folder.iterdir() if path.name != "lost+found")
        if found:
            raise ForeignFolderError(
                f"--work-dir: {self.folder} is not empty and not of our making: name another one"
            )


def _describe_unusable(folder: Path, error: OSError) -> str:
    why = error.strerror or str(error)
    return f"--work-dir: {folder} cannot be used ({why}): name another one"
