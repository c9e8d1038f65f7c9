"""Where each part of a YAML text begins and ends, so that one of them can be replaced in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    MappingStartEvent,
    ScalarEvent,
)

from controller.adapters.yaml.parser import read_events

FLOW, LIST, ALIAS = "{", "[", "*"


@dataclass(slots=True, eq=False)
class Span:
    """One node's place: offsets in characters, its content's end rather than the parser's.

    ``style`` is a scalar's quote or block sign, ``{`` for a mapping in braces, ``[`` for any list,
    ``*`` for an alias, and empty for what stands plain. ``anchor`` is what it is named, or what an
    alias names; ``tagged`` says that a tag or an anchor stands before it.
    """

    start: int
    end: int
    style: str = ""
    text: str | None = None
    anchor: str | None = None
    tagged: bool = False
    held: list[Span] = field(default_factory=list)

    def list_pairs(self) -> Iterator[tuple[Span, Span]]:
        """Yield each key of a mapping with its value."""
        nodes = iter(self.held)
        return zip(nodes, nodes, strict=False)

    def find_member(self, name: str) -> tuple[Span, Span] | None:
        """Return the key and the value that stand in a mapping under a name, if they do."""
        return next(((key, value) for key, value in self.list_pairs() if key.text == name), None)

    def find_aliases(self) -> Iterator[str]:
        """Yield what each alias below names."""
        if self.style == ALIAS and self.anchor:
            yield self.anchor
        for inner in self.held:
            yield from inner.find_aliases()


def find_spans(text: str) -> list[Span]:
    """Return the root of every document that is not empty, in order.

    The text is one that the reader found no mistake in; it begins with no byte order mark.
    """
    roots: list[Span] = []
    stack: list[Span] = [Span(0, 0)]
    for event in read_events(text):
        if isinstance(event, CollectionStartEvent):
            stack.append(_open_span(event))
            stack[-2].held.append(stack[-1])
        elif isinstance(event, CollectionEndEvent):
            _close(stack.pop(), event)
        elif isinstance(event, ScalarEvent | AliasEvent):
            stack[-1].held.append(_make_leaf(event, text))
        elif isinstance(event, DocumentEndEvent):
            root = stack[-1].held.pop()
            if root.text != "" or root.style:
                roots.append(root)
    return roots


def _open_span(event: Any) -> Span:
    mapping = isinstance(event, MappingStartEvent)
    style = (FLOW if event.flow_style else "") if mapping else LIST
    start, end = event.start_mark.index, event.end_mark.index
    # A collection whose end is already known is one in brackets.
    span = Span(start, end if event.flow_style else -1, style, anchor=event.anchor)
    span.tagged = bool(event.anchor or event.tag)
    return span


def _close(span: Span, event: Any) -> None:
    """Fix an end: behind the closing bracket, or where the last of a block's content ends."""
    if span.end >= 0:
        span.end = event.end_mark.index
    else:
        span.end = span.held[-1].end if span.held else span.start


def _make_leaf(event: Any, text: str) -> Span:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, AliasEvent):
        return Span(start, end, ALIAS, anchor=event.anchor)
    style = event.style or ""
    if style in ("|", ">"):
        # The parser's end lies behind the blank lines and comments that follow a block.
        end = start + len(text[start:end].rstrip())
    tagged = bool(event.anchor or event.tag)
    return Span(start, end, style, event.value, event.anchor, tagged)
