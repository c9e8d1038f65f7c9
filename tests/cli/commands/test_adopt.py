"""Adopt sets policy.adopt if, and only if, the live spec equals the manifest's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.commands import Ran
from tests.support.manifests import spec
from tests.support.project import SETTLED, Project

REQUEST = {"jobName": "bot", "customModelName": "bot", **spec()}


def one(ran: Ran) -> Mapping[str, Any]:
    """Return the one job of a result."""
    (job,) = ran.data["jobs"]
    found: Mapping[str, Any] = job
    return found


@pytest.fixture
def foreign(tree: Project) -> str:
    """Return the ARN of a job that was created elsewhere and equals its manifest."""
    arn = tree.bystand(REQUEST)
    tree.add("bot")
    tree.hush()
    return arn


def test_equal_job_is_named_in_the_manifest(tree: Project, foreign: str) -> None:
    """The ARN is added under policy, every other line stays, and no call changes anything."""
    before = (tree.jobs / "bot.yaml").read_text()
    ran = tree.call("adopt", "bot", "--yes")
    assert ran.code == 0, ran.err
    after = (tree.jobs / "bot.yaml").read_text()
    assert after.replace(f"policy:\n  adopt: {foreign}\n", "") == before
    assert after != before
    assert "submits nothing and costs nothing" in ran.err
    assert tree.changes() == []


def test_next_pass_adopts_and_the_one_after_is_idle(tree: Project, foreign: str) -> None:
    """After the edit a pass adopts the job without a mutating call; the next has nothing to do."""
    tree.call("adopt", "bot", "--yes")
    assert one_plan(tree) == ("ADOPT", "Adopted")
    again = one(tree.call("adopt", "bot", "--yes", "--output", "json"))
    assert (again["verdict"], again["jobArn"]) == ("Unneeded", foreign)
    tree.call("reconcile")
    assert tree.entry("bot")["jobArn"] == foreign
    assert one_plan(tree) == ("WAIT", "InProgress")
    assert tree.changes() == []
    ours = tree.call("adopt", "bot", "--yes")
    assert ours.code == 0
    assert "own job already" in ours.out


def one_plan(tree: Project) -> tuple[str, str]:
    """Return the verb and reason of the plan's only action."""
    (action,) = tree.call("plan", "--output", "json").data["actions"]
    return action["verb"], action["reason"]


def test_dry_run_shows_the_edit(tree: Project, foreign: str) -> None:
    """A dry run prints the diff and writes nothing."""
    before = tree.files()
    ran = tree.call("adopt", "bot", "--dry-run")
    assert ran.code == 0
    assert f"+  adopt: {foreign}" in ran.out.splitlines()
    assert tree.files() == before


@pytest.mark.usefixtures("foreign")
def test_other_spec_is_refused_field_by_field(tree: Project) -> None:
    """Differences are listed with both values, the exit code is 1, and the manifest stays."""
    tree.edit("bot", "epochCount: 2", "epochCount: 9")
    before = tree.files()
    ran = tree.call("adopt", "bot", "--yes", "--output", "json")
    assert ran.code == 1
    job = one(ran)
    assert (job["verdict"], job["reason"]) == ("Refused", "NotOwned")
    assert job["changes"] == [
        {"member": "hyperParameters.epochCount", "declared": '"9"', "live": '"2"'}
    ]
    assert 'manifest "9", live "2"' in tree.call("adopt", "bot", "--yes").out
    assert tree.files() == before


def test_job_of_another_name_is_adopted_by_its_arn(tree: Project) -> None:
    """With --arn a manifest can adopt a job whose name differs from its own."""
    arn = tree.bystand({**REQUEST, "jobName": "experiment-7", "customModelName": "best"})
    tree.add("bot", spec(jobName="experiment-7", customModelName="best"))
    tree.hush()
    assert tree.call("adopt", "bot", "--arn", arn, "--yes").code == 0
    tree.call("reconcile")
    assert tree.entry("bot")["jobArn"] == arn
    assert tree.changes() == []


