"""Validates requests against the shapes of the service model, like the service itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from controller.sandbox.state import api_errors
from controller.sandbox.state.sim_clock import parse_moment

_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "timestamp": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


def validate_request(shape: StructureShape, request: Mapping[str, Any]) -> None:
    """Validate a request's types, required members and constraints.

    Raises SerializationException for the first value of a wrong type, else ValidationException
    with all violated constraints.
    """
    found = list(_find_violations(shape, request, ""))
    if found:
        raise api_errors.violations(found)


def _find_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    _check_type(shape, value, path)
    for text in _check_constraints(shape, value):
        yield f"Value at '{path}' failed to satisfy constraint: {text}"
    if isinstance(shape, StructureShape):
        yield from _check_structure(shape, value, path)
    elif isinstance(shape, ListShape):
        for place, item in enumerate(value, start=1):
            yield from _find_violations(shape.member, item, f"{path}.{place}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _find_violations(shape.key, key, f"{path}.{key}")
            yield from _find_violations(shape.value, item, f"{path}.{key}")


def _check_type(shape: Shape, value: Any, path: str) -> None:
    allowed = _JSON_TYPES.get(shape.type_name)
    # Document types and the like have no JSON type to check.
    if allowed is None:
        return
    # In Python, unlike in JSON, true is also a number.
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise api_errors.unserializable(
            f"The value at '{path}' can not be converted to a {shape.type_name}."
        )


def _check_constraints(shape: Shape, value: Any) -> Iterator[str]:
    """Yield the constraints of its own shape that a value violates."""
    if shape.type_name == "timestamp" and not _is_time(value):
        yield "Member must be an ISO 8601 timestamp"
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    noun, size = _measure(shape, value)
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if size is not None and least is not None and size < least:
        yield f"Member must have {noun} greater than or equal to {least}"
    if size is not None and most is not None and size > most:
        yield f"Member must have {noun} less than or equal to {most}"
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _is_match(pattern, value):
        yield f"Member must satisfy regular expression pattern: {pattern}"


def _measure(shape: Shape, value: Any) -> tuple[str, float | None]:
    """Return what the bounds of a shape limit, and its size for the value."""
    if shape.type_name in {"integer", "long", "float", "double"}:
        return "value", value
    if shape.type_name in {"string", "list", "map"}:
        return "length", len(value)
    return "", None


def _check_structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value at '{prefix}{name}' failed to satisfy constraint: Member must not be null"
    # Null counts as missing.
    given = [name for name in shape.members if value.get(name) is not None]
    if shape.is_tagged_union and len(given) != 1:
        yield f"Value at '{path}' failed to satisfy constraint: Exactly one member must be set"
    for name in given:
        yield from _find_violations(shape.members[name], value[name], f"{prefix}{name}")


def _is_match(pattern: str, text: str) -> bool:
    try:
        return _compile_pattern(pattern).is_valid(text)
    except ValueError:
        # A lone surrogate, which JSON can represent and UTF-8 cannot.
        return False


@cache
def _compile_pattern(pattern: str) -> jsonschema_rs.Draft7Validator:
    """Return a matcher of complete texts, on a linear-time engine."""
    return jsonschema_rs.Draft7Validator(
        {"pattern": f"^(?:{pattern})$"}, pattern_options=jsonschema_rs.RegexOptions()
    )


def _is_time(text: str) -> bool:
    try:
        parse_moment(text)
    except ValueError:
        return False
    return True
