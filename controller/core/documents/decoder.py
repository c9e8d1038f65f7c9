"""Documents read by their schema: what is written as text stays that text.

A schema is compiled once into a grammar, and a grammar turns a document's nodes into plain values.
Where it asks for text, a scalar's source is the value; elsewhere YAML 1.2's core schema decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from typing import Any

from controller.core.documents.nodes import ListNode, MapNode, Mark, Node, ScalarNode
from controller.core.documents.scalars import (
    LARGEST,
    NULLS,
    TRUTHS,
    is_numeric,
    parse_core_scalar,
    parse_integer,
    parse_number,
)
from controller.core.kinds.schema_keywords import SENSITIVE
from controller.core.problems import Code

MERGE = "<<"
MOST_TOLD = 200
"""Mistakes of one document that are told; more is no manifest, and nobody reads on."""


class ValueType(Enum):
    """What a schema asks for at one place."""

    TEXT = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    MAP = auto()
    LIST = auto()
    ANY = auto()


@dataclass(frozen=True, slots=True)
class LocatedMistake:
    """One mistake with its place in a text; line and column count from 1."""

    code: Code
    line: int
    column: int
    message: str
    hint: str = ""


def locate_mistake(code: Code, mark: Mark, message: str, hint: str = "") -> LocatedMistake:
    """Return a mistake at a node's mark."""
    return LocatedMistake(code, mark.line + 1, mark.column + 1, message, hint)


@dataclass(slots=True, eq=False)
class Grammar:
    """How one place is read; recursive shapes make grammars that hold themselves.

    ``keys`` gives each known key its one shared text and its grammar, ``rest`` reads the others.
    What stands under a ``sensitive`` grammar is never quoted in a message.
    """

    sort: ValueType
    keys: dict[str, tuple[str, Grammar]] = field(default_factory=dict)
    rest: Grammar | None = None
    items: Grammar | None = None
    nullable: bool = False
    mergeable: bool = True
    sensitive: bool = False


class _Compiler:
    """One schema's grammars, each reference compiled once."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._known: dict[tuple[str, bool, bool], Grammar] = {}

    def compile_grammar(self, schema: Any, above: Grammar, *, mergeable: bool) -> Grammar:
        """Return the grammar of a subschema, which is as sensitive as the one above it."""
        if not isinstance(schema, Mapping):
            return _make_any_grammar(mergeable=mergeable, sensitive=above.sensitive)
        reference = str(schema.get("$ref", ""))
        hidden = above.sensitive or bool(schema.get(SENSITIVE))
        key = (reference, mergeable, hidden)
        if reference and key in self._known:
            return self._known[key]
        grammar = Grammar(ValueType.ANY, mergeable=mergeable, sensitive=hidden)
        if reference:
            self._known[key] = grammar
        return self._fill(grammar, self._resolve_reference(reference) if reference else schema)

    def _resolve_reference(self, reference: str) -> Mapping[str, Any]:
        node: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        return dict(node)

    def _fill(self, grammar: Grammar, schema: Mapping[str, Any]) -> Grammar:
        grammar.sort = _sort(schema)
        grammar.nullable = "null" in _list_types(schema) or None in schema.get("enum", ())
        grammar.sensitive = grammar.sensitive or bool(schema.get(SENSITIVE))
        inner = grammar.mergeable
        grammar.keys = {
            name: (name, self.compile_grammar(member, grammar, mergeable=inner and name != "spec"))
            for name, member in schema.get("properties", {}).items()
        }
        grammar.rest = self.compile_grammar(
            schema.get("additionalProperties"), grammar, mergeable=inner
        )
        grammar.items = self.compile_grammar(schema.get("items"), grammar, mergeable=inner)
        return grammar


@cache
def _make_any_grammar(*, mergeable: bool, sensitive: bool = False) -> Grammar:
    """Return the grammar of a place that takes any value, as do all that stand below it."""
    grammar = Grammar(ValueType.ANY, mergeable=mergeable, sensitive=sensitive)
    grammar.rest = grammar.items = grammar
    return grammar


def _list_types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    types = schema.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def _sort(schema: Mapping[str, Any]) -> ValueType:
    """A place that takes text takes it as written, whatever else it would take."""
    types = _list_types(schema)
    choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if "string" in types or (not types and any(isinstance(choice, str) for choice in choices)):
        return ValueType.TEXT
    if "object" in types or "properties" in schema:
        return ValueType.MAP
    named = {
        "array": ValueType.LIST,
        "number": ValueType.NUMBER,
        "integer": ValueType.INTEGER,
        "boolean": ValueType.BOOLEAN,
    }
    return next((sort for name, sort in named.items() if name in types), ValueType.ANY)


def compile_schema(schema: Mapping[str, Any]) -> Grammar:
    """Return the grammar by which documents of a schema are read."""
    return _Compiler(schema).compile_grammar(
        schema, _make_any_grammar(mergeable=True), mergeable=True
    )


def make_core_grammar(*, mergeable: bool = True) -> Grammar:
    """Return the grammar of a document without a schema: YAML 1.2's core schema throughout."""
    return _make_any_grammar(mergeable=mergeable)


