"""What a document is made of before a schema gives its scalars a type.

A scalar is whatever the parser hands over, as long as it has text and a place: parser events
serve as they are, so that reading ten thousand files copies nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


class Mark(Protocol):
    """A place in a text; lines and columns count from 0."""

    @property
    def line(self) -> int:
        """The line, from 0."""

    @property
    def column(self) -> int:
        """The column in characters, from 0."""


class ScalarNode(Protocol):
    """A scalar's text as written; ``implicit[0]`` says that it stands plain, without quotes."""

    @property
    def value(self) -> str:
        """The text, with escapes and folding already applied."""

    @property
    def implicit(self) -> tuple[bool, bool]:
        """Whether the text is plain, and whether it is quoted or a block."""

    @property
    def start_mark(self) -> Any:
        """The place of the first character: a Mark."""


class TextNode(NamedTuple):
    """A scalar whose explicit tag decides how it is read."""

    start_mark: Mark
    value: str
    implicit: tuple[bool, bool]


# The two below are not frozen: five are made for every manifest, and freezing doubles their cost.
@dataclass(slots=True, eq=False)
class MapNode:
    """A mapping: keys and values take turns in ``held``."""

    start_mark: Mark
    held: list[Any]
    # No text: the hot loop of reading asks every node for its text, and descends where none is.
    value: ClassVar[None] = None

    def iter_pairs(self) -> Iterator[tuple[Any, Any]]:
        """Yield each key's node with its value's."""
        nodes = iter(self.held)
        return zip(nodes, nodes, strict=False)


@dataclass(slots=True, eq=False)
class ListNode:
    """A sequence of nodes."""

    start_mark: Mark
    held: list[Any]
    value: ClassVar[None] = None


Node: TypeAlias = ScalarNode | MapNode | ListNode


def find_member(node: Node, name: str) -> tuple[ScalarNode, Node] | None:
    """Return the key and the value that stand in a mapping under a name, if they do."""
    if type(node) is not MapNode:
        return None
    held = node.held
    for index in range(0, len(held) - 1, 2):
        if held[index].value == name:
            return held[index], held[index + 1]
    return None


def get_member_text(node: Node, name: str) -> str | None:
    """Return the text of a mapping's member, or None when it is missing or no scalar."""
    found = find_member(node, name)
    return None if found is None else found[1].value


def locate_node(root: Node, path: Path, *, on_key: bool = False) -> tuple[Mark, int]:
    """Return where a path leads, and how many of its steps the document holds.

    The mark is a scalar's or a list's own; a mapping's is its key's, and so is any when ``on_key``
    is given. A path that the document does not hold in full ends at the last step that it does.
    """
    node, key, held = root, None, 0
    for step in path:
        found = _follow_step(node, step)
        if found is None:
            break
        key, node = found
        held += 1
    at_key = key is not None and (isinstance(node, MapNode) or (on_key and held == len(path)))
    return (key if at_key and key is not None else node).start_mark, held


def _follow_step(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(step, int):
        held = isinstance(node, ListNode) and step < len(node.held)
        return (None, node.held[step]) if isinstance(node, ListNode) and held else None
    return find_member(node, step) or _find_merged_member(node, step)


def _find_merged_member(node: Node, name: str) -> tuple[Node, Node] | None:
    """Return a member that a merge key brings in."""
    merge = find_member(node, "<<")
    if merge is None:
        return None
    sources = merge[1].held if isinstance(merge[1], ListNode) else [merge[1]]
    return next((found for source in sources if (found := find_member(source, name))), None)
