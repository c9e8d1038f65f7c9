"""What reading needs of each kind, compiled once per process."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.adapters.schemas import shipped_schemas
from controller.core.documents.decoder import Grammar, compile_schema
from controller.core.findings import ValueFinding
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.core.problems import Code
from controller.core.schema.overlay import relax_schema
from controller.core.validation.schema_checker import SchemaChecker
from controller.core.validation.truncation import list_member_names, truncate_value


@dataclass(frozen=True, slots=True)
class KindReader:
    """A kind with its schema, the grammar to read it by, and the checker to hold it against."""

    kind: Kind
    schema: Mapping[str, Any]
    grammar: Grammar
    checker: SchemaChecker
    names: frozenset[str]

    def find_mistakes(self, value: Any) -> tuple[ValueFinding, ...]:
        """Return what is wrong with an invalid document, in bounded time however large it is."""
        small, short = truncate_value(value, self.names)
        findings = self.checker.find_mistakes(small)
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
        kind,
        schema,
        compile_schema(schema),
        shipped_schemas.get_checker(kind.name),
        list_member_names(schema),
    )


@functools.cache
def get_partial_reader(name: str) -> KindReader:
    """Return what a kind's partial manifests are read by, which may leave anything out."""
    known = get_kind_reader(name)
    if known is None:
        raise KeyError(name)
    schema = relax_schema(known.schema)
    return dataclasses.replace(known, schema=schema, checker=SchemaChecker(schema))
