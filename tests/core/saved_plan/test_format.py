"""Plan files as data: they round-trip, and no change to them goes unnoticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import parse_fleet
from controller.core.planning.actions import Reason, Verb
from controller.core.saved_plan.format import (
    PlanArguments,
    PlanFile,
    describe_actions,
    dump_plan_file,
    is_intact,
    parse_plan_file,
)
from tests.core.cases import TEST_KINDS
from tests.views.drawn import drawn, seeded

SCHEMA = Path(__file__).parents[3] / "schemas" / "output" / "PlanFile.schema.json"
TREES = 100

texts = st.none() | st.text(max_size=9)
asks = st.builds(
    PlanArguments,
    paths=st.lists(st.text(max_size=9), min_size=1, max_size=3).map(tuple),
    selector=texts,
    config=texts,
    prune=st.booleans(),
    force=st.booleans(),
    full=st.booleans(),
    max_submits=st.none() | st.integers(0, 99),
)


def filed(seed: int) -> PlanFile:
    """Return the file of a random tree's plan."""
    dice = seeded(seed)
    made = drawn(dice)
    paths = {one.desired.source.path: one.desired.source.path for one in made.plan.actions}
    fleet = parse_fleet({"owner": "acme-ml", "stampTags": bool(dice.randrange(2))})
    return PlanFile(
        version="0.1.0",
        sandbox=bool(dice.randrange(2)),
        owner=fleet.owner,
        max_active=dice.choice([None, 0, 7]),
        arguments=PlanArguments(("jobs",)),
        refused=made.refused,
        actions=describe_actions(TEST_KINDS, made.plan, fleet, paths),
    )


@cache
def checker() -> jsonschema_rs.Draft7Validator:
    """Return the compiled schema."""
    return jsonschema_rs.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_random_plans_round_trip() -> None:
    """The file of any plan is valid by the schema, intact, and parses to the same plan."""
    verbs = set()
    for seed in range(TREES):
        file = filed(seed)
        text = json.dumps(dump_plan_file(file))
        document = json.loads(text)
        assert [error.message for error in checker().iter_errors(document)] == [], f"tree {seed}"
        assert is_intact(document)
        assert parse_plan_file(document) == file
        verbs |= {one.verb for one in file.actions}
    assert verbs == set(Verb)


@settings(deadline=None, max_examples=30)
@given(asked=asks)
def test_arguments_round_trip(asked: PlanArguments) -> None:
    """Paths and options round-trip, whatever texts they are."""
    file = replace(filed(3), arguments=asked)
    assert parse_plan_file(json.loads(json.dumps(dump_plan_file(file)))).arguments == asked


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every leaf value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list) and inner:
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key)


@settings(deadline=None, max_examples=80)
@given(data=st.data(), other=st.none() | st.booleans() | st.integers() | st.text())
def test_any_value_that_is_changed_is_noticed(data: st.DataObject, other: Any) -> None:
    """Replacing or removing any value makes the checksum wrong."""
    document = json.loads(json.dumps(dump_plan_file(filed(11))))
    *way, last = data.draw(st.sampled_from(sorted(leaves(document), key=str)))
    holder = document
    for key in way:
        holder = holder[key]
    before = holder[last]
    if data.draw(st.booleans()):
        del holder[last]
    elif other != before or type(other) is not type(before):
        holder[last] = other
    else:
        return
    assert not is_intact(document)


def test_schema_knows_the_closed_lists() -> None:
    """The schema lists the verbs and reasons of the code, in order."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    action = schema["definitions"]["action"]["properties"]
    assert action["verb"]["enum"] == [str(verb) for verb in Verb]
    assert action["reason"]["enum"] == [str(reason) for reason in Reason]


def test_schema_is_strict() -> None:
    """An extra, missing or wrongly typed member is refused."""
    data = json.loads(
        json.dumps(dump_plan_file(next(filed(n) for n in range(99) if filed(n).changes)))
    )
    assert checker().is_valid(data)
    for member in data:
        assert not checker().is_valid({key: data[key] for key in data if key != member})
        assert not checker().is_valid({**data, member: [[data[member]]]})
    assert not checker().is_valid({**data, "more": 1})
    assert not checker().is_valid({**data, "actions": [{**data["actions"][0], "more": 1}]})


@pytest.mark.parametrize("verb", Verb)
def test_only_changes_are_compared(verb: Verb) -> None:
    """A plan is executed for SUBMIT, ADOPT, STOP and TAG only."""
    found = (one for seed in range(TREES) for one in filed(seed).actions if one.verb is verb)
    is_change = verb in {Verb.SUBMIT, Verb.ADOPT, Verb.STOP, Verb.TAG}
    assert (next(found).change is not None) is is_change
