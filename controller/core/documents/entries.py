"""What reading makes of each document: small and plain, for thousands of them to be held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from controller.core.documents.envelope_values import parse_policy, parse_target
from controller.core.model import JobKey, Manifest, Problem, Source
from controller.core.severity import filter_errors


class ManifestDocument(NamedTuple):
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


def build_manifest(entry: ManifestDocument) -> Manifest:
    """Return an entry as the manifest that it stands for."""
    invalid = bool(filter_errors(entry.problems))
    return Manifest(
        key=entry.key,
        source=entry.source,
        labels=entry.labels or {},
        target=parse_target(entry.target),
        policy=parse_policy(entry.policy),
        spec=None if invalid else entry.spec,
        problems=entry.problems,
        job_name=entry.job_name,
    )


def add_problems(entry: ManifestDocument, problems: Iterable[Problem]) -> ManifestDocument:
    """Return an entry with further problems; those of its own file name its job."""
    more = tuple(
        replace(problem, key=entry.key) if problem.source.path == entry.path else problem
        for problem in problems
    )
    spec = None if filter_errors(more) else entry.spec
    return entry._replace(problems=(*entry.problems, *more), spec=spec)
