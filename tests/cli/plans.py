"""Saving and applying plan files, and the calls that they cause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.support.commands import Ran
from tests.support.project import Project

FILE = "plan.json"


def plan(tree: Project, *arguments: str) -> dict[str, Any]:
    """Make a plan, and return what its file holds."""
    ran = tree.call("plan", "--out", FILE, *arguments)
    assert f"Wrote {FILE}" in ran.err
    found: dict[str, Any] = json.loads((tree.folder / FILE).read_text())
    return found


def carry(tree: Project, *arguments: str, **env: str) -> Ran:
    """Apply the plan."""
    return tree.call("reconcile", "--plan", FILE, *arguments, **env)


def foretold(planned: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the calls that a plan file announces, sorted."""
    return sorted(_calls(planned["actions"]))


def _calls(actions: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in actions:
        if one["verb"] == "SUBMIT":
            yield "Create", f"{one['jobName']} {one['token']}"
        yield from (("Stop", arn) for arn in one.get("stops", ()))
        yield from (("Tag", retag["arn"]) for retag in one.get("retags", ()))


def made(tree: Project) -> list[tuple[str, str]]:
    """Return the mutating calls in the same form, sorted."""
    calls = []
    for call in tree.calls():
        operation, members = call["operation"], call["members"]
        if operation.startswith("Create"):
            token = members["clientRequestToken"]
            calls.append(("Create", f"{members['jobName']} {token}"))
        elif operation.startswith("Stop"):
            calls.append(("Stop", members["jobIdentifier"]))
        elif operation == "TagResource":
            calls.append(("Tag", members["resourceARN"]))
    return sorted(calls)


def refused(tree: Project, *texts: str, code: int = 5, **env: str) -> list[str]:
    """Return the output of a plan that is refused; nothing is done or written."""
    before = tree.files()
    tree.hush()

    ran = carry(tree, **env)

    assert ran.code == code
    assert f"{FILE} differs from the current plan" in ran.err
    assert "nothing was done" in ran.err
    for text in texts:
        assert text in ran.err
    assert (tree.changes(), tree.files()) == ([], before)
    return ran.said
