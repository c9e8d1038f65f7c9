"""Parses injected faults from JSON and from --fault, and validates them."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from controller.sandbox.http.service import load_routes
from controller.sandbox.jobs.faults import REPLACING, VERBS, Fault, FaultKind, can_target
from controller.sandbox.jobs.switches import (
    MAX_SECONDS,
    InvalidSettingError,
    Members,
    build_validator,
    parse_json,
    validate_members,
)
from controller.sandbox.state import sts

_DELAYS = (FaultKind.DELAY, FaultKind.DELAY_BEFORE)
_STALE = (FaultKind.STALE_GET, FaultKind.STALE_LIST)
# Clients time out long before; a sandbox that shuts down does not wait for delays.
_MAX_DELAY = 3600
_MAX_CALLS = 1_000_000_000


def parse_fault(order: object) -> Fault:
    """Return the fault that a JSON object describes; raises InvalidSettingError."""
    given = validate_members(order, _get_fault_validator(), _describe_members())
    # One call fails by default. With a probability there is no limit, since any call may fail.
    unlimited = given.get("probability") is not None
    members = {"times": None if unlimited else 1, **given, "kind": FaultKind(given["kind"])}
    fault = Fault(**members)
    _check_combination(fault)
    return fault


def parse_fault_text(text: str) -> Fault:
    """Return the fault that ``KIND[:NAME=VALUE,...]`` describes; raises InvalidSettingError."""
    kind, _, rest = text.partition(":")
    order: dict[str, Any] = {"kind": kind}
    for part in filter(None, rest.split(",")):
        name, found, value = part.partition("=")
        # The kind is given before the colon; a second one would override it.
        if not found or name == "kind":
            raise InvalidSettingError(f"{part!r} is not NAME=VALUE, such as nth=2.")
        order[name] = _parse_value(value)
    return parse_fault(order)


def _parse_value(text: str) -> object:
    try:
        return parse_json(text)
    except InvalidSettingError:
        return text  # an unquoted word, such as Create


def _check_combination(fault: Fault) -> None:
    """Check that the members of a fault are consistent; raises InvalidSettingError."""
    kind, seconds = fault.kind, fault.seconds
    if kind in _DELAYS and (seconds is None or seconds > _MAX_DELAY):
        raise InvalidSettingError(f"{kind} requires seconds, from 0 to {_MAX_DELAY}.")
    if seconds is not None and kind not in (*_DELAYS, *_STALE):
        raise InvalidSettingError(f"{kind} does not support seconds.")
    if fault.before and kind not in REPLACING:
        raise InvalidSettingError(f"{kind} does not support before.")
    if fault.operation is not None and not can_target(kind, fault.operation):
        raise InvalidSettingError(f"{kind} does not apply to {fault.operation}; omit operation.")


@cache
def _describe_members() -> Members:
    # Built on demand: the names of operations need the service model, which is slow to load.
    operations = [*VERBS, *(route.name for route in load_routes()), *sts.OPERATIONS]
    return {
        "kind": {"enum": list(FaultKind)},
        "operation": {"enum": [*operations, None]},
        "nth": {"type": "integer", "minimum": 1, "maximum": _MAX_CALLS},
        "times": {"type": ["integer", "null"], "minimum": 1, "maximum": _MAX_CALLS},
        "probability": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**53},
        "seconds": {"type": ["number", "null"], "minimum": 0, "maximum": MAX_SECONDS},
        "before": {"type": "boolean"},
    }


@cache
def _get_fault_validator() -> jsonschema_rs.Draft7Validator:
    return build_validator(_describe_members(), required=["kind"])
