"""Compares a live job with its manifest, member by member.

Only members that the manifest sets are compared: the service fills in defaults and resolves names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from controller.core.kinds.base_models import get_foundation_model
from controller.core.kinds.kind import Comparison, Kind
from controller.core.model import FieldChange

ABSENT = "(absent)"
MASK = "(sensitive)"


@dataclass(frozen=True, slots=True)
class Difference:
    """The members that differ, and the declared members that cannot be compared."""

    changes: tuple[FieldChange, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two values of a member; a ``verdict`` of None means that they cannot be compared."""

    member: str
    declared: Any
    live: Any
    verdict: bool | None


def compare_members(
    kind: Kind, request: Mapping[str, Any], members: Mapping[str, Any]
) -> Difference:
    """Compare a request with what Get shows; token and tags, which Get never shows, are left out.

    Lists of IDs compare as sets, numbers and settings regardless of notation, base models up to the
    suffix that the service adds. An alias of a KMS key cannot be compared with the key's ARN.
    """
    pairs = tuple(_iter_pairs(kind, request, members))
    return Difference(
        tuple(_build_change(kind, pair) for pair in pairs if pair.verdict is False),
        tuple(pair.member for pair in pairs if pair.verdict is None),
    )


def mask_sensitive(kind: Kind, value: Any) -> Any:
    """Return a copy with the values of sensitive members replaced."""
    if isinstance(value, Mapping):
        return {
            name: MASK if name in kind.sensitive else mask_sensitive(kind, member)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_sensitive(kind, item) for item in value]
    return value


def get_failure_message(kind: Kind, members: Mapping[str, Any]) -> str:
    """Return the service's message for why a job failed, with sensitive values masked."""
    cause = mask_sensitive(kind, members).get(kind.failure_member)
    return str(cause) if cause else "the service gives no cause"


def _iter_pairs(
    kind: Kind, request: Mapping[str, Any], members: Mapping[str, Any]
) -> Iterator[_Pair]:
    ignored = {kind.token_member, *kind.tag_members}
    for member, declared in request.items():
        if member not in ignored:
            shown = members.get(kind.echoes.get(member, member))
            yield from _compare(kind, member, declared, shown)
    # The service never fills these members in, so an undeclared value was set by somebody.
    for member in kind.never_filled:
        shown = members.get(kind.echoes.get(member, member))
        if member not in request and shown:
            yield _Pair(member, None, shown, verdict=False)


def _compare(
    kind: Kind, member: str, declared: Any, live: Any, above: Comparison = Comparison.EXACT
) -> Iterator[_Pair]:
    """Yield the values that a member consists of; they inherit the comparison ``above`` them."""
    comparison = kind.comparisons.get(member, above)
    # A sidecar holds masked values, so a recorded job cannot be compared here.
    if live == MASK and not kind.sensitive.isdisjoint(_split_path(member)):
        yield _Pair(member, declared, live, None)
    elif comparison in _SPECIAL:
        yield _Pair(member, declared, live, _SPECIAL[comparison](declared, live))
    elif (
        isinstance(declared, Mapping)
        and isinstance(live, Mapping)
        and _is_open(kind, declared, member)
    ):
        for name in (*declared, *_iter_undeclared(kind, member, declared, live, comparison)):
            inner = f"{member}.{name}"
            yield from _compare(kind, inner, declared.get(name), live.get(name), comparison)
    elif isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        for index, (ours, theirs) in enumerate(zip(declared, live, strict=True)):
            yield from _compare(kind, f"{member}[{index}]", ours, theirs, comparison)
    else:
        yield _Pair(member, declared, live, _is_equal(declared, live, comparison))


def _iter_undeclared(
    kind: Kind,
    member: str,
    declared: Mapping[str, Any],
    live: Mapping[str, Any],
    comparison: Comparison,
) -> Iterator[str]:
    """Yield the members that Get shows beyond the declared ones, where the service adds none."""
    for name in live:
        inner = kind.comparisons.get(f"{member}.{name}", comparison)
        if inner is Comparison.WHOLE and name not in declared:
            yield name


def _is_open(kind: Kind, declared: Mapping[str, Any], member: str) -> bool:
    """Whether the service may fill in members beyond the declared ones; in an empty map it may."""
    return bool(declared) or member not in kind.never_filled


def _is_equal(declared: Any, live: Any, comparison: Comparison = Comparison.EXACT) -> bool:
    # True equals 1 in Python, but not in JSON.
    if declared == live and isinstance(declared, bool) == isinstance(live, bool):
        return True
    if _is_empty(declared) and _is_empty(live):
        return True
    if comparison is not Comparison.SETTINGS and {type(declared), type(live)} == {str}:
        return False  # "1" and "1.0" are two different names, although equal as numbers
    ours, theirs = _parse_number(declared), _parse_number(live)
    return ours is not None and ours == theirs


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping | list) and not value)


def _parse_number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    # NaN and Infinity are texts that happen to parse, not numbers.
    return number if number.is_finite() else None


def _compare_base_models(declared: str, live: Any) -> bool | None:
    """Compare a base model with the foundation model in Get's response.

    Get always returns the full identifier; the name of a custom model cannot be compared with it.
    """
    if not isinstance(live, str):
        return None
    if declared == live:
        return True
    wanted, shown = _get_foundation_model(declared), _get_foundation_model(live)
    if wanted is None or shown is None:
        return None
    # Get adds the variant that was trained, such as :0 or :128k.
    return shown == wanted or shown.startswith(f"{wanted}:")


def _get_foundation_model(identifier: str) -> str | None:
    if identifier.startswith("arn:"):
        return get_foundation_model(identifier) or None
    return identifier if "." in identifier else None


def _compare_kms_keys(declared: str, live: Any) -> bool | None:
    if not isinstance(live, str):
        return False
    # Get shows the key behind the alias, and an alias can be pointed to another key.
    if "alias/" in declared:
        return None
    return live == declared or live.endswith(f":key/{declared}")


def _compare_sets(declared: Any, live: Any) -> bool:
    if not isinstance(declared, list) or not isinstance(live, list):
        return _is_empty(declared) and _is_empty(live)
    return {str(item) for item in declared} == {str(item) for item in live}


def _compare_if_shown(declared: Any, live: Any) -> bool | None:
    return None if live is None else _is_equal(declared, live)


_SPECIAL = {
    Comparison.BASE_MODEL: _compare_base_models,
    Comparison.KMS_KEY: _compare_kms_keys,
    Comparison.SET: _compare_sets,
    Comparison.IF_SHOWN: _compare_if_shown,
}


def _build_change(kind: Kind, pair: _Pair) -> FieldChange:
    if not kind.sensitive.isdisjoint(_split_path(pair.member)):
        return FieldChange(pair.member, MASK, MASK)
    return FieldChange(
        pair.member, _format_value(kind, pair.declared), _format_value(kind, pair.live)
    )


def _split_path(member: str) -> list[str]:
    return member.replace("[", ".[").split(".")


def _format_value(kind: Kind, value: Any) -> str:
    if value is None:
        return ABSENT
    return json.dumps(mask_sensitive(kind, value), ensure_ascii=False, sort_keys=True)
