"""What botocore raises, as failures: the service's code and message, or ours with a remedy."""

from __future__ import annotations

from dataclasses import dataclass

from botocore import exceptions
from botocore.parsers import ResponseParserError

from controller.adapters.aws.wire_answers import AnswerNotUnderstoodError, has_error_code
from controller.core.call_errors import NOT_UNDERSTOOD, failure
from controller.core.model import Disposition, Failure

_NOT_UNDERSTOOD = (AnswerNotUnderstoodError, ResponseParserError, RecursionError)
SERVER_ERROR = 500
"""From this HTTP status on a call may have taken effect all the same."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A group of exceptions, the code that we give it, and what the user should do."""

    types: tuple[type[Exception], ...]
    code: str
    remedy: str
    ambiguous: bool = False


# First match wins, so the narrower classes stand before the wider ones.
_TABLE = (
    _Row(
        (
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.NoAuthTokenError,
        ),
        "NoCredentials",
        "give AWS credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, an instance role) or try --sandbox",
    ),
    _Row(
        (
            exceptions.UnauthorizedSSOTokenError,
            exceptions.SSOTokenLoadError,
            exceptions.SSOError,
            exceptions.TokenRetrievalError,
            exceptions.CredentialRetrievalError,
            exceptions.RefreshWithMFAUnsupportedError,
        ),
        "NoCredentials",
        "log in again (aws sso login) or mend the profile",
    ),
    _Row((exceptions.NoRegionError,), "NoRegion", "give --region or set AWS_REGION"),
    _Row(
        (exceptions.ProfileNotFound,),
        "ProfileNotFound",
        "give --profile the name of one in ~/.aws/config",
    ),
    _Row(
        # Mostly a certificate, before anything is sent; but an answer can be garbled as well.
        (exceptions.SSLError,),
        "TlsFailure",
        "give --ca-bundle the certificates of your proxy or endpoint",
        ambiguous=True,
    ),
    _Row(
        (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError),
        "EndpointUnreachable",
        "check the network, the region and --endpoint-url",
    ),
    _Row(
        (exceptions.ProxyConnectionError,),
        "EndpointUnreachable",
        "check HTTPS_PROXY and NO_PROXY",
    ),
    _Row((exceptions.ParamValidationError,), "ParamValidationError", "mend the manifest"),
    _Row(
        (exceptions.ReadTimeoutError,),
        "ReadTimeout",
        "run again, or give --cli-read-timeout more seconds",
        ambiguous=True,
    ),
    _Row(
        (exceptions.HTTPClientError,),
        "ConnectionLost",
        "run again",
        ambiguous=True,
    ),
    _Row((exceptions.BotoCoreError, ValueError), "ClientError", "check the AWS configuration"),
)


def failure_of(error: Exception, *, reading: bool) -> Failure | None:
    """Return what an exception of botocore means, or None when it is none of botocore's.

    The texts of client-side errors end with what to do; the service's own stay verbatim.
    """
    if isinstance(error, exceptions.ClientError):
        return _answered(error, reading=reading)
    if isinstance(error, _NOT_UNDERSTOOD):
        return not_understood(" ".join(str(error).split()), reading=reading)
    for row in _TABLE:
        if isinstance(error, row.types):
            text = " ".join(str(error).split()).rstrip(".")
            return failure(
                row.code,
                f"{text}; {row.remedy}",
                reading=reading,
                ambiguous=row.ambiguous and not reading,
            )
    # Botocore stumbles like this over an answer that lacks what it needs, such as credentials.
    if isinstance(error, AttributeError | TypeError | LookupError):
        return not_understood(f"the answer is not the service's ({error})", reading=reading)
    return None


def not_understood(text: str, *, reading: bool) -> Failure:
    """Return the failure of a call whose answer is not the service's: it may have taken effect."""
    return failure(
        NOT_UNDERSTOOD,
        f"{text}; check --endpoint-url and the proxies on the way",
        reading=reading,
        ambiguous=not reading,
    )


def _answered(error: exceptions.ClientError, *, reading: bool) -> Failure:
    """Return the failure of a call that the service answered."""
    detail = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = str(detail.get("Code", "")), str(detail.get("Message", ""))
    if code == NOT_UNDERSTOOD or not has_error_code(code):
        return not_understood(message or f"HTTP {status} without an error's type", reading=reading)
    if reading and status >= SERVER_ERROR:
        # A server that failed found nothing out, whatever type its error claims.
        return Failure(code, message, Disposition.TRANSIENT)
    return failure(
        code,
        message,
        reading=reading,
        ambiguous=status >= SERVER_ERROR and not reading,
    )
