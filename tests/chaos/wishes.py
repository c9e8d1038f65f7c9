"""What manifests may ever be submitted as, computed from their documents alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.identity.tokens import compute_revision, derive_submission
from controller.core.kinds.registry import KINDS

(KIND,) = KINDS.values()
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """One job that a manifest may have: whose, which attempt, and under which name and token.

    An ``automatic`` one may only follow a failure that can heal. ``before`` is the name of the
    attempt before it, if there is one. ``adopts`` is the ARN that its manifest names.
    """

    manifest: str
    attempt: int
    name: str
    token: str
    automatic: bool
    before: str | None
    adopts: str | None


def wishes(document: Document, owner: str, *, edited: bool) -> Iterator[Wish]:
    """Yield all that a document may be submitted as; revisions only of a spec that was ``edited``.

    A manifest that is Suspended or Stopped submits nothing.
    """
    policy = document.get("policy", {})
    if policy.get("state", "Submitted") == "Submitted":
        first = policy.get("attempt", 0)
        retries = policy.get("onFailure", {}).get("retries", 0)
        revises = edited and policy.get("onSpecChange") == "NewRevision"
        for revised in (False, True) if revises else (False,):
            for attempt in range(first, first + retries + 1):
                yield wish(document, owner, attempt, revised=revised)


def wish(document: Document, owner: str, attempt: int, *, revised: bool) -> Wish:
    """Return what a document is submitted as in an attempt, of today's spec if ``revised``."""
    name, spec, policy = document["metadata"]["name"], document["spec"], document.get("policy", {})
    revision = compute_revision(KIND, spec, name) if revised else ""
    made, before = (
        derive_submission(KIND, spec, name, owner, attempt=each, revision=revision)
        for each in (attempt, max(attempt - 1, 0))
    )
    return Wish(
        manifest=name,
        attempt=attempt,
        name=made.name,
        token=made.token,
        automatic=attempt > policy.get("attempt", 0),
        before=before.name if attempt else None,
        adopts=policy.get("adopt"),
    )


def lineage(document: Document, owner: str, *, revised: bool, most: int = 9) -> list[Wish]:
    """Return a document's attempts, as many as any scenario makes."""
    return [wish(document, owner, attempt, revised=revised) for attempt in range(most)]
