"""Manifests that go: what becomes of their jobs, and what a prune may and may not do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.manifests import manifest, write
from tests.support.project import SETTLED, Project

STOP = {"onDelete": "Stop"}
STOPPED = "StopModelCustomizationJob"


@pytest.fixture
def fleet(tree: Project) -> Project:
    """A project whose fleet has an owner."""
    tree.fleet(owner="acme-ml", limits={"maxSubmits": 200})
    return tree


def fill(tree: Project, count: int, policy: dict[str, str] | None = None) -> list[Path]:
    """Submit so many jobs, each of a file of its own."""
    paths = [tree.add(f"job-{number:03}", policy=policy) for number in range(count)]
    assert tree.call("reconcile").code == 0
    return paths


def actions(tree: Project, *arguments: str) -> dict[str, tuple[str, str]]:
    """Return each job's verb and reason as the plan has them."""
    planned = tree.call("plan", "--output", "json", *arguments).data["actions"]
    return {action["name"]: (action["verb"], action["reason"]) for action in planned}


def removed(verb: str, *names: str) -> dict[str, tuple[str, str]]:
    """Return what a plan holds of removed jobs."""
    return dict.fromkeys(names, (verb, "ManifestRemoved"))


def test_moving_and_renaming_is_no_delete(fleet: Project) -> None:
    """A hundred files in other folders and under other names: no verb but NOOP or WAIT, no call."""
    paths = fill(fleet, 100, STOP)
    fleet.sandbox.advance(SETTLED)
    fleet.call("reconcile")
    for number, path in enumerate(paths):
        folder = fleet.jobs / f"team-{number % 7}"
        folder.mkdir(exist_ok=True)
        path.rename(folder / f"renamed-{number}.yml")
    fleet.hush()
    assert {verb for verb, _ in actions(fleet, "--prune").values()} == {"NOOP"}
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.calls() == []
    assert fleet.call("reconcile", "--prune", "--gc").code == 0
    assert len(fleet.sidecars()) == 100
    assert all("team-" in path for path in fleet.sidecars())


def test_three_of_a_hundred_are_stopped(fleet: Project) -> None:
    """Three manifests with onDelete Stop go: three Stops, as planned, and then nothing."""
    gone = fill(fleet, 100, STOP)[10:13]
    for path in gone:
        path.unlink()
    fleet.hush()
    names = [path.stem for path in gone]
    planned = actions(fleet, "--prune")
    assert {name: planned[name] for name in names} == removed("STOP", *names)
    assert sum(verb == "STOP" for verb, _ in planned.values()) == 3
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.changes() == [STOPPED] * 3
    fleet.sandbox.advance(SETTLED)
    assert fleet.call("reconcile", "--prune").code == 0
    assert fleet.entry(names[0])["phase"] == "Stopped"
    assert fleet.changes() == [STOPPED] * 3
