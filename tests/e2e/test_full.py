from __future__ import annotations

from tests.support.manifests import spec
from tests.support.project import Project

TEAM = [{"key": "team", "value": "support"}]


def _tagged(tree: Project) -> str:
    """Let a tagged job end, change its tag behind the controller's back, and return its ARN."""
    tree.add("support-bot", spec(jobTags=TEAM))
    tree.settle()
    arn = str(tree.entry("support-bot")["jobArn"])
    tree.sandbox.bedrock().tag_resource(
        resourceARN=arn, tags=[{"key": "team", "value": "theirs"}, {"key": "cost", "value": "7"}]
    )
    tree.hush()
    return arn


def test_settled_tags_are_not_asked_about(tree: Project) -> None:
    """A pass trusts the sidecar of a job that ended, its tags included."""
    _tagged(tree)

    assert tree.call("reconcile").code == 0

    assert tree.sandbox.list_calls() == []


def test_a_full_pass_finds_what_changed_behind_its_back(tree: Project) -> None:
    """With --full the tags are read, what differs is shown and set, and the rest stays."""
    arn = _tagged(tree)

    planned = tree.call("plan", "--full", "--detailed-exitcode", "--output", "json")
    tree.call("reconcile", "--full")

    assert planned.code == 2
    assert [one["reason"] for one in planned.data["actions"]] == ["TagsChanged"]
    assert tree.changes() == ["TagResource"]
    tags = tree.sandbox.bedrock().list_tags_for_resource(resourceARN=arn)["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == {"team": "support", "cost": "7"}
    tree.hush()
    assert tree.call("reconcile", "--full").code == 0
    assert tree.changes() == []


def test_a_stopped_manifest_keeps_its_tags_right(tree: Project) -> None:
    """A job that another attempt would follow, if one were wanted, is the one to be tagged."""
    tree.add("support-bot", spec(jobTags=TEAM))
    tree.call("reconcile")
    tree.add("support-bot", spec(jobTags=TEAM), policy={"state": "Stopped", "attempt": 1})
    tree.call("reconcile")
    tree.settle()
    before = tree.entry("support-bot")
    tree.forget()

    tree.call("reconcile")

    assert before["phase"] == "Stopped"
    assert tree.entry("support-bot") == before


def test_lost_sidecars_of_adopted_jobs_are_rebuilt_at_once(tree: Project) -> None:
    """The pass that adopts a job again vouches for its tags, as the passes before did."""
    asked = spec(jobTags=TEAM, jobName="made-elsewhere", customModelName="made-elsewhere")
    arn = tree.bystand(asked)
    tree.add("support-bot", asked, policy={"adopt": arn})
    tree.settle()
    tree.call("reconcile")
    before = tree.entry("support-bot")
    tree.forget()

    tree.call("reconcile")

    assert "tags" in before
    assert tree.entry("support-bot") == before
