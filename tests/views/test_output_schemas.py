"""Every output for programs has a schema, and contains nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from controller.adapters.sidecars.document import render_sidecar
from controller.core.model import API_VERSION
from controller.core.planning.actions import Reason, Verb
from controller.views.plan import serialize_plan
from controller.views.problems import serialize_validation
from controller.views.status import serialize_statuses
from tests.views.drawn import Drawn, drawn, seeded, situations

FOLDER = Path(__file__).parents[2] / "schemas" / "output"
NAMES = ("Plan", "Validation", "StatusList", "Status")
TREES = 1000


def schema(name: str) -> dict[str, Any]:
    """Return the shipped schema of an output."""
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    return read


@cache
def checker(name: str) -> jsonschema_rs.Draft7Validator:
    """Return the compiled schema of an output."""
    return jsonschema_rs.Draft7Validator(schema(name), validate_formats=True)


@cache
def trees() -> tuple[Drawn, ...]:
    """Return a thousand random trees, always the same ones."""
    dice = seeded(6)
    return tuple(drawn(dice) for _ in range(TREES))


def faults(name: str, data: object) -> list[str]:
    """Return the schema errors after a round trip through JSON."""
    # A file's name need not be UTF-8, and the checker takes nothing else.
    read = json.loads(json.dumps(data, ensure_ascii=False).encode(errors="replace"))
    return [f"{error.instance_path}: {error.message}" for error in checker(name).iter_errors(read)]


def data_of(name: str, one: Drawn) -> dict[str, Any]:
    """Return the data of one output for a random tree."""
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "Plan": lambda: serialize_plan(one.plan, one.refused, one.problems, sandbox=True),
        "Validation": lambda: serialize_validation(len(one.plan.actions), 0, one.problems),
        "Status": lambda: json.loads(
            render_sidecar({status.key.name: status.entry for status in one.statuses})
        ),
        "StatusList": lambda: serialize_statuses(one.statuses, sandbox=False),
    }
    return made[name]()


def objects(part: object) -> Iterator[dict[str, Any]]:
    """Yield every schema of an object with named members inside a schema."""
    if isinstance(part, dict):
        if "properties" in part and "type" in part:
            yield part
        for inner in part.values():
            yield from objects(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from objects(inner)


@pytest.mark.parametrize("name", NAMES)
def test_a_thousand_trees_fit(name: str) -> None:
    """The data of a thousand random trees is valid, whatever texts they have."""
    for number, tree in enumerate(trees()):
        assert faults(name, data_of(name, tree)) == [], f"tree {number}"


def test_the_trees_hold_every_verb_and_reason() -> None:
    """The trees have every verb, and every reason of a plan."""
    actions = [action for tree in trees() for action in tree.plan.actions]
    assert {action.verb for action in actions} == set(Verb)
    assert {action.reason for action in actions} == set(Reason)
    assert len(situations()) > len(Reason)


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.json")))
def test_schema_is_closed_and_versioned(name: str) -> None:
    """Each schema is draft-07, names the version, and forbids unknown members."""
    found = schema(name.removesuffix(".schema.json"))
    jsonschema.Draft7Validator.check_schema(found)
    assert found["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert found["properties"]["apiVersion"]["const"] == API_VERSION
    assert found["properties"]["kind"]["const"] == name.removesuffix(".schema.json")
    assert all(one.get("additionalProperties") is False for one in objects(found))


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_tight(name: str) -> None:
    """An additional, missing or mistyped member is refused, wherever it is."""
    dice = seeded(1)
    one = next(tree for tree in iter(lambda: drawn(dice), None) if len(tree.plan.actions) > 9)
    data = json.loads(json.dumps(data_of(name, one)))
    assert faults(name, data) == []
    for member in data:
        assert faults(name, {key: data[key] for key in data if key != member})
        assert faults(name, {**data, member: [[data[member]]]})
    assert faults(name, {**data, "more": 1})


def test_schema_knows_the_closed_lists() -> None:
    """Verbs and reasons are those of the code, in its order."""
    action = schema("Plan")["definitions"]["action"]["properties"]
    assert action["verb"]["enum"] == [str(verb) for verb in Verb]
    assert action["reason"]["enum"] == [str(reason) for reason in Reason]
