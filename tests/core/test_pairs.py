"""Every pair of policy values in every situation: the expected results are in a table."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from controller.core.documents.envelope_values import parse_policy
from controller.core.fleet import parse_fleet
from controller.core.model import (
    Target,
)
from controller.core.planning.actions import Action
from controller.core.planning.plan import decide_action
from controller.core.policy import OnDelete, OnSpecChange, State
from controller.core.validation.manifest_rules import find_contradictions
from tests.core.cases import NOW, OFFERED, arns, filled, situation

TABLE = Path(__file__).parents[1] / "data" / "policy_pairs.txt"
FLEET = parse_fleet({"owner": "acme-ml"})
HEALS = {"failureMessage": "Internal server error"}
LASTS = {"failureMessage": "Unable to parse Amazon S3 file"}
BEFORE = {"spec": {"hyperParameters": {"epochCount": "5"}}}

VALUES: Mapping[str, Mapping[str, Any]] = {
    "state": {state.value: state.value for state in State},
    "onSpecChange": {value.value: value.value for value in OnSpecChange},
    "retries": {"0": 0, "2": 2},
    "attempt": {"0": 0, "1": 1},
    "adopt": {"none": None, "its ARN": "$job0"},
    "onDelete": {value.value: value.value for value in OnDelete},
    "priority": {"0": 0, "5": 5},
}
PAIRS = tuple(
    (f"{one} {first}", f"{other} {second}")
    for one, other in combinations(VALUES, 2)
    for first, second in product(VALUES[one], VALUES[other])
)
SITUATIONS: Mapping[str, Mapping[str, Any] | None] = {
    "absent": None,
    "active": {"status": "InProgress"},
    "failed, heals": {"status": "Failed", "members": HEALS},
    "failed, lasts": {"status": "Failed", "members": LASTS},
    "stopped": {"status": "Stopped"},
    "completed": {"status": "Completed"},
    "edited, active": {"status": "InProgress", **BEFORE},
    "edited, ended": {"status": "Completed", **BEFORE},
    "made elsewhere": {"status": "InProgress", "token": "foreign"},
    "manifest gone": {"status": "InProgress"},
}


def _table() -> dict[tuple[str, str], dict[str, str]]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    (_, _, *head), *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    made = {(one, other): dict(zip(head, cells, strict=True)) for one, other, *cells in rows}
    assert len(made) == len(rows)
    return made


EXPECTED = _table()


def _policy(pair: tuple[str, str]) -> dict[str, Any]:
    chosen = {key: VALUES[key][value] for key, _, value in (one.partition(" ") for one in pair)}
    policy = {key: value for key, value in chosen.items() if value is not None}
    if "retries" in policy:
        policy["onFailure"] = {"retries": policy.pop("retries")}
    return policy


def _given(policy: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the situation; what a manifest adopts was adopted in an earlier pass."""
    live = SITUATIONS[name]
    given: dict[str, Any] = {"policy": policy, "lives": [live] if live else []}
    if live and "adopt" in policy and name != "made elsewhere":
        given |= {"lives": [{**live, "token": "foreign"}], "sidecar": {"of": 0}}
    if name == "manifest gone":
        asked = {"onDelete": policy["onDelete"]} if "onDelete" in policy else {}
        given |= {"removed": {"prune": True}, "sidecar": {"of": 0, **asked}}
        return given
    declared = parse_policy(filled(policy, arns(OFFERED)))
    problems = [
        {"code": finding.code.code, "message": finding.message}
        for finding in find_contradictions(OFFERED, declared, Target())
    ]
    return given | ({"problems": problems} if problems else {})


def _decided(pair: tuple[str, str], name: str) -> Action:
    one = situation(_given(_policy(pair), name), FLEET)
    return decide_action(one.kind, one.desired, one.observation, one.recorded, FLEET, NOW)


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_pair_in_every_situation(pair: tuple[str, str]) -> None:
    """Two values of different keys give the result in the table, in each situation."""
    decided = {name: _decided(pair, name) for name in SITUATIONS}

    assert EXPECTED[pair] == {
        name: f"{action.verb} {action.reason}" for name, action in decided.items()
    }


def test_table_has_every_pair_and_no_other() -> None:
    """The table has every pair and situation, so that a gap is not a pass."""
    assert tuple(EXPECTED) == PAIRS
    assert all(set(row) == set(SITUATIONS) for row in EXPECTED.values())
