from __future__ import annotations

import re
from typing import Any

import pytest

from tests.sandbox.support import LONG_ENOUGH, MINUTE, Sandbox, refused, request_named

IN_USE = "The provided job name is currently in use."
BUCKET = "s3://acme-training/"


def create(sandbox: Sandbox, name: str, region: str = "us-east-1", **changes: Any) -> str:
    """Create a job and return its ARN."""
    answer = sandbox.bedrock(region).create_model_customization_job(
        **request_named(name, **changes)
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    return answer["jobArn"]


def test_arn_has_the_service_form(sandbox: Sandbox) -> None:
    """A job's ARN has region, account, base model with suffix, and twelve characters."""
    arn = create(sandbox, "job", "us-west-2", baseModelIdentifier="amazon.titan-text-express-v1")

    prefix = "arn:aws:bedrock:us-west-2:123456789012:model-customization-job/"
    assert re.fullmatch(
        re.escape(f"{prefix}amazon.titan-text-express-v1:0:8k/") + "[a-z0-9]{12}", arn
    )


def test_every_job_has_its_own_arn(sandbox: Sandbox) -> None:
    """Different names, regions and accounts have different ARNs."""
    role = sandbox.sts().assume_role(
        RoleArn="arn:aws:iam::210987654321:role/Other", RoleSessionName="test"
    )["Credentials"]
    other = sandbox.bedrock(
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )

    arns = {create(sandbox, "a"), create(sandbox, "b"), create(sandbox, "a", "us-west-2")}
    arns.add(other.create_model_customization_job(**request_named("a"))["jobArn"])

    assert len({arn.rpartition("/")[2] for arn in arns}) == 4


def test_a_token_replay_returns_the_first_job(sandbox: Sandbox) -> None:
    """A used token returns its job again, and creates no other."""
    first = create(sandbox, "job", clientRequestToken="same")

    assert create(sandbox, "job", clientRequestToken="same") == first
    assert create(sandbox, "another", clientRequestToken="same") == first
    assert (
        len(sandbox.bedrock().list_model_customization_jobs()["modelCustomizationJobSummaries"])
        == 1
    )


def test_tokens_are_regional(sandbox: Sandbox) -> None:
    """The same token in another region creates another job."""
    first = create(sandbox, "job", clientRequestToken="same")

    assert create(sandbox, "job", "us-west-2", clientRequestToken="same") != first


@pytest.mark.parametrize(
    ("ended", "changes"),
    [
        ("InProgress", {}),
        ("Completed", {}),
        ("Failed", {"trainingDataConfig": {"s3Uri": f"{BUCKET}sandbox-fail.jsonl"}}),
        ("Stopped", {}),
    ],
)
def test_a_name_can_never_be_reused(sandbox: Sandbox, ended: str, changes: dict[str, Any]) -> None:
    """Whatever happened to a job, its name cannot be used again."""
    create(sandbox, "job", **changes)
    if ended == "Stopped":
        sandbox.bedrock().stop_model_customization_job(jobIdentifier="job")
    if ended != "InProgress":
        sandbox.advance(LONG_ENOUGH)
    assert sandbox.get("job")["status"] == ended

    again = refused(lambda: create(sandbox, "job"))

    assert again == ("ValidationException", IN_USE, 400)


def test_names_are_regional(sandbox: Sandbox) -> None:
    """A name that is used in one region can be used in another."""
    create(sandbox, "job")

    create(sandbox, "job", "eu-west-1")


@pytest.mark.parametrize("member", ["jobTags", "customModelTags"])
def test_too_many_tags_create_no_job(sandbox: Sandbox, member: str) -> None:
    """More than fifty tags are rejected, and the name stays free."""
    tags = [{"key": f"key-{number}", "value": ""} for number in range(51)]
    many: dict[str, Any] = {member: tags}
    enough: dict[str, Any] = {member: tags[:50]}

    code, _, status = refused(lambda: create(sandbox, "job", **many))

    assert (code, status) == ("TooManyTagsException", 400)
    assert create(sandbox, "job", **enough)


@pytest.mark.parametrize(
    ("sent", "resolved"),
    [
        ("amazon.titan-text-express-v1", "amazon.titan-text-express-v1:0:8k"),
        ("amazon.titan-text-express-v1:0", "amazon.titan-text-express-v1:0:8k"),
        ("amazon.titan-text-express-v1:0:8k", "amazon.titan-text-express-v1:0:8k"),
        ("cohere.command-text-v14", "cohere.command-text-v14:7:4k"),
        ("meta.llama2-13b-v1", "meta.llama2-13b-v1:0:4k"),
        ("amazon.titan-image-generator-v1:0", "amazon.titan-image-generator-v1:0"),
        ("amazon.titan-image-generator-v1", "amazon.titan-image-generator-v1:0"),
        ("acme.unlisted-v1", "acme.unlisted-v1"),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1",
            "amazon.nova-micro-v1:0:128k",
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12",
            "amazon.nova-lite-v1:0:300k",
        ),
    ],
)
def test_base_models_resolve(sandbox: Sandbox, sent: str, resolved: str) -> None:
    """A base model is shown as the ARN of its customizable variant."""
    create(sandbox, "job", baseModelIdentifier=sent)

    assert sandbox.get("job")["baseModelArn"] == (
        f"arn:aws:bedrock:us-east-1::foundation-model/{resolved}"
    )


