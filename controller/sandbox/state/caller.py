"""The caller: account and region according to the request's signature."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_REGION = "us-east-1"
_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]{1,25})/[a-z0-9-]+/aws4_request")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:[^\s]*/)?([\w+=,.@-]+)")
# Temporary keys contain the account, so that none has to be stored.
_TEMPORARY_KEY = re.compile(r"ASIA(\d{12})[A-Z2-7]{4}")


@dataclass(frozen=True, slots=True)
class Caller:
    """An account in a region, and the ARN that STS returns for the credentials."""

    account: str
    region: str
    arn: str
    user_id: str

    @property
    def partition(self) -> str:
        """The ARN partition of the caller's region."""
        return get_partition(self.region)


@dataclass(frozen=True, slots=True)
class TemporaryCredentials:
    """Temporary credentials; nothing is stored, they contain the caller themselves."""

    account: str
    arn: str
    user_id: str
    access_key: str
    secret_key: str
    token: str


def get_partition(region: str) -> str:
    """Return the ARN partition of a region."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def parse_caller(headers: Mapping[str, str], account: str) -> Caller:
    """Return the caller; a request without a signature is from the default region.

    ``account`` is the account of credentials that AssumeRole did not create.
    """
    scope = _SCOPE.search(headers.get("authorization", ""))
    key, region = scope.groups() if scope else ("", DEFAULT_REGION)
    temporary = _TEMPORARY_KEY.fullmatch(key)
    if temporary:
        shown = _decode_token(headers.get("x-amz-security-token", ""))
        owner = temporary[1]
        fallback = f"arn:{get_partition(region)}:sts::{owner}:assumed-role/sandbox/sandbox"
        return Caller(owner, region, shown.get("arn", fallback), shown.get("user", key))
    user = f"arn:{get_partition(region)}:iam::{account}:user/sandbox"
    return Caller(account, region, user, "AIDASANDBOXSANDBOX123")


def create_credentials(role_arn: str, session_name: str) -> TemporaryCredentials | None:
    """Return credentials derived from the arguments, or None if the ARN is not of a role."""
    match = _ROLE_ARN.fullmatch(role_arn)
    if match is None:
        return None
    account, role = match.groups()
    secret = hashlib.sha256(f"{role_arn} {session_name}".encode()).digest()
    letters = base64.b32encode(secret).decode()
    partition = role_arn.split(":")[1]
    arn = f"arn:{partition}:sts::{account}:assumed-role/{role}/{session_name}"
    user_id = f"AROA{letters[4:20]}:{session_name}"
    token = base64.urlsafe_b64encode(json.dumps({"arn": arn, "user": user_id}).encode()).decode()
    return TemporaryCredentials(
        account, arn, user_id, f"ASIA{account}{letters[:4]}", letters[20:52], token
    )


def _decode_token(token: str) -> dict[str, str]:
    """Return the session in a session token of the sandbox, or nothing for others."""
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
