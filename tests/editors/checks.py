"""What an editor must show in a manifest: our texts over every key, choices, and mistakes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from controller.adapters.schemas import shipped_schemas
from controller.core.kinds.descriptions import Node
from controller.core.kinds.registry import KINDS
from tests.editors.client import Client
from tests.house.source import ROOT

KIND = next(iter(KINDS))
_LINE = f"# yaml-language-server: $schema=../schemas/{shipped_schemas.make_file_name(KIND)}\n"
_MISTAKEN = f"""{_LINE}apiVersion: bedrock-jobs/v1
kind: {KIND}
metadata:
  name: first
policy:
  state: Stoped
spec:
  roleArn: arn:aws:iam::123456789012:role/Bedrock
  baseModelIdentifier: amazon.nova-micro-v1:0:128k
  trainingDataConfig: {{s3Uri: https://acme-training/a.jsonl}}
  outputDataConfig: {{s3Uri: s3://acme-training/output/}}
  ruleArn: x

---
{_LINE}apiVersion: bedrock-jobs/v1
kind: {KIND}
metadata:
  name: Second
  labels: {{team: ml}}
policy:
  onSpecChange:\x20
"""


def project(folder: Path) -> Path:
    """Make a repository as users have it: the examples, the schemas, and a file with mistakes."""
    shutil.copytree(ROOT / "jobs", folder / "jobs", ignore=shutil.ignore_patterns("*.json"))
    shutil.copytree(shipped_schemas.find_schema_folder(), folder / "schemas")
    shutil.copy(ROOT / "bedrock-jobs.yaml", folder)
    (folder / "jobs" / "mistaken.yaml").write_text(_MISTAKEN)
    # The one without lines goes by the settings that `init` lays out.
    (folder / "jobs" / "team").mkdir()
    (folder / "jobs" / "team" / "unled.yml").write_text(_MISTAKEN.replace(_LINE, ""))
    settings = ROOT / "deploy" / "ci" / "repository" / "vscode"
    shutil.copytree(settings, folder / ".vscode")
    return folder


def each_key_is_explained(client: Client) -> str:
    """Over every key of every example the editor shows the sentence that the schema has."""
    told = 0
    for path, schema in _files(client.folder):
        uri = client.open(path)
        for node, (line, column) in _keys(path, schema):
            assert node["description"] in client.hover(uri, line, column), f"{path}:{line + 1}"
            told += 1
    assert told > 200
    return f"{told} keys are explained"


def examples_are_not_flagged(client: Client) -> str:
    """No example is flagged, be it whole, a part, or the defaults that a part rests on."""
    paths = [path for path, _ in _files(client.folder)]
    flagged = {path.name: client.findings(client.open(path)) for path in paths}
    assert not any(flagged.values()), flagged
    return f"none of {len(paths)} examples is flagged"


def mistakes_are_flagged(client: Client) -> str:
    """A wrong value, a wrong form and an unknown key are flagged, in every document."""
    told = client.findings(client.open(client.folder / "jobs" / "mistaken.yaml"))
    wanted = {6: "Submitted", 10: "Must be s3://", 12: "ruleArn", 19: "lower-case letters"}
    for line, text in wanted.items():
        assert any(at == line and text in message for at, message in told), (line, told)
    return f"{len(told)} mistakes are flagged"


def settings_lead_there_too(client: Client) -> str:
    """A manifest without a line goes by the folder's settings; a folder's defaults go by none."""
    told = client.findings(client.open(client.folder / "jobs" / "team" / "unled.yml"))
    assert any("ruleArn" in message for _, message in told), told
    for path in (client.folder / "jobs").rglob("_defaults.yaml"):
        assert client.findings(client.open(path)) == [], path
    return f"{len(told)} mistakes are flagged in a file without a line"


def choices_are_offered(client: Client) -> str:
    """An empty line offers the members that may stand there, an empty value its choices."""
    path = client.folder / "jobs" / "mistaken.yaml"
    uri = client.open(path)
    lines = path.read_text().splitlines()
    spec = _node(shipped_schemas.load_schema(KIND), "spec")["properties"]
    last = next(at for at, line in enumerate(lines) if "onSpecChange" in line)
    values = client.completions(uri, last, len(lines[last]))
    policy = _node(shipped_schemas.load_schema(KIND), "policy")["properties"]["onSpecChange"]
    for value, meaning in zip(policy["enum"], policy["enumDescriptions"], strict=True):
        assert meaning in values[value], values
    misspelt = next(at for at, line in enumerate(lines) if "ruleArn" in line)
    members = client.completions(uri, misspelt, 2)
    for name in ("hyperParameters", "vpcConfig", "customizationType"):
        assert spec[name]["description"] in members[name], members
    return f"{len(members)} members and {len(values)} values are offered"


def beginnings_are_offered(client: Client) -> str:
    """In a file that has its line and nothing else, each way to begin a manifest is offered."""
    path = client.folder / "jobs" / "new.yaml"
    path.write_text(f"{_LINE}\n")
    offered = client.completions(client.open(path), 1, 0)
    ways = KINDS[KIND].variants
    for way, variant in ways.items():
        assert variant.title in offered[way], offered
    return f"{len(ways)} ways to begin are offered"


CHECKS = (
    each_key_is_explained,
    examples_are_not_flagged,
    mistakes_are_flagged,
    settings_lead_there_too,
    choices_are_offered,
    beginnings_are_offered,
)


def _files(folder: Path) -> Iterator[tuple[Path, Node]]:
    """Yield the examples with their schemas."""
    for path in sorted((folder / "jobs").rglob("*.yaml")):
        if path.name != "mistaken.yaml":
            yield path, dict(shipped_schemas.load_schema(KIND))
    yield folder / "bedrock-jobs.yaml", dict(shipped_schemas.load_schema(shipped_schemas.FLEET))


def _node(schema: Any, name: str) -> Node:
    node: Node = schema["properties"][name]
    return node


def _keys(path: Path, schema: Node) -> Iterator[tuple[Node, tuple[int, int]]]:
    """Yield the schema's node of every key in a file, and where the key stands."""
    for root in yaml.compose_all(path.read_text(encoding="utf-8"), yaml.SafeLoader):
        yield from _below(root, schema)


def _below(value: Any, schema: Node) -> Iterator[tuple[Node, tuple[int, int]]]:
    if isinstance(value, yaml.SequenceNode):
        for item in value.value:
            yield from _below(item, schema["items"])
    if isinstance(value, yaml.MappingNode):
        for key, inner in value.value:
            node = schema.get("properties", {}).get(key.value) or schema["additionalProperties"]
            yield node, (key.start_mark.line, key.start_mark.column + 1)
            yield from _below(inner, node)
