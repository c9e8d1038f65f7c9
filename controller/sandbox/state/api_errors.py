"""Errors that the simulated service answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core.call_errors import NAME_IN_USE

# Codes of the protocol itself, which no operation declares.
_PROTOCOL_STATUSES = {
    "UnknownOperationException": 404,
    "SerializationException": 400,
    "RequestEntityTooLargeException": 413,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
NOT_FOUND = (
    "The specified resource Amazon Resource Name (ARN) was not found. "
    "Check the Amazon Resource Name (ARN) and try your request again."
)
CONFLICT = "Error occurred because of a conflict while performing an operation."


@dataclass(eq=False)  # not frozen: Python itself sets an exception's traceback
class ApiError(Exception):
    """An error answer: the code, the message, and further members of the error's shape."""

    code: str
    message: str
    members: Mapping[str, Any] = field(default_factory=dict)


def get_status(code: str, declared: Mapping[str, int]) -> int:
    """Return the HTTP status of a code, from what the service model declares."""
    return declared.get(code) or _PROTOCOL_STATUSES.get(code, 500)


def invalid(message: str) -> ApiError:
    """Return the refusal of a request that no repetition can heal."""
    return ApiError("ValidationException", message)


def violations(texts: list[str]) -> ApiError:
    """Return the one refusal that tells every violated constraint."""
    noun = "error" if len(texts) == 1 else "errors"
    return invalid(f"{len(texts)} validation {noun} detected: {'; '.join(texts)}")


def unserializable(message: str) -> ApiError:
    """Return the refusal of a body that cannot be read."""
    return ApiError("SerializationException", message)


def unknown_operation() -> ApiError:
    """Return the answer to a path that leads to no operation served here."""
    return ApiError("UnknownOperationException", "The sandbox does not serve this operation.")


def not_found() -> ApiError:
    """Return the answer when there is no such job, or product of one."""
    return ApiError("ResourceNotFoundException", NOT_FOUND)


def conflict() -> ApiError:
    """Return the answer when the job's state forbids the operation."""
    return ApiError("ConflictException", CONFLICT)


def name_in_use() -> ApiError:
    """Return the answer to a name that some job had before, whatever became of it."""
    return invalid(NAME_IN_USE)


def model_name_in_use() -> ApiError:
    """Return the answer to a product's name that another job's product has or will have."""
    return invalid("The provided model name is currently in use.")


def over_quota(quota: int) -> ApiError:
    """Return the answer to a Create when there are as many active jobs as allowed."""
    message = f"At most {quota} jobs may be active in this account and Region."
    return ApiError("ServiceQuotaExceededException", message)


def unknown_model() -> ApiError:
    """Return the answer to a base model that does not exist."""
    return invalid("The provided model identifier is invalid.")


def too_many_tags(limit: int, resource: str) -> ApiError:
    """Return the answer to more tags than one resource may carry."""
    message = f"A resource carries at most {limit} tags."
    return ApiError("TooManyTagsException", message, {"resourceName": resource})


def reserved_key(key: str) -> ApiError:
    """Return the answer to a tag whose key only AWS itself may use."""
    return invalid(f"The tag key {key} is reserved: keys that begin with aws: belong to AWS.")
