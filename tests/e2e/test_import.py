"""Jobs made elsewhere become manifests, and the next pass takes them over without a Create."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import environment
from tests.support.manifests import spec
from tests.support.project import SETTLED, Project

REQUEST: dict[str, Any] = {
    "jobName": "support-bot",
    "customModelName": "support-bot-model",
    **spec(),
    "jobTags": [{"key": "team", "value": "support"}, {"key": "stage", "value": ""}],
    "customModelTags": [{"key": "model", "value": "yes"}],
}
REQUESTS = {
    "plain": REQUEST,
    "least": {
        name: value
        for name, value in REQUEST.items()
        if name not in {"customizationType", "hyperParameters", "jobTags", "customModelTags"}
    },
    "secured": {
        **REQUEST,
        "customModelKmsKeyId": (
            "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
        ),
        "vpcConfig": {"subnetIds": ["subnet-b", "subnet-a"], "securityGroupIds": ["sg-0"]},
        "validationDataConfig": {"validators": [{"s3Uri": "s3://acme-training/v.jsonl"}]},
    },
    "distilled": {
        **{name: value for name, value in REQUEST.items() if name != "hyperParameters"},
        "customizationType": "DISTILLATION",
        "customizationConfig": {
            "distillationConfig": {
                "teacherModelConfig": {
                    "teacherModelIdentifier": "amazon.nova-pro-v1:0",
                    "maxResponseLengthForInference": 1000,
                }
            }
        },
    },
    "reinforced": {
        **{name: value for name, value in REQUEST.items() if name != "hyperParameters"},
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "customizationConfig": {
            "rftConfig": {
                "graderConfig": {
                    "lambdaGrader": {
                        "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:reward"
                    }
                },
                "hyperParameters": {"epochCount": 1, "batchSize": 32, "learningRate": 0.00005},
            }
        },
    },
}


AWS = Path(sys.executable).with_name("aws")


def verbs(tree: Project) -> list[str]:
    """Return the verbs of the plan."""
    return [one["verb"] for one in tree.call("plan", "--output", "json").data["actions"]]


@pytest.mark.parametrize("ended", [False, True], ids=["running", "ended"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=list(REQUESTS))
def test_imported_job_is_adopted_and_never_made_again(
    tree: Project, request_: dict[str, Any], *, ended: bool
) -> None:
    """From import to a settled tree, whatever the job: ADOPT, no call that changes, then idle."""
    arn = tree.bystand(request_)
    tree.sandbox.advance(SETTLED if ended else 1.0)
    tree.hush()

    ran = tree.call("import", "--live", "support-bot", "-o", "jobs")

    assert (ran.code, ran.out) == (0, ""), ran.err
    assert f"adopt: {arn}" in (tree.jobs / "support-bot.yaml").read_text()
    assert tree.call("validate").code == 0
    assert verbs(tree) == ["ADOPT"]
    assert tree.call("reconcile").code == 0
    assert verbs(tree) == ["NOOP" if ended else "WAIT"]
    tree.call("reconcile")
    assert tree.changes() == []
    assert tree.entry("support-bot")["jobArn"] == arn


def aws(tree: Project, *arguments: str) -> str:
    """Run the AWS CLI's command that submits a job, in a region of its own."""
    env = environment(tree.folder, AWS_ENDPOINT_URL=tree.sandbox.url, PYTHONWARNINGS="")
    service = ("bedrock", "create-model-customization-job", "--region", "us-west-2")
    done = subprocess.run(
        [AWS, *service, *arguments], cwd=tree.folder, env=env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_manifest_sends_what_the_aws_cli_sends(tree: Project) -> None:
    """One file, given to the AWS CLI and to import, leads to one and the same request."""
    filled = json.loads(aws(tree, "--generate-cli-skeleton", "input"))
    for member in filled.keys() - REQUEST.keys():
        del filled[member]
    (tree.folder / "request.json").write_text(json.dumps({**filled, **REQUEST}))

    aws(tree, "--cli-input-json", "file://request.json")
    assert tree.call("import", "--from-cli-json", "request.json", "-o", "jobs").code == 0
    assert tree.call("reconcile").code == 0

    theirs, ours = (json.loads(entry["body"]) for entry in tree.calls("Create"))
    assert theirs.pop("clientRequestToken") != ours.pop("clientRequestToken")
    assert ours == theirs == REQUEST


def test_tags_come_along(tree: Project) -> None:
    """The job's tags are written, and its model's too once there is one."""
    tree.bystand(REQUEST)
    running = tree.call("import", "--live", "support-bot", "--output", "json").data
    tree.sandbox.advance(SETTLED)
    ended = tree.call("import", "--live", "support-bot", "--output", "json").data

    found, later = (one["manifests"][0]["manifest"]["spec"] for one in (running, ended))

    assert found["jobTags"] == sorted(REQUEST["jobTags"], key=lambda tag: str(tag["key"]))
    assert "customModelTags" not in found
    assert later["customModelTags"] == REQUEST["customModelTags"]


def test_every_job_without_a_manifest_is_imported(tree: Project) -> None:
    """--all takes what no manifest stands for, tells how many do, and finds nothing twice."""
    tree.add("ours")
    tree.call("reconcile")
    tree.add("unsent", policy={"state": "Suspended"})
    for name in ("Theirs.One", "theirs-one", "theirs-two"):
        tree.bystand(REQUEST, jobName=name, customModelName=name.replace(".", "-"))
    tree.hush()

    first = tree.run("import", "--live", "--all", "-o", "jobs/imported")

    assert first.code == 0, first.err
    assert "3 manifests in jobs/imported, 1 job skipped" in first.said
    assert len(list((tree.jobs / "imported").iterdir())) == 3
    assert tree.call("validate").code == 0
    assert sorted(verbs(tree)) == ["ADOPT", "ADOPT", "ADOPT", "NOOP", "WAIT"]
    again = tree.call("import", "--live", "--all", "-o", "jobs/imported")
    assert again.said[-1] == "0 manifests in jobs/imported, 4 jobs skipped"
    assert tree.changes() == []


def test_retries_of_a_manifest_have_a_manifest(tree: Project) -> None:
    """With all sidecars lost, a job under a retry's name is still known for the manifest's own."""
    tree.fleet(owner="acme-ml")
    tree.add("support-bot", spec(trainingDataConfig={"s3Uri": "s3://acme/sandbox-fail.jsonl"}))
    tree.settle()
    tree.edit("support-bot", "spec:", "policy: {attempt: 1}\nspec:")
    tree.call("reconcile")
    tree.forget()

    ran = tree.call("import", "--live", "--all")

    assert ran.code == 0
    assert ran.said[-1] == "0 manifests, 2 jobs skipped", ran


def test_another_fleets_job_is_taken_by_name_only(tree: Project) -> None:
    """What another repository's fleet submitted is left out of --all, and imported when named."""
    tree.fleet(owner="acme-search")
    path = tree.add("support-bot")
    tree.settle()
    path.unlink()
    tree.forget()
    tree.fleet(owner="acme-ml")
    tree.hush()

    every = tree.call("import", "--live", "--all", "-o", "jobs")
    named = tree.call("import", "--live", "support-bot", "-o", "jobs")

    assert every.said == [
        "support-bot: skipped, for another fleet submitted it; name it to take it over",
        "0 manifests in jobs, 1 job skipped",
    ]
    assert named.code == 0
    assert verbs(tree) == ["ADOPT"]
    assert tree.changes() == []


def test_own_orphan_is_imported_again(tree: Project) -> None:
    """A job of our own whose manifest and sidecar are lost comes back as a manifest."""
    path = tree.add("support-bot", labels={"team": "support"})
    tree.settle()
    path.unlink()
    tree.forget()
    tree.hush()

    assert tree.call("import", "--live", "--all", "-o", "jobs").code == 0

    assert verbs(tree) == ["ADOPT"]
    tree.call("reconcile")
    assert verbs(tree) == ["NOOP"]
    tree.edit("support-bot", 'epochCount: "2"', 'epochCount: "3"')
    for _ in range(2):
        tree.call("reconcile")
        assert verbs(tree) == ["HOLD"]
    assert tree.changes() == []


def test_sensitive_values_are_left_to_a_person(tree: Project) -> None:
    """What the model marks sensitive is not written; the manifest says so, and is not valid yet."""
    logs = {
        "usePromptResponse": False,
        "invocationLogSource": {"s3Uri": "s3://acme-logs/bedrock/"},
        "requestMetadataFilters": {"equals": {"project": "hush-hush"}},
    }
    tree.bystand({**REQUESTS["distilled"], "trainingDataConfig": {"invocationLogsConfig": logs}})

    ran = tree.call("import", "--live", "support-bot", "-o", "jobs")

    assert ran.code == 4
    text = (tree.jobs / "support-bot.yaml").read_text()
    assert "hush-hush" not in text + ran.out + ran.err
    assert "# Write the value that was submitted" in text
    assert tree.call("validate").code == 4
    tree.edit("support-bot", '"<key>": "<value>"', "project: hush-hush")
    assert tree.call("validate").code == 0
    assert verbs(tree) == ["ADOPT"]


def test_region_that_is_asked_for_is_written(tree: Project) -> None:
    """A job in another place than the fleet's has its place in the manifest, and is found there."""
    tree.fleet(target={"region": "eu-west-1", "accountId": "123456789012"})
    tree.bystand(REQUEST)

    ran = tree.call("import", "--live", "support-bot", "--region", "us-east-1", "-o", "jobs")

    assert ran.code == 0, ran.err
    text = (tree.jobs / "support-bot.yaml").read_text()
    assert 'target:\n  region: us-east-1\n  accountId: "123456789012"\n' in text
    assert verbs(tree) == ["ADOPT"]


def test_job_that_is_not_there_is_told(tree: Project) -> None:
    """A name without a job is told with the place that was looked in; the others are imported."""
    tree.bystand(REQUEST)

    ran = tree.call("import", "--live", "support-bot", "nope")

    assert ran.code == 1
    assert "name: support-bot" in ran.out
    assert "there is no job nope in account 123456789012, region us-east-1" in ran.err


def test_foreign_account_is_a_safety_stop(tree: Project) -> None:
    """Credentials of another account than the fleet's import nothing."""
    tree.fleet(target={"region": "us-east-1", "accountId": "210987654321"})
    tree.bystand(REQUEST)

    ran = tree.call("import", "--live", "--all")

    assert (ran.code, ran.out) == (5, "")
    assert "the fleet's file names account 210987654321" in ran.err


def test_sandbox_says_so(tree: Project) -> None:
    """Over the sandbox's own option the output says that nothing is real."""
    ran = tree.call("import", "--live", "--all", "--sandbox", AWS_ENDPOINT_URL="")

    assert (ran.code, ran.out) == (0, "")
    assert ran.said[-1] == "0 manifests (sandbox: nothing here is real)"
