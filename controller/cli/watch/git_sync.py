"""A daemon's dealings with git, wired: its own clone, and statuses that are written back."""

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

from controller.adapters.git.clone import Checkout, ForeignFolderError, Origin
from controller.adapters.git.command import GitError
from controller.adapters.git.repository import UnfitError, is_on_this_disk
from controller.adapters.git.sync_thread import Errand, Remote, Syncing, SyncResult
from controller.adapters.git.write_back import Writer, not_pushed, writer
from controller.adapters.sidecars.document import document_of, entries_of, rendered
from controller.cli.options.write_back import options_of
from controller.core.kinds.registry import KINDS
from controller.core.planning.orphaned_entries import Census
from controller.core.status.merge import Beside, Versions, merged
from controller.core.urls import masked
from controller.daemon.work_queue import Intake
from controller.engine.garbage import Coverage

_log = logging.getLogger(__name__)


class Repo:
    """What a daemon works on: its own clone with ``--repo``, else the user's tree.

    ``paths`` are those of the manifests. ``still`` is held by who reads or writes the tree: what
    else changes there is then complete, or has not begun.
    """

    def __init__(self, paths: Sequence[Path], given: Mapping[str, Any]) -> None:
        self.clone = clone_of(given)
        self.paths = self.clone.paths if self.clone else tuple(paths)
        self.still = self.clone.still if self.clone else threading.RLock()
        self._options = options_of(given)
        self._every: float = given["pull_interval"]
        self._writer: Writer | None = None
        self._noted: tuple[str, ...] = ()
        self._hurry: Callable[[], None] = lambda: None
        if self._options is not None and not self.clone:
            self._check()
        elif self._options is not None:
            # In a clone nobody would push what stays there, and a pull would take it for old.
            self._options = replace(self._options, pushed=True, url=given["repo"])
            if self._options.simulated:
                _check_near(given["repo"])

    @property
    def folder(self) -> Path | None:
        """The folder that belongs to the daemon alone; None without a clone."""
        return self.clone.folder if self.clone else None

    def branch(self) -> str:
        """Return the branch that is cloned, nothing while that is not known."""
        return self.clone.branch if self.clone else ""

    def read(self, read: Callable[[], Intake]) -> Intake:
        """Return what the tree asks for, read while it stands still."""
        if not self.clone:
            return read()
        with self.still:
            astray = next((path for path in self.paths if self._leads_out(path)), None)
            if astray is not None:
                return Intake(broken=f"{astray} is a link that leads out of the clone")
            intake = read()
        return replace(intake, coverage=lambda: self._covered(intake.coverage()))

    def syncing(
        self, pulled: Callable[[], None], told: Callable[[Errand, SyncResult], None]
    ) -> Syncing | None:
        """Return what keeps the tree and its remote together; None where nothing does.

        No other daemon may be at work in the clone any more. Raises click's usage error where
        that is not ours to work in.
        """
        if self.clone:
            try:
                self.clone.claim()
            except ForeignFolderError as error:
                raise click.UsageError(str(error)) from error
        pull = self._pull if self.clone else None
        write_back = self._write_back if self._options is not None else None
        if pull is None and write_back is None:
            return None
        made = Syncing(Remote(pull, write_back, self._end), self._every, pulled, told)
        self._hurry = made.hurry
        return made

    def _pull(self) -> SyncResult:
        return SyncResult.CHANGED if self.clone and self.clone.pull() else SyncResult.UNCHANGED

    def _write_back(self) -> SyncResult:
        """Have the branch hold every status that it can hold."""
        if self._options is None or (self.clone and not self.clone.tree.exists()):
            return SyncResult.UNCHANGED
        # Made anew each time: the user may have changed the branch, or the clone been replaced.
        self._writer = writer(self.paths, self._options, KINDS)
        written = self._writer.write_back()
        if written.commit:
            told = {"commit": written.commit, "jobs": len(written.jobs), "tries": written.tries}
            _log.info("written back", extra={"to": masked(str(written.aim)), **told})
        if written.notes and written.notes != self._noted:
            _log.info("written back in part", extra={"notes": written.notes})
        self._noted = written.notes
        if self.clone and written.notes:
            # Somebody else was there: the clone may be behind.
            self._hurry()
        if written.notes:
            return SyncResult.PARTIAL
        return SyncResult.CHANGED if written.commit else SyncResult.UNCHANGED

    def _end(self) -> None:
        if self.clone:
            self.clone.end()
        if self._writer is not None:
            self._writer.repository.git.end()

    def _check(self) -> None:
        """Tell at once what can never be written back; a folder that comes later may be fit."""
        if self._options is None or not all(path.exists() for path in self.paths):
            return
        try:
            writer(self.paths, self._options, KINDS)
        except UnfitError as error:
            raise click.UsageError(f"--write-back: {error}") from error
        except GitError as error:
            _log.warning("statuses cannot be written back now", extra={"why": str(error)})

    def _leads_out(self, path: Path) -> bool:
        top = os.path.realpath(self.clone.tree) if self.clone else ""
        return os.path.commonpath([top, os.path.realpath(path)]) != top

    def _covered(self, coverage: Coverage | None) -> Coverage | None:
        if coverage is None:
            return None
        around = coverage.around

        def still() -> Census:
            with self.still:
                return around()

        return replace(coverage, around=still)


def _check_near(url: str) -> None:
    if url.startswith(("/", ".")) and not Path(url).exists():
        raise click.UsageError(f"--repo: there is no repository {url}")
    if not is_on_this_disk(url, Path()):
        raise click.UsageError(f"--repo: {not_pushed(url)} (--write-back files)")


def clone_of(given: Mapping[str, Any]) -> Checkout | None:
    """Return the daemon's own clone, in a folder that is marked as ours; None without --repo.

    Raises click's usage errors.
    """
    if not given["repo"]:
        return None
    local = Path(given["repo"])
    # Git runs elsewhere, where a relative path would lead elsewhere too.
    url = str(local.resolve()) if local.exists() else given["repo"]
    origin = Origin(url, given["branch"] or "", tuple(given["clone_paths"]))
    work = _work_folder(given["work_dir"])
    if (work / ".git").exists():
        raise click.UsageError(f"--work-dir: {work} is somebody's repository: name another folder")
    if shutil.which("git") is None:
        raise click.ClickException("git was not found: install it, or do without --repo")
    made = Checkout(work / origin.folder_name(given["shard"]), origin, merged_bytes)
    try:
        made.mark()
    except ForeignFolderError as error:
        raise click.UsageError(str(error)) from error
    return made


def _work_folder(given: Path | None) -> Path:
    """Return where clones are kept: as systemd gives it to services, else the user's own."""
    if given is not None:
        return given
    service = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if service:
        return Path(service)
    state = os.environ.get("XDG_STATE_HOME", "")
    if not state and not os.environ.get("HOME"):
        raise click.UsageError("there is no home to keep a clone in: name a folder with --work-dir")
    return (Path(state) if state else Path.home() / ".local" / "state") / "bedrock-jobs"


def merged_bytes(base: bytes, ours: bytes, theirs: bytes, beside: Beside) -> bytes:
    """Return the bytes of a sidecar that both sides changed; none when nothing is left of it."""
    if document_of(ours).broken:
        return theirs  # nobody knows what it said, so it takes nothing away there
    before, there = entries_of(base), entries_of(theirs)
    # With the marks of a conflict in it, it is made anew from what was known.
    told = before if theirs and not there else there
    entries = merged(KINDS, Versions(before, entries_of(ours), told), beside)
    if there and entries == there:
        return theirs
    return rendered(entries) if entries else b""
