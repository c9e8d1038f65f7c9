"""What reading needs of each kind, compiled once per process."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.adapters import schemas
from controller.core.kind import Kind
from controller.core.kinds import KINDS
from controller.core.layers import relaxed
from controller.core.reading import Plan, compiled
from controller.core.validation import Checker


@dataclass(frozen=True, slots=True)
class Readable:
    """A kind with its schema, the plan to read it by, and the checker to hold it against."""

    kind: Kind
    schema: Mapping[str, Any]
    plan: Plan
    checker: Checker


@functools.cache
def readable(name: str | None) -> Readable | None:
    """Return what a kind is read by, or None when no such kind is offered."""
    kind = KINDS.get(name) if name else None
    if kind is None:
        return None
    schema = schemas.shipped(kind.name)
    return Readable(kind, schema, compiled(schema), schemas.checker(kind.name))


@functools.cache
def partial(name: str) -> Checker:
    """Return the checker of a kind's partial manifests, which may leave anything out."""
    return Checker(relaxed(schemas.shipped(name)))
