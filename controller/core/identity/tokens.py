"""The identity of a job: digest, token and names, derived from the manifest and owner alone.

The results must never change: golden vectors in the tests freeze them. A new scheme would have a
new prefix, and this one would still be recognized.
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
    """Whose a job is by its token: this manifest's, this owner's with another spec, or foreign."""

    SAME = "same"
    CHANGED = "changed"
    FOREIGN = "foreign"


def compute_digest(kind: Kind, request: Mapping[str, Any], attempt: int) -> str:
    """Return the SHA-256, in hex, of a request's RFC 8785 form, without its tags and token.

    Equal requests have equal digests, whatever the order of their keys.
    """
    # Tags can be corrected later, so they must not make it another job.
    ignored = {kind.token_member, *kind.tag_members}
    counted = {name: value for name, value in request.items() if name not in ignored}
    document: dict[str, Any] = {
        # Part of what is hashed, so that another version cannot produce the same digest.
        "v": DIGEST_VERSION,
        "kind": kind.name,
        "attempt": attempt,
        "request": counted,
    }
    # RFC 8785 fixes key order and number formats, so any implementation gets the same digest.
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


@lru_cache(maxsize=16)
def get_owner_prefix(owner: str) -> str:
    """Return the prefix that all tokens of an owner, and no others, begin with."""
    return f"{SCHEME}{hashlib.sha256(owner.encode()).hexdigest()[:8]}-"


def build_token(owner: str, request_digest: str) -> str:
    """Return the client request token of a digest under an owner: 77 characters."""
    return get_owner_prefix(owner) + request_digest


def parse_digest(job_token: str | None) -> str:
    """Return the digest inside one of our tokens, or an empty string."""
    if job_token is None or not job_token.startswith(SCHEME):
        return ""
    return job_token.rpartition("-")[2]


def classify_token(job_token: str, submission: Submission, owner: str) -> Ownership:
    """Return whose a job with this token is."""
    if job_token == submission.token:
        return Ownership.SAME
    if job_token.startswith(get_owner_prefix(owner)):
        return Ownership.CHANGED
    return Ownership.FOREIGN


def fill_names(kind: Kind, spec: Mapping[str, Any], name: str, suffix: str = "") -> dict[str, Any]:
    """Return the request of a spec: names default to the manifest's, then get the suffix.

    Members keep the order of the spec, and no other value is changed.
    """
    request = dict(spec)
    for member in kind.suffixed_members:
        # Every unique name gets the suffix; otherwise a retry would conflict with the first job.
        request[member] = f"{request.get(member, name)}{suffix}"
    return request


def find_suffix(name: str, plain: str) -> str | None:
    """Return the suffix that a retry or revision added to a plain name, or None if it is none.

    >>> find_suffix("support-bot-1a2b3c4d-r2", "support-bot")
    '-1a2b3c4d-r2'
    """
    rest = name.removeprefix(plain)
    return rest if name.startswith(plain) and _SUFFIX.fullmatch(rest) else None


def is_suffixed(name: str) -> bool:
    """Whether a name may be that of a retry or a revision, judged by its end."""
    return _ENDING.search(name) is not None


def iter_stems(name: str) -> Iterator[tuple[str, int, bool]]:
    """Yield each name that becomes this one with a suffix: name, attempt, whether it is a revision.

    >>> list(iter_stems("support-bot-1a2b3c4d-r2"))
    [('support-bot-1a2b3c4d', 2, False), ('support-bot', 2, True)]
    """
    attempt = 0
    # The attempt comes last in a name, after the revision.
    if found := _ATTEMPT.search(name):
        name, attempt = name[: found.start()], int(found[1])
        yield name, attempt, False
    if found := _REVISION.search(name):
        yield name[: found.start()], attempt, True


def derive_submission(
    kind: Kind,
    spec: Mapping[str, Any],
    name: str,
    owner: str,
    *,
    attempt: int = 0,
    revision: str = "",
) -> Submission:
    """Return a submission, which is a function of the arguments alone, without stored state.

    ``revision`` is the first eight digits of the digest that the unsuffixed request has at attempt
    0; attempts above 0 end the names with ``-rN``.
    """
    suffix = f"-{revision}" if revision else ""
    if attempt:
        suffix += f"-r{attempt}"
    request = fill_names(kind, spec, name, suffix)
    request_digest = compute_digest(kind, request, attempt)
    return Submission(
        name=str(request[kind.name_member]),
        attempt=attempt,
        request=request,
        digest=request_digest,
        token=build_token(owner, request_digest),
        revision=revision,
    )


def compute_revision(kind: Kind, spec: Mapping[str, Any], name: str) -> str:
    """Return the eight digits that the names of a new revision end with."""
    return compute_digest(kind, fill_names(kind, spec, name), 0)[:8]
