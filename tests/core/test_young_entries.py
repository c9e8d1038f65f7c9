"""Entries of jobs that are not visible yet: complete ones stay unchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.core.status.parse import parse_entry
from tests.core.cases import NOW, OFFERED
from tests.core.status.test_entry import ARN, built, made

WHOLE: dict[str, Any] = {
    "kind": OFFERED.name,
    "phase": "InProgress",
    "jobArn": ARN,
    "conditions": [
        {"type": "Synced", "status": "True", "reason": "InProgress", "message": "x"},
        {"type": "Succeeded", "status": "Unknown", "reason": "InProgress", "message": "x"},
    ],
    "history": [],
}


def after(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the entry after a pass that did not find the recorded job."""
    return made(replace(built(), recorded=parse_entry(OFFERED, raw, NOW)))


def test_complete_entry_stays_unchanged() -> None:
    """Without news, nothing is written."""
    assert after(WHOLE) == WHOLE


@pytest.mark.parametrize("lacking", ["phase", "conditions"])
def test_incomplete_entry_is_completed(lacking: str) -> None:
    """Deleted members are rebuilt, and the job is not forgotten."""
    entry = after({name: value for name, value in WHOLE.items() if name != lacking})

    assert entry["jobArn"] == ARN
    assert {one["type"] for one in entry["conditions"]} == {"Synced", "Succeeded"}
    assert entry["phase"] == "Submitting"


def test_entry_with_one_condition_gets_the_other() -> None:
    """An entry with a missing condition is not treated as complete."""
    entry = after({**WHOLE, "conditions": WHOLE["conditions"][:1]})

    assert {one["type"] for one in entry["conditions"]} == {"Synced", "Succeeded"}
