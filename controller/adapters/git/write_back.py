"""Statuses, committed to a branch and pushed: what ``--write-back`` asks for."""

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

    Without a ``branch`` it is the one that is checked out; without a ``remote`` that branch's own;
    without an ``author``, which is ``Name <email>``, whom git knows. What is ``simulated`` says
    so in every commit, and goes to no other machine. ``seconds`` bounds each command of git. What
    is ``pushed`` is committed nowhere else: without the branch there, nothing is. ``url`` is that
    of a clone's origin, for its credentials; those of a ``remote`` that is a URL count too.
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
    """What came of a write-back: no ``commit`` means that there was nothing to write.

    ``jobs`` and ``paths`` are those that the commit tells of; ``notes`` are for a person.
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
    """Writes the statuses under some folders back to a branch.

    ``pause`` waits for some seconds, ``draw`` gives a number below one: writers that met step
    apart.
    """

    repository: Repository
    aim: Aim
    options: WriteBackOptions
    kinds: Mapping[str, Kind]
    pause: Callable[[float], object] = time.sleep
    draw: Callable[[], float] = field(default=random.SystemRandom().random)

    def write_back(self, summary: str = "") -> Written:
        """Have the branch hold every status that was recorded here, in at most one commit.

        Nothing is asked of the remote when the checkout has them all. Raises GitError when the
        branch cannot have them: the sidecars stay as they are, and the next call tries again.
        """
        try:
            with _alone(self.repository):
                return self._written(summary)
        except OSError as error:
            raise GitError(f"{error.filename or self.repository.top}: {error.strerror}") from error

    def _written(self, summary: str) -> Written:
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
                self.pause(min(self.draw() * took * 2 ** (number + 1), _LONGEST_PAUSE))
        raise GitError(f"{self.aim}: others pushed first, {TRIES} times in a row")

    def _once(self, here: Local, summary: str, number: int) -> Written | None:
        """Try once; None means that somebody else was faster."""
        heads = heads_of(self.repository, self.aim)
        if heads.here and self.options.pushed:
            raise GitError(f"{self.aim} is not there: nothing is committed until it is back")
        changes = lacking(self.kinds, self.repository, here, heads)
        _refuse_ignored(changes)
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
        moves = [job for change in changes.made for job in change.jobs]
        files = {change.path: change.after for change in changes.made}
        template, skip_ci = self.options.template, self.options.skip_ci
        told = " ".join(filter(None, (summary, _SIMULATED if self.options.simulated else "")))
        return message(template, moves, files, skip_ci=skip_ci, summary=told)

    def _notes(
        self, aim: Aim, heads: Heads, here: Local, changes: Changes, at: str
    ) -> tuple[str, ...]:
        """Return what a person should know: what was left out, and where their branch is now."""
        followed = follow(self.repository, aim, heads, here, at) if at else ""
        return (*_elsewhere(here), *_left_out(changes), *filter(None, (followed,)))


def writer(
    paths: Iterable[Path],
    options: WriteBackOptions,
    kinds: Mapping[str, Kind],
    environment: Mapping[str, str] | None = None,
) -> Writer:
    """Return the writer for the sidecars under some paths.

    Raises UnfitError for what cannot be meant in this checkout, GitError where git itself fails.
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
    """While the context lasts no other process writes back from a checkout of this repository."""
    # The file is never made: where there is none, its folder is locked.
    root = TreeRoot.of(repository.shared)
    with locked(root, str(repository.shared / "bedrock-jobs.lock")):
        yield


def _refuse_far(repository: Repository, remote: str) -> None:
    """Others would take simulated statuses for real ones."""
    for url in urls_of(repository.git, remote):
        if not is_on_this_disk(url, repository.top):
            raise UnfitError(not_pushed(url))


def not_pushed(url: str) -> str:
    """Return what is told of simulated statuses that were to go to another machine."""
    return (
        f"the sandbox's statuses are not real, and are not pushed to {masked(url)}: write files "
        "alone, or try it on a repository on this disk"
    )


def _refuse_ignored(changes: Changes) -> None:
    if changes.made or IGNORED not in changes.left_out:
        return
    path = changes.left_out[IGNORED][0]
    raise GitError(
        f"{path} is ignored by a .gitignore: take that rule away, or do without --write-back"
    )


def _elsewhere(here: Local) -> Iterator[str]:
    for folder in here.nested:
        yield f"{folder} is a repository of its own: run once for it, to write its statuses back"


def _left_out(changes: Changes) -> Iterator[str]:
    for why, paths in changes.left_out.items():
        more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
        shown = ", ".join(paths[:_FEW])
        count = f"{len(paths)} {'sidecar stays' if len(paths) == 1 else 'sidecars stay'}"
        yield f"{count} here alone ({why}): {shown}{more}"
