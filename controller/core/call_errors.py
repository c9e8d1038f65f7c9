"""The table that classifies failed calls by what they mean for the next call."""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.model import CallFailure, Disposition

NAME_IN_USE = "The provided job name is currently in use."
ROLE_NOT_ASSUMABLE = "Could not assume provided IAM role"
"""The service's message for a role that cannot be assumed, including one created moments ago."""
NO_SUCH_IDENTIFIER = "identifier"
"""Part of the service's message when it is asked for something that does not exist."""
MODEL_NAME = "model name"
"""Part of the message for a name in use by another model, which no lookup of jobs can find."""
NOT_UNDERSTOOD = "AnswerNotUnderstood"
"""Our own code for a response that is not the service's, or not about what was requested."""


@dataclass(frozen=True, slots=True)
class _ErrorRule:
    """One line of the table: a code, a text its message must contain, and the disposition."""

    code: str
    disposition: Disposition
    text: str = ""
    reading: bool | None = None

    def is_match(self, code: str, message: str, *, reading: bool) -> bool:
        return (
            self.code == code
            and self.text in message
            and (self.reading is None or self.reading == reading)
        )


# The first match wins. The table includes codes that the service does not declare but that proxies,
# STS or clients raise, so that nothing else needs to know about them.
_TABLE = (
    _ErrorRule("ValidationException", Disposition.CONFLICT, NAME_IN_USE),
    _ErrorRule("ValidationException", Disposition.TRANSIENT, ROLE_NOT_ASSUMABLE),
    _ErrorRule("ValidationException", Disposition.ABSENT, NO_SUCH_IDENTIFIER, reading=True),
    _ErrorRule("ValidationException", Disposition.REFUSED),
    # No job has the model's name, so waiting for one to become visible would never end.
    _ErrorRule("ConflictException", Disposition.REFUSED, MODEL_NAME, reading=False),
    _ErrorRule("ConflictException", Disposition.CONFLICT),
    _ErrorRule("ResourceNotFoundException", Disposition.ABSENT, reading=True),
    _ErrorRule("ResourceNotFoundException", Disposition.REFUSED),
    _ErrorRule("TooManyTagsException", Disposition.REFUSED),
    _ErrorRule("ParamValidationError", Disposition.REFUSED),
    _ErrorRule("ServiceQuotaExceededException", Disposition.QUOTA),
    _ErrorRule("AccessDeniedException", Disposition.DENIED),
    _ErrorRule("AccessDenied", Disposition.DENIED),
    _ErrorRule("UnrecognizedClientException", Disposition.DENIED),
    _ErrorRule("InvalidClientTokenId", Disposition.DENIED),
    _ErrorRule("InvalidSignatureException", Disposition.DENIED),
    _ErrorRule("SignatureDoesNotMatch", Disposition.DENIED),
    _ErrorRule("ExpiredToken", Disposition.DENIED),
    _ErrorRule("ExpiredTokenException", Disposition.DENIED),
    _ErrorRule("NoCredentials", Disposition.DENIED),
    _ErrorRule("NoRegion", Disposition.DENIED),
    _ErrorRule("ProfileNotFound", Disposition.DENIED),
    _ErrorRule("ClientError", Disposition.DENIED),
)


def classify_error(code: str, message: str, *, reading: bool) -> Disposition:
    """Return the disposition of an error; a code that is not in the table is Transient.

    ``reading`` says whether the call only read: there a missing resource is a valid answer,
    elsewhere it is a refusal.
    """
    for row in _TABLE:
        if row.is_match(code, message, reading=reading):
            return row.disposition
    # An unknown error is retried: giving up on one that passes would need a person.
    return Disposition.TRANSIENT


def make_failure(code: str, message: str, *, reading: bool, ambiguous: bool = False) -> CallFailure:
    """Return a call's failure with its disposition."""
    return CallFailure(code, message, classify_error(code, message, reading=reading), ambiguous)
