"""What is wrong with a document that keeps its schema: names, policy and tags held together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.core.documents.envelope_values import get_manifest_name, parse_policy, parse_target
from controller.core.findings import ValueFinding
from controller.core.fleet import Fleet, find_violations
from controller.core.identity.tags import DIGEST, MANIFEST, OWNER, STAMP, get_job_tag_member
from controller.core.identity.tokens import fill_names
from controller.core.kinds.kind import Kind
from controller.core.model import (
    Target,
)
from controller.core.policy import OnSpecChange, Policy
from controller.core.problems import Code
from controller.core.validation.schema_checker import SchemaChecker

MOST_TAGS = 50
"""How many tags AWS takes on one resource, its own not counted."""

_ADOPT = ("policy", "adopt")
_REVISION = "-00000000"
_SERVICE = "bedrock"
_OF_AWS = "aws:"
_STAMPS = (OWNER, MANIFEST, DIGEST)


def check_manifest(
    kind: Kind, document: Mapping[str, Any], checker: SchemaChecker, fleet: Fleet
) -> Iterator[ValueFinding]:
    """Yield what the kind, the policy and the fleet refuse in a document that keeps its schema.

    It must keep it with its names written out, as ``named`` does.
    """
    target, declared = parse_target(document.get("target")), document.get("policy")
    if declared:
        policy = parse_policy(declared)
        yield from find_unfit_names(kind, document, policy, checker)
        yield from find_contradictions(kind, policy, target.fill_from(fleet.target))
    yield from find_unfit_tags(kind, document["spec"], fleet)
    yield from find_violations(kind, target, document["spec"], fleet)


def find_longest_suffix(policy: Policy) -> str:
    """Return a suffix as long as any that a policy can lead to; empty when it leads to none."""
    revised = policy.on_spec_change is OnSpecChange.NEW_REVISION
    last = policy.attempt + policy.retries
    return (_REVISION if revised else "") + (f"-r{last}" if last else "")


def find_unfit_names(
    kind: Kind, document: Mapping[str, Any], policy: Policy, checker: SchemaChecker
) -> Iterator[ValueFinding]:
    """Yield each name that is no name any more with the longest suffix that it may get."""
    suffix = find_longest_suffix(policy)
    if not suffix:
        return
    name = str(get_manifest_name(document))
    wrong = _find_wrong_name(kind, document, name, checker, suffix) - _find_wrong_name(
        kind, document, name, checker
    )
    names = fill_names(kind, document["spec"], name, suffix)
    members = checker.schema["properties"]["spec"]["properties"]
    for member in kind.suffixed_members:
        if ("spec", member) in wrong:
            yield _report_unfit_name(
                member, names[member], suffix, members[member].get("maxLength")
            )


def _find_wrong_name(
    kind: Kind, document: Mapping[str, Any], name: str, checker: SchemaChecker, suffix: str = ""
) -> set[tuple[str | int, ...]]:
    named = {**document, "spec": fill_names(kind, document["spec"], name, suffix)}
    return {finding.path for finding in checker.find_mistakes(named)}


def _report_unfit_name(member: str, name: str, suffix: str, limit: int | None) -> ValueFinding:
    path = ("spec", member)
    if limit is not None and len(name) > limit:
        message = f"the {member} is too long: the policy can add {len(suffix)} characters to it"
        hint = f"at most {limit - len(suffix)} characters leave room for the suffix"
        return ValueFinding(Code.NAME_TOO_LONG, path, message, hint)
    message = f"the {member} cannot take a suffix such as {suffix}, which the policy can add to it"
    return ValueFinding(Code.SUFFIX_UNFIT, path, message, "end it with a letter or a digit")


def find_contradictions(kind: Kind, policy: Policy, target: Target) -> Iterator[ValueFinding]:
    """Yield what in a policy cannot be carried out together, or not where the target is.

    ``target`` has its gaps filled; what is still open there is for the one who resolves it.
    """
    if policy.adopt is None:
        return
    if policy.on_spec_change is OnSpecChange.NEW_REVISION:
        message = "`adopt` and onSpecChange NewRevision contradict each other"
        hint = (
            "an adopted job stands for the spec as it is: leave onSpecChange at Hold, or delete"
            " adopt and let a job of its own run"
        )
        yield ValueFinding(Code.CONTRADICTION, _ADOPT, message, hint)
    yield from _find_other_places(kind, policy.adopt, target)


def _find_other_places(kind: Kind, adopted: str, target: Target) -> Iterator[ValueFinding]:
    """Yield why the job of an ARN cannot be one that is made where the target is."""
    # A resource may hold colons of its own, so only the first five separate.
    _, _, service, region, account, resource = adopted.split(":", 5)
    typed, _, identifier = resource.partition("/")
    if (service, typed) != (_SERVICE, kind.resource) or not (region and account and identifier):
        message = f"`adopt` is not the ARN of a {kind.resource}"
        hint = f"arn:aws:{_SERVICE}:<region>:<account>:{kind.resource}/…, as the service shows it"
        yield ValueFinding(Code.ADOPTED_ELSEWHERE, _ADOPT, message, hint)
        return
    role = target.assume_role_arn
    for what, key, theirs, ours in (
        ("account", "accountId", account, target.account_id or (role and role.split(":")[4])),
        ("region", "region", region, target.region),
    ):
        if ours and ours != theirs:
            message = f"`adopt` names a job in {what} {theirs}, and the target is in {ours}"
            hint = f"set target.{key} to {theirs}, or adopt a job that is in {ours}"
            yield ValueFinding(Code.ADOPTED_ELSEWHERE, _ADOPT, message, hint)


def find_unfit_tags(kind: Kind, spec: Mapping[str, Any], fleet: Fleet) -> Iterator[ValueFinding]:
    """Yield what is wrong with a spec's tags, which the service would refuse or we would lose."""
    for member in kind.tag_members:
        tags = spec.get(member)
        if not tags:
            continue
        stamps = len(_STAMPS) if fleet.stamp_tags and member == get_job_tag_member(kind) else 0
        if len(tags) > MOST_TAGS - stamps:
            message = f"there are {len(tags)} tags, and at most {MOST_TAGS - stamps} fit"
            hint = "stampTags of the fleet adds three more" if stamps else "delete some"
            yield ValueFinding(Code.TOO_MANY_TAGS, ("spec", member), message, hint)
        yield from _find_unfit_keys(member, tags)


def _find_unfit_keys(member: str, tags: list[dict[str, str]]) -> Iterator[ValueFinding]:
    seen: set[str] = set()
    for index, tag in enumerate(tags):
        key, path = tag["key"], ("spec", member, index, "key")
        if key in seen:
            hint = "a resource has one value for a key; delete one of them"
            yield ValueFinding(Code.TAG_TWICE, path, f"the tag {key} stands twice", hint)
        seen.add(key)
        if key.lower().startswith(_OF_AWS):
            message = f"only AWS itself sets tags that begin with `{_OF_AWS}`"
            yield ValueFinding(Code.TAG_RESERVED, path, message, "choose another key")
        elif key.startswith(STAMP):
            message = f"keys that begin with `{STAMP}` say which manifest a job is from"
            hint = "choose another key; stampTags in bedrock-jobs.yaml sets these"
            yield ValueFinding(Code.TAG_RESERVED, path, message, hint)
