"""The tree of manifests, as it is on disk: found, read, and held against itself."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.adapters.manifests.discovery import (
    DiscoveredFiles,
    PathMissingError,
    discover_files,
)
from controller.adapters.manifests.documents import DocumentReader, ParsedFile
from controller.adapters.manifests.missing_files import (
    MissingFiles,
    find_missing_files,
    find_missing_problems,
)
from controller.adapters.manifests.process_pool import ResultCodec, map_in_processes
from controller.core.documents.entries import ManifestDocument, add_problems, build_manifest
from controller.core.documents.file_names import is_defaults
from controller.core.fleet import Fleet
from controller.core.model import JobKey, Problem, Severity, Source, Tree
from controller.core.validation.tree_conflicts import find_conflicts

__all__ = ["PathMissingError", "ScanResult", "load", "scan"]

_NO_RULES = Fleet()
Meanwhile = Callable[[Sequence[str]], object]


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What the files hold, before it is made into manifests.

    ``problems`` are sorted by place, each once, those of the entries included.
    """

    entries: tuple[ManifestDocument, ...] = ()
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
    return Tree(tuple(map(build_manifest, found.entries)), found.problems, found.files)


def scan(
    paths: Sequence[Path],
    fleet: Fleet = _NO_RULES,
    *,
    specs: bool = True,
    meanwhile: Meanwhile = lambda _: None,
) -> ScanResult:
    """Read all files under the paths; without ``specs`` the entries carry none.

    Raises PathMissingError for a path that does not exist.
    """
    found = discover_files(paths, named=fleet.named)
    every = range(len(found.files))
    reads = read_files(found, every, fleet, specs=specs, meanwhile=meanwhile)
    return assemble_scan(found, reads, fleet, find_missing(found))


def find_missing(found: DiscoveredFiles) -> MissingFiles:
    """Return what the work trees lack of the files that the found ones rest on, as git says."""
    return find_missing_files({bounds.root for bounds in dict.fromkeys(found.bounds)})


def assemble_scan(
    found: DiscoveredFiles, reads: Sequence[ParsedFile], fleet: Fleet, lost: MissingFiles
) -> ScanResult:
    """Return what the whole tree holds, from what each file of it holds, in their order."""
    entries = [entry for read in reads for entry in read.entries]
    problems = [problem for read in reads for problem in read.problems]
    resting = find_missing_problems(entries, lost, named=fleet.named)
    for found_more in (find_conflicts(entries, fleet.target), resting):
        for index, more in found_more.items():
            entries[index] = add_problems(entries[index], more)
            problems += more
    return ScanResult(
        tuple(entries), _sort_problems((*found.problems, *problems)), len(found.files)
    )


def _sort_problems(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return problems by place, each told once however many manifests share it."""
    once = {(problem.source, problem.code, problem.message): problem for problem in problems}
    return tuple(once[place] for place in sorted(once))


def read_files(
    found: DiscoveredFiles,
    positions: Sequence[int],
    fleet: Fleet,
    *,
    specs: bool = True,
    meanwhile: Meanwhile = lambda _: None,
) -> list[ParsedFile]:
    """Return what some of the files hold, in the order of the positions."""
    documents = DocumentReader(fleet, specs=specs)

    def read_share(share: Sequence[int]) -> list[ParsedFile]:
        with pause_collector():
            return [_read_file(documents, found, index) for index in share]

    return map_in_processes(
        positions, read_share, ResultCodec(_pack_file, _unpack_file), lambda: meanwhile(found.files)
    )


@contextmanager
def pause_collector() -> Iterator[None]:
    """Keep the collector out of the way: reading makes no cycles, and it would look for them."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _read_file(documents: DocumentReader, found: DiscoveredFiles, index: int) -> ParsedFile:
    path = found.files[index]
    bounds = found.bounds[index]
    if is_defaults(path.rpartition("/")[2]):
        return documents.check_defaults(path, bounds)
    return documents.read_file(path, bounds)


# What crosses from one process to another is tuples of plain values: marshal takes nothing else,
# and takes a quarter of the time that pickling our own types would.
def _pack_file(read: ParsedFile) -> tuple[Any, ...]:
    if not read.problems:
        return tuple(map(tuple, read.entries)), ()
    return (
        tuple((*entry[:-1], tuple(map(_pack_problem, entry.problems))) for entry in read.entries),
        tuple(map(_pack_problem, read.problems)),
    )


def _pack_problem(problem: Problem) -> tuple[Any, ...]:
    source, key = problem.source, problem.key
    return (
        problem.code,
        problem.message,
        (source.path, source.line, source.column),
        problem.hint,
        (key.kind, key.name) if key else None,
        problem.severity.value,
    )


def _unpack_file(plain: tuple[Any, ...]) -> ParsedFile:
    entries, problems = plain
    if not problems:
        return ParsedFile(tuple(map(ManifestDocument._make, entries)))
    return ParsedFile(
        tuple(
            ManifestDocument._make((*entry[:-1], tuple(_unpack_problems(entry[-1]))))
            for entry in entries
        ),
        tuple(_unpack_problems(problems)),
    )


def _unpack_problems(plain: Sequence[tuple[Any, ...]]) -> Iterator[Problem]:
    for code, message, source, hint, key, severity in plain:
        job = JobKey(*key) if key else None
        yield Problem(code, message, Source(*source), hint, job, Severity(severity))
