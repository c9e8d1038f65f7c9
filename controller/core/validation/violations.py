"""What in a value violates a schema, found by the reference validator.

jsonschema says where and why. Its patterns run on jsonschema-rs, whose engine is linear: Python's
own would hang on texts that somebody made for that. It is imported once something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jsonschema_rs import Draft7Validator, RegexOptions

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

_DELEGATED: Final = ("pattern", "format", "contentEncoding")
"""Keywords that jsonschema leaves open, or runs on an engine that can be made to hang."""
_KEYS: Final = "propertyNames"
BARRED: Final = "falseSchema"
"""The rule of a member whose schema is ``false``: it must not be there."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A keyword that a value violates.

    ``path`` leads to the value, ``schema_path`` to the keyword's schema without references, and
    ``limit`` is what the keyword says. With ``on_key`` the value is a key of the mapping at
    ``path``.
    """

    rule: str
    path: tuple[str | int, ...]
    schema_path: tuple[str | int, ...]
    value: Any
    limit: Any
    on_key: bool = False


def iter_violations(schema: Mapping[str, Any], value: Any) -> Iterator[Violation]:
    """Yield every violation of a draft-07 schema: those of values first, then those of keys."""
    found = map(_make_violation, _make_validator_class()(schema).iter_errors(value))
    yield from sorted(found, key=lambda violation: violation.on_key)


@cache
def _make_validator_class() -> type[Validator]:
    from jsonschema import Draft7Validator as Reference
    from jsonschema.validators import extend

    checks = {keyword: _delegate_keyword(keyword) for keyword in _DELEGATED}
    extended: Any = extend
    found: type[Validator] = extended(Reference, {**checks, "properties": _check_properties})
    return found


def _check_properties(
    validator: Any, properties: Mapping[str, Any], value: Any, _: Any
) -> Iterator[ValidationError]:
    """Check members as jsonschema does, which forgets the place of one that must not be there."""
    from jsonschema import ValidationError

    if not validator.is_type(value, "object"):
        return
    for name, schema in properties.items():
        if name not in value:
            continue
        if schema is False:
            yield ValidationError(name, path=(name,), schema_path=(name,))
        else:
            yield from validator.descend(value[name], schema, path=name, schema_path=name)


def _delegate_keyword(keyword: str) -> Any:
    """Return the check of a keyword that jsonschema-rs decides."""
    from jsonschema import ValidationError

    def check(_: Validator, limit: Any, value: Any, __: Any) -> Iterator[ValidationError]:
        if not _make_decider(keyword, limit).is_valid(value):
            yield ValidationError(keyword)

    return check


@cache
def _make_decider(keyword: str, limit: str) -> Draft7Validator:
    return Draft7Validator({keyword: limit}, pattern_options=RegexOptions(), validate_formats=True)


def _make_violation(error: ValidationError) -> Violation:
    schema_path = tuple(error.absolute_schema_path)
    is_barred = error.validator == "properties"
    return Violation(
        BARRED if is_barred else str(error.validator),
        tuple(error.absolute_path),
        schema_path if is_barred else schema_path[:-1],
        error.instance,
        error.validator_value,
        _KEYS in schema_path,
    )
