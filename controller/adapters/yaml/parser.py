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

from controller.adapters.yaml.errors import decode_text, explain_syntax_error
from controller.core.documents.decoder import MOST_TOLD, LocatedMistake, locate_mistake
from controller.core.documents.nodes import ListNode, MapNode, Mark, Node, TextNode
from controller.core.documents.scalars import parse_core_scalar
from controller.core.problems import Code

try:
    from yaml._yaml import CParser
except ImportError:  # pragma: no cover - PyYAML built without libyaml
    CParser = yaml.SafeLoader  # type: ignore[misc,assignment]  # same events, only slower

Parser = CParser
MAX_DEPTH = 64
MAX_ALIASES = 1_000
MAX_EXPANDED = 100_000
_MAX_RESUMPTIONS = 20
# A text of this size may hold so many values that reading them takes a second.
_LARGE_BYTES = 200_000
_MAX_PARTS = 200_000
_PARTS = (b"\n", b"\r", b",", b"[", b"{", b": ", b"- ", b"-\t", b"? ", b"?\t")
# libyaml compares each directive with all before it.
_MAX_DIRECTIVES = 100
_TAG = "tag:yaml.org,2002:"
_TYPED = {
    f"{_TAG}int": (int,),
    f"{_TAG}float": (int, float),
    f"{_TAG}bool": (bool,),
    f"{_TAG}null": (type(None),),
}
_DOCUMENT = re.compile(rb"^---(?:\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document's root; a broken one holds only what stands before its syntax error."""

    root: Node
    broken: bool = False


@dataclass(frozen=True, slots=True)
class ParsedYaml:
    """What a file holds; ``problems`` are those of YAML itself, in the order of their places."""

    documents: tuple[YamlDocument, ...] = ()
    problems: tuple[LocatedMistake, ...] = ()


def read_events(text: str) -> Iterator[Any]:
    """Yield the parser's events of a text that ``parse`` found no mistake in."""
    parser = Parser(text)
    while (event := parser.get_event()) is not None:
        yield event


class _BeyondBoundsError(Exception):
    """The document must not be read any further; the mistake is already among those found."""


def parse(data: bytes) -> ParsedYaml:
    """Every document of a text is returned with every mistake that YAML's own rules find.

    Empty documents are left out. The text is UTF-8, with or without a byte order mark.
    """
    excess = _find_excess(data)
    if excess:
        hint = "split it into several files"
        return ParsedYaml(
            (), (LocatedMistake(Code.TOO_LARGE, 1, 1, f"the file has more than {excess}", hint),)
        )
    unfit: tuple[LocatedMistake, ...] = ()
    if not data.isascii():
        data, unfit = decode_text(data)
    build = _DocumentBuilder(marked=b"&" in data or b"!" in data)
    problem = build.run(data)
    if problem is not None:
        # Only a text that fails is worth the search for characters that YAML forbids.
        fit, controls = decode_text(data)
        if controls:
            return _add_problems(controls, parse(fit))
        _resume(data, build, problem)
    return _add_problems(unfit, ParsedYaml(tuple(build.documents), tuple(build.found)))


def _find_excess(data: bytes) -> str:
    """Return what a text has too much of to be read in bounded time and memory, if anything."""
    if data.count(b"\n%") + data.count(b"\r%") > _MAX_DIRECTIVES:
        return f"{_MAX_DIRECTIVES} directives"
    if len(data) > _LARGE_BYTES and sum(map(data.count, _PARTS)) > _MAX_PARTS:
        return f"{_MAX_PARTS} keys, items and lines"
    return ""


def _add_problems(problems: tuple[LocatedMistake, ...], text: ParsedYaml) -> ParsedYaml:
    return ParsedYaml(text.documents, (*problems, *text.problems)) if problems else text


def _resume(data: bytes, build: _DocumentBuilder, problem: LocatedMistake | None) -> None:
    """Read on behind each syntax error, from the next line that starts a document."""
    line, offset = 1, 0
    for _ in range(_MAX_RESUMPTIONS):
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
        line, offset = _find_next_line(data, line, offset)


def _find_next_line(data: bytes, line: int, offset: int) -> tuple[int, int]:
    """Return the line that follows an offset, with where it begins."""
    end = data.find(b"\n", offset - 1)
    return (line + 1, end + 1) if end >= 0 else (line, len(data))


class _DocumentBuilder:
    """Documents built from events; aliases stand for the very node that their anchor names."""

    def __init__(self, *, marked: bool) -> None:
        self.documents: list[YamlDocument] = []
        self.found: list[LocatedMistake] = []
        self._marked = marked
        self._anchors: dict[str, Any] = {}
        self._sizes: dict[int, tuple[int, int]] = {}
        self._aliases = 0

    def run(self, data: bytes) -> LocatedMistake | None:
        """Add a text's documents; return the mistake that ended the reading, if one did."""
        roots: list[Any] = []
        problem = None
        self._forget()
        self._sizes.clear()
        try:
            parser = Parser(data)
            self._process_events(parser.get_event, roots)
        except yaml.YAMLError as error:
            problem = explain_syntax_error(error, data)
        except _BeyondBoundsError:
            problem = self.found.pop()
        if problem is not None and roots:
            self.documents.append(YamlDocument(roots[0], broken=True))
        return problem

    def _process_events(self, next_event: Callable[[], Any], roots: list[Any]) -> None:
        """Take events until the stream ends; ``roots`` holds the document that is under way."""
        items, marked = roots, self._marked
        stack: list[list[Any]] = []
        while True:
            event = next_event()
            sort = type(event)
            if sort is ScalarEvent:
                items.append(self._build_scalar(event) if marked else event)
            elif sort is MappingStartEvent or sort is SequenceStartEvent:
                node = (MapNode if sort is MappingStartEvent else ListNode)(event.start_mark, [])
                items.append(node)
                stack.append(items)
                items = node.held
                if marked or len(stack) > MAX_DEPTH:
                    self._open_node(event, node, len(stack))
            elif sort is MappingEndEvent or sort is SequenceEndEvent:
                items = stack.pop()
            elif sort is AliasEvent:
                items.append(self._resolve_alias(event, [*stack, items]))
            elif sort is DocumentEndEvent:
                self._end_document(roots)
            elif sort is StreamEndEvent:
                return

    def _end_document(self, roots: list[Any]) -> None:
        root = roots[0]
        if self._aliases:
            self._check_expansion(root, root.start_mark)
        roots.clear()
        self._forget()
        if isinstance(root, MapNode | ListNode) or root.value or not root.implicit[0]:
            self.documents.append(YamlDocument(root))

    def _forget(self) -> None:
        self._anchors.clear()
        self._aliases = 0

    def _open_node(self, event: Any, node: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            message = f"the document nests deeper than {MAX_DEPTH} levels"
            self._stop(Code.TOO_DEEP, event.start_mark, message)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        expected = "map" if isinstance(node, MapNode) else "seq"
        if event.tag not in (None, "!", _TAG + expected):
            self._refuse_tag(event)

    def _build_scalar(self, event: Any) -> Any:
        node = event if event.tag is None else self._apply_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _apply_tag(self, event: Any) -> TextNode:
        """Apply a scalar's explicit tag: text is text, and the others must tell the truth."""
        if event.tag in ("!", f"{_TAG}str"):
            return TextNode(event.start_mark, event.value, (False, True))
        types = _TYPED.get(event.tag)
        if types is None or type(parse_core_scalar(event.value)) not in types:
            self._refuse_tag(event)
        return TextNode(event.start_mark, event.value, (True, False))

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace(_TAG, "!!")
        message = f"the tag {tag} is not allowed here"
        hint = "delete the tag; the schema says what each value is"
        self._report(locate_mistake(Code.TAG, event.start_mark, message, hint))

    def _resolve_alias(self, event: Any, opened: list[list[Any]]) -> Any:
        node = self._anchors.get(event.anchor)
        if node is None:
            message = f"the alias *{event.anchor} has no anchor before it"
            self._report(locate_mistake(Code.NOT_YAML, event.start_mark, message))
            return TextNode(event.start_mark, "", (False, True))
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            message = f"the document has more than {MAX_ALIASES} aliases"
            self._stop(Code.TOO_MANY_ALIASES, event.start_mark, message)
        if isinstance(node, MapNode | ListNode):
            if any(items is node.held for items in opened):
                message = f"the alias *{event.anchor} stands inside the value that it names"
                self._stop(Code.TOO_MANY_ALIASES, event.start_mark, message)
            self._check_expansion(node, event.start_mark)
        return node

    def _check_expansion(self, node: Any, mark: Mark) -> None:
        size, depth = self._measure(node)
        if size > MAX_EXPANDED:
            message = f"the aliases expand to more than {MAX_EXPANDED} values"
            self._stop(Code.TOO_MANY_ALIASES, mark, message)
        if depth > MAX_DEPTH:
            message = f"the document nests deeper than {MAX_DEPTH} levels once aliases are expanded"
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

    def _report(self, flaw: LocatedMistake) -> None:
        if len(self.found) < MOST_TOLD:
            self.found.append(flaw)

    def _stop(self, code: Code, mark: Mark, message: str) -> None:
        self.found.append(
            locate_mistake(code, mark, message, "split it, or write it out more plainly")
        )
        raise _BeyondBoundsError
