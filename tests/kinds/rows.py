"""Rows of kinds that are not offered: they show that a further kind is a row and no code."""

from __future__ import annotations

from typing import Any

from controller.core.kinds.kind import Comparison, Kind

_LINK = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Create"
_STOPPABLE_ACTIVE = frozenset({"InProgress", "Stopping"})


def _row(name: str, **judgement: Any) -> Kind:
    """Return a row with what most kinds of job have in common."""
    common: dict[str, Any] = {
        "plural": f"{name}s",
        "stoppable": False,
        "name_member": "jobName",
        "suffixed_members": ("jobName",),
        "token_member": "clientRequestToken",
        "tag_members": ("jobTags",),
        "tagged": {"jobTags": "jobArn"},
        "identifier_member": "jobIdentifier",
        "arn_member": "jobArn",
        "status_member": "status",
        "failure_member": "failureMessage",
        "created_member": "creationTime",
        "modified_member": "lastModifiedTime",
        "ended_member": "",
        "active": frozenset({"InProgress"}),
        "stopping": frozenset(),
        "succeeded": frozenset({"Completed"}),
        "failed": frozenset({"Failed"}),
        "stopped": frozenset(),
        "listed_as_active": "InProgress",
        "echoes_token": False,
        "unique_names": True,
        "settle_seconds": 0,
        "documentation": f"{_LINK}{name}.html",
    }
    return Kind(name=name, **(common | judgement))


EVALUATION = _row(
    "EvaluationJob",
    resource="evaluation-job",
    summaries_member="jobSummaries",
    stoppable=True,
    failure_member="failureMessages",
    active=_STOPPABLE_ACTIVE | {"Deleting"},
    stopping=frozenset({"Stopping"}),
    stopped=frozenset({"Stopped"}),
    sensitive=frozenset(
        {
            "andAll",
            "customMetricDefinition",
            "data",
            "description",
            "fieldsToExclude",
            "fieldsToInclude",
            "filter",
            "identifier",
            "inferenceParams",
            "instructions",
            "jobDescription",
            "metadataAttributes",
            "metricNames",
            "name",
            "orAll",
            "textPromptTemplate",
        }
    ),
    role_members=("roleArn",),
    kms_member="customerEncryptionKeyId",
)
INVOCATION = _row(
    "ModelInvocationJob",
    resource="model-invocation-job",
    summaries_member="invocationJobSummaries",
    stoppable=True,
    tag_members=("tags",),
    tagged={"tags": "jobArn"},
    failure_member="message",
    created_member="submitTime",
    ended_member="endTime",
    active=_STOPPABLE_ACTIVE | {"Submitted", "Validating", "Scheduled"},
    stopping=frozenset({"Stopping"}),
    failed=frozenset({"Failed", "PartiallyCompleted", "Expired"}),
    stopped=frozenset({"Stopped"}),
    echoes_token=True,
    sensitive=frozenset({"message"}),
    role_members=("roleArn",),
    model_members=("modelId",),
    kms_member="outputDataConfig.s3OutputDataConfig.s3EncryptionKeyId",
    vpc_member="vpcConfig",
    comparisons={"vpcConfig.subnetIds": Comparison.SET},
    patterns={
        "[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\\+\\-\\.]){0,63}": "[a-zA-Z0-9][a-zA-Z0-9+.-]*",
        "[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}": "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?",
    },
)
IMPORT = _row(
    "ModelImportJob",
    resource="model-import-job",
    summaries_member="modelImportJobSummaries",
    suffixed_members=("jobName", "importedModelName"),
    tag_members=("jobTags", "importedModelTags"),
    tagged={"jobTags": "jobArn", "importedModelTags": "importedModelArn"},
    ended_member="endTime",
    echoes={"importedModelKmsKeyId": "importedModelKmsKeyArn"},
    comparisons={"importedModelKmsKeyId": Comparison.KMS_KEY},
    role_members=("roleArn",),
    kms_member="importedModelKmsKeyId",
    vpc_member="vpcConfig",
    patterns={"[a-zA-Z0-9](-*[a-zA-Z0-9\\+\\-\\.])*": "[a-zA-Z0-9][a-zA-Z0-9+.-]*"},
)
COPY = _row(
    "ModelCopyJob",
    resource="model-copy-job",
    summaries_member="modelCopyJobSummaries",
    name_member="targetModelName",
    suffixed_members=("targetModelName",),
    tag_members=("targetModelTags",),
    tagged={"targetModelTags": "targetModelArn"},
    identifier_member="jobArn",
    modified_member="",
    unique_names=False,
    settle_seconds=60,
    echoes={"modelKmsKeyId": "targetModelKmsKeyArn"},
    comparisons={"modelKmsKeyId": Comparison.KMS_KEY},
    model_members=("sourceModelArn",),
    kms_member="modelKmsKeyId",
)
OPTIMIZATION = _row(
    "AdvancedPromptOptimizationJob",
    resource="advanced-prompt-optimization-job",
    summaries_member="jobSummaries",
    stoppable=True,
    token_member="clientToken",  # noqa: S106 - a member's name, not a secret
    tag_members=("tags",),
    tagged={},
    status_member="jobStatus",
    active=_STOPPABLE_ACTIVE | {"Deleting"},
    stopping=frozenset({"Stopping"}),
    failed=frozenset({"Failed", "PartiallyCompleted"}),
    stopped=frozenset({"Stopped"}),
    listed_as_active="",
    kms_member="encryptionKeyArn",
)
DEPLOYMENT = _row(
    "CustomModelDeployment",
    resource="custom-model-deployment",
    summaries_member="modelDeploymentSummaries",
    name_member="modelDeploymentName",
    listed_name_member="customModelDeploymentName",
    suffixed_members=("modelDeploymentName",),
    tag_members=("tags",),
    tagged={"tags": "customModelDeploymentArn"},
    identifier_member="customModelDeploymentIdentifier",
    arn_member="customModelDeploymentArn",
    created_member="createdAt",
    modified_member="lastUpdatedAt",
    active=frozenset({"Creating"}),
    succeeded=frozenset({"Active"}),
    listed_as_active="Creating",
    model_members=("modelArn",),
)
THROUGHPUT = _row(
    "ProvisionedModelThroughput",
    resource="provisioned-model",
    summaries_member="provisionedModelSummaries",
    name_member="provisionedModelName",
    suffixed_members=("provisionedModelName",),
    tag_members=("tags",),
    tagged={"tags": "provisionedModelArn"},
    identifier_member="provisionedModelId",
    arn_member="provisionedModelArn",
    active=frozenset({"Creating", "Updating"}),
    succeeded=frozenset({"InService"}),
    listed_as_active="Creating",
    echoes={"modelId": "modelArn"},
    comparisons={"modelId": Comparison.BASE_MODEL},
    model_members=("modelId",),
)

NOT_OFFERED = (EVALUATION, INVOCATION, IMPORT, COPY, OPTIMIZATION, DEPLOYMENT, THROUGHPUT)
