"""The behaviour as JSON: shown whole, changed in part, and told by the first mistake in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from functools import cache
from typing import Any, NoReturn

import jsonschema_rs

from controller.sandbox.jobs.behaviour import (
    AS_RECORDED,
    Behaviour,
    FailureMode,
    JobNames,
    ModelNames,
    OverQuota,
    TokenLifetime,
    TokenMismatch,
)

Members = Mapping[str, Mapping[str, Any]]
"""The members that an object of JSON may have, each with its JSON Schema."""

# Far beyond any use, and far below what a moment can hold.
LONGEST_SECONDS = 1_000_000_000
LARGEST_QUOTA = 1_000_000
_LARGEST_SEED = 2**31 - 1
_SECONDS = {"type": "number", "minimum": 0, "maximum": LONGEST_SECONDS}
_WORDS: Mapping[str, type[StrEnum]] = {
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
    "failingSeed": {"type": "integer", "minimum": 0, "maximum": _LARGEST_SEED},
    "stopSeconds": _SECONDS,
    "pageSize": {"type": "integer", "minimum": 1, "maximum": 1000},
    "tagsPerResource": {"type": "integer", "minimum": 0, "maximum": 200},
    "quota": {"type": ["integer", "null"], "minimum": 1, "maximum": LARGEST_QUOTA},
    "getLag": _SECONDS,
    "listLag": _SECONDS,
    **{name: {"enum": list(words)} for name, words in _WORDS.items()},
}


class InvalidSettingError(ValueError):
    """A text for a person: what is wrong with what was sent to set the sandbox up."""


def serialize_behaviour(behaviour: Behaviour) -> dict[str, Any]:
    """Return every choice by its name in JSON."""
    return {get_json_name(name): value for name, value in asdict(behaviour).items()}


def change_behaviour(behaviour: Behaviour, changes: object) -> Behaviour:
    """Return the behaviour with the named choices changed; raises UnfitError."""
    values: dict[str, Any] = {
        _get_python_name(name): _WORDS[name](value) if name in _WORDS else value
        for name, value in validate_members(changes, _get_behaviour_validator(), _MEMBERS).items()
    }
    return replace(behaviour, **values)


def diff_from_recorded(behaviour: Behaviour) -> dict[str, Any]:
    """Return the choices that are not as recorded."""
    usual = serialize_behaviour(AS_RECORDED)
    return {
        name: value
        for name, value in serialize_behaviour(behaviour).items()
        if value != usual[name]
    }


def build_validator(
    members: Members, required: Sequence[str] = ()
) -> jsonschema_rs.Draft7Validator:
    """Return what holds an object to these members, and to no other."""
    schema = {"additionalProperties": False, "properties": dict(members)}
    return jsonschema_rs.Draft7Validator({"type": "object", **schema, "required": list(required)})


def parse_json(text: str | bytes) -> object:
    """Return what JSON text holds; raises UnfitError."""
    try:
        content: object = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidSettingError("That is not JSON.") from None
    return content


def validate_members(
    content: object, holds: jsonschema_rs.Draft7Validator, members: Members
) -> dict[str, Any]:
    """Return an object that fits, its whole numbers as such; raises UnfitError that tells all."""
    problems = [_format_error(problem, members) for problem in holds.iter_errors(content)]
    if problems or not isinstance(content, dict):
        raise InvalidSettingError("; ".join(problems) + ".")
    return {
        name: int(value) if isinstance(value, float) and _is_integer(members[name]) else value
        for name, value in content.items()
    }


def get_json_name(name: str) -> str:
    """Return a choice's name in JSON from its name in Python."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _get_python_name(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _is_integer(member: Mapping[str, Any]) -> bool:
    return "integer" in (member.get("type") or ())


def _format_error(problem: jsonschema_rs.ValidationError, members: Members) -> str:
    """Return one problem in one line; of what is unknown it tells what is known."""
    place = "".join(f"{step}: " for step in problem.instance_path)
    if problem.kind.name == "enum":
        known = ", ".join(str(option) for option in problem.kind.as_dict()["options"])
        return f"{place}{json.dumps(problem.instance)} is none of {known}"
    if problem.kind.name == "additionalProperties":
        return f"{problem.message}; known are {', '.join(sorted(members))}"
    return f"{place}{problem.message}"


@cache
def _get_behaviour_validator() -> jsonschema_rs.Draft7Validator:
    return build_validator(_MEMBERS)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
