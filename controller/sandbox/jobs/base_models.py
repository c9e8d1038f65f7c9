"""Base models: the variant that is trained, and its default hyperparameters.

This is data, because models come and go; a model that is not listed is accepted without defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A trainable model: its identifier with all suffixes, and its default hyperparameters."""

    identifier: str
    defaults: Mapping[str, str]


_NOVA = {"epochCount": "2", "learningRate": "0.00001", "learningRateWarmupSteps": "10"}
_CANVAS = {"batchSize": "8", "learningRate": "0.00001", "stepCount": "500"}
_TITAN_PREMIER = {
    "batchSize": "1",
    "epochCount": "2",
    "learningRate": "0.000001",
    "learningRateWarmupSteps": "5",
}
_TITAN_TEXT = {
    "batchSize": "1",
    "epochCount": "5",
    "learningRate": "0.00001",
    "learningRateWarmupSteps": "5",
}
_TITAN_IMAGE = {"batchSize": "8", "learningRate": "0.00001"}
_TITAN_EMBEDDINGS = {"batchSize": "576", "learningRate": "0.00005"}
_HAIKU = {
    "batchSize": "32",
    "earlyStoppingPatience": "2",
    "earlyStoppingThreshold": "0.001",
    "epochCount": "2",
    "learningRateMultiplier": "1",
}
_COHERE = {
    "batchSize": "8",
    "earlyStoppingPatience": "6",
    "earlyStoppingThreshold": "0.01",
    "epochCount": "1",
    "evalPercentage": "20.0",
    "learningRate": "0.00001",
}
_LLAMA = {"batchSize": "1", "epochCount": "5", "learningRate": "0.0001"}

_LISTED = (
    BaseModel("amazon.nova-micro-v1:0:128k", _NOVA),
    BaseModel("amazon.nova-lite-v1:0:300k", _NOVA),
    BaseModel("amazon.nova-pro-v1:0:300k", _NOVA),
    BaseModel("amazon.nova-2-lite-v1:0:256k", {}),
    BaseModel("amazon.nova-canvas-v1:0", _CANVAS),
    BaseModel("amazon.titan-text-premier-v1:0", _TITAN_PREMIER),
    BaseModel("amazon.titan-text-express-v1:0:8k", _TITAN_TEXT),
    BaseModel("amazon.titan-text-lite-v1:0:4k", _TITAN_TEXT),
    BaseModel("amazon.titan-image-generator-v1:0", _TITAN_IMAGE),
    BaseModel("amazon.titan-image-generator-v2:0", _TITAN_IMAGE),
    BaseModel("amazon.titan-embed-image-v1:0", _TITAN_EMBEDDINGS),
    BaseModel("anthropic.claude-3-haiku-20240307-v1:0:200k", _HAIKU),
    BaseModel("cohere.command-text-v14:7:4k", _COHERE),
    BaseModel("cohere.command-light-text-v14:7:4k", _COHERE),
    BaseModel("meta.llama2-13b-v1:0:4k", {}),
    BaseModel("meta.llama3-1-8b-instruct-v1:0:128k", _LLAMA),
    BaseModel("meta.llama3-1-70b-instruct-v1:0:128k", _LLAMA),
    BaseModel("meta.llama3-2-1b-instruct-v1:0:128k", _LLAMA),
    BaseModel("meta.llama3-2-3b-instruct-v1:0:128k", _LLAMA),
    BaseModel("meta.llama3-2-11b-instruct-v1:0:128k", _LLAMA),
    BaseModel("meta.llama3-2-90b-instruct-v1:0:128k", _LLAMA),
    BaseModel("meta.llama3-3-70b-instruct-v1:0:128k", _LLAMA),
)
CATALOG: Mapping[str, BaseModel] = {model.identifier.partition(":")[0]: model for model in _LISTED}


def find_model(identifier: str) -> BaseModel:
    """Return the trainable model for an identifier with or without suffixes."""
    listed = CATALOG.get(identifier.partition(":")[0])
    if listed is None:
        return BaseModel(identifier, {})
    # An identifier without suffixes, or with some of them, refers to the same variant.
    if f"{listed.identifier}:".startswith(f"{identifier}:"):
        return listed
    return BaseModel(identifier, listed.defaults)