def test_a_custom_model_can_be_a_base_model(sandbox: Sandbox) -> None:
    """A custom model's name resolves to its base model, but only after its job completed."""
    create(sandbox, "job", customModelName="made")

    early = refused(lambda: create(sandbox, "next", baseModelIdentifier="made"))
    sandbox.advance(LONG_ENOUGH)
    create(sandbox, "next", baseModelIdentifier="made")

    assert early == ("ValidationException", "The provided model identifier is invalid.", 400)
    assert sandbox.get("next")["baseModelArn"] == sandbox.get("job")["baseModelArn"]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        (
            {
                "baseModelIdentifier": "cohere.command-text-v14",
                "hyperParameters": {"batchSize": "8"},
            },
            {
                "batchSize": "8",
                "earlyStoppingPatience": "6",
                "earlyStoppingThreshold": "0.01",
                "epochCount": "1",
                "evalPercentage": "20.0",
                "learningRate": "0.00001",
            },
        ),
        (
            {"hyperParameters": {"learningRate": "5e-05", "epochCount": "02"}},
            {"epochCount": "02", "learningRate": "5e-05", "learningRateWarmupSteps": "10"},
        ),
        (
            {"hyperParameters": {"unknownSetting": "yes"}, "baseModelIdentifier": "acme.unlisted"},
            {"unknownSetting": "yes"},
        ),
        ({"customizationType": "DISTILLATION"}, {}),
    ],
)
def test_settings_are_echoed_over_defaults(
    sandbox: Sandbox, changes: dict[str, Any], shown: dict[str, str]
) -> None:
    """Sent hyperparameters are returned unchanged, with the base model's defaults beside them."""
    create(sandbox, "job", **changes)

    assert sandbox.get("job")["hyperParameters"] == shown


@pytest.mark.parametrize(
    "key",
    [
        "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-4000-8000-123456789abc",
        "0a1b2c3d-0000-4000-8000-123456789abc",
        "alias/training",
        "arn:aws:kms:us-east-1:123456789012:alias/training",
    ],
)
def test_kms_keys_are_shown_as_key_arns(sandbox: Sandbox, key: str) -> None:
    """Every identifier of a KMS key is shown as a key ARN, equal for equal identifiers."""
    create(sandbox, "job", customModelKmsKeyId=key)
    create(sandbox, "twin", customModelKmsKeyId=key)

    shown = sandbox.get("job")["outputModelKmsKeyArn"]

    assert re.fullmatch(r"arn:aws:kms:us-east-1:123456789012:key/[0-9a-f-]{36}", shown)
    assert sandbox.get("twin")["outputModelKmsKeyArn"] == shown


def test_rest_of_the_request_is_shown_as_sent(sandbox: Sandbox) -> None:
    """Members that the service passes on are returned unchanged; tags never are."""
    given: dict[str, Any] = {
        "vpcConfig": {"subnetIds": ["subnet-b", "subnet-a"], "securityGroupIds": ["sg-1"]},
        "validationDataConfig": {"validators": [{"s3Uri": f"{BUCKET}check.jsonl"}]},
        "customizationType": "DISTILLATION",
        "customizationConfig": {
            "distillationConfig": {
                "teacherModelConfig": {
                    "teacherModelIdentifier": "amazon.nova-pro-v1:0",
                    "maxResponseLengthForInference": 1000,
                }
            }
        },
    }
    create(sandbox, "job", **given, jobTags=[{"key": "team", "value": "support"}])

    shown = sandbox.get("job")

    assert {member: shown[member] for member in given} == given
    assert "jobTags" not in shown


def test_a_stopped_clock_keeps_jobs_running(sandbox: Sandbox) -> None:
    """At speed zero only the tests advance time."""
    create(sandbox, "job")
    first = sandbox.get("job")
    sandbox.advance(MINUTE)

    assert sandbox.get("job") == first
