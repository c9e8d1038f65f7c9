"""What a valid document declares: target and policy as values, and what does not fit yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.core.identity import with_names
from controller.core.kind import Kind
from controller.core.model import OnDelete, OnSpecChange, Policy, State, Target
from controller.core.problems import Code
from controller.core.validation import Finding

_NO_TARGET = Target()
_NO_POLICY = Policy()
_REVISION_LENGTH = len("-") + 8


def target_of(value: Mapping[str, Any] | None) -> Target:
    """Return a document's target; gaps are None."""
    if not value:
        return _NO_TARGET
    return Target(value.get("region"), value.get("accountId"), value.get("assumeRoleArn"))


def policy_of(value: Mapping[str, Any] | None) -> Policy:
    """Return a document's policy, with the defaults of what it leaves open."""
    if not value:
        return _NO_POLICY
    return Policy(
        state=State(value.get("state", _NO_POLICY.state)),
        on_spec_change=OnSpecChange(value.get("onSpecChange", _NO_POLICY.on_spec_change)),
        retries=value.get("onFailure", {}).get("retries", _NO_POLICY.retries),
        attempt=value.get("attempt", _NO_POLICY.attempt),
        adopt=value.get("adopt"),
        on_delete=OnDelete(value.get("onDelete", _NO_POLICY.on_delete)),
        priority=value.get("priority", _NO_POLICY.priority),
    )


def named(kind: Kind, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document with the names that its spec leaves to ``metadata.name`` written out.

    A document that has no usable name or spec is returned as it is.
    """
    name, spec = name_of(document), document.get("spec")
    if name is None or not isinstance(spec, dict):
        return document
    if all(member in spec for member in kind.suffixed_members):
        return document
    absent = {key: name for key in kind.suffixed_members if key not in spec}
    return {**document, "spec": {**spec, **absent}}


def name_of(document: Mapping[str, Any]) -> str | None:
    """Return ``metadata.name``, if it is there and is text."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and name else None


def unoffered(policy: Policy) -> tuple[Finding, ...]:
    """Return what a policy asks for that this release does not carry out."""
    return tuple(
        Finding(Code.POLICY_NOT_OFFERED, path, message, "this release does not do that yet")
        for wanted, path, message in (
            (policy.attempt > 0, ("policy", "attempt"), "an attempt above 0 is not carried out"),
            (
                policy.retries > 0,
                ("policy", "onFailure", "retries"),
                "automatic retries are not carried out",
            ),
            (
                policy.on_spec_change is OnSpecChange.NEW_REVISION,
                ("policy", "onSpecChange"),
                "NewRevision is not carried out",
            ),
        )
        if wanted
    )


def room(policy: Policy) -> int:
    """Return how many characters the longest suffix that a policy can lead to has."""
    revised = policy.on_spec_change is OnSpecChange.NEW_REVISION
    last = policy.attempt + policy.retries
    return (_REVISION_LENGTH if revised else 0) + (len(f"-r{last}") if last else 0)


def too_long(
    kind: Kind, document: Mapping[str, Any], policy: Policy, schema: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield each name that its longest possible suffix would make too long for the service."""
    needed = room(policy)
    if not needed:
        return
    members = schema.get("properties", {}).get("spec", {}).get("properties", {})
    names = with_names(kind, document["spec"], str(name_of(document)))
    for member in kind.suffixed_members:
        limit = members.get(member, {}).get("maxLength")
        if limit is not None and len(names[member]) + needed > limit:
            message = f"the {member} is too long: the policy can add {needed} characters to it"
            hint = f"at most {limit - needed} characters leave room for the suffix"
            yield Finding(Code.NAME_TOO_LONG, ("spec", member), message, hint)
