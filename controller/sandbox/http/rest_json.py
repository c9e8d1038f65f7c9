"""The REST-JSON protocol: parses requests and shapes responses by the service model."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from controller.sandbox.jobs.operations import Handler
from controller.sandbox.state import api_errors

# Far below the recursion limit of json.dumps, which writes the journal.
_MAX_DEPTH = 64
# 18 digits fit into 64 bits, like every number of the service.
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its method and path, the shapes of request and response, and its handler."""

    name: str
    method: str
    segments: tuple[str, ...]
    request_shape: StructureShape
    response_shape: StructureShape | None
    status: int
    error_statuses: Mapping[str, int]
    handler: Handler

    def match_labels(self, method: str, segments: list[str]) -> dict[str, str] | None:
        """Return the decoded values of the path's labels, or None if the path does not match."""
        if method != self.method or len(segments) != len(self.segments):
            return None
        labels = {}
        for pattern, segment in zip(self.segments, segments, strict=True):
            if pattern.startswith("{"):
                labels[pattern.strip("{}")] = unquote(segment)
            elif pattern != segment:
                return None
        return labels


def build_route(operation: OperationModel, handler: Handler) -> Route:
    """Return the route of an operation according to its http traits."""
    takes, gives = operation.input_shape, operation.output_shape
    if not isinstance(takes, StructureShape):
        raise TypeError(f"the input of {operation.name} is not a structure")
    return Route(
        name=operation.name,
        method=operation.http["method"],
        segments=tuple(operation.http["requestUri"].split("/")),
        request_shape=takes,
        response_shape=gives if isinstance(gives, StructureShape) else None,
        status=operation.http.get("responseCode", 200),
        error_statuses={
            shape.name: shape.metadata["error"]["httpStatusCode"]
            for shape in operation.error_shapes
        },
        handler=handler,
    )


def find_route(routes: tuple[Route, ...], method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a percent-encoded path, and the values of its labels.

    Raises UnknownOperationException.
    """
    segments = path.split("/")
    for route in routes:
        labels = route.match_labels(method, segments)
        if labels is not None:
            return route, labels
    raise api_errors.unknown_operation()


def parse_members(route: Route, labels: Mapping[str, str], query: str, body: str) -> dict[str, Any]:
    """Return a request's members from path, query and body; unknown members are ignored.

    Raises SerializationException if the body is not a JSON object.
    """
    places = {name: shape.serialization for name, shape in route.request_shape.members.items()}
    # Blank values are kept: an empty filter differs from a missing one.
    given = parse_qs(query, keep_blank_values=True)
    document = _parse_document(body)
    members: dict[str, Any] = {}
    for name, shape in route.request_shape.members.items():
        place = places[name].get("location")
        key = places[name].get("name", name)
        if place == "uri":
            members[name] = labels[key]
        elif place == "querystring" and key in given:
            members[name] = _parse_scalar(shape, key, given[key][-1])
        # The service treats null like a missing member.
        elif place is None and document.get(key) is not None:
            members[name] = document[key]
    return members


def filter_members(shape: StructureShape | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a shape has members for, also within lists of structures."""
    if shape is None:
        return {}
    return {
        name: _filter_value(member, facts[name])
        for name, member in shape.members.items()
        if name in facts
    }


def _filter_value(shape: Shape, value: Any) -> Any:
    if isinstance(shape, ListShape) and isinstance(shape.member, StructureShape):
        return [filter_members(shape.member, item) for item in value]
    return value


def _parse_document(body: str) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = json.loads(body, parse_constant=_refuse_constant, parse_float=_parse_float)
    except (ValueError, RecursionError):
        raise api_errors.unserializable("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise api_errors.unserializable("The body is not a JSON object.")
    if _is_too_deep(document):
        raise api_errors.unserializable(f"The body nests deeper than {_MAX_DEPTH} levels.")
    return document


def _is_too_deep(document: dict[str, Any]) -> bool:
    """Whether a document nests so deeply that recursion over it could overflow the stack."""
    # Level by level instead of recursively, which is what must be avoided.
    level: list[Any] = [document]
    for _ in range(_MAX_DEPTH):
        containers = [value for value in level if isinstance(value, (dict, list))]
        level = [
            inner
            for value in containers
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse_float(text: str) -> float:
    """Return a finite number; JSON cannot represent infinity."""
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)


def _parse_scalar(shape: Shape, key: str, text: str) -> Any:
    """Return a value of the query string with the type of its shape."""
    if shape.type_name not in {"integer", "long"}:
        return text
    if not _INTEGER.fullmatch(text):
        raise api_errors.unserializable(f"{key} is not a whole number.")
    return int(text)
