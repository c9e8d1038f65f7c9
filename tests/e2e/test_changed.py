"""A manifest edited after its job was submitted: held, named field by field, never sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.manifests import manifest, spec, write
from tests.support.project import Project

PRIVATE = "project-nightingale"
VERBS = ("plan", "reconcile", "status")
LOGS: dict[str, Any] = {
    "invocationLogsConfig": {
        "usePromptResponse": True,
        "invocationLogSource": {"s3Uri": "s3://acme-logs/bedrock/"},
        "requestMetadataFilters": {
            "andAll": [
                {"equals": {"project": PRIVATE}},
                {"notEquals": {"stage": f"{PRIVATE}-test"}},
            ]
        },
    }
}
DISTILLATION = spec(
    customizationType="DISTILLATION",
    hyperParameters=None,
    trainingDataConfig=LOGS,
    customizationConfig={
        "distillationConfig": {
            "teacherModelConfig": {"teacherModelIdentifier": "amazon.nova-pro-v1:0"}
        }
    },
)


@pytest.fixture
def edited(tree: Project) -> Project:
    """A tree whose one manifest was edited while its job runs."""
    tree.add("support-bot")
    tree.call("reconcile")
    tree.edit("support-bot", "epochCount: 2", "epochCount: 3")
    tree.hush()
    return tree


def test_reconcile_holds_and_ends_with_0(edited: Project) -> None:
    """A held job is no failure of the pass; the sidecar says that a person must act."""
    ran = edited.call("reconcile")
    assert ran.code == 0
    assert edited.changes() == []
    entry = edited.entry("support-bot")
    assert entry["phase"] == "Stalled"
    assert [one["type"] for one in entry["conditions"]] == ["Synced", "Succeeded", "Stalled"]
    assert entry["conditions"][0]["reason"] == "SpecChanged"
    assert "hyperParameters.epochCount" in entry["conditions"][0]["message"]


def test_plan_names_the_fields_and_ends_with_2(edited: Project) -> None:
    """The plan shows each field with what the manifest says and what runs."""
    ran = edited.call("plan", "--detailed-exitcode")
    assert ran.code == 2
    assert "HOLD" in ran.out
    assert 'hyperParameters.epochCount: manifest "3", live "2"' in ran.out
    assert edited.call("plan").code == 0


def test_plan_as_data_lists_the_changes(edited: Project) -> None:
    """Programs find every difference under the action."""
    (action,) = edited.call("plan", "--output", "json").data["actions"]
    assert (action["verb"], action["reason"]) == ("HOLD", "SpecChanged")
    assert action["changes"] == [
        {"member": "hyperParameters.epochCount", "declared": '"3"', "live": '"2"'}
    ]


def test_status_ends_with_3(edited: Project) -> None:
    """Status tells the change before and after a pass has recorded it."""
    assert edited.call("status", "--exit-code").code == 3
    edited.call("reconcile")
    ran = edited.call("status", "--exit-code")
    assert ran.code == 3
    assert "Stalled" in ran.out
    assert edited.call("status").code == 0


def test_held_job_is_byte_stable(edited: Project) -> None:
    """Holding writes once; rebuilt from AWS the sidecar is the same."""
    edited.call("reconcile")
    before = edited.files()
    edited.call("reconcile")
    assert edited.files() == before
    kept = edited.sidecars()
    edited.forget()
    edited.call("reconcile")
    assert edited.sidecars() == kept


def test_held_job_is_followed_to_its_end(edited: Project) -> None:
    """The job that runs is still observed while its manifest asks for another."""
    edited.call("reconcile")
    edited.sandbox.advance(7200)
    edited.call("reconcile")
    assert edited.entry("support-bot")["live"]["status"] == "Completed"
    assert edited.entry("support-bot")["phase"] == "Stalled"


def test_restored_spec_is_synced_again(edited: Project) -> None:
    """Undoing the edit undoes the hold, without a submit."""
    edited.call("reconcile")
    edited.edit("support-bot", "epochCount: 3", "epochCount: 2")
    edited.call("reconcile")
    assert edited.entry("support-bot")["phase"] == "InProgress"
    assert edited.changes() == []


def test_change_of_an_ended_job_is_held(tree: Project) -> None:
    """A manifest edited after its job completed is held too, and not run again."""
    tree.add("support-bot")
    tree.settle()
    tree.edit("support-bot", "train.jsonl", "more.jsonl")
    tree.hush()
    ran = tree.call("plan", "--detailed-exitcode", "--output", "json")
    assert ran.code == 2
    (change,) = ran.data["actions"][0]["changes"]
    assert change["member"] == "trainingDataConfig.s3Uri"
    assert tree.call("reconcile").code == 0
    assert tree.changes() == []


@pytest.mark.parametrize(
    ("old", "new", "member"),
    [
        ("epochCount: 2", "epochCount: 2\n    batchSize: 8", "hyperParameters.batchSize"),
        ("support/output/", "support/results/", "outputDataConfig.s3Uri"),
        ("role/BedrockCustomization", "role/BedrockOther", "roleArn"),
        ("nova-micro", "nova-lite", "baseModelIdentifier"),
        ("FINE_TUNING", "CONTINUED_PRE_TRAINING", "customizationType"),
        ("spec:\n", "spec:\n  customModelName: other\n", "customModelName"),
    ],
    ids=lambda value: value if "." in value or value.isalpha() else "",
)
def test_every_member_is_named(tree: Project, old: str, new: str, member: str) -> None:
    """Whatever member is edited, the hold names it."""
    tree.add("support-bot")
    tree.call("reconcile")
    tree.edit("support-bot", old, new)
    (action,) = tree.call("plan", "--output", "json").data["actions"]
    assert member in [change["member"] for change in action["changes"]]


def test_equal_numbers_in_other_clothes_are_a_change(tree: Project) -> None:
    """The same number written otherwise is another text to send: held, and said to be so."""
    tree.add("support-bot")
    tree.call("reconcile")
    tree.edit("support-bot", "0.00001", "1e-5")
    (action,) = tree.call("plan", "--output", "json").data["actions"]
    assert action["reason"] == "SpecChanged"
    assert "how a value is written" in action["message"]


@pytest.mark.parametrize("format_wanted", ["text", "json", "yaml"])
def test_sensitive_values_are_never_shown(tree: Project, format_wanted: str) -> None:
    """Filter values reach the service alone: no output and no sidecar holds them."""
    tree.add("distilled", DISTILLATION)
    said = [tree.call("plan", "--output", format_wanted)]
    said.append(tree.call("reconcile", "--output", format_wanted))
    tree.edit("distilled", f"project: {PRIVATE}", f"project: {PRIVATE}-2")
    debug = ("--output", format_wanted, "--debug")
    said += [tree.call(verb, *debug) for verb in VERBS]
    tree.edit("distilled", "notEquals", "notEqual")
    said.append(tree.call("reconcile", "--output", format_wanted))
    assert said[-1].code == 4
    assert PRIVATE in tree.calls("Create")[0]["body"]
    shown = "".join(ran.out + ran.err for ran in said)
    assert PRIVATE not in shown
    assert not any(PRIVATE.encode() in content for content in tree.sidecars().values())


def test_changed_sensitive_value_is_named_without_it(tree: Project) -> None:
    """The hold names the sensitive member that differs, and masks both values."""
    tree.add("distilled", DISTILLATION)
    tree.call("reconcile")
    tree.edit("distilled", f"project: {PRIVATE}", f"project: {PRIVATE}-2")
    (action,) = tree.call("plan", "--output", "json").data["actions"]
    (change,) = action["changes"]
    assert "requestMetadataFilters.andAll[0].equals" in change["member"]
    assert change["declared"] == change["live"] == "(sensitive)"


def test_edit_of_one_document_leaves_its_neighbour(tree: Project) -> None:
    """In a file of several only the edited document is held."""
    write(tree.jobs / "pair.yaml", manifest("left"), manifest("right"))
    tree.call("reconcile")
    other = spec(hyperParameters={"epochCount": "5"})
    write(tree.jobs / "pair.yaml", manifest("left", other), manifest("right"))
    tree.call("reconcile")
    assert tree.entry("left", "pair")["phase"] == "Stalled"
    assert tree.entry("right", "pair")["phase"] == "InProgress"
