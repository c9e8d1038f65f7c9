"""Whether a webhook comes from who knows the secret, in the forms that forges sign in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

KEY_VARIABLE = "BEDROCK_JOBS_WEBHOOK_SECRET"
SIGNATURE_HEADER = "X-Bedrock-Jobs-Signature"
"""Our own header: what a caller without a form of its own signs with."""

MIN_SECRET_LENGTH = 16
"""Characters of the shortest secret; whoever guesses it may only have the branch pulled."""
_STANDARD = "webhook-signature"
_KEYED = "whsec_"
_HEX = "sha256="


class Headers(Protocol):
    """The headers of a request, whose names are looked up in any case."""

    def get(self, name: str, /) -> str | None:
        """Return the text of a header, None where it is not given."""


class SecretError(Exception):
    """There is no secret to check signatures with; the text says what to do."""


def read_secrets(environ: Mapping[str, str], file: Path | None) -> tuple[str, ...]:
    """Return the secrets that are valid now: a file's lines, or the variable's text.

    Several lines are valid side by side, so that a secret can be replaced without a gap. Raises
    SecretError, which never holds one.
    """
    where = f"the file {file}" if file is not None else KEY_VARIABLE
    try:
        text = file.read_text("utf-8") if file is not None else environ.get(KEY_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise SecretError(f"the webhook's secret cannot be read: {file}: {why}") from error
    secrets = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not secrets or min(map(len, secrets)) < MIN_SECRET_LENGTH:
        raise SecretError(
            f"webhooks need a secret of at least {MIN_SECRET_LENGTH} characters in {where}: "
            "make one with `openssl rand -hex 32`"
        )
    return secrets


def is_signed(headers: Headers) -> bool:
    """Whether a hook claims to be authentic, in any form that is known."""
    return any(headers.get(name) for name in _FORMS)


def is_authentic(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets made one of the signatures, told in constant time."""
    return any(
        hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
        for name, form in _FORMS.items()
        if (signature := headers.get(name))
        for given, expected in form(signature, headers, body, secrets)
    )


def sign_hex(secret: str, body: bytes) -> str:
    """Return what a hook is signed with in GitHub's form and in ours: ``sha256=`` and the HMAC."""
    return _HEX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def sign_standard(secret: str, identifier: str, timestamp: str, body: bytes) -> str:
    """Return one signature of Standard Webhooks, by a key that is written as ``whsec_`` + base64.

    Nothing is returned for another secret.
    """
    if not secret.startswith(_KEYED):
        return ""
    try:
        key = base64.b64decode(secret.removeprefix(_KEYED), validate=True)
    except (binascii.Error, ValueError):
        return ""
    if not key:
        return ""
    signed = f"{identifier}.{timestamp}.".encode("utf-8", "replace") + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


_Pairs = Iterator[tuple[str, str]]
"""What was given beside what each secret would give."""


def _expect_hex(signature: str, _headers: Headers, body: bytes, secrets: Sequence[str]) -> _Pairs:
    for secret in secrets:
        yield signature.strip().lower(), sign_hex(secret, body)


def _expect_standard(
    signature: str, headers: Headers, body: bytes, secrets: Sequence[str]
) -> _Pairs:
    identifier, timestamp = headers.get("webhook-id") or "", headers.get("webhook-timestamp") or ""
    for secret in secrets:
        expected = sign_standard(secret, identifier, timestamp, body)
        # One request may carry several, while the sender replaces its key.
        for one in signature.split() if expected else ():
            yield one, expected


def _expect_plain(
    signature: str, _headers: Headers, _body: bytes, secrets: Sequence[str]
) -> _Pairs:
    for secret in secrets:
        yield signature.strip(), secret


_FORMS: Mapping[str, Callable[[str, Headers, bytes, Sequence[str]], _Pairs]] = {
    "X-Hub-Signature-256": _expect_hex,
    "X-Hub-Signature": _expect_hex,
    SIGNATURE_HEADER: _expect_hex,
    _STANDARD: _expect_standard,
    "X-Gitlab-Token": _expect_plain,
}
"""GitHub's (Gitea's, Forgejo's), Bitbucket's, ours, GitLab's signing token, GitLab's plain one."""
