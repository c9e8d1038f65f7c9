"""The fleet's configuration (bedrock-jobs.yaml) and the rules that it sets for all manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from controller.core.documents.envelope_values import parse_target
from controller.core.findings import ValueFinding
from controller.core.kinds.base_models import get_foundation_model
from controller.core.kinds.kind import Kind
from controller.core.model import Target
from controller.core.problems import Code

MAX_SUBMITS = 50
_S3 = "s3://"
FLEET_RULE_CODES = frozenset(
    code.code
    for code in (
        Code.FORBIDDEN_ACCOUNT,
        Code.FORBIDDEN_REGION,
        Code.FORBIDDEN_ROLE,
        Code.FORBIDDEN_MODEL,
        Code.FORBIDDEN_LOCATION,
        Code.TAG_REQUIRED,
        Code.KMS_REQUIRED,
        Code.VPC_REQUIRED,
    )
)
"""The problem codes of ``allow`` and ``require`` rules: they prevent a submit, never a stop."""
_NO_TARGET = Target()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one pass may do; a ``max_active`` of None leaves it to the service's quota."""

    max_submits: int = MAX_SUBMITS
    max_active: int | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """The values that manifests may use; None allows all, an empty list none.

    ``*`` matches any text, except in ``s3_prefixes``, where it ends at a slash: a pattern for a
    bucket must not match a folder in another bucket.
    """

    accounts: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    role_arns: tuple[str, ...] | None = None
    base_models: tuple[str, ...] | None = None
    s3_prefixes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Require:
    """What every manifest must have: certain keys of job tags, a KMS key, a VPC."""

    tags: tuple[str, ...] = ()
    kms: bool = False
    vpc: bool = False


@dataclass(frozen=True, slots=True)
class Failures:
    """Failure messages, with ``*`` for any text, that extend the built-in table.

    A failure in ``healing`` may be retried; one in ``lasting`` never is, and takes precedence.
    """

    healing: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fleet:
    """The parsed fleet file; without a file there is no owner and there are no rules.

    ``stamp_tags`` says whether each job gets tags that lead back to its manifest; ``named``,
    whether --config named the file, so that files in the tree are ignored.
    """

    owner: str = ""
    target: Target = _NO_TARGET
    limits: Limits = Limits()
    allow: Allow = Allow()
    require: Require = Require()
    failures: Failures = Failures()
    stamp_tags: bool = False
    named: bool = False


def parse_fleet(value: Mapping[str, Any]) -> Fleet:
    """Return the fleet that a valid fleet file describes."""
    limits, allow, require, failures = (
        value.get(key) or {} for key in ("limits", "allow", "require", "failures")
    )
    return Fleet(
        owner=value.get("owner", ""),
        target=parse_target(value.get("target")),
        limits=Limits(limits.get("maxSubmits", MAX_SUBMITS), limits.get("maxActive")),
        allow=Allow(
            *(
                tuple(allow[key]) if key in allow else None
                for key in ("accounts", "regions", "roleArns", "baseModels", "s3Prefixes")
            )
        ),
        require=Require(
            tuple(require.get("tags", ())), require.get("kms", False), require.get("vpc", False)
        ),
        failures=Failures(tuple(failures.get("healing", ())), tuple(failures.get("lasting", ()))),
        stamp_tags=value.get("stampTags", False),
    )


def find_violations(
    kind: Kind, target: Target, spec: Mapping[str, Any], fleet: Fleet
) -> tuple[ValueFinding, ...]:
    """Return every violation of the fleet's allow and require rules in a manifest.

    ``target`` is the manifest's own; the fleet's fills its gaps. What is still open then is checked
    once the credentials are resolved.
    """
    # Most fleets have no rules, and this runs for every manifest.
    if fleet.allow == _ALL and fleet.require == _NOTHING:
        return ()
    return (
        *find_target_violations(target.fill_from(fleet.target), fleet),
        *_iter_member_violations(kind, spec, fleet.allow),
        *_iter_missing(kind, spec, fleet.require),
    )


# A tree has many manifests and few targets.
@lru_cache(maxsize=256)
def find_target_violations(target: Target, fleet: Fleet) -> tuple[ValueFinding, ...]:
    """Return the violations in a target, as far as the target is known."""
    held = (
        (Code.FORBIDDEN_ACCOUNT, "accountId", target.account_id, fleet.allow.accounts, "accounts"),
        (Code.FORBIDDEN_REGION, "region", target.region, fleet.allow.regions, "regions"),
    )
    return tuple(
        _make_violation(code, ("target", key), value, allowed, rule)
        for code, key, value, allowed, rule in held
        if value and allowed is not None and not _has_match(allowed, value)
    )


