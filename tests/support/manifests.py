"""Manifests as people write them: block style, nothing quoted that need not be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
REGION = "us-east-1"
KIND = "ModelCustomizationJob"


class _Plain(yaml.SafeDumper):
    """A dumper that quotes no text for looking like a number: the schema says what it is."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - replaces PyYAML's own


def _as_text(dumper: yaml.SafeDumper, value: object) -> yaml.ScalarNode:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text)


for scalar in (int, float, bool):
    _Plain.add_representer(scalar, _as_text)


def as_yaml(document: object) -> str:
    """Return a document as block YAML in the order of its keys."""
    text: str = yaml.dump(document, Dumper=_Plain, sort_keys=False, default_flow_style=False)
    return text


def spec(**changes: Any) -> dict[str, Any]:
    """Return a spec that is fine, with some members changed; None takes a member away."""
    made: dict[str, Any] = {
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/BedrockCustomization",
        "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
        "customizationType": "FINE_TUNING",
        "trainingDataConfig": {"s3Uri": "s3://acme-training/support/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://acme-training/support/output/"},
        "hyperParameters": {"epochCount": "2", "learningRate": "0.00001"},
    }
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


def failing(**changes: Any) -> dict[str, Any]:
    """Return a spec whose job fails in the sandbox."""
    return spec(trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail.jsonl"}, **changes)


def manifest(
    name: str,
    spec_given: Mapping[str, Any] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    target: Mapping[str, str] | None = None,
    policy: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a manifest's document; without a spec it is one that is fine."""
    made: dict[str, Any] = {"apiVersion": "bedrock-jobs/v1", "kind": KIND}
    made["metadata"] = {"name": name, **({"labels": dict(labels)} if labels else {})}
    made |= {"target": dict(target)} if target else {}
    made |= {"policy": dict(policy)} if policy else {}
    return made | {"spec": dict(spec() if spec_given is None else spec_given)}


def write(path: Path, *documents: Mapping[str, Any]) -> Path:
    """Write manifests into one file, in folders that need not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(map(as_yaml, documents)))
    return path
