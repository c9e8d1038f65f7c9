"""What botocore raises, as failures: the service's code and message, or ours with a remedy."""

from __future__ import annotations

from dataclasses import dataclass

from botocore import exceptions
from botocore.parsers import ResponseParserError

from controller.adapters.aws.wire_answers import ResponseNotUnderstoodError, has_error_code
from controller.core.call_errors import NOT_UNDERSTOOD, make_failure
from controller.core.model import CallFailure, Disposition

_NOT_UNDERSTOOD = (ResponseNotUnderstoodError, ResponseParserError, RecursionError)
SERVER_ERROR = 500
"""From this HTTP status on a call may have taken effect all the same."""


@dataclass(frozen=True, slots=True)
class _BotocoreErrorRule:
    """A group of exceptions, the code that we give it, and what the user should do."""

    types: tuple[type[Exception], ...]
    code: str
    remedy: str
    ambiguous: bool = False


# First match wins, so the narrower classes stand before the wider ones.
_RULES = (
    _BotocoreErrorRule(
        (
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.NoAuthTokenError,
        ),
        "NoCredentials",
        "give AWS credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, an instance role) or try --sandbox",
    ),
    _BotocoreErrorRule(
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
    _BotocoreErrorRule((exceptions.NoRegionError,), "NoRegion", "give --region or set AWS_REGION"),
    _BotocoreErrorRule(
        (exceptions.ProfileNotFound,),
        "ProfileNotFound",
        "give --profile the name of one in ~/.aws/config",
    ),
    _BotocoreErrorRule(
        # Mostly a certificate, before anything is sent; but an answer can be garbled as well.
        (exceptions.SSLError,),
        "TlsFailure",
        "give --ca-bundle the certificates of your proxy or endpoint",
        ambiguous=True,
    ),
    _BotocoreErrorRule(
        (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError),
        "EndpointUnreachable",
        "check the network, the region and --endpoint-url",
    ),
    _BotocoreErrorRule(
        (exceptions.ProxyConnectionError,),
        "EndpointUnreachable",
        "check HTTPS_PROXY and NO_PROXY",
    ),
    _BotocoreErrorRule(
        (exceptions.ParamValidationError,), "ParamValidationError", "mend the manifest"
    ),
    _BotocoreErrorRule(
        (exceptions.ReadTimeoutError,),
        "ReadTimeout",
        "run again, or give --cli-read-timeout more seconds",
        ambiguous=True,
    ),
    _BotocoreErrorRule(
        (exceptions.HTTPClientError,),
        "ConnectionLost",
        "run again",
        ambiguous=True,
    ),
    _BotocoreErrorRule(
        (exceptions.BotoCoreError, ValueError), "ClientError", "check the AWS configuration"
    ),
)


def translate_error(error: Exception, *, reading: bool) -> CallFailure | None:
    """Return what an exception of botocore means, or None when it is none of botocore's.

    The texts of client-side errors end with what to do; the service's own stay verbatim.
    """
    if isinstance(error, exceptions.ClientError):
        return _translate_client_error(error, reading=reading)
    if isinstance(error, _NOT_UNDERSTOOD):
        return make_not_understood(" ".join(str(error).split()), reading=reading)
    for row in _RULES:
        if isinstance(error, row.types):
            text = " ".join(str(error).split()).rstrip(".")
            return make_failure(
                row.code,
                f"{text}; {row.remedy}",
                reading=reading,
                ambiguous=row.ambiguous and not reading,
            )
    # Botocore stumbles like this over an answer that lacks what it needs, such as credentials.
    if isinstance(error, AttributeError | TypeError | LookupError):
        return make_not_understood(f"the answer is not the service's ({error})", reading=reading)
    return None


def make_not_understood(text: str, *, reading: bool) -> CallFailure:
    """Return the failure of a call whose answer is not the service's: it may have taken effect."""
    return make_failure(
        NOT_UNDERSTOOD,
        f"{text}; check --endpoint-url and the proxies on the way",
        reading=reading,
        ambiguous=not reading,
    )


def _translate_client_error(error: exceptions.ClientError, *, reading: bool) -> CallFailure:
    """Return the failure of a call that the service answered."""
    detail = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = str(detail.get("Code", "")), str(detail.get("Message", ""))
    if code == NOT_UNDERSTOOD or not has_error_code(code):
        return make_not_understood(
            message or f"HTTP {status} without an error's type", reading=reading
        )
    if reading and status >= SERVER_ERROR:
        # A server that failed found nothing out, whatever type its error claims.
        return CallFailure(code, message, Disposition.TRANSIENT)
    return make_failure(
        code,
        message,
        reading=reading,
        ambiguous=status >= SERVER_ERROR and not reading,
    )
