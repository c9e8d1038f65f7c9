"""What people need to know of a model customization: descriptions, rules, and ways to begin.

All words are ours; the service's own pages are one link away in every schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from controller.core.keywords import CODE, PROBLEM
from controller.core.problems import Code

_S3_LINES: Final = "S3 location of a JSON Lines file"

DESCRIPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "jobName": (
            "The job's name, spent for ever once submitted; metadata.name by default."
            " Example: support-bot"
        ),
        "customModelName": (
            "The name of the model that comes out; metadata.name by default. Example: support-bot"
        ),
        "roleArn": (
            "The IAM role that Bedrock reads the data and writes the output with."
            " Example: arn:aws:iam::123456789012:role/BedrockCustomization"
        ),
        "baseModelIdentifier": (
            "The model to start from: a base model's id or ARN, or a custom model of yours."
            " Example: amazon.nova-micro-v1:0:128k"
        ),
        "customizationType": "How the model is trained; FINE_TUNING where it is left out.",
        "customModelKmsKeyId": (
            "Key of KMS to encrypt the custom model with; without it AWS uses its own."
            " Example: alias/custom-models"
        ),
        "jobTags": "Tags on the job; not part of its identity. Example: [{key: team, value: ml}]",
        "jobTags.key": "The tag's key. Example: team",
        "jobTags.value": "The tag's value; may be empty. Example: ml",
        "customModelTags": "Tags on the model that comes out; not part of the job's identity.",
        "customModelTags.key": "The tag's key. Example: team",
        "customModelTags.value": "The tag's value; may be empty. Example: ml",
        "trainingDataConfig": (
            "What to learn from: a file in S3, or logged invocations of a teacher model."
        ),
        "trainingDataConfig.s3Uri": (
            f"{_S3_LINES} of examples, in the job's own region."
            " Example: s3://acme-training/support/train.jsonl"
        ),
        "trainingDataConfig.invocationLogsConfig": (
            "Prompts for a distillation, taken from invocation logs."
        ),
        "trainingDataConfig.invocationLogsConfig.usePromptResponse": (
            "true learns from the logged answers too; false, the default, asks the teacher anew."
        ),
        "trainingDataConfig.invocationLogsConfig.invocationLogSource": "Where the logs are.",
        "trainingDataConfig.invocationLogsConfig.invocationLogSource.s3Uri": (
            "S3 location that the invocation logs stand under. Example: s3://acme-logs/bedrock/"
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters": (
            "Which logged invocations to take, by the metadata of their requests; one filter,"
            " or one list of filters."
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.equals": (
            "One metadata key and the value it has. Example: {project: support}"
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.notEquals": (
            "One metadata key and the value it does not have. Example: {stage: test}"
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.andAll": (
            "Filters that must all hold: 1 to 16."
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.andAll.equals": (
            "One metadata key and the value it has."
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.andAll.notEquals": (
            "One metadata key and the value it does not have."
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.orAll": (
            "Filters of which one must hold: 1 to 16."
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.orAll.equals": (
            "One metadata key and the value it has."
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.orAll.notEquals": (
            "One metadata key and the value it does not have."
        ),
        "validationDataConfig": "What to measure the model on while it is trained.",
        "validationDataConfig.validators": "Up to ten files of examples that are not trained on.",
        "validationDataConfig.validators.s3Uri": (
            f"{_S3_LINES} of examples. Example: s3://acme-training/support/validation.jsonl"
        ),
        "outputDataConfig": "Where the job writes its metrics.",
        "outputDataConfig.s3Uri": (
            "S3 folder for metrics and reports. Example: s3://acme-training/support/output/"
        ),
        "hyperParameters": (
            "Training settings by name, as the base model knows them; the service fills in the"
            " rest. Example: {epochCount: 2, learningRate: 0.00001}"
        ),
        "vpcConfig": "The VPC that the job reaches S3 through.",
        "vpcConfig.subnetIds": "Subnets, 1 to 16. Example: [subnet-0123456789abcdef0]",
        "vpcConfig.securityGroupIds": "Security groups, 1 to 5. Example: [sg-0123456789abcdef0]",
        "customizationConfig": (
            "Settings of a distillation or of reinforcement fine-tuning; no other type takes any."
        ),
        "customizationConfig.distillationConfig": "Settings of a distillation.",
        "customizationConfig.distillationConfig.teacherModelConfig": "The model to learn from.",
        "customizationConfig.distillationConfig.teacherModelConfig.teacherModelIdentifier": (
            "The teacher's id, ARN or inference profile. Example: amazon.nova-pro-v1:0"
        ),
        "customizationConfig.distillationConfig.teacherModelConfig.maxResponseLengthForInference": (
            "The longest answer that is asked of the teacher, in tokens. Example: 1000"
        ),
        "customizationConfig.rftConfig": "Settings of reinforcement fine-tuning.",
        "customizationConfig.rftConfig.graderConfig": "What scores the model's answers.",
        "customizationConfig.rftConfig.graderConfig.lambdaGrader": "A Lambda function that scores.",
        "customizationConfig.rftConfig.graderConfig.lambdaGrader.lambdaArn": (
            "The function's ARN."
            " Example: arn:aws:lambda:us-east-1:123456789012:function:support-reward"
        ),
        "customizationConfig.rftConfig.hyperParameters": (
            "Training settings; unlike spec.hyperParameters these are numbers, not texts."
        ),
        "customizationConfig.rftConfig.hyperParameters.epochCount": (
            "How often all examples are gone through: 1 to 50."
        ),
        "customizationConfig.rftConfig.hyperParameters.batchSize": (
            "Examples per training step: 16 to 512."
        ),
        "customizationConfig.rftConfig.hyperParameters.learningRate": (
            "How far one step goes: 0.0000001 to 0.001. Example: 0.00005"
        ),
        "customizationConfig.rftConfig.hyperParameters.maxPromptLength": (
            "The longest prompt, in tokens. Example: 4000"
        ),
        "customizationConfig.rftConfig.hyperParameters.trainingSamplePerPrompt": (
            "Answers that are drawn and scored per prompt: 2 to 16."
        ),
        "customizationConfig.rftConfig.hyperParameters.inferenceMaxTokens": (
            "The longest answer, in tokens. Example: 1000"
        ),
        "customizationConfig.rftConfig.hyperParameters.reasoningEffort": (
            "How long the model thinks before it answers."
        ),
        "customizationConfig.rftConfig.hyperParameters.evalInterval": (
            "Training steps between two evaluations: 1 to 100."
        ),
    }
)


def _type_is(value: str) -> dict[str, Any]:
    return {
        "required": ["customizationType"],
        "properties": {"customizationType": {"const": value}},
    }


def _config_needed(value: str, member: str) -> dict[str, Any]:
    """Return the rule that a customization type does not go without its configuration."""
    return {
        "if": _type_is(value),
        "then": {"required": ["customizationConfig"]},
        PROBLEM: f"customizationType {value} needs `customizationConfig` with `{member}`; add it",
    }


def _type_needed(value: str, others: list[str], member: str) -> dict[str, Any]:
    """Return the rule that a configuration stands under no type but its own.

    It speaks up only where the rest is in order: an unknown type, or a configuration with two
    members, is a finding of its own.
    """
    # With both members the union speaks up already, and it cannot be told which one is right.
    lone = {"type": "object", "required": [member], "maxProperties": 1}
    return {
        "if": {
            "required": ["customizationConfig"],
            # An absent type passes here as well: it means FINE_TUNING, one of the others.
            "properties": {"customizationType": {"enum": others}, "customizationConfig": lone},
        },
        # A false node, so that the finding stands at the member and not at the type.
        "then": {"properties": {"customizationConfig": {"properties": {member: False}}}},
        PROBLEM: (
            f"`{member}` goes with customizationType {value} and no other; FINE_TUNING is meant"
            " where the type is left out. Set the type, or delete the configuration"
        ),
    }


_TYPES: Final = [
    "FINE_TUNING",
    "CONTINUED_PRE_TRAINING",
    "DISTILLATION",
    "REINFORCEMENT_FINE_TUNING",
]
_BOTH_SOURCES: Final = {"type": "object", "required": ["s3Uri", "invocationLogsConfig"]}
_NO_LOGS: Final = {"type": "object", "not": {"required": ["invocationLogsConfig"]}}

OVERLAY: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "if": {"required": ["trainingDataConfig"], "properties": {"trainingDataConfig": _NO_LOGS}},
        "then": {"properties": {"trainingDataConfig": {"required": ["s3Uri"]}}},
        PROBLEM: (
            "trainingDataConfig needs exactly one of `s3Uri` and `invocationLogsConfig`; add one"
        ),
        CODE: Code.NOT_EXACTLY_ONE.code,
    },
    {
        "if": {
            "required": ["trainingDataConfig"],
            "properties": {"trainingDataConfig": _BOTH_SOURCES},
        },
        "then": {"properties": {"trainingDataConfig": {"properties": {"s3Uri": False}}}},
        PROBLEM: (
            "trainingDataConfig takes exactly one of `s3Uri` and `invocationLogsConfig`; delete one"
        ),
        CODE: Code.NOT_EXACTLY_ONE.code,
    },
    _config_needed("DISTILLATION", "distillationConfig"),
    _type_needed("DISTILLATION", [t for t in _TYPES if t != "DISTILLATION"], "distillationConfig"),
    _config_needed("REINFORCEMENT_FINE_TUNING", "rftConfig"),
    _type_needed("REINFORCEMENT_FINE_TUNING", _TYPES[:-1], "rftConfig"),
    {
        "if": {
            "required": ["customizationConfig"],
            "properties": {
                "customizationConfig": {
                    "type": "object",
                    "required": ["rftConfig"],
                    "properties": {"rftConfig": {"type": "object"}},
                }
            },
        },
        "then": {
            "properties": {
                "customizationConfig": {"properties": {"rftConfig": {"required": ["graderConfig"]}}}
            }
        },
        PROBLEM: (
            "rftConfig needs a `graderConfig`: without a score there is nothing to learn from;"
            " name a Lambda function there"
        ),
    },
)
