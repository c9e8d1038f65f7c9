"""What reading needs of each kind, compiled once per process."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.adapters.schemas import shipped_schemas
from controller.core.documents.decoder import Grammar, compiled
from controller.core.findings import ValueFinding
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.core.problems import Code
from controller.core.schema.overlay import relaxed
from controller.core.validation.schema_checker import Checker
from controller.core.validation.truncation import names_in, narrowed


@dataclass(frozen=True, slots=True)
class KindReader:
    """A kind with its schema, the grammar to read it by, and the checker to hold it against."""

    kind: Kind
    schema: Mapping[str, Any]
    grammar: Grammar
    checker: Checker
    names: frozenset[str]

    def find_mistakes(self, value: Any) -> tuple[ValueFinding, ...]:
        """Return what is wrong with an invalid document, in bounded time however large it is."""
        small, short = narrowed(value, self.names)
        findings = self.checker.findings(small)
        if findings or not short or self.checker.is_valid(value):
            return findings
        message = "the document holds more values than any job takes, and one of the last is wrong"
        hint = "look for a list or a mapping that has grown by mistake"
        return (ValueFinding(Code.OUT_OF_BOUNDS, (), message, hint),)


@functools.cache
def get_kind_reader(name: str | None) -> KindReader | None:
    """Return what a kind is read by, or None when no such kind is offered."""
    kind = KINDS.get(name) if name else None
    if kind is None:
        return None
    schema = shipped_schemas.load_schema(kind.name)
    return KindReader(
        kind, schema, compiled(schema), shipped_schemas.get_checker(kind.name), names_in(schema)
    )


@functools.cache
def get_partial_reader(name: str) -> KindReader:
    """Return what a kind's partial manifests are read by, which may leave anything out."""
    known = get_kind_reader(name)
    if known is None:
        raise KeyError(name)
    schema = relaxed(known.schema)
    return dataclasses.replace(known, schema=schema, checker=Checker(schema))
