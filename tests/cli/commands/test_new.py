"""The ``new`` command writes a manifest that is valid once its placeholders are filled in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from controller.adapters.schemas import shipped_schemas
from controller.cli.main import root
from controller.core.kinds.registry import KINDS
from controller.core.schema.snippets import SNIPPETS

KIND = next(iter(KINDS))
WAYS = [(kind, way) for kind, row in KINDS.items() for way in row.variants]
FILLED = {
    "<account-id>": "123456789012",
    "<role-name>": "BedrockCustomization",
    "<base-model-id>": "amazon.nova-micro-v1:0:128k",
    "<student-model-id>": "amazon.nova-micro-v1:0:128k",
    "<teacher-model-id>": "amazon.nova-pro-v1:0",
    "<bucket>": "acme-training",
    "<region>": "us-east-1",
    "<function-name>": "support-reward",
}
PLACEHOLDER = re.compile(r"<[a-z-]+>")

each_way = pytest.mark.parametrize(("kind", "way"), WAYS)


def new(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(root, ["new", *arguments])


def text_of(kind: str, way: str) -> str:
    """Return the skeleton that the command prints."""
    return new(kind, "support-bot", "--type", way).stdout


def read(text: str) -> dict[str, Any]:
    """Return the manifest in a text."""
    manifest: dict[str, Any] = yaml.safe_load(text)
    return manifest


def filled(text: str) -> str:
    """Return a text with its placeholders filled in, except those in comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return PLACEHOLDER.sub(lambda found: FILLED[found.group()], "\n".join(lines))


@each_way
def test_skeleton_is_valid_once_it_is_filled_in(kind: str, way: str) -> None:
    """With every placeholder filled in, each variant is valid."""
    assert shipped_schemas.get_checker(kind).find_mistakes(read(filled(text_of(kind, way)))) == ()


@each_way
def test_each_placeholder_left_in_is_reported(kind: str, way: str) -> None:
    """As printed, a skeleton has one problem per value with a placeholder, and no other."""
    told = shipped_schemas.get_checker(kind).find_mistakes(read(text_of(kind, way)))
    assert told
    assert all("placeholder" in finding.message for finding in told)


@each_way
def test_each_commented_member_can_be_switched_on(kind: str, way: str) -> None:
    """Uncommenting any block of spec leaves a valid manifest."""
    lines = filled_keeping_comments(text_of(kind, way))
    starts = [i for i, line in enumerate(lines) if re.match(r"  #[A-Za-z]", line)]
    assert starts
    for start in starts:
        end = start + 1
        while end < len(lines) and lines[end].startswith("  #  "):
            end += 1
        block = [line.replace("  #", "  ", 1) for line in lines[start:end]]
        text = "\n".join([*lines[:start], *block, *lines[end:]])
        assert shipped_schemas.get_checker(kind).find_mistakes(read(text)) == (), lines[start]


def filled_keeping_comments(text: str) -> list[str]:
    """Return a text's lines, placeholders filled in; those in braces stand for metadata."""
    return PLACEHOLDER.sub(lambda found: FILLED.get(found.group(), "x"), text).splitlines()


@each_way
def test_each_member_is_explained(kind: str, way: str) -> None:
    """Every key in a skeleton's spec has a comment right above it."""
    lines = text_of(kind, way).splitlines()
    settings = {"epochCount", "learningRate"}  # entries of a map: names of the model, not ours
    for above, line in pairwise(lines):
        key = line.strip().partition(":")[0]
        if not line.lstrip().startswith("#") and key not in settings:
            assert above.lstrip().startswith("# "), line


@each_way
def test_skeleton_keeps_a_readable_width(kind: str, way: str) -> None:
    """No line is wider than a page, except links."""
    assert all(len(line) <= 100 for line in text_of(kind, way).splitlines())


