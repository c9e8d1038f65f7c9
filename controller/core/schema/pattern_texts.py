"""What the service's patterns ask for, in words: a regular expression explains nothing.

Shape name to a sentence that begins with "Must be"; editors show it under the wrong text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_SINGLE_SEPARATORS: Final = (
    "Must be letters and digits, each followed by at most one `-` or `_`:"
    " no other sign, no two separators in a row, none at the start."
)
_NETWORK_ID: Final = "Must be an id of letters, digits and `-`."
_METADATA: Final = "Must be letters, digits, blanks and `. _ : / = + $ @ -` only."
_TAG: Final = "Must be letters, digits, blanks and `. _ : / = + @ -` only."
_JOB_NAME: Final = (
    "Must be letters, digits, `+`, `.` and `-`, beginning with a letter or digit: no `_`, no blank."
)

# Keyed by shape, not by kind: the service uses these shapes in all of its kinds.
FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BaseModelIdentifier": (
            "Must be a base model's id (amazon.nova-micro-v1:0:128k), a foundation model's ARN,"
            " or your own custom model's ARN or name."
        ),
        "CustomModelName": _SINGLE_SEPARATORS,
        "EvaluationJobName": "Must be lower-case letters, digits and inner dashes.",
        "ImportedModelName": _SINGLE_SEPARATORS,
        "JobName": _JOB_NAME,
        "KmsKeyArn": "Must be a KMS key's ARN: arn:aws:kms:<region>:<account>:key/<id>.",
        "KmsKeyId": (
            "Must be a KMS key's ARN, its 36-character id, an alias's ARN, or alias/<name>."
        ),
        "LambdaArn": (
            "Must be a Lambda function's ARN: arn:aws:lambda:<region>:<account>:function:<name>,"
            " with or without a version or alias after it."
        ),
        "ModelDeploymentName": _SINGLE_SEPARATORS,
        "ModelInvocationJobName": _JOB_NAME,
        "ProvisionedModelName": _SINGLE_SEPARATORS,
        "RequestMetadataMapKeyString": _METADATA,
        "RequestMetadataMapValueString": _METADATA,
        "RoleArn": "Must be an IAM role's ARN: arn:aws:iam::<account>:role/<name>.",
        "S3Uri": (
            "Must be s3://<bucket>/<path>: the bucket of 3 to 63 lower-case letters, digits, dots"
            " and dashes, the path of letters, digits and `- ! _ * ' ( ) .` between single slashes."
        ),
        "SecurityGroupId": _NETWORK_ID,
        "SubnetId": _NETWORK_ID,
        "TagKey": _TAG,
        "TagValue": _TAG,
        "TeacherModelIdentifier": (
            "Must be a model's id (amazon.nova-pro-v1:0), a foundation model's ARN,"
            " or an inference profile's ARN."
        ),
    }
)
