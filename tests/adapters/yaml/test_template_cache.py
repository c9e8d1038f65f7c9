"""Texts that are alike are read as if each were the first; the scalars may be anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.schemas.kind_readers import KindReader, get_kind_reader
from controller.adapters.yaml.fast_parser import UnusualError
from controller.adapters.yaml.parser import parse
from controller.adapters.yaml.template_cache import ParsedText, TemplateCache
from controller.core.documents.decoder import read
from controller.core.documents.nodes import locate_node
from controller.core.kinds.registry import KINDS

VALID = Path(__file__).parents[2] / "data" / "manifests" / "valid"
PLAIN = (VALID / "least.yaml").read_text()
NAME = ("metadata", "name")

# What stands around scalars: each line is read otherwise than its neighbours.
ADDED = (
    "",
    "x: y\n",
    "x: y\n  z\n",
    "x:   y\n",
    "x: y # z: z\n",
    "# x: y\n",
    "x: |\n  y: y\n  z: z\n",
    "x: >-\n  y: y\n\n  z: z\n",
    "x: 'y: y'\n",
    'x: "y: y,\n  z: z"\n',
    "x: {y: y, z: z}\n",
    "x: {y: y}}\n",
    "x: [y: y, z: z]\n",
    "x:\n- y: y\n  z: z\n- {y: y}\n",
    "? x: y\n: z: z\n",
    "{x: y}: z\n",
    "policy: {attempt: y, state: y, onFailure: {retries: y}}\n",
    "metadata: {labels: {y: y}, name: y}\n",
    "kind: y\n",
)
SCALARS = (
    *("y", "null", "Null", "true", "no", "inf", "e1", "x1", "s3://b/k", "arn:aws:x", "a:", "a:b"),
    *("a b", "a: b", "a #b", "a#b", "a,b", "a}b", "a'b", 'a"b', "a\\b", "a|", "a?", "a-", "A_@+.x"),
    *("", "~", "0", "-", "*a", "&a a", "!a", "ü", "y" * 1_100, *KINDS),
)
SCALAR = re.compile(r"(?<=: )[A-Za-z][^\n,}]*")


def known_of(name: str | None) -> KindReader:
    """Return what a kind is read by; every other name is one kind's."""
    known = get_kind_reader(name) or get_kind_reader(next(iter(KINDS)))
    assert known is not None
    return known


KNOWN = known_of(None)


def closely(data: bytes, known: KindReader) -> ParsedText:
    """Return a text's reading by events, which must find nothing wrong."""
    text = parse(data)
    (document,) = text.documents
    value, mistakes = read(document.root, known.grammar)
    mark, _ = locate_node(document.root, NAME)
    assert (text.problems, mistakes) == ((), ())
    return ParsedText(known, value, mark.line, mark.column)


CHANGES = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(SCALARS)), max_size=3)


def changed(text: str, changes: list[tuple[int, str]]) -> bytes:
    """Return a text with scalars in the place of others."""
    for number, scalar in changes:
        places = list(SCALAR.finditer(text))
        found = places[number % len(places)]
        text = text[: found.start()] + scalar + text[found.end() :]
    return text.encode()


@given(st.sampled_from(ADDED), st.sampled_from(ADDED), st.tuples(CHANGES, CHANGES, CHANGES))
@settings(deadline=None, max_examples=200)
def test_texts_of_one_shape_are_read_alike(
    before: str, behind: str, variants: tuple[list[tuple[int, str]], ...]
) -> None:
    """Whatever the scalars of a text are, it means what it means without its likes."""
    text, shapes = before + PLAIN + behind, TemplateCache()

    for changes in ([], [], *variants):
        data = changed(text, changes)
        try:
            reading = shapes.read(data, known_of)
        except UnusualError:
            continue
        assert repr(reading) == repr(closely(data, reading.known))


@pytest.mark.parametrize("scalar", ["null", "true", "a: b", "a:", "a, b", "a #b", "'a'", "&a b"])
def test_a_shape_takes_only_what_its_scalars_are(scalar: str) -> None:
    """A scalar that is not as plain as a shape's makes the text another shape's."""
    shapes = TemplateCache()
    text = PLAIN + "policy:\n  state: Suspended\n"
    for _ in range(3):
        shapes.read(text.encode(), known_of)
    other = text.replace("Suspended", scalar).encode()

    try:
        assert shapes.read(other, known_of) == closely(other, KNOWN)
    except UnusualError:
        assert scalar in {"null", "a: b", "a:", "&a b"}


FLOW = re.sub(r"metadata:\n  name: (\S+)\n", r"metadata: {labels: {team: a}, name: \1}\n", PLAIN)


def test_a_name_stands_where_its_own_text_has_it() -> None:
    """A shape in which a scalar moves the name does not tell the name's place."""
    shapes = TemplateCache()
    for team in ("a", "a", "a", "abc"):
        data = FLOW.replace("team: a", f"team: {team}").encode()

        assert repr(shapes.read(data, known_of)) == repr(closely(data, KNOWN))


def test_another_kind_is_another_shape() -> None:
    """A text of a known shape whose kind is not the shape's is asked for its own."""

    def strictly(name: str | None) -> KindReader:
        if name != KNOWN.kind.name:
            raise UnusualError
        return KNOWN

    shapes = TemplateCache()
    for _ in range(3):
        shapes.read(PLAIN.encode(), strictly)

    with pytest.raises(UnusualError):
        shapes.read(PLAIN.replace(f"kind: {KNOWN.kind.name}", "kind: Other").encode(), strictly)


def test_nothing_is_shared_by_texts_of_one_shape() -> None:
    """A value may be changed by whoever has it, and the next one is as it is written."""
    shapes = TemplateCache()
    readings = [shapes.read(PLAIN.encode(), known_of) for _ in range(4)]

    for reading in readings:
        assert reading.value["metadata"]["name"] == "least"
        reading.value["metadata"]["name"] = "changed"
        reading.value["spec"].clear()
        assert shapes.read(PLAIN.encode(), known_of).value["spec"]
