"""YAML text as nodes, through libyaml's events: nothing is composed, so nothing recurses.

A text is read as far as it can be: the documents before a syntax error, what stands of the broken
one, and those after it, each mistake with its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from controller.adapters.yaml.errors import decoded, syntax_error
from controller.core.documents.decoder import MOST_TOLD, Placed, placed
from controller.core.documents.nodes import ListNode, MapNode, Mark, Node, TextNode
from controller.core.documents.scalars import core_value
from controller.core.problems import Code

try:
    from yaml._yaml import CParser
except ImportError:  # pragma: no cover - PyYAML built without libyaml
    CParser = yaml.SafeLoader  # type: ignore[misc,assignment]  # same events, only slower

Parser = CParser
DEEPEST = 64
MOST_ALIASES = 1_000
MOST_EXPANDED = 100_000
_MOST_RESUMPTIONS = 20
# A text of this size may hold so many values that reading them takes a second.
_LARGE = 200_000
_MOST_PARTS = 200_000
_PARTS = (b"\n", b"\r", b",", b"[", b"{", b": ", b"- ", b"-\t", b"? ", b"?\t")
# libyaml compares each directive with all before it.
_MOST_DIRECTIVES = 100
_TAG = "tag:yaml.org,2002:"
_TYPED = {
    f"{_TAG}int": (int,),
    f"{_TAG}float": (int, float),
    f"{_TAG}bool": (bool,),
    f"{_TAG}null": (type(None),),
}
_DOCUMENT = re.compile(rb"^---(?:\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One document's root; a broken one holds only what stands before its syntax error."""

    root: Node
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """What a file holds; ``problems`` are those of YAML itself, in the order of their places."""

    documents: tuple[Document, ...] = ()
    problems: tuple[Placed, ...] = ()


def events(text: str) -> Iterator[Any]:
    """Yield the parser's events of a text that ``parse`` found no mistake in."""
    parser = Parser(text)
    while (event := parser.get_event()) is not None:
        yield event


class _BeyondBoundsError(Exception):
    """The document must not be read any further; the mistake is already among those found."""


def parse(data: bytes) -> Text:
    """Every document of a text is returned with every mistake that YAML's own rules find.

    Empty documents are left out. The text is UTF-8, with or without a byte order mark.
    """
    excess = _excess(data)
    if excess:
        hint = "split it into several files"
        return Text((), (Placed(Code.TOO_LARGE, 1, 1, f"the file has more than {excess}", hint),))
    unfit: tuple[Placed, ...] = ()
    if not data.isascii():
        data, unfit = decoded(data)
    build = _Build(marked=b"&" in data or b"!" in data)
    problem = build.run(data)
    if problem is not None:
        # Only a text that fails is worth the search for characters that YAML forbids.
        fit, controls = decoded(data)
        if controls:
            return _with(controls, parse(fit))
        _resume(data, build, problem)
    return _with(unfit, Text(tuple(build.documents), tuple(build.found)))


def _excess(data: bytes) -> str:
    """Return what a text has too much of to be read in bounded time and memory, if anything."""
    if data.count(b"\n%") + data.count(b"\r%") > _MOST_DIRECTIVES:
        return f"{_MOST_DIRECTIVES} directives"
    if len(data) > _LARGE and sum(map(data.count, _PARTS)) > _MOST_PARTS:
        return f"{_MOST_PARTS} keys, items and lines"
    return ""


def _with(problems: tuple[Placed, ...], text: Text) -> Text:
    return Text(text.documents, (*problems, *text.problems)) if problems else text


def _resume(data: bytes, build: _Build, problem: Placed | None) -> None:
    """Read on behind each syntax error, from the next line that starts a document."""
    line, offset = 1, 0
    for _ in range(_MOST_RESUMPTIONS):
        if problem is None:
            break
        build.found.append(problem)
        while line < problem.line:
            offset = data.find(b"\n", offset) + 1
            line += 1
        start = _DOCUMENT.search(data, offset)
        if start is None:
            break
        # Line feeds in the place of what was read keep the line numbers true.
        line += data.count(b"\n", offset, start.start())
        offset = start.end()
        problem = build.run(b"\n" * (line - 1) + data[start.start() :])
        line, offset = _behind(data, line, offset)


def _behind(data: bytes, line: int, offset: int) -> tuple[int, int]:
    """Return the line that follows an offset, with where it begins."""
    end = data.find(b"\n", offset - 1)
    return (line + 1, end + 1) if end >= 0 else (line, len(data))


