"""The fast reading of plain manifests answers what the parser answers, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controller.adapters.kinds import readable
from controller.adapters.plain_yaml import keeps, plain_document
from controller.adapters.yaml_events import parse
from controller.core.kinds import KINDS
from controller.core.node import place
from controller.core.reading import read

ROOT = Path(__file__).parents[2]
KIND = readable(next(iter(KINDS)))
PLAIN = """\
# A comment, and a blank line.

apiVersion: bedrock-jobs/v1
kind: ModelCustomizationJob
metadata:
  name: plain
  labels: {team: support, stage: live}
spec:
    roleArn: arn:aws:iam::123456789012:role/BedrockCustomization
    baseModelIdentifier: amazon.nova-micro-v1:0:128k
    trainingDataConfig:
      s3Uri: s3://acme-training/support/train.jsonl
    # Another comment.
    outputDataConfig: {s3Uri: s3://acme-training/support/output/}
    hyperParameters: {epochCount: 012, learningRate: 1e-5}
"""
LINES = PLAIN.splitlines(keepends=True)
EXAMPLES = sorted([*(ROOT / "jobs").rglob("*.yaml"), *(ROOT / "tests/data").rglob("*.yaml")])


def agree(data: bytes) -> bool:
    """Return whether a text was read fast; fail when it was, and the parser reads it otherwise."""
    assert KIND is not None
    found = plain_document(data)
    if found is None or not keeps(found[0], KIND.plan):
        return False
    parsed = parse(data)
    assert parsed.problems == ()
    (document,) = parsed.documents
    value, mistakes = read(document.root, KIND.plan)
    mark, held = place(document.root, ("metadata", "name"))
    assert mistakes == ()
    assert found == (value, mark.line + 1, mark.column + 1)
    assert list(found[0].get("spec", ())) == list(value.get("spec", ()))
    assert held == 2
    return True


def test_plain_manifest_is_read_fast() -> None:
    """What the README's manifest is made of is plain."""
    assert agree(PLAIN.encode())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_read_alike(path: Path) -> None:
    """Every manifest of the examples and of the tests is read alike, where it is plain."""
    agree(path.read_bytes())


@pytest.mark.parametrize(
    "line",
    [
        "    jobName: a \n",
        "    jobName: a # b\n",
        "    jobName: a#b\n",
        "    jobName: a: b\n",
        "    jobName: a:\n",
        "    jobName: null\n",
        "    jobName:\n",
        "    jobName: ~\n",
        "    jobName: 'a'\n",
        "    jobName: |\n      a\n",
        "    jobName: a\n      b\n",
        "    jobName: a\n      b: c\n",
        "    jobName: a\n\n   b: c\n",
        "    jobName: &a a\n",
        "    jobName: !!str a\n",
        "    jobName: - a\n",
        "    jobName: a\tb\n",
        "    jobName: a\r\n",
        "# a\rjobName: b\n",
        "# a\x00\n",
        "# a\tb\n",
        "    jobName: {a: b,c: d}\n",
        "    jobName: {a: b, a: c}\n",
        "    jobName: {a: b }\n",
        "    jobName: {a: b , c: d}\n",
        "    jobName: {a: {b: c}}\n",
        "    jobName: {}\n",
        "    jobName: []\n",
        "    roleArn: twice\n",
        "    <<: {a: b}\n",
        "    ? a\n    : b\n",
        "    - a\n",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "  jobName: a\n",
        "     jobName: a\n",
        "jobName: ü\n",
        "    no: yes\n",
        "    jobName: a::b:c\n",
        "    jobName: a  b -c @d =e\n",
        "    jobName: 2024-01-01 10:20:30\n",
        "    vpcConfig:\n    jobName: a\n",
    ],
)
def test_line_is_read_as_the_parser_reads_it(line: str) -> None:
    """A line that is nearly plain is read as the parser reads it, or left to the parser."""
    for position in range(len(LINES) + 1):
        agree("".join([*LINES[:position], line, *LINES[position:]]).encode())


texts = st.text("ab0:/.- {},#'\"&*!|>%@~\n\t=\r\x00\x0b\x7f[]?`", max_size=12)
edits = st.lists(st.tuples(st.integers(0, len(PLAIN)), st.integers(0, 6), texts), max_size=4)


@given(edits)
@example([(len(PLAIN), 0, "spec: a\n")])
@settings(deadline=None, max_examples=600)
def test_any_edit_is_read_as_the_parser_reads_it(changes: list[tuple[int, int, str]]) -> None:
    """However a plain manifest is edited, the two readings never differ."""
    text = PLAIN
    for start, length, new in changes:
        text = text[:start] + new + text[start + length :]
    agree(text.encode())


@given(texts)
@settings(deadline=None, max_examples=600)
def test_any_value_is_read_as_the_parser_reads_it(value: str) -> None:
    """Whatever a value is made of, the two readings never differ."""
    for written in (f"    jobName: {value}\n", f"    hyperParameters: {{a: {value}, b: c}}\n"):
        agree(("".join(line for line in LINES if "hyper" not in line) + written).encode())
