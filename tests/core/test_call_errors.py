"""What a failed call means for the next one, code by code."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.call_errors import classify_error, make_failure
from controller.core.model import CallFailure, Disposition

NOT_FOUND = "The specified resource Amazon Resource Name (ARN) was not found."
NAME_IN_USE = "The provided job name is currently in use."
MODEL_IN_USE = "The provided model name is currently in use."
DENIED = "is not authorized to perform: bedrock:CreateModelCustomizationJob on resource"

# Code, message, and what follows when the call read, and when it was to change something.
TABLE = [
    ("ValidationException", NAME_IN_USE, Disposition.CONFLICT, Disposition.CONFLICT),
    ("ConflictException", NAME_IN_USE, Disposition.CONFLICT, Disposition.CONFLICT),
    ("ConflictException", "Error occurred.", Disposition.CONFLICT, Disposition.CONFLICT),
    ("ConflictException", MODEL_IN_USE, Disposition.CONFLICT, Disposition.REFUSED),
    (
        "ValidationException",
        "Could not assume provided IAM role. Please make sure it exists.",
        Disposition.TRANSIENT,
        Disposition.TRANSIENT,
    ),
    (
        "ValidationException",
        "The provided model identifier is invalid.",
        Disposition.ABSENT,
        Disposition.REFUSED,
    ),
    (
        "ValidationException",
        "1 validation error detected: Value at 'roleArn' failed to satisfy constraint",
        Disposition.REFUSED,
        Disposition.REFUSED,
    ),
    ("ValidationException", "", Disposition.REFUSED, Disposition.REFUSED),
    ("ResourceNotFoundException", NOT_FOUND, Disposition.ABSENT, Disposition.REFUSED),
    (
        "ResourceNotFoundException",
        "Custom model not found.",
        Disposition.ABSENT,
        Disposition.REFUSED,
    ),
    ("TooManyTagsException", "51 tags", Disposition.REFUSED, Disposition.REFUSED),
    ("ParamValidationError", "Missing required", Disposition.REFUSED, Disposition.REFUSED),
    ("ServiceQuotaExceededException", "2 jobs", Disposition.QUOTA, Disposition.QUOTA),
    ("AccessDeniedException", DENIED, Disposition.DENIED, Disposition.DENIED),
    ("AccessDenied", "sts:AssumeRole", Disposition.DENIED, Disposition.DENIED),
    ("ExpiredTokenException", "expired", Disposition.DENIED, Disposition.DENIED),
    ("ExpiredToken", "expired", Disposition.DENIED, Disposition.DENIED),
    ("UnrecognizedClientException", "invalid token", Disposition.DENIED, Disposition.DENIED),
    ("InvalidClientTokenId", "invalid", Disposition.DENIED, Disposition.DENIED),
    ("SignatureDoesNotMatch", "no match", Disposition.DENIED, Disposition.DENIED),
    ("InvalidSignatureException", "no match", Disposition.DENIED, Disposition.DENIED),
    ("NoCredentials", "none", Disposition.DENIED, Disposition.DENIED),
    ("NoRegion", "none", Disposition.DENIED, Disposition.DENIED),
    ("ProfileNotFound", "none", Disposition.DENIED, Disposition.DENIED),
    ("ClientError", "Invalid endpoint", Disposition.DENIED, Disposition.DENIED),
    ("ThrottlingException", "Too many requests", Disposition.TRANSIENT, Disposition.TRANSIENT),
    ("InternalServerException", "Try again", Disposition.TRANSIENT, Disposition.TRANSIENT),
    ("ServiceUnavailableException", "later", Disposition.TRANSIENT, Disposition.TRANSIENT),
    ("EndpointUnreachable", "refused", Disposition.TRANSIENT, Disposition.TRANSIENT),
    ("ReadTimeout", "no answer", Disposition.TRANSIENT, Disposition.TRANSIENT),
    ("503", "Service Unavailable", Disposition.TRANSIENT, Disposition.TRANSIENT),
    ("Unheard", "of", Disposition.TRANSIENT, Disposition.TRANSIENT),
    ("", "", Disposition.TRANSIENT, Disposition.TRANSIENT),
]


@pytest.mark.parametrize(("code", "message", "reading", "changing"), TABLE)
def test_code_means(code: str, message: str, reading: Disposition, changing: Disposition) -> None:
    """Each code and message has its disposition, for reads and for writes."""
    assert classify_error(code, message, reading=True) is reading
    assert classify_error(code, message, reading=False) is changing


@settings(deadline=None, max_examples=200)
@given(st.text(), st.text(), st.booleans())
def test_unknown_codes_are_transient(code: str, message: str, reading: bool) -> None:
    """A code that is in no row is retried, whatever its message."""
    known = {row[0] for row in TABLE if Disposition.TRANSIENT not in row[2:]}

    if code not in known:
        assert classify_error(code, message, reading=reading) is Disposition.TRANSIENT


@pytest.mark.parametrize(
    ("given_failure", "text"),
    [
        (CallFailure("Code", "why", Disposition.DENIED), "Code: why"),
        (CallFailure("Code", "", Disposition.DENIED), "Code"),
    ],
)
def test_failure_is_printed_verbatim(given_failure: CallFailure, text: str) -> None:
    """A failure is printed as the service's own code and message."""
    assert str(given_failure) == text


@pytest.mark.parametrize("ambiguous", [True, False])
def test_failure_carries_what_is_known(ambiguous: bool) -> None:
    """A failure has its disposition, and says whether the call may have taken effect."""
    made = make_failure("ThrottlingException", "slow down", reading=False, ambiguous=ambiguous)

    assert made == CallFailure("ThrottlingException", "slow down", Disposition.TRANSIENT, ambiguous)
