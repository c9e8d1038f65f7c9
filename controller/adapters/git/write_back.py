"""Commit statuses to a branch and push them: the work of ``--write-back``."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controller.adapters.git.command import PATIENCE, GitError
from controller.adapters.git.commit import commit
from controller.adapters.git.fast_forward import follow
from controller.adapters.git.login import signed_in
from controller.adapters.git.pending_statuses import IGNORED, Changes, Local, lacking, local
from controller.adapters.git.push import land
from controller.adapters.git.remote import Heads, heads_of
from controller.adapters.git.repository import (
    Aim,
    Repository,
    UnfitError,
    aim_of,
    is_on_this_disk,
    repository_of,
    urls_of,
)
from controller.adapters.host.tree_files import TreeRoot
from controller.adapters.host.tree_writes import locked
from controller.core.authoring.commit_message import TEMPLATE, message
from controller.core.kinds.kind import Kind
from controller.core.urls import masked

TRIES = 5
_LONGEST_PAUSE = 20.0
_FEW = 3
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
    seconds: float = PATIENCE
    pushed: bool = False
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write-back; an empty ``commit`` means that there was nothing to write.

    ``jobs`` and ``paths`` are those in the commit; ``notes`` are for the user.
    """

    aim: Aim
    commit: str = ""
    jobs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    tries: int = 0
    pushed: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.commit:
            return f"{self.aim} has every status already"
        jobs = f"{len(self.jobs)} {'job' if len(self.jobs) == 1 else 'jobs'}"
        where = "" if self.pushed else ", which is not pushed"
        return f"{self.aim} has the status of {jobs} now: commit {self.commit[:10]}{where}"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the statuses below some folders back to a branch.

    ``pause`` sleeps for some seconds, ``draw`` returns a number below one: jitter for writers that
    collided.
    """

    repository: Repository
    aim: Aim
    options: WriteBackOptions
    kinds: Mapping[str, Kind]
    pause: Callable[[float], object] = time.sleep
    draw: Callable[[], float] = field(default=random.SystemRandom().random)

    def write_back(self, summary: str = "") -> Written:
        """Commit every status that was recorded here to the branch, in at most one commit.

        The remote is not contacted when HEAD already has them all. Raises GitError when the branch
        cannot take them: the sidecars stay as they are, and the next call tries again.
        """
        try:
            with _alone(self.repository):
                return self._written(summary)
        except OSError as error:
            raise GitError(f"{error.filename or self.repository.top}: {error.strerror}") from error

    def _written(self, summary: str) -> Written:
        """Try until a commit is accepted, at most MAX_TRIES times."""
        here = local(self.repository)
        if not here.files:
            return Written(self.aim, notes=tuple(_elsewhere(here)))
        for number in range(1, TRIES + 1):
            began = time.monotonic()
            written = self._once(here, summary, number)
            if written is not None:
                return written
            took = time.monotonic() - began
            if number < TRIES:
                # Backoff in proportion to one attempt: a slow remote needs longer pauses.
                self.pause(min(self.draw() * took * 2 ** (number + 1), _LONGEST_PAUSE))
        raise GitError(f"{self.aim}: others pushed first, {TRIES} times in a row")

    def _once(self, here: Local, summary: str, number: int) -> Written | None:
        """Try once; None means that somebody else pushed first."""
        heads = heads_of(self.repository, self.aim)
        if heads.here and self.options.pushed:
            raise GitError(f"{self.aim} is not there: nothing is committed until it is back")
        changes = lacking(self.kinds, self.repository, here, heads)
        _refuse_ignored(changes)
        # The remote lacks the branch: commit locally and leave the push to the user.
        aim = self.aim if not heads.here else Aim(self.aim.branch, "", self.aim.source)
        if not changes.made:
            notes = self._notes(aim, heads, here, changes, heads.at)
            return Written(aim, tries=number, notes=notes)
        text, author = self._message(changes, summary), self.options.author
        made = commit(self.repository, heads.onto, changes.made, text, author, here.filtered)
        if not land(self.repository, aim, heads, made):
            return None
        jobs = tuple(name for change in changes.made for name, _, _ in change.jobs)
        paths = tuple(change.path for change in changes.made)
        notes = self._notes(aim, heads, here, changes, made)
        return Written(aim, made, jobs, paths, number, not heads.here, notes)

    def _message(self, changes: Changes, summary: str) -> str:
        """Return the commit message for these changes."""
        moves = [job for change in changes.made for job in change.jobs]
        files = {change.path: change.after for change in changes.made}
        template, skip_ci = self.options.template, self.options.skip_ci
        told = " ".join(filter(None, (summary, _SIMULATED if self.options.simulated else "")))
        return message(template, moves, files, skip_ci=skip_ci, summary=told)

    def _notes(
        self, aim: Aim, heads: Heads, here: Local, changes: Changes, at: str
    ) -> tuple[str, ...]:
        """Return notes for the user: what was skipped, and where their branch is now."""
        followed = follow(self.repository, aim, heads, here, at) if at else ""
        return (*_elsewhere(here), *_left_out(changes), *filter(None, (followed,)))


def writer(
    paths: Iterable[Path],
    options: WriteBackOptions,
    kinds: Mapping[str, Kind],
    environment: Mapping[str, str] | None = None,
) -> Writer:
    """Return the writer for the sidecars below some paths.

    Raises UnsuitableCheckoutError if the options make no sense in this checkout, GitError if git
    fails.
    """
    known = os.environ if environment is None else environment
    remote, login = signed_in(options.remote, os.environ)
    login = login or signed_in(options.url, os.environ)[1]
    repository = repository_of(paths, options.seconds, login)
    aim = aim_of(repository, options.branch, remote, known)
    if options.simulated and aim.remote:
        _refuse_far(repository, aim.remote)
    return Writer(repository, aim, options, kinds)


@contextmanager
def _alone(repository: Repository) -> Iterator[None]:
    """Exclude other write-backs from checkouts of this repository, also by other processes."""
    # The file never exists: while it does not, the lock is on its folder.
    root = TreeRoot.of(repository.shared)
    with locked(root, str(repository.shared / "bedrock-jobs.lock")):
        yield


def _refuse_far(repository: Repository, remote: str) -> None:
    """Raise UnsuitableCheckoutError for a remote elsewhere: others would trust the statuses."""
    for url in urls_of(repository.git, remote):
        if not is_on_this_disk(url, repository.top):
            raise UnfitError(not_pushed(url))


def not_pushed(url: str) -> str:
    """Return why simulated statuses are not pushed to another machine, and what to do."""
    return (
        f"the sandbox's statuses are not real, and are not pushed to {masked(url)}: write files "
        "alone, or try it on a repository on this disk"
    )


def _refuse_ignored(changes: Changes) -> None:
    """Raise GitError if a .gitignore excludes everything that was to be committed."""
    if changes.made or IGNORED not in changes.left_out:
        return
    path = changes.left_out[IGNORED][0]
    raise GitError(f"{path} is ignored by a .gitignore: remove that rule, or omit --write-back")


def _elsewhere(here: Local) -> Iterator[str]:
    """Yield a note for each nested repository with sidecars."""
    for folder in here.nested:
        yield f"{folder} is a repository of its own: run once for it, to write its statuses back"


def _left_out(changes: Changes) -> Iterator[str]:
    """Yield a note for each reason why sidecars were not committed."""
    for why, paths in changes.left_out.items():
        more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
        shown = ", ".join(paths[:_FEW])
        count = f"{len(paths)} {'sidecar stays' if len(paths) == 1 else 'sidecars stay'}"
        yield f"{count} here alone ({why}): {shown}{more}"
