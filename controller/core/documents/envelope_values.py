"""What a valid document declares: its target and policy as values, its names written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import (
    Target,
)
from controller.core.policy import OnDelete, OnSpecChange, Policy, State

_NO_TARGET = Target()
_NO_POLICY = Policy()


def parse_target(value: Mapping[str, Any] | None) -> Target:
    """Return a document's target; gaps are None."""
    if not value:
        return _NO_TARGET
    return Target(value.get("region"), value.get("accountId"), value.get("assumeRoleArn"))


def parse_policy(value: Mapping[str, Any] | None) -> Policy:
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


def fill_in_names(kind: Kind, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document with the names that its spec leaves to ``metadata.name`` written out.

    A document that has no usable name or spec is returned as it is.
    """
    name, spec = get_manifest_name(document), document.get("spec")
    if name is None or not isinstance(spec, dict):
        return document
    absent = {key: name for key in kind.suffixed_members if key not in spec}
    if not absent:
        return document
    return {**document, "spec": {**spec, **absent}}


def get_manifest_name(document: Mapping[str, Any]) -> str | None:
    """Return ``metadata.name``, if it is there and is text."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and name else None
