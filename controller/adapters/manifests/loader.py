"""The tree of manifests, as it is on disk: found, read, and held against itself."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.adapters.manifests.discovery import Found, PathMissingError, discover
from controller.adapters.manifests.documents import Documents, FileRead
from controller.adapters.manifests.missing_files import Lost, lost_files, problems_of_lost
from controller.adapters.manifests.process_pool import Parcel, shared_out
from controller.core.documents.entries import Entry, manifest, with_problems
from controller.core.documents.file_names import is_defaults
from controller.core.fleet import Fleet
from controller.core.model import JobKey, Problem, Severity, Source, Tree
from controller.core.validation.tree_conflicts import clashes

__all__ = ["PathMissingError", "Scan", "load", "scan"]

_NO_RULES = Fleet()
Meanwhile = Callable[[Sequence[str]], object]


@dataclass(frozen=True, slots=True)
class Scan:
    """What the files hold, before it is made into manifests.

    ``problems`` are sorted by place, each once, those of the entries included.
    """

    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: int = 0


def load(
    paths: Sequence[Path], fleet: Fleet = _NO_RULES, meanwhile: Meanwhile = lambda _: None
) -> Tree:
    """Every document with a kind and a name is a manifest, valid or not, in the order of files.

    While other processes read, if they do, this one does something ``meanwhile``; it is passed
    the files. Raises PathMissingError for a path that does not exist.
    """
    found = scan(paths, fleet, meanwhile=meanwhile)
    return Tree(tuple(map(manifest, found.entries)), found.problems, found.files)


def scan(
    paths: Sequence[Path],
    fleet: Fleet = _NO_RULES,
    *,
    specs: bool = True,
    meanwhile: Meanwhile = lambda _: None,
) -> Scan:
    """Read all files under the paths; without ``specs`` the entries carry none.

    Raises PathMissingError for a path that does not exist.
    """
    found = discover(paths, named=fleet.named)
    every = range(len(found.files))
    reads = read_files(found, every, fleet, specs=specs, meanwhile=meanwhile)
    return assembled(found, reads, fleet, lost_in(found))


def lost_in(found: Found) -> Lost:
    """Return what the work trees lack of the files that the found ones rest on, as git says."""
    return lost_files({bounds.root for bounds in dict.fromkeys(found.bounds)})


def assembled(found: Found, reads: Sequence[FileRead], fleet: Fleet, lost: Lost) -> Scan:
    """Return what the whole tree holds, from what each file of it holds, in their order."""
    entries = [entry for read in reads for entry in read.entries]
    problems = [problem for read in reads for problem in read.problems]
    resting = problems_of_lost(entries, lost, named=fleet.named)
    for found_more in (clashes(entries, fleet.target), resting):
        for index, more in found_more.items():
            entries[index] = with_problems(entries[index], more)
            problems += more
    return Scan(tuple(entries), _sorted((*found.problems, *problems)), len(found.files))


def _sorted(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return problems by place, each told once however many manifests share it."""
    once = {(problem.source, problem.code, problem.message): problem for problem in problems}
    return tuple(once[place] for place in sorted(once))


def read_files(
    found: Found,
    positions: Sequence[int],
    fleet: Fleet,
    *,
    specs: bool = True,
    meanwhile: Meanwhile = lambda _: None,
) -> list[FileRead]:
    """Return what some of the files hold, in the order of the positions."""
    documents = Documents(fleet, specs=specs)

    def work(share: Sequence[int]) -> list[FileRead]:
        with uncollected():
            return [_read(documents, found, index) for index in share]

    return shared_out(positions, work, Parcel(_plain, _rebuilt), lambda: meanwhile(found.files))


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector out of the way: reading makes no cycles, and it would look for them."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _read(documents: Documents, found: Found, index: int) -> FileRead:
    path = found.files[index]
    bounds = found.bounds[index]
    if is_defaults(path.rpartition("/")[2]):
        return documents.defaults(path, bounds)
    return documents.file(path, bounds)


# What crosses from one process to another is tuples of plain values: marshal takes nothing else,
# and takes a quarter of the time that pickling our own types would.
def _plain(read: FileRead) -> tuple[Any, ...]:
    if not read.problems:
        return tuple(map(tuple, read.entries)), ()
    return (
        tuple((*entry[:-1], tuple(map(_plain_problem, entry.problems))) for entry in read.entries),
        tuple(map(_plain_problem, read.problems)),
    )


def _plain_problem(problem: Problem) -> tuple[Any, ...]:
    source, key = problem.source, problem.key
    return (
        problem.code,
        problem.message,
        (source.path, source.line, source.column),
        problem.hint,
        (key.kind, key.name) if key else None,
        problem.severity.value,
    )


def _rebuilt(plain: tuple[Any, ...]) -> FileRead:
    entries, problems = plain
    if not problems:
        return FileRead(tuple(map(Entry._make, entries)))
    return FileRead(
        tuple(Entry._make((*entry[:-1], tuple(_rebuilt_problems(entry[-1])))) for entry in entries),
        tuple(_rebuilt_problems(problems)),
    )


def _rebuilt_problems(plain: Sequence[tuple[Any, ...]]) -> Iterator[Problem]:
    for code, message, source, hint, key, severity in plain:
        job = JobKey(*key) if key else None
        yield Problem(code, message, Source(*source), hint, job, Severity(severity))