def is_match(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern with ``*`` for any text; case-sensitive, in linear time.

    >>> is_match("arn:*:role/Bedrock*", "arn:aws:iam::123456789012:role/BedrockJobs")
    True
    """
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    last = others.pop()
    if not text.startswith(first) or not text.endswith(last):
        return False
    # Leftmost matches suffice, so there is no backtracking that a hostile pattern could exploit.
    begin, end = len(first), len(text) - len(last)
    for part in others:
        found = text.find(part, begin, end)
        if found < 0:
            return False
        begin = found + len(part)
    return begin <= end


def is_under_prefix(prefix: str, location: str) -> bool:
    """Whether an S3 location is below a prefix, in which ``*`` ends at a slash.

    A bucket without a key is below the bucket's root.
    """
    wanted = prefix.removeprefix(_S3).split("/")
    given = location.removeprefix(_S3).split("/")
    if len(given) == 1:
        given.append("")
    *folders, last = wanted
    return (
        len(given) >= len(wanted)
        and all(map(is_match, folders, given))
        and is_match(f"{last}*", given[len(folders)])
    )


def _has_match(patterns: Sequence[str], value: str) -> bool:
    return any(is_match(pattern, value) for pattern in patterns)


def _make_violation(
    code: Code, path: tuple[str | int, ...], value: str, allowed: Sequence[str], rule: str
) -> ValueFinding:
    choices = ", ".join(allowed) or "nothing"
    hint = f"the fleet's allow.{rule}: {choices}"
    return ValueFinding(code, path, f"the fleet does not allow {value}", hint)


def _iter_member_violations(
    kind: Kind, spec: Mapping[str, Any], allow: Allow
) -> Iterator[ValueFinding]:
    if allow.role_arns is not None:
        for path, value in _iter_members(spec, kind.role_members):
            if not _has_match(allow.role_arns, value):
                yield _make_violation(Code.FORBIDDEN_ROLE, path, value, allow.role_arns, "roleArns")
    if allow.base_models is not None:
        for path, value in _iter_members(spec, kind.model_members):
            # A rule may name a model by its ID or by its full ARN.
            models = (value, get_foundation_model(value) or value)
            if not any(_has_match(allow.base_models, model) for model in models):
                yield _make_violation(
                    Code.FORBIDDEN_MODEL, path, value, allow.base_models, "baseModels"
                )
    if allow.s3_prefixes is not None:
        for path, value in _iter_s3_locations(spec, ("spec",)):
            if not any(is_under_prefix(prefix, value) for prefix in allow.s3_prefixes):
                code = Code.FORBIDDEN_LOCATION
                yield _make_violation(code, path, value, allow.s3_prefixes, "s3Prefixes")


def _iter_missing(kind: Kind, spec: Mapping[str, Any], require: Require) -> Iterator[ValueFinding]:
    for tag in require.tags if kind.tag_members else ():
        member = kind.tag_members[0]
        if tag not in _collect_tag_keys(spec.get(member)):
            path = ("spec", member) if member in spec else ("spec",)
            hint = f"add {{key: {tag}, value: …}} to {member}"
            yield ValueFinding(Code.TAG_REQUIRED, path, f"the fleet requires the tag {tag}", hint)
    needed = (
        (require.kms, kind.kms_member, Code.KMS_REQUIRED, "a KMS key"),
        (require.vpc, kind.vpc_member, Code.VPC_REQUIRED, "a VPC"),
    )
    for required, member_name, code, what in needed:
        if required and member_name and not spec.get(member_name):
            yield ValueFinding(code, ("spec",), f"the fleet requires {what}", f"add {member_name}")


def _collect_tag_keys(tags: Any) -> set[str]:
    if not isinstance(tags, list):
        return set()
    # Services disagree about the case of these members.
    return {str(tag.get("key", tag.get("Key"))) for tag in tags if isinstance(tag, Mapping)}


def _iter_members(
    spec: Mapping[str, Any], members: Sequence[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each of some dotted members that holds text, with its path."""
    for dotted in members:
        value: Any = spec
        for step in dotted.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            yield ("spec", *dotted.split(".")), value


def _iter_s3_locations(
    value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every S3 location anywhere in a value, with its path."""
    if isinstance(value, str):
        if value.startswith(_S3):
            yield path, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _iter_s3_locations(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _iter_s3_locations(item, (*path, index))


_ALL = Allow()
_NOTHING = Require()
