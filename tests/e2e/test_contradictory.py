"""Policies that contradict each other or themselves, from the command line: told, and held."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import call
from tests.support.manifests import manifest, write
from tests.support.project import Project

JOB = (
    "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/"
    "amazon.nova-micro-v1:0:128k/abcdefghijkl"
)


def test_validate_tells_both_whose_names_could_meet(tmp_path: Path) -> None:
    """Each of two manifests that could meet in one name is told, with the other's place."""
    retried = manifest("bot", policy={"onFailure": {"retries": 2}})
    write(tmp_path / "jobs" / "a.yaml", retried)
    write(tmp_path / "jobs" / "b.yaml", manifest("bot-r2"), manifest("bot-r3"))

    done = call(tmp_path, "validate")

    told = [line for line in done.out.splitlines() if "BJ" in line]
    assert done.code == 4
    assert [line.split(": ")[0] for line in told] == ["jobs/a.yaml:4:9", "jobs/b.yaml:4:9"]
    assert all("BJ306" in line for line in told)
    assert "jobs/b.yaml:4" in told[0]
    assert "jobs/a.yaml:4" in told[1]


def test_defaults_of_a_folder_count(tmp_path: Path) -> None:
    """A policy that comes from a folder's defaults leads to suffixes like any other."""
    write(tmp_path / "jobs" / "bots.yaml", manifest("bot"), manifest("bot-1a2b3c4d"))
    (tmp_path / "jobs" / "_defaults.yaml").write_text("policy: {onSpecChange: NewRevision}\n")

    done = call(tmp_path, "validate")

    assert done.code == 4
    assert done.out.count("BJ306") == 2


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"adopt": JOB, "onSpecChange": "NewRevision"}, "BJ307"),
        ({"adopt": JOB.replace("us-east-1", "eu-west-1")}, "BJ308"),
        ({"adopt": JOB.replace("123456789012", "210987654321")}, "BJ308"),
    ],
)
def test_contradiction_is_held_and_the_rest_goes_on(
    tree: Project, policy: dict[str, str], code: str
) -> None:
    """The manifest in question is told and submits nothing; the others are served."""
    target = {"region": "us-east-1", "accountId": "123456789012"}
    tree.add("torn", policy=policy, target=target)
    tree.add("fine")

    done = tree.call("reconcile")

    assert done.code == 4
    assert code in done.out + done.err
    assert tree.changes() == ["CreateModelCustomizationJob"]


def test_stamps_need_room_among_the_tags(tree: Project) -> None:
    """With stampTags a job of fifty tags of its own is refused before any call."""
    tags = [{"key": f"key-{number}", "value": "x"} for number in range(50)]
    tree.add("bot", {**manifest("bot")["spec"], "jobTags": tags})

    alone = tree.call("validate")
    tree.fleet(stampTags=True)
    stamped = tree.call("validate")

    assert alone.code == 0
    assert stamped.code == 4
    assert "BJ311" in stamped.out
