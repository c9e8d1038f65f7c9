"""Notices of a command beside its jobs, as data for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.core.model import JobKey, Problem
from controller.views.problems import serialize_problem


@dataclass(frozen=True, slots=True)
class Notices:
    """Notices of a command beside its jobs.

    ``failures`` has each cause with the jobs that could not be reconciled. ``refused`` says why
    nothing was done, ``unwritten`` why statuses were not written back. ``more`` is further data of
    some commands.
    """

    problems: Sequence[Problem] = ()
    failures: Mapping[str, Sequence[JobKey]] = field(default_factory=dict)
    refused: str | None = None
    timed_out: bool = False
    unwritten: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def serialize_findings(remarks: Notices) -> dict[str, Any]:
    """Return the problems of manifests and the failures as plain data."""
    return {
        "problems": [serialize_problem(problem) for problem in remarks.problems],
        "failures": [
            {"message": message, "jobs": [str(key) for key in keys]}
            for message, keys in remarks.failures.items()
        ],
    }


def serialize_notices(remarks: Notices) -> dict[str, Any]:
    """Return all notices as plain data."""
    ends = {"refused": remarks.refused, "timedOut": remarks.timed_out}
    return {**ends, **serialize_findings(remarks), **remarks.more}
