"""The fleet's rules and limits bar what costs money, and never keep a job from being stopped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.manifests import OTHER_ACCOUNT, spec
from tests.support.project import Project

STOP = "StopModelCustomizationJob"
STOPPED = {"state": "Stopped"}
RULES: dict[str, dict[str, Any]] = {
    "allow.baseModels": {"allow": {"baseModels": ["amazon.titan-*"]}},
    "allow.roleArns": {"allow": {"roleArns": []}},
    "allow.s3Prefixes": {"allow": {"s3Prefixes": ["s3://elsewhere/"]}},
    "allow.regions": {"allow": {"regions": ["eu-west-1"]}},
    "allow.accounts": {"allow": {"accounts": [OTHER_ACCOUNT]}},
    "require.kms": {"require": {"kms": True}},
    "require.tags": {"require": {"tags": ["team"]}},
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("recorded", [True, False])
def test_manifest_outside_the_rules_is_stopped(tree: Project, rule: str, recorded: bool) -> None:
    """A Stopped manifest that the fleet no longer allows stops its job, sidecar or not."""
    tree.fleet(owner="acme-ml")
    named = spec(jobName="another-name")
    tree.add("runs", named)
    assert tree.call("reconcile").code == 0
    tree.fleet(owner="acme-ml", **RULES[rule])
    tree.add("runs", named, policy=STOPPED)
    if not recorded:
        tree.forget()
    tree.hush()

    tree.call("reconcile")

    assert tree.changes() == [STOP]


def test_rules_still_bar_the_submit(tree: Project) -> None:
    """The same manifest without a job is not submitted, and one that is not Stopped is held."""
    tree.fleet(owner="acme-ml", **RULES["require.kms"])
    tree.add("never", policy=STOPPED)
    tree.add("wanted")

    assert tree.call("reconcile").code == 4

    assert tree.changes() == []


def test_stop_by_name_is_not_barred(tree: Project) -> None:
    """The verb ``stop`` stops a job whose manifest the fleet no longer allows."""
    tree.fleet(owner="acme-ml")
    tree.add("runs")
    tree.call("reconcile")
    tree.fleet(owner="acme-ml", **RULES["allow.baseModels"])
    tree.hush()

    tree.call("stop", "runs", "--yes")

    assert tree.changes() == [STOP]


def test_other_problems_hold_a_stop(tree: Project) -> None:
    """Where the manifest itself has a problem, its word is not taken, and nothing is stopped."""
    tree.add("runs")
    tree.call("reconcile")
    tree.add("runs", spec(roleArn="nonsense"), policy=STOPPED)
    tree.hush()

    assert tree.call("reconcile").code == 4

    assert tree.changes() == []


def test_too_many_submits_let_stops_through(tree: Project) -> None:
    """More submits than the limit: none is made, the stop is, and the pass ends with 5."""
    tree.fleet(owner="acme-ml", limits={"maxSubmits": 1})
    tree.add("runs")
    tree.call("reconcile")
    tree.add("runs", policy=STOPPED)
    tree.add("one")
    tree.add("two")
    tree.hush()

    ran = tree.call("reconcile")

    assert ran.code == 5
    assert tree.changes() == [STOP]
    assert "only the stops were carried out" in ran.err
    assert tree.entry("runs")["phase"] == "Stopping"


def test_too_many_submits_let_stops_of_a_prune_through(tree: Project) -> None:
    """What its own safeguards allow a prune to stop is stopped beside too many submits."""
    tree.fleet(owner="acme-ml", limits={"maxSubmits": 1})
    path = tree.add("gone", policy={"onDelete": "Stop"})
    tree.call("reconcile")
    path.unlink()
    tree.add("one")
    tree.add("two")
    tree.hush()

    assert tree.call("reconcile", "--prune").code == 5

    assert tree.changes() == [STOP]
