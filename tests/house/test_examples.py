"""The examples in jobs/: each teaches something, and together they cover the whole spec."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.manifests.loader import load
from controller.core.kinds.registry import KINDS
from controller.core.model import Manifest
from tests.house.source import ROOT

JOBS = ROOT / "jobs"
EXAMPLES = sorted(JOBS.rglob("*.yaml"))
MODELINE = "# yaml-language-server: $schema="

each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def manifests() -> tuple[Manifest, ...]:
    """Return all examples, loaded as by `validate`."""
    fleet, problems = load_fleet(None, JOBS)
    tree = load([JOBS], fleet)
    assert (problems, tree.problems) == ((), ())
    return tree.manifests


def declared(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the named members of a schema, including those of lists and nested mappings."""
    for name, member in schema.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        yield place
        yield from declared(member, place)
    if isinstance(schema.get("items"), dict):
        yield from declared(schema["items"], path)


def used(value: Any, path: str = "") -> Iterator[str]:
    """Yield the members that a spec sets, by the same names."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            place = f"{path}.{name}" if path else name
            yield place
            yield from used(member, place)
    elif isinstance(value, list):
        for item in value:
            yield from used(item, path)


@each_example
def test_an_example_begins_with_comments(path: Path) -> None:
    """An example begins with the modeline for editors and two lines of comment."""
    modeline, *lines = path.read_text(encoding="utf-8").splitlines()
    assert modeline.startswith(MODELINE)
    assert (path.parent / modeline.removeprefix(MODELINE)).resolve().is_file()

    comments = [line for line in lines[:3] if line.startswith("# ")]

    assert len(comments) == 2
    assert all(len(line) > 40 for line in comments)


def test_fleet_file_names_its_schema() -> None:
    """bedrock-jobs.yaml also names its schema for editors."""
    modeline = (ROOT / "bedrock-jobs.yaml").read_text(encoding="utf-8").partition("\n")[0]

    assert (ROOT / modeline.removeprefix(MODELINE)).is_file()


def test_examples_have_distinct_names() -> None:
    """All examples can run together: no two share a job name."""
    names = [manifest.key for manifest in manifests()]

    assert len(names) == len(set(names)) >= len(EXAMPLES) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_examples_show_every_member(kind: str) -> None:
    """Every member that a spec may have, at any depth, is in some example."""
    schema = json.loads((ROOT / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))
    shown = {
        place
        for manifest in manifests()
        if manifest.key.kind == kind
        for place in used(manifest.spec)
    }

    assert set(declared(schema["properties"]["spec"])) - shown == set()


@pytest.mark.parametrize("kind", KINDS)
def test_examples_show_every_choice(kind: str) -> None:
    """Every customization type is in some example, and so is omitting it."""
    schema = json.loads((ROOT / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))
    spec = schema["properties"]["spec"]["properties"]
    choices = {name: member["enum"] for name, member in spec.items() if "enum" in member}
    specs = [manifest.spec or {} for manifest in manifests() if manifest.key.kind == kind]

    assert choices
    for name, options in choices.items():
        assert {each.get(name) for each in specs} == {*options, None}
