"""The ways to begin a model customization, as ``new --type`` offers them.

Values in angle brackets are placeholders; the members that a way has no use for are left out of
its skeleton, the other optional ones stand in it as comments.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from controller.core.kinds.kind import Variant

_ROLE: Final = "arn:aws:iam::<account-id>:role/<role-name>"
_TRAINING: Final = {"s3Uri": "s3://<bucket>/train.jsonl"}
_OUTPUT: Final = {"s3Uri": "s3://<bucket>/output/"}
_LOGS: Final = "trainingDataConfig.invocationLogsConfig"
_TEACHER: Final = {
    "teacherModelIdentifier": "<teacher-model-id>",
    "maxResponseLengthForInference": 1000,
}


# No hyperparameter is a placeholder: any text would pass, so one left in would go unnoticed.
def _build_spec(
    customization_type: str, base_model: str = "<base-model-id>", **more: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return what every way writes, and what this one adds."""
    return MappingProxyType(
        {
            "roleArn": _ROLE,
            "baseModelIdentifier": base_model,
            "customizationType": customization_type,
            "trainingDataConfig": _TRAINING,
            "outputDataConfig": _OUTPUT,
            **more,
        }
    )


VARIANTS: Final[Mapping[str, Variant]] = MappingProxyType(
    {
        "fine-tuning": Variant(
            title="Teaches a model by examples of questions and answers.",
            spec=_build_spec(
                "FINE_TUNING",
                hyperParameters={"epochCount": "2", "learningRate": "0.00001"},
            ),
            leave_out=frozenset({_LOGS, "customizationConfig"}),
        ),
        "continued-pre-training": Variant(
            title="Makes a model read on, in texts that carry no labels.",
            spec=_build_spec(
                "CONTINUED_PRE_TRAINING",
                hyperParameters={"epochCount": "1", "learningRate": "0.00001"},
            ),
            leave_out=frozenset({_LOGS, "customizationConfig"}),
        ),
        "distillation": Variant(
            title="Teaches a small model by the answers of a large one.",
            spec=_build_spec(
                "DISTILLATION",
                base_model="<student-model-id>",
                customizationConfig={"distillationConfig": {"teacherModelConfig": _TEACHER}},
            ),
            leave_out=frozenset({"customizationConfig.rftConfig", "hyperParameters"}),
        ),
        "reinforcement-fine-tuning": Variant(
            title="Teaches a model by scores that a Lambda function gives its answers.",
            spec=_build_spec(
                "REINFORCEMENT_FINE_TUNING",
                customizationConfig={
                    "rftConfig": {
                        "graderConfig": {
                            "lambdaGrader": {
                                "lambdaArn": (
                                    "arn:aws:lambda:<region>:<account-id>:function:<function-name>"
                                )
                            }
                        },
                        "hyperParameters": {
                            "epochCount": 1,
                            "batchSize": 32,
                            "learningRate": 0.00005,
                        },
                    }
                },
            ),
            leave_out=frozenset(
                {_LOGS, "customizationConfig.distillationConfig", "hyperParameters"}
            ),
        ),
    }
)
