"""The quick way through a text never means anything else than the close one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.schemas.kind_readers import KindReader, get_kind_reader
from controller.adapters.yaml.fast_parser import (
    UnusualError,
    compose_mapping,
    get_member,
    read_value,
)
from controller.adapters.yaml.parser import parse
from controller.core.documents.decoder import read
from controller.core.documents.nodes import locate_node
from controller.core.kinds.registry import KINDS

EXAMPLES = sorted(
    path.read_bytes()
    for folder in ("valid", "invalid")
    for path in (Path(__file__).parents[2] / "data" / "manifests" / folder).glob("*.yaml")
)
INSERTED = (
    *("~", "null", "<<: ", "- ", "? ", ": ", " #", "\t", "  ", "\n", "---\n", "...\n", "[", "]"),
    *("{", "}", ",", "|\n", ">-\n", '"', "'", "''", "&a ", "*a", "!", "ü", "\ufeff", "\r", "012"),
    *("kind: x\n", "metadata:\n", "  name: x\n", "policy: {attempt: 1}\n", "{a: b}: c\n"),
)
NAME = ("metadata", "name")


def plan_of(name: str) -> KindReader:
    """Return what a kind is read by."""
    known = get_kind_reader(name)
    assert known is not None
    return known


KNOWN = tuple(map(plan_of, KINDS))


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """Draw an example with up to three edits, such as a person's hand makes."""
    text = draw(st.sampled_from(EXAMPLES)).decode(errors="ignore")
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        gone = draw(st.sampled_from((0, 0, 1, 2, 20)))
        text = text[:start] + draw(st.sampled_from(INSERTED)) + text[start + gone :]
    return text.encode()


@given(edited(), st.sampled_from(KNOWN))
@settings(deadline=None, max_examples=300)
def test_what_is_read_at_once_is_read_alike(data: bytes, known: KindReader) -> None:
    """A value read at once is the value read closely, key order and places included."""
    try:
        root = compose_mapping(data)
        value = read_value(root, known.grammar)
    except UnusualError:
        return

    (document,) = parse(data).documents
    closely, mistakes = read(document.root, known.grammar)
    name, (mark, steps) = (
        get_member(get_member(root, NAME[0]), NAME[1]),
        locate_node(document.root, NAME),
    )

    assert not parse(data).problems
    assert not mistakes
    assert repr(value) == repr(closely)
    assert (name is not None) == (steps == len(NAME))
    if name is not None and isinstance(name.value, str):
        assert (name.start_mark.line, name.start_mark.column) == (mark.line, mark.column)


@pytest.mark.parametrize("name", ["least", "flow-style", "block-scalars", "policy-at-work"])
def test_plain_text_is_read_at_once(name: str) -> None:
    """What most manifests are written like does not need the close reading."""
    path = Path(__file__).parents[2] / "data" / "manifests" / "valid" / f"{name}.yaml"

    assert read_value(compose_mapping(path.read_bytes()), KNOWN[0].grammar)["metadata"]["name"]


@pytest.mark.parametrize("text", ["{", "- ", "? ", "[", "{a: "])
def test_deep_text_is_left_before_it_is_deep(text: str) -> None:
    """Composing recurses in C, so it is never let deeper than a manifest may nest."""
    with pytest.raises(UnusualError):
        compose_mapping(text.encode() * (20_000 // len(text)))
