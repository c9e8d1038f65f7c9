"""Every exception of botocore becomes a failure that says what to do."""

from __future__ import annotations

import inspect
import string
from typing import Any

import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError

from controller.adapters.aws.errors import translate_error
from controller.core.call_errors import NOT_UNDERSTOOD
from controller.core.model import Disposition

# Raised after the request went out, or also then: it may have taken effect.
LOST = (
    exceptions.ReadTimeoutError,
    exceptions.HTTPClientError,
    exceptions.SSLError,
    ResponseParserError,
)
# These, although of a kind with the ones above, are raised before anything is sent.
NEVER_SENT = (
    exceptions.EndpointConnectionError,
    exceptions.ConnectTimeoutError,
    exceptions.ProxyConnectionError,
)
CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.NoAuthTokenError,
    exceptions.TokenRetrievalError,
    exceptions.UnauthorizedSSOTokenError,
    exceptions.SSOTokenLoadError,
    exceptions.RefreshWithMFAUnsupportedError,
)
CLASSES = [
    found
    for _, found in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(found, exceptions.BotoCoreError) and found.__module__ == exceptions.__name__
]


def raised(kind: type[Exception]) -> Exception:
    """Return an exception of a class, whatever its constructor asks for."""
    fields = {name: "why" for _, name, _, _ in string.Formatter().parse(_format(kind)) if name}
    accepted = inspect.signature(kind.__init__).parameters
    required: dict[str, Any] = {
        name: {} if name == "last_response" else "why"
        for name, one in accepted.items()
        if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD and name != "self"
    }
    given = {name.partition(".")[0].partition("[")[0]: value for name, value in fields.items()}
    if kind is exceptions.WaiterError or "last_response" in required:
        given = {}
    return kind(**{**given, **required})


def _format(kind: type[Exception]) -> str:
    return str(getattr(kind, "fmt", ""))


def answer(code: str, status: int, message: str = "why") -> exceptions.ClientError:
    """Return what botocore raises when the service answers with an error."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return exceptions.ClientError(response, "CreateModelCustomizationJob")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_exception_has_a_remedy(kind: type[Exception]) -> None:
    """A failure tells what botocore said on one line, and after it what to do."""
    error = raised(kind)
    found = translate_error(error, reading=False)

    assert found is not None
    said, _, remedy = found.message.rpartition("; ")
    assert said == " ".join(str(error).split()).rstrip(".")
    assert len(remedy.split()) >= 2
    assert "\n" not in found.message


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_only_lost_answers_are_ambiguous(kind: type[Exception]) -> None:
    """Only what can be raised after a request went out is ambiguous; what only reads never is."""
    error = raised(kind)
    lost = issubclass(kind, LOST) and not issubclass(kind, NEVER_SENT)

    written, read = translate_error(error, reading=False), translate_error(error, reading=True)

    assert written is not None
    assert read is not None
    assert (written.ambiguous, read.ambiguous) == (lost, False)


@pytest.mark.parametrize("kind", CREDENTIALS, ids=lambda kind: kind.__name__)
def test_missing_credentials_are_denied(kind: type[Exception]) -> None:
    """Without usable credentials nothing is tried again soon."""
    found = translate_error(raised(kind), reading=True)

    assert found is not None
    assert (found.code, found.disposition) == ("NoCredentials", Disposition.DENIED)


@pytest.mark.parametrize(
    ("kind", "code", "disposition", "remedy"),
    [
        (exceptions.NoRegionError, "NoRegion", Disposition.DENIED, "--region"),
        (exceptions.ProfileNotFound, "ProfileNotFound", Disposition.DENIED, "--profile"),
        (exceptions.SSLError, "TlsFailure", Disposition.TRANSIENT, "--ca-bundle"),
        (
            exceptions.EndpointConnectionError,
            "EndpointUnreachable",
            Disposition.TRANSIENT,
            "--endpoint-url",
        ),
        (
            exceptions.ConnectTimeoutError,
            "EndpointUnreachable",
            Disposition.TRANSIENT,
            "the network",
        ),
        (
            exceptions.ProxyConnectionError,
            "EndpointUnreachable",
            Disposition.TRANSIENT,
            "HTTPS_PROXY",
        ),
        (exceptions.ReadTimeoutError, "ReadTimeout", Disposition.TRANSIENT, "--cli-read-timeout"),
        (exceptions.ConnectionClosedError, "ConnectionLost", Disposition.TRANSIENT, "run again"),
        (
            exceptions.ParamValidationError,
            "ParamValidationError",
            Disposition.REFUSED,
            "the manifest",
        ),
        (exceptions.InvalidConfigError, "ClientError", Disposition.DENIED, "configuration"),
    ],
)
def test_exception_means(
    kind: type[Exception], code: str, disposition: Disposition, remedy: str
) -> None:
    """The usual mishaps have codes of their own, and remedies that name the option to use."""
    found = translate_error(raised(kind), reading=False)

    assert found is not None
    assert (found.code, found.disposition) == (code, disposition)
    assert remedy in found.message


def test_garbled_answer_may_have_taken_effect() -> None:
    """An answer that cannot be parsed says nothing of what the service did."""
    found = translate_error(ResponseParserError("Unable to parse"), reading=False)

    assert found is not None
    assert (found.code, found.ambiguous) == (NOT_UNDERSTOOD, True)


@pytest.mark.parametrize("error", [AttributeError("x"), TypeError("x"), KeyError("x")])
def test_answer_of_another_form_may_have_taken_effect(error: Exception) -> None:
    """What makes botocore's parsers stumble is no answer of the service's, and says nothing."""
    written, read = translate_error(error, reading=False), translate_error(error, reading=True)

    assert written is not None
    assert read is not None
    assert (written.code, written.ambiguous, read.ambiguous) == (NOT_UNDERSTOOD, True, False)
    assert "--endpoint-url" in written.message


@pytest.mark.parametrize(
    ("status", "reading", "ambiguous"),
    [
        (400, False, False),
        (429, False, False),
        (500, False, True),
        (503, False, True),
        (500, True, False),
    ],
)
def test_server_errors_may_have_taken_effect(status: int, reading: bool, ambiguous: bool) -> None:
    """After a 5xx nobody knows what a Create did; a 4xx did nothing, and reading never does."""
    found = translate_error(answer("SomeException", status), reading=reading)

    assert found is not None
    assert found.ambiguous is ambiguous


def test_service_is_quoted_verbatim() -> None:
    """The service's own code and message are not touched."""
    found = translate_error(answer("ValidationException", 400, "  as\n it. "), reading=False)

    assert found is not None
    assert (found.code, found.message) == ("ValidationException", "  as\n it. ")


def test_answer_without_details_is_still_a_failure() -> None:
    """A proxy's bare error is a failure without a message."""
    bare: Any = {}
    found = translate_error(exceptions.ClientError(bare, "Get"), reading=True)

    assert found is not None
    assert (found.code, found.disposition) == (NOT_UNDERSTOOD, Disposition.TRANSIENT)


@pytest.mark.parametrize("error", [RuntimeError("x"), AssertionError("x")])
def test_own_mistakes_are_not_explained_away(error: Exception) -> None:
    """What botocore does not raise is no failure of a call."""
    assert translate_error(error, reading=True) is None
