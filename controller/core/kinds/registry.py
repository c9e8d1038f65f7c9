"""The kinds of job that are offered, each one a row of judgement.

What the service model knows (shapes, routes, enums) is derived from it; a row holds only what the
model cannot say, and a test lints every row against the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from controller.core.kinds.customization import DESCRIPTIONS, OVERLAY
from controller.core.kinds.customization_variants import VARIANTS
from controller.core.kinds.kind import Comparison, Kind, Simulation

_MODEL_CUSTOMIZATION_JOB = Kind(
    name="ModelCustomizationJob",
    plural="ModelCustomizationJobs",
    summaries_member="modelCustomizationJobSummaries",
    stoppable=True,
    name_member="jobName",
    suffixed_members=("jobName", "customModelName"),
    token_member="clientRequestToken",  # noqa: S106 - a member's name, not a secret
    tag_members=("jobTags", "customModelTags"),
    identifier_member="jobIdentifier",
    arn_member="jobArn",
    resource="model-customization-job",
    status_member="status",
    stages_member="statusDetails",
    failure_member="failureMessage",
    created_member="creationTime",
    modified_member="lastModifiedTime",
    ended_member="endTime",
    late_members=("trainingMetrics",),
    active=frozenset({"InProgress", "Stopping"}),
    stopping=frozenset({"Stopping"}),
    succeeded=frozenset({"Completed"}),
    failed=frozenset({"Failed"}),
    stopped=frozenset({"Stopped"}),
    listed_as_active="InProgress",
    echoes_token=True,
    event="Model Customization Job State Change",
    unique_names=True,
    settle_seconds=0,
    echoes={
        "baseModelIdentifier": "baseModelArn",
        "customModelName": "outputModelName",
        "customModelKmsKeyId": "outputModelKmsKeyArn",
    },
    tagged={"jobTags": "jobArn", "customModelTags": "outputModelArn"},
    comparisons={
        "baseModelIdentifier": Comparison.BASE_MODEL,
        "customModelKmsKeyId": Comparison.KMS_KEY,
        "customizationType": Comparison.IF_SHOWN,
        "hyperParameters": Comparison.SETTINGS,
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters": Comparison.WHOLE,
        "vpcConfig.subnetIds": Comparison.SET,
        "vpcConfig.securityGroupIds": Comparison.SET,
    },
    never_filled=(
        "customModelKmsKeyId",
        "validationDataConfig",
        "vpcConfig",
        "customizationConfig",
    ),
    sensitive=frozenset({"equals", "notEquals"}),
    role_members=("roleArn",),
    model_members=("baseModelIdentifier",),
    kms_member="customModelKmsKeyId",
    vpc_member="vpcConfig",
    # The model's pattern nests two repetitions that both match dashes; this one takes the same
    # names one character at a time.
    patterns={
        "[a-zA-Z0-9](-*[a-zA-Z0-9\\+\\-\\.])*": "[a-zA-Z0-9][a-zA-Z0-9+.-]*",
    },
    output_only={"CustomizationType": ("IMPORTED",)},
    overlay=OVERLAY,
    descriptions=DESCRIPTIONS,
    variants=VARIANTS,
    documentation=(
        "https://docs.aws.amazon.com/bedrock/latest/APIReference/"
        "API_CreateModelCustomizationJob.html"
    ),
    simulation=Simulation(
        product="custom-model",
        product_arn_members=("outputModelArn", "customModelArn"),
        product_name_member="customModelName",
        model_member="baseModelIdentifier",
        settings_member="hyperParameters",
        type_member="customizationType",
        type_default="FINE_TUNING",
        settled_types=frozenset({"FINE_TUNING", "CONTINUED_PRE_TRAINING"}),
        data_member="trainingDataConfig",
        stages_member="statusDetails",
        stages=("validationDetails", "dataProcessingDetails", "trainingDetails"),
        training_metric=("trainingMetrics", "trainingLoss"),
        validation_metric=("validationMetrics", "validationLoss"),
        validators=("validationDataConfig", "validators"),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({row.name: row for row in (_MODEL_CUSTOMIZATION_JOB,)})
