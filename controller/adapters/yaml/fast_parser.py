"""Short plain texts, composed by libyaml itself: the quick way through files without a mistake.

Nearly every file of a tree is one short document without anchors, tags and mistakes. libyaml
composes such a one in half the time that its events take us. Whatever is unusual is left to
``yaml_events``, which alone tells mistakes: here is no second meaning of a text, and no message.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import yaml
from yaml.nodes import MappingNode

from controller.adapters.yaml.errors import decode_text
from controller.adapters.yaml.parser import MAX_DEPTH, Parser
from controller.core.documents.decoder import MERGE, Grammar, ValueType, read
from controller.core.documents.nodes import TextNode
from controller.core.documents.scalars import NULLS

if TYPE_CHECKING:
    from yaml.nodes import Node

# A hostile text that is read twice must not take long twice.
MAX_FAST_BYTES = 20_000
_ANCHOR, _TAG, _DIRECTIVE, _START = b"&", b"!", b"\n%", b"\n---"


class UnusualError(Exception):
    """The text is not plain enough to be read here; it may well be right."""


class _Composer(Parser):
    """libyaml's composing, told neither to guess types nor to go deep.

    It recurses in C. A text with no more mappings and lists than may nest cannot nest deeper.
    """

    # Slots, because C looks three methods up for every node.
    __slots__ = ("opened",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.opened = 0

    def resolve(self, _sort: type[Node], value: str | None, _implicit: Any) -> str:
        """Give every node the same tag, and count those that hold others."""
        if value is None:
            self.opened += 1
            if self.opened > MAX_DEPTH:
                raise UnusualError
        return ""

    # Called before and after every node; nothing is done there, and C does nothing fastest.
    descend_resolver = staticmethod(operator.is_)
    ascend_resolver = staticmethod(bool)


def compose_mapping(data: bytes) -> MappingNode:
    """Return the mapping that is a text's only document.

    Raises UnusualError for every other text, whether there is anything wrong with it or not.
    """
    if len(data) > MAX_FAST_BYTES or _ANCHOR in data or _TAG in data or _DIRECTIVE in data:
        raise UnusualError
    if _START in data and _has_begun(data.partition(_START)[0]):
        raise UnusualError
    if not data.isascii():
        data, unfit = decode_text(data)
        if unfit:
            raise UnusualError
    try:
        root = _Composer(data).get_single_node()
    except yaml.YAMLError as error:
        raise UnusualError from error
    if type(root) is not MappingNode:
        raise UnusualError
    return root


def _has_begun(text: bytes) -> bool:
    """Whether a document has begun in a text, so that its end is not that of the file."""
    return any(line.strip() and not line.startswith(b"#") for line in text.split(b"\n"))


def get_member(node: Node | None, name: str) -> Node | None:
    """Return what stands in a mapping under a name, if it is a mapping and has it."""
    for key, value in node.value if type(node) is MappingNode else ():
        if key.value == name:
            found: Node = value
            return found
    return None


def read_value(root: MappingNode, grammar: Grammar) -> dict[str, Any]:
    """Return the value of a mapping, just as ``reading.read`` would.

    Raises UnusualError where that might find a mistake, and for merge keys.
    """
    try:
        return _read_mapping(root, grammar)
    except TypeError as error:
        # A list or a mapping that stands for a key, or where text is due, cannot be looked up.
        raise UnusualError from error


def _read_mapping(mapping: MappingNode, grammar: Grammar) -> dict[str, Any]:
    result: dict[str, Any] = {}
    known, text, nulls = grammar.keys, ValueType.TEXT, NULLS
    for key, node in mapping.value:
        found = known.get(key.value)
        if found is not None:
            name, inner = found
        else:
            name, inner = key.value, grammar.rest or grammar
            if name in nulls or name == MERGE:
                raise UnusualError
        if inner.sort is text and node.value not in nulls:
            result[name] = node.value
        elif type(node) is MappingNode:
            result[name] = _read_mapping(node, inner)
        else:
            result[name] = _read_node(node, inner)
    if len(result) != len(mapping.value):
        raise UnusualError
    return result


def _read_node(node: Any, grammar: Grammar) -> Any:
    if type(node) is MappingNode:
        return _read_mapping(node, grammar)
    if type(node.value) is list:
        inner = grammar.items or grammar
        return [_read_node(item, inner) for item in node.value]
    plain = not node.style
    value, mistakes = read(TextNode(node.start_mark, node.value, (plain, not plain)), grammar)
    if mistakes:
        raise UnusualError
    return value
