"""Errors that the simulated service returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core.call_errors import NAME_IN_USE

# Codes of the protocol, which the service model does not declare per operation.
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
    """An error response: code, message, and further members of the error's shape."""

    code: str
    message: str
    members: Mapping[str, Any] = field(default_factory=dict)


def get_status(code: str, declared: Mapping[str, int]) -> int:
    """Return the HTTP status of a code, as declared by the service model."""
    return declared.get(code) or _PROTOCOL_STATUSES.get(code, 500)


def invalid(message: str) -> ApiError:
    """Return the error for an invalid request, which is not retryable."""
    return ApiError("ValidationException", message)


def violations(texts: list[str]) -> ApiError:
    """Return the error that lists all violated constraints."""
    # The wording of the service.
    noun = "error" if len(texts) == 1 else "errors"
    return invalid(f"{len(texts)} validation {noun} detected: {'; '.join(texts)}")


def unserializable(message: str) -> ApiError:
    """Return the error for a body that cannot be parsed."""
    return ApiError("SerializationException", message)


def unknown_operation() -> ApiError:
    """Return the error for the path of an unknown operation."""
    return ApiError("UnknownOperationException", "The sandbox does not support this operation.")


def not_found() -> ApiError:
    """Return the error for a job or model that does not exist."""
    return ApiError("ResourceNotFoundException", NOT_FOUND)


def conflict() -> ApiError:
    """Return the error for an operation that the job's state does not allow."""
    return ApiError("ConflictException", CONFLICT)


def name_in_use() -> ApiError:
    """Return the error for a job name that was used before, even by a failed job."""
    return invalid(NAME_IN_USE)


def model_name_in_use() -> ApiError:
    """Return the error for a model name that another job uses."""
    return invalid("The provided model name is currently in use.")


def over_quota(quota: int) -> ApiError:
    """Return the error for a Create when the quota of active jobs is reached."""
    message = f"At most {quota} jobs may be active in this account and Region."
    return ApiError("ServiceQuotaExceededException", message)


def unknown_model() -> ApiError:
    """Return the error for a base model that does not exist."""
    return invalid("The provided model identifier is invalid.")


def too_many_tags(limit: int, resource: str) -> ApiError:
    """Return the error for more tags than a resource can have."""
    message = f"A resource can have at most {limit} tags."
    return ApiError("TooManyTagsException", message, {"resourceName": resource})


def reserved_key(key: str) -> ApiError:
    """Return the error for a tag key that is reserved for AWS."""
    return invalid(f"The tag key {key} is reserved for AWS, like all keys that begin with aws:.")