def read(node: Node, grammar: Grammar) -> tuple[Any, tuple[LocatedMistake, ...]]:
    """Return a node's value and every mistake in how it is written.

    The node is finite and nests no deeper than the parser lets it. Keys keep their order.
    """
    reading = _Decoder()
    value = reading.decode(node, grammar)
    return value, tuple(dict.fromkeys(reading.found))


class _Decoder:
    """One document being read: the mistakes gather, the values are returned."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[LocatedMistake] = []

    def tell(self, code: Code, mark: Mark, message: str, hint: str = "") -> None:
        """Keep a mistake, unless there are more than anyone reads already."""
        if len(self.found) < MOST_TOLD:
            self.found.append(locate_mistake(code, mark, message, hint))

    def decode(self, node: Any, grammar: Grammar) -> Any:
        if isinstance(node, MapNode):
            return self._map(node, grammar)
        if isinstance(node, ListNode):
            inner = grammar.items or grammar
            return [self.decode(item, inner) for item in node.held]
        if grammar.sort is ValueType.TEXT and not (node.value in NULLS and node.implicit[0]):
            return node.value
        return (
            self._decode_plain(node, grammar)
            if node.implicit[0]
            else self._decode_quoted(node, grammar)
        )

    def _map(self, node: MapNode, grammar: Grammar) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merges: list[tuple[ScalarNode, Any]] = []
        known, text = grammar.keys, ValueType.TEXT
        nodes = iter(node.held)
        for key, value in zip(nodes, nodes, strict=False):
            entry = known.get(key.value)
            if entry is None:
                if key.value == MERGE and key.implicit[0]:
                    merges.append((key, value))
                else:
                    self._decode_unknown_member(result, key, value, grammar)
                continue
            name, inner = entry
            if name in result:
                self._report_duplicate(key, grammar)
                continue
            source = value.value
            if inner.sort is text and source is not None and source not in NULLS:
                result[name] = source
            else:
                result[name] = self.decode(value, inner)
        for key, value in merges:
            self._merge(result, key, value, grammar)
        return result

    def _decode_unknown_member(
        self, result: dict[str, Any], key: Any, value: Any, grammar: Grammar
    ) -> None:
        """Read a member whose key the grammar does not name: a map's, or a mistake."""
        name = key.value
        if name is None or (name in NULLS and key.implicit[0]):
            hint = "put the key in quotes if it is meant" if name else ""
            self.tell(Code.KEY_NOT_TEXT, key.start_mark, "the key is no text", hint)
        elif name in result:
            self._report_duplicate(key, grammar)
        else:
            result[name] = self.decode(value, grammar.rest or grammar)

    def _report_duplicate(self, key: ScalarNode, grammar: Grammar) -> None:
        message = f"{_quote_text(key.value, grammar, 'the key')} stands twice in one mapping"
        hint = "keep one of them; a list takes several values"
        self.tell(Code.DUPLICATE_KEY, key.start_mark, message, hint)

    def _merge(self, result: dict[str, Any], key: ScalarNode, value: Any, grammar: Grammar) -> None:
        """Take over the members of the merged mappings that are not written out."""
        if not grammar.mergeable:
            hint = "write the members out, or put shared ones in _defaults.yaml"
            message = "a merge key (<<) stands in spec"
            self.tell(Code.MERGE_KEY, key.start_mark, message, hint)
            return
        sources = value.held if isinstance(value, ListNode) else [value]
        for source in sources:
            if not isinstance(source, MapNode):
                message = "a merge key (<<) takes a mapping, or a list of mappings"
                self.tell(Code.MERGE_KEY, source.start_mark, message)
                continue
            for name, merged in self._map(source, grammar).items():
                result.setdefault(name, merged)

    def _decode_plain(self, node: ScalarNode, grammar: Grammar) -> Any:
        """Read a plain scalar where no text is asked for."""
        text, sort = node.value, grammar.sort
        if text in NULLS:
            return None if grammar.nullable or sort is ValueType.ANY else self._decode_null(node)
        if sort is ValueType.INTEGER:
            value: Any = parse_integer(text)
        elif sort is ValueType.NUMBER:
            value = parse_number(text)
        elif sort is ValueType.BOOLEAN:
            value = TRUTHS.get(text)
        else:
            return self._check_bounds(node, parse_core_scalar(text), grammar)
        return (
            self._report_wrong_type(node, grammar)
            if value is None
            else self._check_bounds(node, value, grammar)
        )

    def _decode_null(self, node: ScalarNode) -> None:
        message = "null stands where a value is due"
        hint = "give a value, delete the line, or quote the text if it is meant"
        self.tell(Code.NULL_VALUE, node.start_mark, message, hint)

    def _decode_quoted(self, node: ScalarNode, grammar: Grammar) -> str:
        """Keep a quoted scalar as text, and say so where the schema asks for something else."""
        if grammar.sort in _ASKED:
            asked = _ASKED[grammar.sort]
            message = f"this is text, and {asked} is due"
            hint = "take the quotes away"
            self.tell(Code.WRONG_TYPE, node.start_mark, message, hint)
        return node.value

    def _report_wrong_type(self, node: ScalarNode, grammar: Grammar) -> str:
        text, sort = node.value, grammar.sort
        hint = "write true or false" if sort is ValueType.BOOLEAN else ""
        if (
            sort is ValueType.INTEGER
            and (exact := parse_number(text)) is not None
            and exact == int(exact)
        ):
            hint = f"write {int(exact)}"
        message = f"{_quote_text(text, grammar)} is not {_ASKED[sort]}"
        self.tell(Code.WRONG_TYPE, node.start_mark, message, hint)
        return text

    def _check_bounds(self, node: ScalarNode, value: Any, grammar: Grammar) -> Any:
        """Refuse a number that JSON cannot carry exactly."""
        endless = isinstance(value, str) and is_numeric(value)
        if endless or (type(value) is int and abs(value) > LARGEST):
            message = f"{_quote_text(node.value, grammar)} is beyond the numbers that can be sent"
            hint = "quote it if it is meant as text"
            self.tell(Code.OUT_OF_BOUNDS, node.start_mark, message, hint)
        return value


_ASKED = {
    ValueType.INTEGER: "a whole number",
    ValueType.NUMBER: "a number",
    ValueType.BOOLEAN: "a boolean",
}
_SHOWN = 40


def _quote_text(text: str, grammar: Grammar, what: str = "") -> str:
    """Return a text as a message may quote it: short, and not at all where it is sensitive."""
    if grammar.sensitive:
        return what or "this value"
    quoted = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{what} {quoted}".lstrip()
