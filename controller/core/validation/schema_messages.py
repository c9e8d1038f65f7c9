"""Errors of the schema engine as findings: one line each, in our words, no value that is secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from controller.core.findings import ValueFinding
from controller.core.kinds.schema_keywords import CODE, FORM, REFUSED, WRITTEN_TEXT
from controller.core.problems import Code, find_code
from controller.core.validation.schema_error import SchemaMistake, describe_type
from controller.core.validation.suggestions import (
    DID_YOU_MEAN,
    find_elsewhere,
    find_nearest,
    find_placeholder,
    find_respelled,
    format_names,
    make_s3_hint,
)
from controller.core.validation.violations import BARRED

_WORDS: Final = MappingProxyType(
    {
        "object": "a mapping",
        "array": "a list",
        "string": "a text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "null": "null",
    }
)


def _explain_missing(mistake: SchemaMistake) -> ValueFinding:
    name = mistake.details["property"]
    node = mistake.node.get("properties", {}).get(name, {})
    example = next(iter(node.get("examples", ())), None)
    shown = [f"Example: {example}"] if isinstance(example, str) else []
    hint = " ".join((node.get("description", "").partition("\n")[0], *shown))
    return mistake.make_finding(Code.MISSING_KEY, f"lacks `{name}`, which is required", hint)


def _explain_wrong_type(mistake: SchemaMistake) -> ValueFinding:
    types = mistake.details["types"]
    if mistake.value is None:
        return _explain_null(mistake)
    wanted = " or ".join(_WORDS[t] for t in types)
    wanted = "a text" if set(types) == set(WRITTEN_TEXT) else wanted
    hint = "write it as a list, each item after a `-`" if types == ["array"] else ""
    return mistake.make_finding(
        Code.WRONG_TYPE, f"is {describe_type(mistake.value)}; it must be {wanted}", hint
    )


def _explain_null(mistake: SchemaMistake) -> ValueFinding:
    return mistake.make_finding(Code.NULL_VALUE, "has no value", "give one, or delete the key")


def _explain_not_allowed(mistake: SchemaMistake) -> ValueFinding | None:
    if "type" in mistake.node and not isinstance(mistake.value, str):
        return None  # its type is told already
    if mistake.value is None:
        return _explain_null(mistake)
    options = [str(option) for option in mistake.node.get("enum", [mistake.node.get("const")])]
    close = None if mistake.sensitive else find_nearest(mistake.shown, options)
    code = find_code(mistake.node[CODE]) if CODE in mistake.node else Code.NOT_ALLOWED
    choice = options[0] if len(options) == 1 else f"one of {', '.join(options)}"
    message = f"is {mistake.shown}; it must be {choice}"
    return mistake.make_finding(code, message, f"{DID_YOU_MEAN} `{close}`?" if close else "")


def _explain_pattern(mistake: SchemaMistake) -> ValueFinding | None:
    if mistake.node.get("minLength") and not mistake.value:
        return None  # its emptiness is told already
    if "not" in mistake.node and mistake.value.endswith("\n"):
        return None  # its line break is told already
    left = find_placeholder(mistake.value)
    if left:
        return mistake.make_finding(
            Code.PATTERN, f"still holds the placeholder {left}", "fill it in"
        )
    form = str(mistake.node.get(FORM, "Must match the service's pattern."))
    hint = make_s3_hint(mistake.value) if "s3://" in form and not mistake.sensitive else ""
    message = f"is {mistake.shown}; it {form[0].lower()}{form[1:].rstrip('.')}"
    return mistake.make_finding(Code.PATTERN, message, hint)


def _explain_line_break(mistake: SchemaMistake) -> ValueFinding:
    return mistake.make_finding(
        Code.PATTERN, "ends in a line break", "write it on one line, or as a block with `|-`"
    )


def _explain_length(mistake: SchemaMistake) -> ValueFinding:
    least, most = mistake.node.get("minLength", 0), mistake.node.get("maxLength")
    if not mistake.value:
        return mistake.make_finding(
            Code.OUT_OF_BOUNDS, "is empty", "give a text, or delete the key"
        )
    bounds = f"{least} to {most}" if most is not None else f"at least {least}"
    message = f"has {len(mistake.value)} characters; it must have {bounds}"
    return mistake.make_finding(Code.OUT_OF_BOUNDS, message)


def _explain_amount(mistake: SchemaMistake) -> ValueFinding | None:
    if mistake.node.get("type") == "integer" and mistake.value % 1:
        return None  # its type is told already
    least, most = mistake.node.get("minimum"), mistake.node.get("maximum")
    bounds = [f"at least {_format_decimal(least)}"] if least is not None else []
    bounds += [f"at most {_format_decimal(most)}"] if most is not None else []
    message = f"is {mistake.shown}; it must be {' and '.join(bounds)}"
    return mistake.make_finding(Code.OUT_OF_BOUNDS, message)


def _format_decimal(number: float) -> str:
    """Return a number without an exponent, as people write it."""
    return str(number) if isinstance(number, int) else f"{number:.12f}".rstrip("0").rstrip(".")


def _explain_items(mistake: SchemaMistake) -> ValueFinding:
    return _explain_entries(mistake, "items", "minItems", "maxItems")


def _explain_properties(mistake: SchemaMistake) -> ValueFinding | None:
    """Return a finding on the number of keys: of a union's members, or of a map's entries."""
    choices = mistake.node.get("properties")
    if not choices:
        return _explain_entries(mistake, "entries", "minProperties", "maxProperties")
    given = [name for name in mistake.value if name in choices]
    if len(given) == 1:
        return None  # the other key is unknown, which is a finding of its own
    has = f"has {format_names(given)}" if given else "is empty"
    message = f"{has}; it must hold exactly one of {format_names(choices)}"
    return mistake.make_finding(Code.NOT_EXACTLY_ONE, message)


def _explain_entries(
    mistake: SchemaMistake, noun: str, least_key: str, most_key: str
) -> ValueFinding:
    least, most = mistake.node.get(least_key, 0), mistake.node.get(most_key)
    bounds = f"at least {least}" if most is None else f"{least} to {most}"
    bounds = f"exactly {least}" if least == most else bounds
    has = f"has {len(mistake.value)} {noun}" if mistake.value else f"has no {noun}"
    return mistake.make_finding(Code.OUT_OF_BOUNDS, f"{has}; it must have {bounds}")


def _explain_encoded(mistake: SchemaMistake) -> ValueFinding:
    wanted = mistake.node.get("contentEncoding") or mistake.node.get("format")
    return mistake.make_finding(Code.PATTERN, f"is {mistake.shown}; it must be a {wanted} text")


def _explain_false(mistake: SchemaMistake) -> ValueFinding:
    return ValueFinding(
        Code.COMBINATION, mistake.path, f"{mistake.label} cannot stand here", "", True
    )


def _explain_unknown_key(mistake: SchemaMistake, key: str) -> ValueFinding:
    """Return a finding on a key that the schema does not know, with what was probably meant."""
    path = (*mistake.path, key)
    if reason := mistake.node.get(REFUSED, {}).get(key):
        return ValueFinding(Code.TOKEN_GIVEN, path, f"`{key}` is never written: {reason}", "", True)
    known = mistake.node.get("properties", {})
    unused = [name for name in known if name not in mistake.value]
    close = find_respelled(key, known) or find_nearest(key, unused)
    other = None if close else find_elsewhere(key, mistake.schema)
    if close:
        hint = f"{DID_YOU_MEAN} `{close}`?"
    elif other:
        hint = f"{DID_YOU_MEAN} `{other}`? It stands there, not here"
    else:
        hint = f"what stands here: {format_names(known)}" if known else ""
    message = f"{mistake.label} has no member `{key}`"
    return ValueFinding(Code.UNKNOWN_KEY, path, message, hint, on_key=True)


_RULES: Final[Mapping[str, Callable[[SchemaMistake], ValueFinding | None]]] = MappingProxyType(
    {
        "required": _explain_missing,
        "type": _explain_wrong_type,
        "enum": _explain_not_allowed,
        "const": _explain_not_allowed,
        "pattern": _explain_pattern,
        "not": _explain_line_break,
        "minLength": _explain_length,
        "maxLength": _explain_length,
        "minimum": _explain_amount,
        "maximum": _explain_amount,
        "minItems": _explain_items,
        "maxItems": _explain_items,
        "minProperties": _explain_properties,
        "maxProperties": _explain_properties,
        "format": _explain_encoded,
        "contentEncoding": _explain_encoded,
        BARRED: _explain_false,
    }
)


def explain(mistake: SchemaMistake) -> tuple[ValueFinding, ...]:
    """Return what a mistake amounts to: mostly one finding, one per key where keys are unknown."""
    if mistake.rule == "additionalProperties":
        known = mistake.node.get("properties", {})
        return tuple(
            _explain_unknown_key(mistake, key) for key in mistake.value if key not in known
        )
    rule = _RULES.get(mistake.rule)
    if rule is None:
        return (mistake.make_finding(Code.COMBINATION, f"breaks the rule `{mistake.rule}`"),)
    finding = rule(mistake)
    return (finding,) if finding else ()
