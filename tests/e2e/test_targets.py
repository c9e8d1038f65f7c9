"""Nothing is changed with credentials that are shown to be the wrong ones."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.manifests import OTHER_ACCOUNT
from tests.support.project import Project


def in_target(tree: Project) -> None:
    """Declare another account in the manifest."""
    tree.add("strayed", target={"accountId": OTHER_ACCOUNT})


def in_fleet(tree: Project) -> None:
    """Declare another account in the fleet's file."""
    tree.add("strayed")
    tree.fleet(target={"accountId": OTHER_ACCOUNT})


def in_sidecar(tree: Project) -> None:
    """Record another account in the sidecar of a job that runs."""
    tree.add("strayed")
    tree.call("reconcile")
    path = tree.jobs / "strayed.status.json"
    document = json.loads(path.read_text())
    document["jobs"]["strayed"]["target"]["accountId"] = OTHER_ACCOUNT
    path.write_text(json.dumps(document))


def region_in_sidecar(tree: Project) -> None:
    """Record the job in one region, and come back with credentials in another."""
    tree.add("strayed", target={"region": "us-west-2"})
    tree.call("reconcile")
    tree.add("strayed")


each_way = pytest.mark.parametrize(
    "go_astray", [in_target, in_fleet, in_sidecar, region_in_sidecar]
)


@each_way
def test_wrong_target_changes_nothing(tree: Project, go_astray: Callable[[Project], None]) -> None:
    """Exit 5, and no call that changes anything: not for an innocent neighbour either."""
    go_astray(tree)
    tree.add("innocent")
    tree.hush()
    before = tree.sidecars().get("jobs/strayed.status.json")
    ran = tree.call("reconcile")
    assert ran.code == 5
    assert tree.changes() == []
    assert "WrongTarget" in ran.err
    assert "use credentials of that" in ran.err
    assert "Traceback" not in ran.err
    plan = tree.call("plan", "--output", "json")
    assert plan.code == 5
    assert {action["verb"] for action in plan.data["actions"]} == {"HOLD"}
    if before is not None:
        recorded = json.loads(before)["jobs"]["strayed"]
        kept = {name: tree.entry("strayed")[name] for name in ("jobArn", "target", "digest")}
        assert kept == {name: recorded[name] for name in kept}


def test_right_role_is_served_beside_a_wrong_one(tree: Project) -> None:
    """Jobs of other credentials go on: only those shown to be wrong are put aside."""
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/BedrockJobs"
    tree.add("strayed", target={"accountId": OTHER_ACCOUNT})
    tree.add("elsewhere", target={"accountId": OTHER_ACCOUNT, "assumeRoleArn": role})
    ran = tree.call("reconcile")
    assert ran.code == 5
    (created,) = tree.calls("Create")
    assert (created["account"], created["members"]["jobName"]) == (OTHER_ACCOUNT, "elsewhere")


def test_wrong_target_stops_no_job(tree: Project) -> None:
    """Nor is a running job stopped with the wrong credentials."""
    tree.add("running")
    tree.call("reconcile")
    tree.add("running", policy={"state": "Stopped"})
    tree.add("strayed", target={"accountId": OTHER_ACCOUNT})
    tree.hush()
    assert tree.call("reconcile").code == 5
    assert tree.changes() == []


@pytest.mark.parametrize(
    "rule", [{"regions": ["eu-west-1"]}, {"accounts": [OTHER_ACCOUNT]}], ids=["region", "account"]
)
def test_environment_cannot_widen_the_fleet(tree: Project, rule: dict[str, list[str]]) -> None:
    """A target that only the environment fills is held against the fleet's rules all the same."""
    tree.fleet(allow=rule)
    tree.add("support-bot")
    tree.hush()
    ran = tree.call("reconcile")
    assert ran.code == 4
    assert tree.calls() == []
    entry = tree.entry("support-bot")
    assert entry["conditions"][0]["reason"] == "Invalid"
    assert f"allow.{next(iter(rule))}" in entry["conditions"][0]["message"]
    assert f"allow.{next(iter(rule))}" in ran.err


def test_allowed_neighbour_is_served(tree: Project) -> None:
    """A manifest in an allowed region is submitted beside one that is held."""
    tree.fleet(allow={"regions": ["eu-west-1"]})
    tree.add("held")
    tree.add("served", target={"region": "eu-west-1"})
    assert tree.call("reconcile").code == 4
    (created,) = tree.calls("Create")
    assert (created["region"], created["members"]["jobName"]) == ("eu-west-1", "served")


def test_broken_fleet_file_stops_everything(tree: Project) -> None:
    """When nobody knows the fleet's rules, nothing is looked up and nothing is sent."""
    (tree.folder / "bedrock-jobs.yaml").write_text("ownr: acme\n")
    tree.add("support-bot")
    ran = tree.call("reconcile")
    assert ran.code == 4
    assert "bedrock-jobs.yaml:1" in ran.err
    assert tree.sandbox.calls() == []
