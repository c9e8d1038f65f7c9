"""Who a job is: digest, token and names, derived from the manifest and the owner alone.

Nothing here may ever change its answer: golden vectors in the tests freeze it. Another scheme
would carry another prefix, and this one would still be recognised.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

import rfc8785

from controller.core.kinds.kind import Kind
from controller.core.model import Submission

SCHEME = "bj1-"
DIGEST_VERSION = 1
_SUFFIX = re.compile(r"(?:-[0-9a-f]{8})?(?:-r[0-9]+)?")
_ATTEMPT = re.compile(r"-r([1-9][0-9]{0,2})\Z")
_REVISION = re.compile(r"-[0-9a-f]{8}\Z")
_ENDING = re.compile(r"-(?:r[1-9][0-9]{0,2}|[0-9a-f]{8})\Z")


class Ownership(StrEnum):
    """Whose job a token shows: this manifest's, this owner's with another spec, or neither."""

    SAME = "same"
    CHANGED = "changed"
    FOREIGN = "foreign"


def digest(kind: Kind, request: Mapping[str, Any], attempt: int) -> str:
    """Equal requests have equal digests, whatever their key order; tags and token do not count.

    The digest is the SHA-256, in hex, of the RFC 8785 form.
    """
    outside = {kind.token_member, *kind.tag_members}
    counted = {name: value for name, value in request.items() if name not in outside}
    document: dict[str, Any] = {
        "v": DIGEST_VERSION,
        "kind": kind.name,
        "attempt": attempt,
        "request": counted,
    }
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


@lru_cache(maxsize=16)
def owner_mark(owner: str) -> str:
    """All tokens of one owner, and of no other, begin with its mark."""
    return f"{SCHEME}{hashlib.sha256(owner.encode()).hexdigest()[:8]}-"


def token(owner: str, request_digest: str) -> str:
    """Return the client request token of a digest under an owner: 77 characters."""
    return owner_mark(owner) + request_digest


def digest_of(job_token: str | None) -> str:
    """Return the digest that one of our tokens carries, or the empty string."""
    if job_token is None or not job_token.startswith(SCHEME):
        return ""
    return job_token.rpartition("-")[2]


def ownership(job_token: str, submission: Submission, owner: str) -> Ownership:
    """Decide whose job a token shows."""
    if job_token == submission.token:
        return Ownership.SAME
    if job_token.startswith(owner_mark(owner)):
        return Ownership.CHANGED
    return Ownership.FOREIGN


def with_names(kind: Kind, spec: Mapping[str, Any], name: str, suffix: str = "") -> dict[str, Any]:
    """Return the request of a spec: names defaulted to the manifest's, then suffixed.

    The members stand in the order of the spec; no value of it is touched.
    """
    request = dict(spec)
    for member in kind.suffixed_members:
        request[member] = f"{request.get(member, name)}{suffix}"
    return request


def suffix_of(name: str, plain: str) -> str | None:
    """Return what a retry or a revision added to a plain name, or None if it is no such name.

    >>> suffix_of("support-bot-1a2b3c4d-r2", "support-bot")
    '-1a2b3c4d-r2'
    """
    rest = name.removeprefix(plain)
    return rest if name.startswith(plain) and _SUFFIX.fullmatch(rest) else None


def is_suffixed(name: str) -> bool:
    """Whether a name may be that of a retry or a revision, as far as its end tells."""
    return _ENDING.search(name) is not None


def stems(name: str) -> Iterator[tuple[str, int, bool]]:
    """Yield each name that, with a suffix, is this one: the name, its attempt, whether revised.

    >>> list(stems("support-bot-1a2b3c4d-r2"))
    [('support-bot-1a2b3c4d', 2, False), ('support-bot', 2, True)]
    """
    attempt = 0
    if found := _ATTEMPT.search(name):
        name, attempt = name[: found.start()], int(found[1])
        yield name, attempt, False
    if found := _REVISION.search(name):
        yield name[: found.start()], attempt, True


def submission(
    kind: Kind,
    spec: Mapping[str, Any],
    name: str,
    owner: str,
    *,
    attempt: int = 0,
    revision: str = "",
) -> Submission:
    """A submission is a function of its arguments alone, with no stored state.

    ``revision`` is the first eight of the digest that the unsuffixed request has at attempt 0;
    attempts above 0 end the names with ``-rN``.
    """
    suffix = f"-{revision}" if revision else ""
    if attempt:
        suffix += f"-r{attempt}"
    request = with_names(kind, spec, name, suffix)
    request_digest = digest(kind, request, attempt)
    return Submission(
        name=str(request[kind.name_member]),
        attempt=attempt,
        request=request,
        digest=request_digest,
        token=token(owner, request_digest),
        revision=revision,
    )


def revision_of(kind: Kind, spec: Mapping[str, Any], name: str) -> str:
    """Return the eight digits that a new revision's names end with."""
    return digest(kind, with_names(kind, spec, name), 0)[:8]
