"""What a request still holds of the skeleton that it was filled into.

The AWS CLI's skeleton has an empty text for every text, zero for every number, true for every
boolean and any of an enum's values: what nobody touched was never meant to be sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core.documents.nodes import ListNode, MapNode, Node
from controller.core.documents.scalars import NULLS, parse_core_scalar
from controller.core.schema.paths import follow_step

_Shape = Mapping[str, Any]


@dataclass(slots=True)
class PlaceholderFilter:
    """Takes placeholders out of a request; ``dropped`` names the members, in dots.

    ``output_only`` are the enums' values that the service only ever answers; no one means them.
    """

    schema: _Shape
    output_only: frozenset[str] = frozenset()
    dropped: list[str] = field(default_factory=list)

    def request(self, root: MapNode, shape: _Shape) -> MapNode:
        """Return a request without what is untouched; ``shape`` is its schema's node."""
        return self._filter_mapping(root, shape, "", required=frozenset())

    def _filter_mapping(
        self, node: MapNode, shape: _Shape, path: str, required: frozenset[str]
    ) -> MapNode:
        held: list[Any] = []
        for key, value in node.iter_pairs():
            name = str(key.value)
            inner = follow_step(self.schema, shape, name)
            if self._is_dropped(value, inner, is_due=name in required):
                self.dropped.append(f"{path}{name}")
            else:
                held += [key, self._filter_value(value, inner, f"{path}{name}")]
        return MapNode(node.start_mark, held)

    def _is_dropped(self, value: Node, shape: _Shape, *, is_due: bool) -> bool:
        """Whether a member is left out: an empty text may be meant where one is required."""
        if isinstance(value, MapNode | ListNode):
            return self._is_untouched(value, shape)
        if "enum" in shape and value.value in self.output_only:
            return True
        return _is_blank(value) and not is_due

    def _filter_value(self, value: Any, shape: _Shape, path: str) -> Any:
        if isinstance(value, MapNode):
            required = frozenset(shape.get("required", ()))
            return self._filter_mapping(value, shape, f"{path}.", required)
        if isinstance(value, ListNode):
            inner = follow_step(self.schema, shape, 0)
            items = [self._filter_value(item, inner, path) for item in value.held]
            return ListNode(value.start_mark, items)
        return value

    def _is_untouched(self, value: Node, shape: _Shape) -> bool:
        """Whether all below is as the skeleton has it."""
        if isinstance(value, ListNode):
            inner = follow_step(self.schema, shape, 0)
            return all(self._is_untouched(item, inner) for item in value.held)
        if isinstance(value, MapNode):
            return all(
                self._is_untouched(inner, follow_step(self.schema, shape, str(key.value)))
                for key, inner in value.iter_pairs()
            )
        answered = "enum" in shape and value.value in self.output_only
        return answered or _is_blank(value) or _is_filler(value, shape)


def _is_blank(value: Any) -> bool:
    return value.value == "" or (value.implicit[0] and value.value in NULLS)


def _is_filler(value: Any, shape: _Shape) -> bool:
    """Whether a scalar is what the skeleton has where no text is due."""
    if "enum" in shape:
        return value.value in shape["enum"]
    types = shape.get("type", ())
    if "string" in types or not value.implicit[0]:
        return False
    meant = parse_core_scalar(value.value)
    return meant is True or (type(meant) in (int, float) and not meant)
