"""The simulated STS: GetCallerIdentity and AssumeRole."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from controller.sandbox.state.caller import Caller, create_credentials

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_DEFAULT_SECONDS = 3600
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_SESSION_SECONDS = range(900, 43201)


@dataclass(frozen=True, slots=True)
class StsAnswer:
    """A response in the query protocol: status, XML document, and the error code if any."""

    status: int
    xml: str
    code: str | None = None


def parse_form(body: str) -> dict[str, str]:
    """Return the fields of a form."""
    return dict(parse_qsl(body, keep_blank_values=True))


def answer(form: Mapping[str, str], caller: Caller, wall: float) -> StsAnswer:
    """Return the response to a form with an ``Action``; ``wall`` is the time in seconds."""
    action = form.get("Action", "")
    operation = OPERATIONS.get(action)
    if operation is None:
        return _build_error(
            "InvalidAction", f"Could not find operation {action}: this is a sandbox"
        )
    return operation(form, caller, wall)


def build_error_answer(status: int, code: str, message: str) -> StsAnswer:
    """Return an error response in the query protocol."""
    return replace(_build_error(code, message), status=status)


def _get_caller_identity(_form: Mapping[str, str], caller: Caller, _wall: float) -> StsAnswer:
    fields = {"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account}
    return _format_result("GetCallerIdentity", _format_elements(fields))


def _assume_role(form: Mapping[str, str], _caller: Caller, wall: float) -> StsAnswer:
    name = form.get("RoleSessionName", "")
    session = create_credentials(form.get("RoleArn", ""), name)
    seconds = form.get("DurationSeconds", str(_DEFAULT_SECONDS))
    if session is None or not _SESSION_NAME.fullmatch(name):
        return _build_error(
            "ValidationError", "RoleArn is not a role's ARN, or RoleSessionName is invalid"
        )
    if not seconds.isascii() or not seconds.isdigit() or int(seconds) not in _SESSION_SECONDS:
        return _build_error("ValidationError", "DurationSeconds must be between 900 and 43200")
    # Clients compare this with their own clock, so it is wall time.
    expires = datetime.fromtimestamp(wall + int(seconds), UTC)
    credentials = {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret_key,
        "SessionToken": session.token,
        "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
    }
    user = {"AssumedRoleId": session.user_id, "Arn": session.arn}
    inner = f"<Credentials>{_format_elements(credentials)}</Credentials>"
    return _format_result(
        "AssumeRole", f"{inner}<AssumedRoleUser>{_format_elements(user)}</AssumedRoleUser>"
    )


OPERATIONS: Mapping[str, Callable[[Mapping[str, str], Caller, float], StsAnswer]] = {
    "GetCallerIdentity": _get_caller_identity,
    "AssumeRole": _assume_role,
}


def _format_elements(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def _format_result(action: str, inner: str) -> StsAnswer:
    result = f"<{action}Result>{inner}</{action}Result>"
    metadata = "<ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata>"
    name = f"{action}Response"
    return StsAnswer(200, f'<{name} xmlns="{_NAMESPACE}">{result}{metadata}</{name}>')


def _build_error(code: str, message: str) -> StsAnswer:
    fields = _format_elements({"Type": "Sender", "Code": code, "Message": message})
    inner = f"<Error>{fields}</Error><RequestId>sandbox</RequestId>"
    return StsAnswer(400, f'<ErrorResponse xmlns="{_NAMESPACE}">{inner}</ErrorResponse>', code)
