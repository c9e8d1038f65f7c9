"""Checks whether a response comes from the service and is about what was requested.

Each function returns what is wrong with a response, in words, or None if it can be trusted. Real
responses omit members that the API model calls required, so only members that decisions depend on
are checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import Place

_ARN = "arn:"
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_PARTS = 6
_MAX_SHOWN = 80


def find_fault_in_job(
    kind: Kind, place: Place, identifier: str, members: Mapping[str, Any]
) -> str | None:
    """Return what is wrong with a Get response for the job with this name or ARN."""
    fault = _find_fault(kind, place, kind.name_member, members)
    if fault is not None:
        return fault
    # A job with another name or ARN than requested would be taken for the manifest's own.
    member = kind.arn_member if identifier.startswith(_ARN) else kind.name_member
    if members[member] != identifier:
        return f"it is about {_truncate_value(members[member])}, not about {identifier}"
    token = members.get(kind.token_member)
    if kind.echoes_token and token is not None and not _is_text(token):
        return f"its {kind.token_member} is {_truncate_value(token)}"
    return None


def find_fault_in_summary(kind: Kind, place: Place, members: Any) -> str | None:
    """Return what is wrong with one summary of a List response."""
    if not isinstance(members, Mapping):
        return f"a summary is {_truncate_value(members)}"
    return _find_fault(kind, place, kind.listed_name_member or kind.name_member, members)


def find_fault_in_page(kind: Kind, page: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a page of a List response, apart from its summaries."""
    summaries, following = page.get(kind.summaries_member), page.get("nextToken")
    if not isinstance(summaries, list):
        return f"its {kind.summaries_member} is {_truncate_value(summaries)}"
    if following is not None and not _is_text(following):
        return f"its nextToken is {_truncate_value(following)}"
    return None


def find_fault_in_arn(kind: Kind, place: Place, arn: Any) -> str | None:
    """Return what is wrong with an ARN that should be that of a job of this kind in this place.

    An empty account in ``place`` means that it is not known; then any account is accepted.
    """
    # The resource part may contain colons itself, so only the first five separate.
    parts = arn.split(":", 5) if isinstance(arn, str) else []
    if len(parts) == _PARTS:
        scheme, partition, service, where, account, resource = parts
        typed, _, name = resource.partition("/")
        is_account = account == place.account_id or not place.account_id
        is_place = where == place.region and is_account and _ACCOUNT.fullmatch(account)
        is_kind = (service, typed) == ("bedrock", kind.resource) and bool(name)
        if scheme == "arn" and partition.startswith("aws") and is_place and is_kind:
            return None
    asked = str(place) if place.account_id else place.region
    text = _truncate_value(arn)
    return f"its {kind.arn_member} is {text}, which is not a {kind.resource} in {asked}"


def find_fault_in_tags(tags: Any) -> str | None:
    """Return what is wrong with a list of tags."""
    if isinstance(tags, list) and all(map(_is_tag, tags)):
        return None
    return f"its tags are {_truncate_value(tags)}"


def find_fault_in_account(account: Any) -> str | None:
    """Return what is wrong with the account in a GetCallerIdentity response."""
    if isinstance(account, str) and _ACCOUNT.fullmatch(account):
        return None
    return f"its Account is {_truncate_value(account)}"


def _find_fault(
    kind: Kind, place: Place, name_member: str, members: Mapping[str, Any]
) -> str | None:
    for member in (kind.arn_member, name_member, kind.status_member, kind.created_member):
        if member and not _is_text(members.get(member)):
            return f"its {member} is {_truncate_value(members.get(member))}"
    return find_fault_in_arn(kind, place, members[kind.arn_member])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_tag(tag: Any) -> bool:
    return (
        isinstance(tag, Mapping) and _is_text(tag.get("key")) and isinstance(tag.get("value"), str)
    )


def _truncate_value(value: Any) -> str:
    """Return a value in a few characters; it may be megabytes of anything."""
    if value is None:
        return "missing"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
