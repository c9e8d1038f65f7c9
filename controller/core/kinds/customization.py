"""What people need to know of a model customization: descriptions, rules, and ways to begin.

All words are ours; the service's own pages are one link away in every schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from controller.core.kinds.descriptions import Description
from controller.core.kinds.schema_keywords import CODE, PROBLEM
from controller.core.problems import Code

DESCRIPTIONS: Final[Mapping[str, Description]] = MappingProxyType(
    {
        "jobName": Description(
            "The job's name in AWS, spent for ever once submitted; metadata.name if left out.",
            ("support-bot",),
        ),
        "customModelName": Description(
            "The name of the model that comes out; metadata.name if left out.", ("support-bot",)
        ),
        "roleArn": Description(
            "The IAM role in whose name Bedrock reads the data and writes the output.",
            ("arn:aws:iam::123456789012:role/BedrockCustomization",),
        ),
        "baseModelIdentifier": Description(
            "The model to start from: a base model's id or ARN, or a custom model of yours.",
            ("amazon.nova-micro-v1:0:128k", "amazon.nova-lite-v1:0:300k"),
        ),
        "customizationType": Description(
            "How the model is trained; FINE_TUNING is meant where it is left out.",
            values={
                "FINE_TUNING": "Learns from prompts with their answers.",
                "CONTINUED_PRE_TRAINING": "Reads on, in texts without answers.",
                "DISTILLATION": "A small model learns from the answers of a large one.",
                "REINFORCEMENT_FINE_TUNING": "Learns from the scores that its answers are given.",
            },
        ),
        "customModelKmsKeyId": Description(
            "The KMS key that protects the custom model; left out, it is one of AWS's own.",
            ("alias/custom-models",),
        ),
        "jobTags": Description(
            "Tags on the job. They may change while it runs and are no part of its identity.",
            ([{"key": "team", "value": "ml"}],),
        ),
        "customModelTags": Description(
            "Tags on the model that comes out. They may change later, like those of the job.",
            ([{"key": "team", "value": "ml"}],),
        ),
        "trainingDataConfig": Description(
            "What to learn from: either a file in S3, or logged invocations of a teacher model."
        ),
        "trainingDataConfig.s3Uri": Description(
            "The examples: a JSON Lines file in S3, in the job's own region.",
            ("s3://acme-training/support/train.jsonl",),
        ),
        "trainingDataConfig.invocationLogsConfig": Description(
            "Prompts for a distillation, taken from Bedrock's logs of what was asked before."
        ),
        "trainingDataConfig.invocationLogsConfig.usePromptResponse": Description(
            "true learns from the logged answers too; false asks the teacher anew, and is the"
            " default.",
            (True,),
        ),
        "trainingDataConfig.invocationLogsConfig.invocationLogSource": Description(
            "Where the invocation logs are."
        ),
        "trainingDataConfig.invocationLogsConfig.invocationLogSource.s3Uri": Description(
            "The folder in S3 below which the logs lie.", ("s3://acme-logs/bedrock/",)
        ),
        "trainingDataConfig.invocationLogsConfig.requestMetadataFilters": Description(
            "Which logged invocations to take, by the metadata that their callers gave them.",
            ({"equals": {"project": "support"}},),
        ),
        "validationDataConfig": Description(
            "Examples to measure the model by while it trains; it never learns from them."
        ),
        "validationDataConfig.validators": Description(
            "The files of such examples; each yields a validation loss of its own.",
            ([{"s3Uri": "s3://acme-training/support/validation.jsonl"}],),
        ),
        "validationDataConfig.validators[]": Description("One file to measure by."),
        "validationDataConfig.validators.s3Uri": Description(
            "The file: JSON Lines in S3, formed like the training data.",
            ("s3://acme-training/support/validation.jsonl",),
        ),
        "outputDataConfig": Description("Where the job writes its metrics."),
        "outputDataConfig.s3Uri": Description(
            "The folder in S3 that metrics and reports are written below.",
            ("s3://acme-training/support/output/",),
        ),
        "hyperParameters": Description(
            "Settings of the training by name, as the base model knows them; those left out take"
            " its defaults.",
            (
                {"epochCount": "2", "learningRate": "0.00001"},
                {"epochCount": "2", "batchSize": "1", "learningRateWarmupSteps": "0"},
            ),
        ),
        "hyperParameters{}": Description(
            "The setting, sent as the text that you write: 1e-5 stays 1e-5.", ("0.00001",)
        ),
        "vpcConfig": Description("The VPC that the job reaches its data through."),
        "customizationConfig": Description(
            "Settings of a distillation or of reinforcement fine-tuning; other types take none."
        ),
        "customizationConfig.distillationConfig": Description(
            "Settings of a distillation; it goes with customizationType DISTILLATION."
        ),
        "customizationConfig.distillationConfig.teacherModelConfig": Description(
            "The large model that the small one learns from."
        ),
        "customizationConfig.distillationConfig.teacherModelConfig"
        ".teacherModelIdentifier": Description(
            "The teacher: a model's id or ARN, or an inference profile's ARN.",
            ("amazon.nova-pro-v1:0",),
        ),
        "customizationConfig.distillationConfig.teacherModelConfig"
        ".maxResponseLengthForInference": Description(
            "How long an answer of the teacher may be, in tokens; each is billed as inference.",
            (1000,),
        ),
        "customizationConfig.rftConfig": Description(
            "Settings of reinforcement fine-tuning; it goes with that customizationType alone."
        ),
        "customizationConfig.rftConfig.graderConfig": Description(
            "What scores the model's answers."
        ),
        "customizationConfig.rftConfig.graderConfig.lambdaGrader": Description(
            "A Lambda function of yours that scores them."
        ),
        "customizationConfig.rftConfig.graderConfig.lambdaGrader.lambdaArn": Description(
            "The function's ARN, with or without a version.",
            ("arn:aws:lambda:us-east-1:123456789012:function:support-reward",),
        ),
        "customizationConfig.rftConfig.hyperParameters": Description(
            "Settings of the training. Unlike spec.hyperParameters these are numbers, not texts.",
            ({"epochCount": 1, "batchSize": 32},),
        ),
        "customizationConfig.rftConfig.hyperParameters.epochCount": Description(
            "How often the training goes through all examples.", (1,)
        ),
        "customizationConfig.rftConfig.hyperParameters.batchSize": Description(
            "How many examples one training step looks at.", (32,)
        ),
        "customizationConfig.rftConfig.hyperParameters.learningRate": Description(
            "How far one training step moves the model.", (0.00005,)
        ),
        "customizationConfig.rftConfig.hyperParameters.maxPromptLength": Description(
            "How long a prompt may be, in tokens.", (4000,)
        ),
        "customizationConfig.rftConfig.hyperParameters.trainingSamplePerPrompt": Description(
            "How many answers are drawn and scored for each prompt.", (4,)
        ),
        "customizationConfig.rftConfig.hyperParameters.inferenceMaxTokens": Description(
            "How long an answer of the model may be, in tokens.", (1000,)
        ),
        "customizationConfig.rftConfig.hyperParameters.reasoningEffort": Description(
            "How long the model thinks before it answers.",
            values={
                "low": "Answers soonest, and costs least.",
                "medium": "Between the two.",
                "high": "Thinks longest, and costs most.",
            },
        ),
        "customizationConfig.rftConfig.hyperParameters.evalInterval": Description(
            "How many training steps lie between two evaluations.", (10,)
        ),
    }
)


def _require_type(value: str) -> dict[str, Any]:
    return {
        "required": ["customizationType"],
        "properties": {"customizationType": {"const": value}},
    }


def _require_config(value: str, member: str) -> dict[str, Any]:
    """Return the rule that a customization type does not go without its configuration."""
    return {
        "if": _require_type(value),
        "then": {"required": ["customizationConfig"]},
        PROBLEM: f"customizationType {value} needs `customizationConfig` with `{member}`; add it",
    }


def _require_type_of_config(value: str, others: list[str], member: str) -> dict[str, Any]:
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
    _require_config("DISTILLATION", "distillationConfig"),
    _require_type_of_config(
        "DISTILLATION", [t for t in _TYPES if t != "DISTILLATION"], "distillationConfig"
    ),
    _require_config("REINFORCEMENT_FINE_TUNING", "rftConfig"),
    _require_type_of_config("REINFORCEMENT_FINE_TUNING", _TYPES[:-1], "rftConfig"),
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