class _Build:
    """Documents built from events; aliases stand for the very node that their anchor names."""

    def __init__(self, *, marked: bool) -> None:
        self.documents: list[Document] = []
        self.found: list[Placed] = []
        self._marked = marked
        self._anchors: dict[str, Any] = {}
        self._sizes: dict[int, tuple[int, int]] = {}
        self._aliases = 0

    def run(self, data: bytes) -> Placed | None:
        """Add a text's documents; return the mistake that ended the reading, if one did."""
        roots: list[Any] = []
        problem = None
        self._forget()
        self._sizes.clear()
        try:
            parser = Parser(data)
            self._events(parser.get_event, roots)
        except yaml.YAMLError as error:
            problem = syntax_error(error, data)
        except _BeyondBoundsError:
            problem = self.found.pop()
        if problem is not None and roots:
            self.documents.append(Document(roots[0], broken=True))
        return problem

    def _events(self, next_event: Callable[[], Any], roots: list[Any]) -> None:
        """Take events until the stream ends; ``roots`` holds the document that is under way."""
        items, marked = roots, self._marked
        stack: list[list[Any]] = []
        while True:
            event = next_event()
            sort = type(event)
            if sort is ScalarEvent:
                items.append(self._scalar(event) if marked else event)
            elif sort is MappingStartEvent or sort is SequenceStartEvent:
                node = (MapNode if sort is MappingStartEvent else ListNode)(event.start_mark, [])
                items.append(node)
                stack.append(items)
                items = node.held
                if marked or len(stack) > DEEPEST:
                    self._opened(event, node, len(stack))
            elif sort is MappingEndEvent or sort is SequenceEndEvent:
                items = stack.pop()
            elif sort is AliasEvent:
                items.append(self._alias(event, [*stack, items]))
            elif sort is DocumentEndEvent:
                self._ended(roots)
            elif sort is StreamEndEvent:
                return

    def _ended(self, roots: list[Any]) -> None:
        root = roots[0]
        if self._aliases:
            self._check_expansion(root, root.start_mark)
        roots.clear()
        self._forget()
        if isinstance(root, MapNode | ListNode) or root.value or not root.implicit[0]:
            self.documents.append(Document(root))

    def _forget(self) -> None:
        self._anchors.clear()
        self._aliases = 0

    def _opened(self, event: Any, node: Any, depth: int) -> None:
        if depth > DEEPEST:
            message = f"the document nests deeper than {DEEPEST} levels"
            self._stop(Code.TOO_DEEP, event.start_mark, message)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        expected = "map" if isinstance(node, MapNode) else "seq"
        if event.tag not in (None, "!", _TAG + expected):
            self._refuse_tag(event)

    def _scalar(self, event: Any) -> Any:
        node = event if event.tag is None else self._tagged(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _tagged(self, event: Any) -> TextNode:
        """Apply a scalar's explicit tag: text is text, and the others must tell the truth."""
        if event.tag in ("!", f"{_TAG}str"):
            return TextNode(event.start_mark, event.value, (False, True))
        types = _TYPED.get(event.tag)
        if types is None or type(core_value(event.value)) not in types:
            self._refuse_tag(event)
        return TextNode(event.start_mark, event.value, (True, False))

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace(_TAG, "!!")
        message = f"the tag {tag} is not allowed here"
        hint = "delete the tag; the schema says what each value is"
        self._tell(placed(Code.TAG, event.start_mark, message, hint))

    def _alias(self, event: Any, opened: list[list[Any]]) -> Any:
        node = self._anchors.get(event.anchor)
        if node is None:
            message = f"the alias *{event.anchor} has no anchor before it"
            self._tell(placed(Code.NOT_YAML, event.start_mark, message))
            return TextNode(event.start_mark, "", (False, True))
        self._aliases += 1
        if self._aliases > MOST_ALIASES:
            message = f"the document has more than {MOST_ALIASES} aliases"
            self._stop(Code.TOO_MANY_ALIASES, event.start_mark, message)
        if isinstance(node, MapNode | ListNode):
            if any(items is node.held for items in opened):
                message = f"the alias *{event.anchor} stands inside the value that it names"
                self._stop(Code.TOO_MANY_ALIASES, event.start_mark, message)
            self._check_expansion(node, event.start_mark)
        return node

    def _check_expansion(self, node: Any, mark: Mark) -> None:
        size, depth = self._measure(node)
        if size > MOST_EXPANDED:
            message = f"the aliases expand to more than {MOST_EXPANDED} values"
            self._stop(Code.TOO_MANY_ALIASES, mark, message)
        if depth > DEEPEST:
            message = f"the document nests deeper than {DEEPEST} levels once aliases are expanded"
            self._stop(Code.TOO_DEEP, mark, message)

    def _measure(self, node: Any) -> tuple[int, int]:
        """Return how many values a node expands to, and how deep it nests.

        An aliased node was measured at its first alias, so that the walk is no deeper than the
        text nests.
        """
        if not isinstance(node, MapNode | ListNode):
            return 1, 0
        known = self._sizes.get(id(node))
        if known is None:
            inner = [self._measure(item) for item in node.held]
            size = 1 + sum(size for size, _ in inner)
            known = size, 1 + max((depth for _, depth in inner), default=0)
            self._sizes[id(node)] = known
        return known

    def _tell(self, flaw: Placed) -> None:
        if len(self.found) < MOST_TOLD:
            self.found.append(flaw)

    def _stop(self, code: Code, mark: Mark, message: str) -> None:
        self.found.append(placed(code, mark, message, "split it, or write it out more plainly"))
        raise _BeyondBoundsError
