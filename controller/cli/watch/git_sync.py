"""The daemon's use of git: its own clone, and statuses that are written back."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from controller.adapters.git.clone import ForeignFolderError, ManagedClone
from controller.adapters.git.command import GitError
from controller.adapters.git.origin import Origin
from controller.adapters.git.repository import UnsuitableCheckoutError, is_local_url
from controller.adapters.git.sync_thread import SyncActions, SyncResult, SyncTask, SyncThread
from controller.adapters.git.write_back import StatusWriter, create_writer, explain_not_pushed
from controller.adapters.sidecars.document import parse_entries, parse_sidecar, render_sidecar
from controller.cli.options.write_back import parse_write_back_options
from controller.core.kinds.registry import KINDS
from controller.core.planning.orphaned_entries import ManifestIndex
from controller.core.status.merge import ManifestFileState, SidecarVersions, merge_entries
from controller.core.urls import mask_urls
from controller.daemon.work_queue import DesiredState
from controller.engine.garbage import Coverage

_log = logging.getLogger(__name__)


class WatchedTree:
    """What a daemon works on: its own clone with ``--repo``, else the user's tree.

    ``paths`` are those of the manifests. ``lock`` is held by readers and writers of the
    tree, so that they see no change of it half done.
    """

    def __init__(self, paths: Sequence[Path], given: Mapping[str, Any]) -> None:
        self.clone = create_clone(given)
        self.paths = self.clone.paths if self.clone else tuple(paths)
        self.lock = self.clone.tree_lock if self.clone else threading.RLock()
        self._options = parse_write_back_options(given)
        self._every: float = given["pull_interval"]
        self._writer: StatusWriter | None = None
        self._noted: tuple[str, ...] = ()
        self._hurry: Callable[[], None] = lambda: None
        if self._options is not None and not self.clone:
            self._check_write_back()
        elif self._options is not None:
            # In a clone a status that is not pushed would be lost, as a pull replaces it.
            self._options = replace(self._options, require_push=True, url=given["repo"])
            if self._options.simulated:
                _check_local_remote(given["repo"])

    @property
    def folder(self) -> Path | None:
        """The folder that belongs to the daemon alone; None without a clone."""
        return self.clone.folder if self.clone else None

    def get_branch(self) -> str:
        """Return the branch that is cloned, nothing while that is not known."""
        return self.clone.branch if self.clone else ""

    def read(self, read: Callable[[], DesiredState]) -> DesiredState:
        """Return the desired state of the tree, read while nothing changes it."""
        if not self.clone:
            return read()
        with self.lock:
            # A link in a commit must not make the daemon read other files of its machine.
            astray = next((path for path in self.paths if self._is_outside_clone(path)), None)
            if astray is not None:
                return DesiredState(broken=f"{astray} is a link that leads out of the clone")
            intake = read()
        return replace(intake, coverage=lambda: self._lock_coverage(intake.coverage()))

    def create_sync_thread(
        self, pulled: Callable[[], None], on_result: Callable[[SyncTask, SyncResult], None]
    ) -> SyncThread | None:
        """Return the thread that pulls and pushes; None if nothing is to be synchronised.

        No other daemon may work in the clone any more. Raises a usage error for a folder that
        is not ours.
        """
        if self.clone:
            try:
                self.clone.claim()
            except ForeignFolderError as error:
                raise click.UsageError(str(error)) from error
        # Only the daemon's own clone is pulled: users decide when their tree changes.
        pull = self._pull if self.clone else None
        write_back = self._write_back if self._options is not None else None
        if pull is None and write_back is None:
            return None
        actions = SyncActions(pull, write_back, self._end_git)
        made = SyncThread(actions, self._every, pulled, on_result)
        self._hurry = made.request_pull
        return made

    def _pull(self) -> SyncResult:
        return SyncResult.CHANGED if self.clone and self.clone.pull() else SyncResult.UNCHANGED

    def _write_back(self) -> SyncResult:
        """Commit and push every status that the branch can hold."""
        if self._options is None or (self.clone and not self.clone.tree.exists()):
            return SyncResult.UNCHANGED
        # Looked up each time: the user may have changed the branch, or the clone was replaced.
        self._writer = create_writer(self.paths, self._options, KINDS)
        written = self._writer.write_back()
        if written.commit:
            details = {"commit": written.commit, "jobs": len(written.jobs), "tries": written.tries}
            _log.info("written back", extra={"to": mask_urls(str(written.target)), **details})
        if written.notes and written.notes != self._noted:
            _log.info("written back in part", extra={"notes": written.notes})
        self._noted = written.notes
        if self.clone and written.notes:
            # Another writer pushed: the clone may be behind.
            self._hurry()
        if written.notes:
            return SyncResult.PARTIAL
        return SyncResult.CHANGED if written.commit else SyncResult.UNCHANGED

    def _end_git(self) -> None:
        if self.clone:
            self.clone.stop()
        if self._writer is not None:
            self._writer.repository.git.stop()

    def _check_write_back(self) -> None:
        """Report a path that can never be written back; a missing folder may still appear."""
        if self._options is None or not all(path.exists() for path in self.paths):
            return
        try:
            create_writer(self.paths, self._options, KINDS)
        except UnsuitableCheckoutError as error:
            raise click.UsageError(f"--write-back: {error}") from error
        except GitError as error:
            _log.warning("statuses cannot be written back now", extra={"why": str(error)})

    def _is_outside_clone(self, path: Path) -> bool:
        top = os.path.realpath(self.clone.tree) if self.clone else ""
        return os.path.commonpath([top, os.path.realpath(path)]) != top

    def _lock_coverage(self, coverage: Coverage | None) -> Coverage | None:
        if coverage is None:
            return None
        around = coverage.load_wider_index

        def read_around() -> ManifestIndex:
            with self.lock:
                return around()

        return replace(coverage, load_wider_index=read_around)


def _check_local_remote(url: str) -> None:
    if url.startswith(("/", ".")) and not Path(url).exists():
        raise click.UsageError(f"--repo: there is no repository {url}")
    if not is_local_url(url, Path()):
        raise click.UsageError(f"--repo: {explain_not_pushed(url)} (--write-back files)")


def create_clone(given: Mapping[str, Any]) -> ManagedClone | None:
    """Return the daemon's own clone, in a folder that is marked as ours; None without --repo.

    Raises usage errors.
    """
    if not given["repo"]:
        return None
    local = Path(given["repo"])
    # Git runs in another folder, where a relative path would be wrong.
    url = str(local.resolve()) if local.exists() else given["repo"]
    origin = Origin(url, given["branch"] or "", tuple(given["clone_paths"]))
    work = _choose_work_dir(given["work_dir"])
    # In the user's repository the clones would show up as changes.
    if (work / ".git").exists():
        raise click.UsageError(f"--work-dir: {work} is another repository: name another folder")
    if shutil.which("git") is None:
        raise click.ClickException("git was not found: install it, or run without --repo")
    made = ManagedClone(work / origin.make_folder_name(given["shard"]), origin, merge_sidecars)
    try:
        made.mark()
    except ForeignFolderError as error:
        raise click.UsageError(str(error)) from error
    return made


def _choose_work_dir(given: Path | None) -> Path:
    """Return the folder for clones: systemd's for services, else the user's state folder."""
    if given is not None:
        return given
    service = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if service:
        return Path(service)
    state = os.environ.get("XDG_STATE_HOME", "")
    if not state and not os.environ.get("HOME"):
        raise click.UsageError(
            "HOME is not set, so there is no folder for the clone: set --work-dir"
        )
    return (Path(state) if state else Path.home() / ".local" / "state") / "bedrock-jobs"


def merge_sidecars(base: bytes, ours: bytes, theirs: bytes, beside: ManifestFileState) -> bytes:
    """Return the merged bytes of a sidecar that both sides changed; empty if nothing is left."""
    if parse_sidecar(ours).broken:
        return theirs  # its content is unknown, so nothing is removed because of it
    before, there = parse_entries(base), parse_entries(theirs)
    # A file with conflict markers is rebuilt from the common base.
    merge_base = before if theirs and not there else there
    entries = merge_entries(KINDS, SidecarVersions(before, parse_entries(ours), merge_base), beside)
    # Equal entries keep their bytes, so that no commit only reformats a sidecar.
    if there and entries == there:
        return theirs
    return render_sidecar(entries) if entries else b""
