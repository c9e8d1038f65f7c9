"""Values held against a schema; every mistake becomes a finding, all reported at once.

jsonschema-rs decides quickly whether there is any; jsonschema then says which they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from jsonschema_rs import Draft7Validator, RegexOptions

from controller.core.findings import ValueFinding
from controller.core.kinds.schema_keywords import CODE, PROBLEM
from controller.core.problems import Code, find_code
from controller.core.schema.paths import resolve_reference
from controller.core.validation.schema_error import iter_mistakes
from controller.core.validation.schema_messages import explain
from controller.core.validation.suggestions import DID_YOU_MEAN
from controller.core.validation.violations import BARRED, Violation, iter_violations

# A member that is missing because its key is misspelt is one mistake, reported at the key.
_FOLLOWING: Final = frozenset({"required", PROBLEM})
_NONE: Final[frozenset[str]] = frozenset()
_UNEXPLAINED: Final = ValueFinding(
    Code.COMBINATION,
    (),
    "The document does not fit the schema",
    "compare it with docs/reference/manifest.md",
)
"""Said where the quick validator refuses a value in which the explaining one sees nothing."""
_NAMED: Final = re.compile(r"`(?:[\w.]*\.)?(\w+)`")


class SchemaChecker:
    """A schema compiled once; its patterns run on an engine that no text can hang.

    ``schema`` is draft-07 as a dict, references only into its own ``definitions``.
    """

    __slots__ = ("_validator", "schema")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._validator = Draft7Validator(
            dict(schema), pattern_options=RegexOptions(), validate_formats=True
        )

    def is_valid(self, value: Any) -> bool:
        """Whether a value keeps the schema; some microseconds for a manifest."""
        return self._validator.is_valid(value)

    def find_mistakes(self, value: Any) -> tuple[ValueFinding, ...]:
        """Every mistake in a value is a finding, and one mistake is one finding."""
        # Nearly all values are valid, and asking only that costs a fraction of looking for errors.
        if self._validator.is_valid(value):
            return ()
        found = _collapse_findings(
            _explain_violations(self.schema, iter_violations(self.schema, value))
        )
        return found or (_UNEXPLAINED,)


def _explain_violations(
    schema: Mapping[str, Any], found: Iterable[Violation]
) -> list[tuple[str, ValueFinding]]:
    """Return each violation's findings with the keyword they come from, broken rules once each."""
    explained: list[tuple[str, ValueFinding]] = []
    rules: set[tuple[str | int, ...]] = set()
    for violation in found:
        place = _find_rule(schema, violation.schema_path)
        if place is None:
            for mistake in iter_mistakes(schema, violation):
                explained += [(mistake.rule, finding) for finding in explain(mistake)]
        # A broken rule may fail in several places at once; it is still one mistake.
        elif place not in rules:
            rules.add(place)
            explained.append((PROBLEM, _explain_broken_rule(schema, place, violation)))
    return explained


def _find_rule(
    schema: Mapping[str, Any], schema_path: Iterable[str | int]
) -> tuple[str | int, ...] | None:
    """Return the place of the rule of ours that a violation comes from, or None."""
    place: tuple[str | int, ...] = ()
    for key in schema_path:
        place = (*place, key)
        if PROBLEM in _get_node_at(schema, place):
            return place
    return None


def _get_node_at(schema: Mapping[str, Any], place: Iterable[str | int]) -> Mapping[str, Any]:
    node: Any = schema
    for key in place:
        node = resolve_reference(schema, node)[key]
    return node if isinstance(node, Mapping) else {}


def _explain_broken_rule(
    schema: Mapping[str, Any], place: tuple[str | int, ...], violation: Violation
) -> ValueFinding:
    """Return the finding that a rule of ours states, where the engine saw it broken."""
    rule = _get_node_at(schema, place)
    code = find_code(rule[CODE]) if CODE in rule else Code.COMBINATION
    on_key = violation.rule == BARRED
    return ValueFinding(code, violation.path, rule[PROBLEM], "", on_key)


def _collapse_findings(explained: list[tuple[str, ValueFinding]]) -> tuple[ValueFinding, ...]:
    """Return the findings that are mistakes of their own, in the engine's order, each once."""
    misspelt = _find_misspelled_members(finding for _, finding in explained)
    formless = {finding.path for rule, finding in explained if rule == "pattern"}
    kept: dict[ValueFinding, None] = {}
    for rule, finding in explained:
        follows = rule in _FOLLOWING and misspelt.get(finding.path, _NONE) & _list_named_members(
            finding
        )
        # A text that is not even begun is too short as well; its form says all there is to say.
        begun = rule != "minLength" or finding.path not in formless
        if begun and not follows:
            kept[finding] = None
    return tuple(kept)


def _find_misspelled_members(
    findings: Iterable[ValueFinding],
) -> dict[tuple[str | int, ...], frozenset[str]]:
    """Return, for each mapping with unknown keys, the members that were probably meant."""
    meant: dict[tuple[str | int, ...], frozenset[str]] = {}
    for finding in findings:
        if finding.code is Code.UNKNOWN_KEY and finding.hint.startswith(DID_YOU_MEAN):
            parent = finding.path[:-1]
            names = frozenset(_NAMED.findall(finding.hint))
            meant[parent] = meant.get(parent, _NONE) | names
    return meant


def _list_named_members(finding: ValueFinding) -> frozenset[str]:
    """Return the members that a message names."""
    return frozenset(_NAMED.findall(finding.message))