def test_arn_of_a_job_with_another_spec_is_refused(tree: Project) -> None:
    """--arn does not override a difference between the specs; names are part of the spec."""
    arn = tree.bystand({**REQUEST, "jobName": "experiment-7"})
    tree.add("bot")
    ran = tree.call("adopt", "bot", "--arn", arn, "--yes", "--output", "json")
    assert ran.code == 1
    assert [change["member"] for change in one(ran)["changes"]] == ["jobName"]


def test_arn_of_no_job_is_refused(tree: Project, foreign: str) -> None:
    """An ARN that the service does not know leaves the manifest unchanged."""
    before = tree.files()
    ran = tree.call("adopt", "bot", "--arn", foreign[:-4] + "zzzz", "--yes")
    assert ran.code == 1
    assert "Refused" in ran.out
    assert tree.files() == before


def test_own_job_is_not_exchanged(tree: Project) -> None:
    """A manifest that has its own job does not adopt another one."""
    tree.add("bot")
    tree.call("reconcile")
    arn = tree.bystand({**REQUEST, "jobName": "other", "customModelName": "other"})
    before = tree.files()
    ran = tree.call("adopt", "bot", "--arn", arn, "--yes")
    assert ran.code == 1
    assert "write another manifest" in ran.out
    assert tree.files() == before


def test_own_job_of_a_spec_written_otherwise_is_adopted(tree: Project) -> None:
    """A job held as SpecChanged for a number's spelling can be adopted by its ARN."""
    tree.add("bot")
    tree.call("reconcile")
    arn = tree.entry("bot")["jobArn"]
    tree.edit("bot", "0.00001", "1e-5")
    tree.hush()
    assert tree.call("adopt", "bot", "--yes").code == 1
    assert tree.call("adopt", "bot", "--arn", arn, "--yes").code == 0
    tree.call("reconcile")
    assert one_plan(tree) == ("WAIT", "InProgress")
    assert tree.call("status", "--exit-code").code == 0
    assert tree.changes() == []


def test_absent_job_is_refused(tree: Project) -> None:
    """If no job has the name, there is nothing to adopt, and reconcile would submit one."""
    tree.add("bot")
    ran = tree.call("adopt", "bot", "--yes")
    assert ran.code == 1
    assert "there is no job bot" in ran.out


def test_stopped_manifest_is_warned(tree: Project, foreign: str) -> None:
    """Adoption with state Stopped leads to a stop, which is printed before the confirmation."""
    tree.add("bot", policy={"state": "Stopped"})
    ran = tree.call("adopt", "bot", "--dry-run")
    assert foreign in ran.out
    assert "reconcile stops it" in ran.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bot", "other", "--arn", "arn:aws:bedrock:any"), "--arn is for one manifest"),
        (("bot", "--arn", "bot"), "beginning with `arn:`"),
    ],
    ids=["several manifests", "no ARN"],
)
def test_arn_in_wrong_use(tree: Project, arguments: tuple[str, ...], told: str) -> None:
    """--arn for several manifests, or without an ARN, is a usage error."""
    tree.add("bot")
    tree.add("other")
    ran = tree.call("adopt", *arguments, "--yes")
    assert ran.code == 64
    assert told in ran.err


def test_several_are_adopted_at_once(tree: Project) -> None:
    """Every manifest under a path is observed; ended jobs are adopted like running ones."""
    arns = {}
    for name in ("a", "b", "c"):
        arns[name] = tree.bystand({**REQUEST, "jobName": name, "customModelName": name})
        tree.add(name)
    tree.sandbox.advance(SETTLED)
    tree.hush()
    assert tree.call("adopt", "jobs", "--yes").code == 0
    tree.call("reconcile")
    assert {name: tree.entry(name)["jobArn"] for name in arns} == arns
    assert {tree.entry(name)["phase"] for name in arns} == {"Completed"}
    assert tree.changes() == []
