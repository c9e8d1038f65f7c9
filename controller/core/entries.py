"""What reading makes of each document, small and plain, and what only the whole tree can show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from controller.core.declared import policy_of, target_of
from controller.core.model import JobKey, Manifest, Problem, Source, Target
from controller.core.problems import Code

_FEW = 3


class Entry(NamedTuple):
    """One document whose kind and name are readable.

    It holds plain values alone, because thousands are handed from one process to another.
    ``spec`` is None when the document is invalid, or when nobody asked for specs; ``target`` and
    ``policy`` are the document's own, None when it has none.
    """

    kind: str
    name: str
    path: str
    line: int
    column: int
    job_name: str
    labels: dict[str, str] | None = None
    target: dict[str, Any] | None = None
    policy: dict[str, Any] | None = None
    spec: dict[str, Any] | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def key(self) -> JobKey:
        """The job's identity."""
        return JobKey(self.kind, self.name)

    @property
    def source(self) -> Source:
        """The place of the document's name."""
        return Source(self.path, self.line, self.column)

    @property
    def place(self) -> str:
        """Where the document stands, for a person."""
        return f"{self.path}:{self.line}"


def manifest(entry: Entry) -> Manifest:
    """Return an entry as the manifest that it stands for."""
    invalid = bool(entry.problems)
    return Manifest(
        key=entry.key,
        source=entry.source,
        labels=entry.labels or {},
        target=target_of(entry.target),
        policy=policy_of(entry.policy),
        spec=None if invalid else entry.spec,
        problems=entry.problems,
    )


def clashes(entries: Sequence[Entry], fallback: Target) -> dict[int, tuple[Problem, ...]]:
    """Return, by position, the problems of entries that cannot stand beside each other.

    Two with one identity clash, and so do two that would submit one job name in one place;
    ``fallback`` fills the gaps of their targets.
    """
    found: dict[int, tuple[Problem, ...]] = {}
    for group in _shared([(entry.kind, entry.name) for entry in entries]):
        for index in group:
            found[index] = (_twin(entries, index, group),)
    for namesakes in _shared([(entry.kind, entry.job_name) for entry in entries]):
        # Targets are compared only among namesakes, of which there are few or none.
        targets = [target_of(entries[index].target).over(fallback) for index in namesakes]
        for inner in _shared(targets):
            group = [namesakes[position] for position in inner]
            if len({entries[index].name for index in group}) > 1:
                for index in group:
                    found[index] = (*found.get(index, ()), _namesake(entries, index, group))
    return found


def _shared(keys: Sequence[Hashable]) -> list[list[int]]:
    """Return the groups of positions that share a key."""
    if len(set(keys)) == len(keys):
        return []
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        groups[key].append(index)
    return [group for group in groups.values() if len(group) > 1]


def _others(entries: Sequence[Entry], index: int, group: Sequence[int]) -> str:
    """Return where the others of a group stand; of thousands the first few, and how many more."""
    few = [other for other in group[: _FEW + 1] if other != index][:_FEW]
    more = len(group) - 1 - len(few)
    told = ", ".join(entries[other].place for other in few)
    return f"{told} and {more} more" if more else told


def _twin(entries: Sequence[Entry], index: int, group: Sequence[int]) -> Problem:
    entry = entries[index]
    message = f"{entry.key} stands in {_others(entries, index, group)} too"
    hint = "give one of them another metadata.name"
    return Problem(Code.DUPLICATE_IDENTITY.code, message, entry.source, hint, entry.key)


def _namesake(entries: Sequence[Entry], index: int, group: Sequence[int]) -> Problem:
    entry = entries[index]
    message = (
        f"the job name {entry.job_name} is also that of {_others(entries, index, group)},"
        " in the same account and region"
    )
    hint = "a job's name can be used once and never again; change one of them"
    return Problem(Code.DUPLICATE_JOB_NAME.code, message, entry.source, hint, entry.key)


def with_problems(entry: Entry, problems: Iterable[Problem]) -> Entry:
    """Return an entry with further problems; those of its own file name its job."""
    more = tuple(
        replace(problem, key=entry.key) if problem.source.path == entry.path else problem
        for problem in problems
    )
    return entry._replace(problems=(*entry.problems, *more), spec=None)
