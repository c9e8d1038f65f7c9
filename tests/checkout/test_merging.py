from __future__ import annotations

import json
from typing import Any

import pytest

from controller.adapters.sidecars.document import entries_of, name_of, rendered
from controller.cli.watch.git_sync import merged_bytes
from controller.core.kinds.registry import KINDS
from controller.core.status.merge import Beside

KIND = next(iter(KINDS))
BESIDE = Beside(there=True, current=True)


def sidecar(**phases: str) -> bytes:
    """Return a sidecar whose jobs have these phases."""
    return rendered({name: {"kind": KIND, "phase": phase} for name, phase in phases.items()})


def phases(content: bytes) -> dict[str, Any]:
    """Return the phases that a sidecar tells of."""
    return {name_of(name): entry["phase"] for name, entry in entries_of(content).items()}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ({}, {"a": "Pending"}, {}, {"a": "Pending"}),
        ({"a": "Pending"}, {"a": "Failed"}, {"a": "Pending"}, {"a": "Failed"}),
        ({"a": "Pending"}, {"a": "Pending"}, {"a": "Failed"}, {"a": "Failed"}),
        ({"a": "x"}, {"a": "y"}, {"a": "x", "b": "z"}, {"a": "y", "b": "z"}),
        ({"a": "x"}, {"a": "x"}, {}, {}),
    ],
)
def test_entries_are_merged_one_by_one(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str], expected: dict[str, str]
) -> None:
    """Each side's own changes come together, and an empty sidecar is none."""
    before, mine, other = (sidecar(**one) if one else b"" for one in (base, ours, theirs))

    merged = merged_bytes(before, mine, other, BESIDE)

    assert phases(merged) == expected
    assert bool(merged) == bool(expected)


def test_the_marks_of_a_conflict_lose_nothing() -> None:
    """A sidecar that somebody merged as text counts as not there: what was known stays."""
    known = sidecar(a="Completed")

    assert merged_bytes(known, known, b"<<<<<<< HEAD\n" + known, BESIDE) == known
    assert merged_bytes(known, sidecar(a="Failed"), b"<<<<<<<", BESIDE) == sidecar(a="Failed")


def test_what_says_the_same_keeps_its_bytes() -> None:
    """Another writer's way of writing the same entries is left as it is on the branch."""
    theirs = json.dumps(json.loads(sidecar(a="x", b="y"))).encode()

    assert merged_bytes(sidecar(a="x"), sidecar(a="x"), theirs, BESIDE) == theirs


def test_statuses_of_removed_manifests_are_not_brought_back() -> None:
    """Where a person removed manifest and status, the status goes from the clone too."""
    gone = Beside(there=False, current=False)

    assert merged_bytes(sidecar(a="x"), sidecar(a="y"), b"", gone) == b""


def test_broken_sidecar_here_takes_nothing_away_there() -> None:
    """A file that was cut here says nothing, and so not that its entries are gone."""
    known = sidecar(a="Failed")

    assert merged_bytes(known, known[:60], known, BESIDE) == known