@each_way
def test_editors_offer_the_same_ways(kind: str, way: str) -> None:
    """An editor offers the same values as the skeleton, each filled in once."""
    (snippet,) = [one for one in shipped_schemas.load_schema(kind)[SNIPPETS] if one["label"] == way]
    text = re.sub(r"\$\{\d+:([a-z-]+)\}", r"<\1>", json.dumps(snippet["body"]))
    stops = re.findall(r"\$\{(\d+):([a-z-]+)\}", json.dumps(snippet["body"]))
    named = text.replace("<name>", "support-bot")
    assert snippet["description"] == KINDS[kind].variants[way].title
    assert json.loads(named) == read(text_of(kind, way)) | {"spec": json.loads(named)["spec"]}
    assert shipped_schemas.get_checker(kind).find_mistakes(json.loads(filled(named))) == ()
    assert len({number for number, _ in stops}) == len(set(stops))


def test_first_way_is_the_default() -> None:
    """Without --type the kind's first variant is used."""
    assert new(KIND, "support-bot").stdout == text_of(KIND, next(iter(KINDS[KIND].variants)))


@pytest.mark.parametrize(
    ("file", "where"),
    [("jobs/a.yaml", "../schemas"), ("jobs/team/a.yaml", "../../schemas"), ("a.yaml", "schemas")],
)
def test_file_points_to_its_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, where: str
) -> None:
    """The first line leads an editor from the file to the schema; folders are created."""
    monkeypatch.chdir(tmp_path)
    assert new(KIND, "a", "-o", file).exit_code == 0
    first = (tmp_path / file).read_text("utf-8").splitlines()[0]
    assert (
        first == f"# yaml-language-server: $schema={where}/{shipped_schemas.make_file_name(KIND)}"
    )


def test_file_points_to_the_schemas_at_the_top_of_its_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written from a subfolder, a file refers to the schemas of the repository."""
    schema = tmp_path / "schemas" / shipped_schemas.make_file_name(KIND)
    for folder in (schema.parent, tmp_path / ".git", tmp_path / "jobs"):
        folder.mkdir()
    schema.touch()
    monkeypatch.chdir(tmp_path / "jobs")
    assert new(KIND, "a", "-o", "a.yaml").exit_code == 0
    first = Path("a.yaml").read_text("utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema=../schemas/{schema.name}"


def test_a_file_is_overwritten_only_by_force(tmp_path: Path) -> None:
    """An existing file is kept, and the error says how to overwrite it."""
    path = tmp_path / "a.yaml"
    path.write_text("mine")
    refused = new(KIND, "a", "-o", str(path))
    assert refused.exit_code != 0
    assert "--force" in refused.stderr
    assert path.read_text() == "mine"
    assert new(KIND, "a", "-o", str(path), "--force").exit_code == 0
    assert path.read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([KIND, "Support_Bot"], "metadata.name"),
        ([KIND, "support--bot"], "customModelName"),
        ([KIND, "a" * 64], "64 characters"),
        ([KIND, "a", "--type", "tuning"], "fine-tuning"),
        (["Nothing", "a"], KIND),
        ([KIND], "NAME"),
    ],
)
def test_wrong_use_says_what_is_right(arguments: list[str], told: str) -> None:
    """An invalid name, kind or type is refused with the rule, and nothing is printed."""
    refused = new(*arguments)
    assert refused.exit_code not in {0, 1}
    assert told in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize("name", ["null", "true", "123", "no", "1e5"])
def test_names_that_yaml_would_take_for_values_stay_names(name: str) -> None:
    """A name that looks like another YAML type stays a name."""
    line = next(line for line in new(KIND, name).stdout.splitlines() if line.startswith("  name:"))
    assert line.removeprefix("  name: ").strip('"') == name
    assert yaml.safe_load(line)["name"] is not None


def test_wrong_use_ends_with_64() -> None:
    """As a process of its own, the command exits with 64 for a usage error."""
    command = [sys.executable, "-m", "controller", "new", KIND, "Support_Bot"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 64
    assert "Traceback" not in ended.stderr
