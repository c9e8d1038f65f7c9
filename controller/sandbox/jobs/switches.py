"""The behaviour as JSON: serialized, changed, and validated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from functools import cache
from typing import Any, NoReturn

import jsonschema_rs

from controller.sandbox.jobs.behaviour import (
    RECORDED_BEHAVIOUR,
    Behaviour,
    FailureMode,
    JobNames,
    ModelNames,
    OverQuota,
    TokenLifetime,
    TokenMismatch,
)

Members = Mapping[str, Mapping[str, Any]]
"""The members that a JSON object may have, each with its JSON Schema."""

# Larger than any useful value, and small enough that no timestamp overflows.
MAX_SECONDS = 1_000_000_000
MAX_QUOTA = 1_000_000
_MAX_SEED = 2**31 - 1
_SECONDS = {"type": "number", "minimum": 0, "maximum": MAX_SECONDS}
_ENUMS: Mapping[str, type[StrEnum]] = {
    "tokenLifetime": TokenLifetime,
    "tokenMismatch": TokenMismatch,
    "overQuota": OverQuota,
    "modelNames": ModelNames,
    "jobNames": JobNames,
    "failingWith": FailureMode,
}
_MEMBERS: Members = {
    "lifeSeconds": _SECONDS,
    "deviation": {"type": "number", "minimum": 0, "maximum": 1},
    "failingPart": {"type": "number", "minimum": 0, "maximum": 1},
    "failingShare": {"type": "number", "minimum": 0, "maximum": 1},
    "failingSeed": {"type": "integer", "minimum": 0, "maximum": _MAX_SEED},
    "stopSeconds": _SECONDS,
    "pageSize": {"type": "integer", "minimum": 1, "maximum": 1000},
    "tagsPerResource": {"type": "integer", "minimum": 0, "maximum": 200},
    "quota": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_QUOTA},
    "getLag": _SECONDS,
    "listLag": _SECONDS,
    **{name: {"enum": list(words)} for name, words in _ENUMS.items()},
}


class InvalidSettingError(ValueError):
    """The message says what is wrong with a setting or a fault."""


def serialize_behaviour(behaviour: Behaviour) -> dict[str, Any]:
    """Return all settings by their JSON names."""
    return {get_json_name(name): value for name, value in asdict(behaviour).items()}


def change_behaviour(behaviour: Behaviour, changes: object) -> Behaviour:
    """Return the behaviour with some settings changed; raises InvalidSettingError."""
    values: dict[str, Any] = {
        _get_python_name(name): _ENUMS[name](value) if name in _ENUMS else value
        for name, value in validate_members(changes, _get_behaviour_validator(), _MEMBERS).items()
    }
    return replace(behaviour, **values)


def diff_from_recorded(behaviour: Behaviour) -> dict[str, Any]:
    """Return the settings that differ from the recorded behaviour."""
    usual = serialize_behaviour(RECORDED_BEHAVIOUR)
    return {
        name: value
        for name, value in serialize_behaviour(behaviour).items()
        if value != usual[name]
    }


def build_validator(
    members: Members, required: Sequence[str] = ()
) -> jsonschema_rs.Draft7Validator:
    """Return a validator of objects that have only these members."""
    schema = {"additionalProperties": False, "properties": dict(members)}
    return jsonschema_rs.Draft7Validator({"type": "object", **schema, "required": list(required)})


def parse_json(text: str | bytes) -> object:
    """Return the value of a JSON text; raises InvalidSettingError."""
    try:
        content: object = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidSettingError("That is not JSON.") from None
    return content


def validate_members(
    content: object, holds: jsonschema_rs.Draft7Validator, members: Members
) -> dict[str, Any]:
    """Return a valid object, with integers as int; raises InvalidSettingError with all errors."""
    problems = [_format_error(problem, members) for problem in holds.iter_errors(content)]
    if problems or not isinstance(content, dict):
        raise InvalidSettingError("; ".join(problems) + ".")
    return {
        # JSON Schema counts 2.0 as an integer, Python does not.
        name: int(value) if isinstance(value, float) and _is_integer(members[name]) else value
        for name, value in content.items()
    }


def get_json_name(name: str) -> str:
    """Return the JSON name of a setting from its Python name."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _get_python_name(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _is_integer(member: Mapping[str, Any]) -> bool:
    return "integer" in (member.get("type") or ())


def _format_error(problem: jsonschema_rs.ValidationError, members: Members) -> str:
    """Return one error in one line, with the known values for an unknown one."""
    place = "".join(f"{step}: " for step in problem.instance_path)
    if problem.kind.name == "enum":
        known = ", ".join(str(option) for option in problem.kind.as_dict()["options"])
        return f"{place}{json.dumps(problem.instance)} is not one of {known}"
    if problem.kind.name == "additionalProperties":
        return f"{problem.message}; the known ones are {', '.join(sorted(members))}"
    return f"{place}{problem.message}"


@cache
def _get_behaviour_validator() -> jsonschema_rs.Draft7Validator:
    return build_validator(_MEMBERS)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
