from __future__ import annotations

import pytest

from tests.sandbox.support import LONG_ENOUGH, Sandbox, refused, request_named

Pairs = dict[str, str]


def start(sandbox: Sandbox, *, job: Pairs | None = None, model: Pairs | None = None) -> str:
    """Create a job with tags and return its ARN."""
    request = request_named("job", jobTags=_listed(job), customModelTags=_listed(model))
    return sandbox.bedrock().create_model_customization_job(**request)["jobArn"]


def _listed(pairs: Pairs | None) -> list[dict[str, str]] | None:
    return pairs and [{"key": key, "value": value} for key, value in pairs.items()]  # type: ignore[return-value]


def tags(sandbox: Sandbox, arn: str) -> Pairs:
    """Return the listed tags of a resource."""
    found = sandbox.bedrock().list_tags_for_resource(resourceARN=arn).get("tags", [])
    return {tag["key"]: tag["value"] for tag in found}


def test_tags_of_create_are_listed(sandbox: Sandbox) -> None:
    """A job has the job's tags, and its model has the model's tags once it exists."""
    arn = start(sandbox, job={"team": "support"}, model={"stage": "trial"})
    product = arn.replace("model-customization-job", "custom-model")
    assert refused(lambda: tags(sandbox, product))[0] == "ResourceNotFoundException"
    sandbox.advance(LONG_ENOUGH)

    assert tags(sandbox, arn) == {"team": "support"}
    assert tags(sandbox, sandbox.get("job")["outputModelArn"]) == {"stage": "trial"}


def test_tags_can_be_changed(sandbox: Sandbox) -> None:
    """Tags are added, replaced and removed; removing a missing tag is not an error."""
    arn = start(sandbox, job={"team": "support", "stage": "trial"})
    client = sandbox.bedrock()
    client.tag_resource(
        resourceARN=arn, tags=[{"key": "stage", "value": "live"}, {"key": "cost", "value": ""}]
    )
    client.untag_resource(resourceARN=arn, tagKeys=["team", "absent"])

    assert tags(sandbox, arn) == {"cost": "", "stage": "live"}


def test_too_many_tags_add_none(sandbox: Sandbox) -> None:
    """A resource has at most fifty tags; a call that would exceed that adds none."""
    before = {f"key-{number}": "" for number in range(49)}
    arn = start(sandbox, job=before)
    more = [{"key": "x", "value": ""}, {"key": "y", "value": ""}]

    code, _, status = refused(
        lambda: sandbox.bedrock().tag_resource(resourceARN=arn, tags=more)  # type: ignore[arg-type]
    )

    assert (code, status) == ("TooManyTagsException", 400)
    assert tags(sandbox, arn) == before


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_tags_need_a_resource(sandbox: Sandbox, region: str) -> None:
    """Tags for an ARN of no job of the caller are not found."""
    arn = start(sandbox).replace("us-east-1", region)[:-2] + "zz"

    code, _, status = refused(
        lambda: sandbox.bedrock(region).tag_resource(resourceARN=arn, tags=[])
    )

    assert (code, status) == ("ResourceNotFoundException", 404)
