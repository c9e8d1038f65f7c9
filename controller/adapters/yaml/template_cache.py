"""Texts that are alike but for their scalars: the shape that they share is composed once.

The manifests of a large tree were mostly copied from each other. They differ in names and places,
and in nothing that YAML cares about. So a text is parted at its plainest scalars, and what stands
between these is its shape. libyaml reads a shape with stand-ins for the scalars, and where it
finds a stand-in, the scalar of any text of that shape belongs: it starts with a letter as the
stand-in does, holds no character that the stand-in lacks, and ends before the same sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from controller.adapters.schemas.kind_readers import KindReader
from controller.adapters.yaml.fast_parser import (
    MAX_FAST_BYTES,
    UnusualError,
    compose_mapping,
    get_member,
    read_value,
)
from controller.core.documents.scalars import NULLS

# The value of a key: it begins with a letter, and the line or the member ends right behind it.
_SCALAR = re.compile(r": ([A-Za-z][\w:/.@+-]*+)(?<!:)(?=[,}\n])", re.ASCII)
_STAND_IN = "Az_09:/.@+-{}"
# A tree in which each file has a shape of its own gains nothing, and must not pay for long.
_MAX_SHAPES = 500
_NAME = ("metadata", "name")

FindReader = Callable[[str | None], KindReader]
"""Gives what a document of a kind is read by, or of none; raises UnusualError if nothing is."""


class ParsedText(NamedTuple):
    """A plain text's value, with the place of its name; line and column count from 0."""

    known: KindReader
    value: dict[str, Any]
    line: int
    column: int


class _Slot(int):
    """Where in a shape's value the scalar of this number belongs."""

    __slots__ = ()


class TemplateCache:
    """The shapes of the texts that were read; one that is met a second time is kept.

    A shape is a reading whose value holds slots instead of scalars.
    """

    def __init__(self) -> None:
        self._met: dict[tuple[str, ...], int] = {}
        self._kept: dict[tuple[str, ...], ParsedText] = {}

    def read(self, data: bytes, known_of: FindReader) -> ParsedText:
        """Return a text's reading; raises UnusualError, as ``composed`` and ``read_value`` do."""
        if len(data) > MAX_FAST_BYTES or not data.isascii():
            return _parse_text(data, known_of)
        parts = _SCALAR.split(data.decode())
        between, scalars = tuple(parts[::2]), parts[1::2]
        shape = self._kept.get(between)
        if shape is None:
            reading = _parse_text(data, known_of)
            self._record_shape(between, reading.known)
            return reading
        value = _fill_slots(shape.value, scalars)
        if not NULLS.isdisjoint(scalars) or known_of(value.get("kind")) is not shape.known:
            return _parse_text(data, known_of)
        return ParsedText(shape.known, value, shape.line, shape.column)

    def _record_shape(self, between: tuple[str, ...], known: KindReader) -> None:
        times = self._met.get(between, 0)
        if times or len(self._met) < _MAX_SHAPES:
            self._met[between] = times + 1
        # Learning takes as long as reading a few texts: it waits for the second one.
        if times == 1:
            try:
                self._kept[between] = _build_template(between, known)
            except UnusualError:
                return


def _parse_text(data: bytes, known_of: FindReader) -> ParsedText:
    root = compose_mapping(data)
    kind, name = get_member(root, "kind"), get_member(get_member(root, _NAME[0]), _NAME[1])
    known = known_of(None if kind is None else str(kind.value))
    if name is None:
        raise UnusualError
    mark = name.start_mark
    return ParsedText(known, read_value(root, known.grammar), mark.line, mark.column)


def _build_template(between: Sequence[str], known: KindReader) -> ParsedText:
    """Return the shape of the texts that have this between their scalars.

    Raises UnusualError where a scalar is but a part of a text, is no text by the schema, or moves
    the place of the name.
    """
    slots = {_STAND_IN.format(number): _Slot(number) for number in range(len(between) - 1)}
    root = compose_mapping(_join_parts(between, tuple(slots)))
    value = _insert_slots(read_value(root, known.grammar), slots)
    name = get_member(get_member(root, _NAME[0]), _NAME[1])
    slot = slots.get(str(name.value)) if name is not None else None
    if name is None or slot is None or (slot and "\n" not in between[slot]):
        raise UnusualError
    # What is no text by the schema would be a boolean, and what is a key or a part would differ.
    truths = ["true"] * len(slots)
    if _fill_slots(value, truths) != read_value(
        compose_mapping(_join_parts(between, truths)), known.grammar
    ):
        raise UnusualError
    return ParsedText(known, value, name.start_mark.line, name.start_mark.column)


def _join_parts(between: Sequence[str], scalars: Sequence[str]) -> bytes:
    """Return the text whose parts these are."""
    first, *others = between
    pairs = zip(scalars, others, strict=True)
    return "".join((first, *(f": {scalar}{other}" for scalar, other in pairs))).encode()


def _insert_slots(value: Any, slots: dict[str, _Slot]) -> Any:
    """Return a value with slots where the stand-ins stand."""
    if isinstance(value, dict):
        return {key: _insert_slots(inner, slots) for key, inner in value.items()}
    if isinstance(value, list):
        return [_insert_slots(inner, slots) for inner in value]
    return slots.get(value, value) if isinstance(value, str) else value


def _fill_slots(shape: Any, scalars: Sequence[str]) -> Any:
    """Return a shape's value with the scalars in their slots; nothing of it is shared."""
    if type(shape) is _Slot:
        return scalars[shape]
    if type(shape) is dict:
        return {key: _fill_slots(inner, scalars) for key, inner in shape.items()}
    if type(shape) is list:
        return [_fill_slots(inner, scalars) for inner in shape]
    return shape
