"""Commit statuses to a branch and push them: the work of ``--write-back``."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controller.adapters.git.command import COMMAND_SECONDS, GitError
from controller.adapters.git.commit import create_commit
from controller.adapters.git.fast_forward import advance_branch
from controller.adapters.git.login import split_credentials
from controller.adapters.git.pending_statuses import (
    IGNORED,
    LocalStatuses,
    PendingChanges,
    find_local_statuses,
    find_pending,
)
from controller.adapters.git.push import push_commit
from controller.adapters.git.remote import BaseCommits, find_base_commits
from controller.adapters.git.repository import (
    PushTarget,
    Repository,
    UnsuitableCheckoutError,
    find_repository,
    is_local_url,
    list_push_urls,
    resolve_push_target,
)
from controller.adapters.host.tree_files import TreeRoot
from controller.adapters.host.tree_writes import lock_file
from controller.core.authoring.commit_message import TEMPLATE, build_message
from controller.core.kinds.kind import Kind
from controller.core.urls import mask_urls

MAX_TRIES = 5
_MAX_PAUSE = 20.0
_MAX_SHOWN = 3
_SIMULATED = "Sandbox: nothing here is real."


@dataclass(frozen=True, slots=True)
class WriteBackOptions:
    """How statuses are written back.

    Defaults: the checked out ``branch``, that branch's ``remote``, and the ``author`` that git
    knows (``Name <email>``). ``simulated`` statuses are marked as such in every commit, and never
    pushed to another machine. ``seconds`` limits each git command. With ``require_push`` nothing is
    committed unless the remote has the branch. ``url`` is that of a clone's origin, for its
    credentials; those in a ``remote`` that is a URL are used too.
    """

    branch: str = ""
    remote: str = ""
    template: str = TEMPLATE
    author: str = ""
    skip_ci: bool = True
    simulated: bool = False
    seconds: float = COMMAND_SECONDS
    require_push: bool = False
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WriteBackResult:
    """The outcome of a write-back; an empty ``commit`` means that there was nothing to write.

    ``jobs`` and ``paths`` are those in the commit; ``notes`` are for the user.
    """

    target: PushTarget
    commit: str = ""
    jobs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    tries: int = 0
    pushed: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.commit:
            return f"{self.target} has every status already"
        jobs = f"{len(self.jobs)} {'job' if len(self.jobs) == 1 else 'jobs'}"
        where = "" if self.pushed else ", which is not pushed"
        return f"{self.target} has the status of {jobs} now: commit {self.commit[:10]}{where}"


@dataclass(frozen=True, slots=True)
class StatusWriter:
    """Writes the statuses below some folders back to a branch.

    ``pause`` sleeps for some seconds, ``draw`` returns a number below one: jitter for writers that
    collided.
    """

    repository: Repository
    target: PushTarget
    options: WriteBackOptions
    kinds: Mapping[str, Kind]
    pause: Callable[[float], object] = time.sleep
    draw: Callable[[], float] = field(default=random.SystemRandom().random)

    def write_back(self, summary: str = "") -> WriteBackResult:
        """Commit every status that was recorded here to the branch, in at most one commit.

        The remote is not contacted when HEAD already has them all. Raises GitError when the branch
        cannot take them: the sidecars stay as they are, and the next call tries again.
        """
        try:
            with _lock_repository(self.repository):
                return self._write_with_retries(summary)
        except OSError as error:
            raise GitError(f"{error.filename or self.repository.top}: {error.strerror}") from error

    def _write_with_retries(self, summary: str) -> WriteBackResult:
        """Try until a commit is accepted, at most MAX_TRIES times."""
        here = find_local_statuses(self.repository)
        if not here.files:
            return WriteBackResult(self.target, notes=tuple(_describe_nested(here)))
        for number in range(1, MAX_TRIES + 1):
            began = time.monotonic()
            written = self._try_once(here, summary, number)
            if written is not None:
                return written
            took = time.monotonic() - began
            if number < MAX_TRIES:
                # Backoff in proportion to one attempt: a slow remote needs longer pauses.
                self.pause(min(self.draw() * took * 2 ** (number + 1), _MAX_PAUSE))
        raise GitError(f"{self.target}: others pushed first, {MAX_TRIES} times in a row")

    def _try_once(self, here: LocalStatuses, summary: str, number: int) -> WriteBackResult | None:
        """Try once; None means that somebody else pushed first."""
        heads = find_base_commits(self.repository, self.target)
        if heads.is_local and self.options.require_push:
            raise GitError(f"{self.target} is not there: nothing is committed until it is back")
        changes = find_pending(self.kinds, self.repository, here, heads)
        _refuse_ignored(changes)
        # The remote lacks the branch: commit locally and leave the push to the user.
        aim = (
            self.target
            if not heads.is_local
            else PushTarget(self.target.branch, "", self.target.source)
        )
        if not changes.made:
            notes = self._list_notes(aim, heads, here, changes, heads.at)
            return WriteBackResult(aim, tries=number, notes=notes)
        text, author = self._build_message(changes, summary), self.options.author
        made = create_commit(self.repository, heads.onto, changes.made, text, author, here.filtered)
        if not push_commit(self.repository, aim, heads, made):
            return None
        jobs = tuple(name for change in changes.made for name, _, _ in change.jobs)
        paths = tuple(change.path for change in changes.made)
        notes = self._list_notes(aim, heads, here, changes, made)
        return WriteBackResult(aim, made, jobs, paths, number, not heads.is_local, notes)

    def _build_message(self, changes: PendingChanges, summary: str) -> str:
        """Return the commit message for these changes."""
        moves = [job for change in changes.made for job in change.jobs]
        files = {change.path: change.after for change in changes.made}
        template, skip_ci = self.options.template, self.options.skip_ci
        told = " ".join(filter(None, (summary, _SIMULATED if self.options.simulated else "")))
        return build_message(template, moves, files, skip_ci=skip_ci, summary=told)

    def _list_notes(
        self,
        aim: PushTarget,
        heads: BaseCommits,
        here: LocalStatuses,
        changes: PendingChanges,
        at: str,
    ) -> tuple[str, ...]:
        """Return notes for the user: what was skipped, and where their branch is now."""
        followed = advance_branch(self.repository, aim, heads, here, at) if at else ""
        return (*_describe_nested(here), *_describe_left_out(changes), *filter(None, (followed,)))


def create_writer(
    paths: Iterable[Path],
    options: WriteBackOptions,
    kinds: Mapping[str, Kind],
    environment: Mapping[str, str] | None = None,
) -> StatusWriter:
    """Return the writer for the sidecars below some paths.

    Raises UnsuitableCheckoutError if the options make no sense in this checkout, GitError if git
    fails.
    """
    known = os.environ if environment is None else environment
    remote, login = split_credentials(options.remote, os.environ)
    login = login or split_credentials(options.url, os.environ)[1]
    repository = find_repository(paths, options.seconds, login)
    aim = resolve_push_target(repository, options.branch, remote, known)
    if options.simulated and aim.remote:
        _refuse_remote(repository, aim.remote)
    return StatusWriter(repository, aim, options, kinds)


@contextmanager
def _lock_repository(repository: Repository) -> Iterator[None]:
    """Exclude other write-backs from checkouts of this repository, also by other processes."""
    # The file never exists: while it does not, the lock is on its folder.
    root = TreeRoot.locate(repository.shared)
    with lock_file(root, str(repository.shared / "bedrock-jobs.lock")):
        yield


def _refuse_remote(repository: Repository, remote: str) -> None:
    """Raise UnsuitableCheckoutError for a remote elsewhere: others would trust the statuses."""
    for url in list_push_urls(repository.git, remote):
        if not is_local_url(url, repository.top):
            raise UnsuitableCheckoutError(explain_not_pushed(url))


def explain_not_pushed(url: str) -> str:
    """Return why simulated statuses are not pushed to another machine, and what to do."""
    return (
        f"the sandbox's statuses are not real, and are not pushed to {mask_urls(url)}: write files "
        "alone, or try it on a repository on this disk"
    )


def _refuse_ignored(changes: PendingChanges) -> None:
    """Raise GitError if a .gitignore excludes everything that was to be committed."""
    if changes.made or IGNORED not in changes.left_out:
        return
    path = changes.left_out[IGNORED][0]
    raise GitError(f"{path} is ignored by a .gitignore: remove that rule, or omit --write-back")


def _describe_nested(here: LocalStatuses) -> Iterator[str]:
    """Yield a note for each nested repository with sidecars."""
    for folder in here.nested:
        yield f"{folder} is a repository of its own: run once for it, to write its statuses back"


def _describe_left_out(changes: PendingChanges) -> Iterator[str]:
    """Yield a note for each reason why sidecars were not committed."""
    for why, paths in changes.left_out.items():
        more = f" and {len(paths) - _MAX_SHOWN} more" if len(paths) > _MAX_SHOWN else ""
        shown = ", ".join(paths[:_MAX_SHOWN])
        count = f"{len(paths)} {'sidecar stays' if len(paths) == 1 else 'sidecars stay'}"
        yield f"{count} here alone ({why}): {shown}{more}"
