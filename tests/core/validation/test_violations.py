"""The quick validator and the explaining one agree on every value."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.adapters.schemas.shipped_schemas import FLEET, get_checker
from controller.core.kinds.registry import KINDS
from controller.core.validation.schema_checker import SchemaChecker
from controller.core.validation.violations import Violation, iter_violations

ROOT = Path(__file__).parents[3]
(KIND,) = KINDS
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1e30, "", "a\n", "x" * 300, "-" * 30, "s3://b/k ", "FINE_TUNING"),
    *([], {}, [1], ["a"] * 300, {"a": 1}, {"s3Uri": "x"}, "::error::", "\u202e", "<fill>"),
)
KEYS = ("foo", "customization_type", "clientRequestToken", "jobTags", "equals#", "x\0")
ROUNDS = 400


def manifests() -> list[Any]:
    """Return the documents of all examples."""
    paths = sorted(path for path in ROOT.glob("jobs/**/*.yaml") if path.name[0] != "_")
    return [one for path in paths for one in yaml.safe_load_all(path.read_text("utf-8")) if one]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each part of a value."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield (*path, key)
        yield from places(value[key], (*path, key))


def spoilt(value: Any, chance: random.Random) -> Any:
    """Return a value with one part replaced, removed, moved or added."""
    made = copy.deepcopy(value)
    *above, key = chance.choice(list(places(made)))
    parent = made
    for step in above:
        parent = parent[step]
    match chance.randrange(4):
        case 0:
            parent[key] = chance.choice(ODD)
        case 1:
            del parent[key]
        case 2 if isinstance(parent, dict):
            parent[chance.choice((*KEYS, f"{key}s", str(key).upper()))] = chance.choice(ODD)
        case _:
            parent[key] = copy.deepcopy(value)
    return made


@pytest.mark.parametrize("name", [KIND, f"{KIND}.partial", FLEET])
def test_both_validators_agree(name: str) -> None:
    """A value that the quick validator refuses is explained, and one that it takes is not."""
    chance = random.Random(name)  # noqa: S311 - draws examples
    rules = yaml.safe_load((ROOT / "bedrock-jobs.yaml").read_text("utf-8"))
    sources = [rules] if name == FLEET else manifests()
    known = get_checker(name)
    refused = 0
    for _ in range(ROUNDS):
        value = spoilt(chance.choice(sources), chance)
        found = list(iter_violations(known.schema, value))
        assert known.is_valid(value) == (not found), value
        refused += bool(found)
    assert 0 < refused < ROUNDS


def test_member_that_must_not_be_there_is_found_at_its_place() -> None:
    """A schema that is false is broken by the member, not by what holds it."""
    schema = {"properties": {"a": {"properties": {"b": False}}}}

    assert list(iter_violations(schema, {"a": {"b": 1}})) == [
        Violation(
            "falseSchema",
            ("a", "b"),
            ("properties", "a", "properties", "b"),
            {"b": 1},
            {"b": False},
        )
    ]


def test_what_nothing_explains_is_still_refused() -> None:
    """A value that only the quick validator refuses, here for its media type, is not valid."""
    schema = {"contentMediaType": "application/json"}
    assert list(iter_violations(schema, "{")) == []

    (finding,) = SchemaChecker(schema).find_mistakes("{")

    assert "does not fit the schema" in finding.message
