from __future__ import annotations

import json
from typing import Any

import pytest

from controller.adapters.sidecars.document import get_name, parse_entries, render_sidecar
from controller.cli.watch.git_sync import merge_sidecars
from controller.core.kinds.registry import KINDS
from controller.core.status.merge import ManifestFileState

KIND = next(iter(KINDS))
BESIDE = ManifestFileState(exists=True, is_current=True)


def sidecar(**phases: str) -> bytes:
    """Return a sidecar whose jobs have these phases."""
    return render_sidecar({name: {"kind": KIND, "phase": phase} for name, phase in phases.items()})


def phases(content: bytes) -> dict[str, Any]:
    """Return the phases that a sidecar tells of."""
    return {get_name(name): entry["phase"] for name, entry in parse_entries(content).items()}


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

    merged = merge_sidecars(before, mine, other, BESIDE)

    assert phases(merged) == expected
    assert bool(merged) == bool(expected)


def test_the_marks_of_a_conflict_lose_nothing() -> None:
    """A sidecar that somebody merged as text counts as not there: what was known stays."""
    known = sidecar(a="Completed")

    assert merge_sidecars(known, known, b"<<<<<<< HEAD\n" + known, BESIDE) == known
    assert merge_sidecars(known, sidecar(a="Failed"), b"<<<<<<<", BESIDE) == sidecar(a="Failed")


def test_what_says_the_same_keeps_its_bytes() -> None:
    """Another writer's way of writing the same entries is left as it is on the branch."""
    theirs = json.dumps(json.loads(sidecar(a="x", b="y"))).encode()

    assert merge_sidecars(sidecar(a="x"), sidecar(a="x"), theirs, BESIDE) == theirs


def test_statuses_of_removed_manifests_are_not_brought_back() -> None:
    """Where a person removed manifest and status, the status goes from the clone too."""
    gone = ManifestFileState(exists=False, is_current=False)

    assert merge_sidecars(sidecar(a="x"), sidecar(a="y"), b"", gone) == b""


def test_broken_sidecar_here_takes_nothing_away_there() -> None:
    """A file that was cut here says nothing, and so not that its entries are gone."""
    known = sidecar(a="Failed")

    assert merge_sidecars(known, known[:60], known, BESIDE) == known
