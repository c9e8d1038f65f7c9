"""Errors that the simulated service answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core.errors import NAME_IN_USE

# Codes of the protocol itself, which no operation declares.
_PROTOCOL_STATUSES = {
    "UnknownOperationException": 404,
    "SerializationException": 400,
    "RequestEntityTooLargeException": 413,
}
NOT_FOUND = (
    "The specified resource Amazon Resource Name (ARN) was not found. "
    "Check the Amazon Resource Name (ARN) and try your request again."
)
CONFLICT = "Error occurred because of a conflict while performing an operation."


@dataclass(eq=False)  # not frozen: Python itself sets an exception's traceback
class Refusal(Exception):  # noqa: N818 - what the service does, in its own word
    """An error answer: the code, the message, and further members of the error's shape."""

    code: str
    message: str
    members: Mapping[str, Any] = field(default_factory=dict)


def status_of(code: str, declared: Mapping[str, int]) -> int:
    """Return the HTTP status of a code, from what the service model declares."""
    return declared.get(code) or _PROTOCOL_STATUSES.get(code, 500)


def invalid(message: str) -> Refusal:
    """Return the refusal of a request that no repetition can heal."""
    return Refusal("ValidationException", message)


def violations(texts: list[str]) -> Refusal:
    """Return the one refusal that tells every violated constraint."""
    noun = "error" if len(texts) == 1 else "errors"
    return invalid(f"{len(texts)} validation {noun} detected: {'; '.join(texts)}")


def unserializable(message: str) -> Refusal:
    """Return the refusal of a body that cannot be read."""
    return Refusal("SerializationException", message)


def unknown_operation() -> Refusal:
    """Return the answer to a path that leads to no operation served here."""
    return Refusal("UnknownOperationException", "The sandbox does not serve this operation.")


def not_found() -> Refusal:
    """Return the answer when there is no such job, or product of one."""
    return Refusal("ResourceNotFoundException", NOT_FOUND)


def conflict() -> Refusal:
    """Return the answer when the job's state forbids the operation."""
    return Refusal("ConflictException", CONFLICT)


def name_in_use() -> Refusal:
    """Return the answer to a name that some job had before, whatever became of it."""
    return invalid(NAME_IN_USE)


def unknown_model() -> Refusal:
    """Return the answer to a base model that does not exist."""
    return invalid("The provided model identifier is invalid.")


def too_many_tags(limit: int, resource: str) -> Refusal:
    """Return the answer to more tags than one resource may carry."""
    message = f"A resource carries at most {limit} tags."
    return Refusal("TooManyTagsException", message, {"resourceName": resource})
