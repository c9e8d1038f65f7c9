"""Scalars are read by the schema: text stays the text that is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.yaml.parser import parse
from controller.core.documents.decoder import compile_schema, make_core_grammar, read
from controller.core.problems import Code

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": ["string", "number", "boolean"]},
        "choice": {"enum": ["on", "off"]},
        "whole": {"type": "integer"},
        "decimal": {"type": "number"},
        "flag": {"type": "boolean"},
        "open": {"type": ["string", "null"]},
        "texts": {"type": "array", "items": {"type": "string"}},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "any": {},
        "tree": {"$ref": "#/definitions/tree"},
        "secret": {"x-sensitive": True, "additionalProperties": {"type": "integer"}},
    },
    "additionalProperties": False,
    "definitions": {
        "tree": {
            "type": "object",
            "properties": {
                "leaf": {"type": "string"},
                "inner": {"type": "array", "items": {"$ref": "#/definitions/tree"}},
            },
        }
    },
}
GRAMMAR = compile_schema(SCHEMA)


def value(text: str) -> Any:
    """Return what a text without mistakes is read as."""
    found, mistakes = read(parse(text.encode()).documents[0].root, GRAMMAR)
    assert mistakes == ()
    return found


def mistakes(text: str) -> list[tuple[Code, int, int]]:
    """Return the mistakes of a text, each with its place."""
    parsed = parse(text.encode())
    assert parsed.problems == ()
    _, found = read(parsed.documents[0].root, GRAMMAR)
    return [(one.code, one.line, one.column) for one in found]


@pytest.mark.parametrize(
    "source",
    [
        "0.00001",
        "1e-5",
        "012",
        "no",
        "Yes",
        "1_000",
        "0x1F",
        "12:30:45",
        "2024-01-01",
        ".inf",
        "=",
        "<<",
        "true",
        "a b",
        "0.10",
        "+1",
        "ü",
        "\U0001f600",
    ],
)
def test_text_is_its_source(source: str) -> None:
    """Where text is asked for, a plain scalar's source is the value, whatever it looks like."""
    assert value(f"text: {source}\ntexts: [{source}]\nmap: {{key: {source}}}") == {
        "text": source,
        "texts": [source],
        "map": {"key": source},
    }


@pytest.mark.parametrize("source", ["null", "~", "Null", "NULL", ""])
@pytest.mark.parametrize("name", ["text", "choice", "whole", "flag", "texts", "map", "tree"])
def test_null_is_no_value(name: str, source: str) -> None:
    """A null is a mistake wherever a value is due, be the key required or not."""
    found = mistakes(f"any: 1\n{name}: {source}\n")

    assert [(code, line) for code, line, _ in found] == [(Code.NULL_VALUE, 2)]


@pytest.mark.parametrize("source", ["'null'", '"~"', "''", "|-\n  null"])
def test_quoted_null_is_text(source: str) -> None:
    """Quotes make text of what would be null, and so does a block."""
    assert value(f"text: {source}") == {"text": source.split("\n")[-1].strip("'\" ")}


def test_null_stands_where_the_schema_takes_it() -> None:
    """A null is None where the schema allows null, or asks for nothing."""
    assert value("{open: null, any: ~}") == {"open": None, "any": None}


@pytest.mark.parametrize(
    ("source", "expected"),
    [("012", 12), ("0o14", 12), ("0x1F", 31), ("-7", -7), ("+7", 7), ("0", 0)],
)
def test_whole_numbers_follow_yaml_1_2(source: str, expected: int) -> None:
    """A whole number is what YAML 1.2 takes for one: a leading zero is no octal."""
    found = value(f"{{whole: {source}, any: {source}}}")

    assert found == {"whole": expected, "any": expected}
    assert type(found["any"]) is int


@pytest.mark.parametrize(
    ("source", "expected"),
    [("5e-05", 5e-05), (".5", 0.5), ("1.", 1.0), ("1.0", 1.0), ("-1E3", -1000.0)],
)
def test_decimals_follow_yaml_1_2(source: str, expected: float) -> None:
    """A number with a point or an exponent is that number, its exponent signed or not."""
    found = value(f"{{decimal: {source}, any: {source}}}")

    assert found == {"decimal": expected, "any": expected}
    assert type(found["any"]) is float


@pytest.mark.parametrize(
    "source", ["yes", "no", "on", "off", "y", "1_000", "12:30:45", "0b1", "1e"]
)
def test_guesses_of_yaml_1_1_are_text(source: str) -> None:
    """What only YAML 1.1 takes for a boolean or a number is text."""
    assert value(f"any: {source}") == {"any": source}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("whole: 32.0", Code.WRONG_TYPE),
        ("whole: 1e3", Code.WRONG_TYPE),
        ("whole: many", Code.WRONG_TYPE),
        ("whole: '3'", Code.WRONG_TYPE),
        ("decimal: .inf", Code.WRONG_TYPE),
        ("decimal: .nan", Code.WRONG_TYPE),
        ("decimal: 1e999", Code.WRONG_TYPE),
        ("flag: yes", Code.WRONG_TYPE),
        ("flag: 'true'", Code.WRONG_TYPE),
        ("any: 1e999", Code.OUT_OF_BOUNDS),
        ("any: -.inf", Code.OUT_OF_BOUNDS),
        ("any: 9007199254740992", Code.OUT_OF_BOUNDS),
        ("map: {[a]: b}", Code.KEY_NOT_TEXT),
        ("map: {~: b}", Code.KEY_NOT_TEXT),
        ("map: {a: b, 'a': c}", Code.DUPLICATE_KEY),
        ("text: a\ntext: b", Code.DUPLICATE_KEY),
        ("any: {<<: 1}", Code.MERGE_KEY),
    ],
)
def test_mistake_has_its_code(text: str, code: Code) -> None:
    """Each way of writing a value wrongly has a code of its own."""
    assert [found for found, _, _ in mistakes(text)] == [code]


def test_every_mistake_is_told_at_its_place() -> None:
    """Mistakes do not hide each other; each has its own line and column."""
    text = "text: ~\nwhole: x\nmap:\n  a: 1\n  b:\n  a: 2\nflag: no\n"

    assert mistakes(text) == [
        (Code.NULL_VALUE, 1, 7),
        (Code.WRONG_TYPE, 2, 8),
        (Code.NULL_VALUE, 5, 5),
        (Code.DUPLICATE_KEY, 6, 3),
        (Code.WRONG_TYPE, 7, 7),
    ]


def test_what_an_alias_repeats_is_told_once() -> None:
    """A mistake in an anchored value is one mistake, however often the value is used."""
    assert mistakes("map: &a {k: ~}\nany: [*a, *a]") == [(Code.NULL_VALUE, 1, 13)]


def test_alias_is_read_where_it_stands() -> None:
    """An alias takes the type that its own place asks for."""
    assert value("text: &n 010\nwhole: *n\ntexts: [*n]") == {
        "text": "010",
        "whole": 10,
        "texts": ["010"],
    }


def test_recursive_shapes_are_read_all_the_way() -> None:
    """A shape that holds itself is read by the schema at every depth."""
    text = "tree: {leaf: 1.0, inner: [{leaf: no, inner: [{leaf: 0x1}]}]}"

    assert value(text) == {
        "tree": {"leaf": "1.0", "inner": [{"leaf": "no", "inner": [{"leaf": "0x1"}]}]}
    }


def test_merged_members_yield_to_written_ones() -> None:
    """A merge brings in what is not written out; of several sources the first wins."""
    text = "map: {a: 1, <<: [{a: 2, b: 3}, {b: 4, c: 5}]}"

    assert value(text) == {"map": {"a": "1", "b": "3", "c": "5"}}


@pytest.mark.parametrize("text", ["secret: {word: 1, word: 2}", "secret: {a: hunter}"])
def test_sensitive_text_is_not_quoted(text: str) -> None:
    """A message never quotes what stands in a sensitive member."""
    _, found = read(parse(text.encode()).documents[0].root, GRAMMAR)

    assert found
    assert not any("hunter" in one.message or "word" in one.message for one in found)


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"])),
)
documents = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdefgh<", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(documents.filter(lambda document: document is not None))
@settings(deadline=None, max_examples=300)
def test_json_is_read_as_json(document: Any) -> None:
    """Whatever JSON holds comes back equal when no schema asks for something else."""
    text = json.dumps(document, ensure_ascii=False).replace("\ufeff", "").encode()
    parsed = parse(text)
    found, mistaken = read(parsed.documents[0].root, make_core_grammar())

    assert (parsed.problems, mistaken) == ((), ())
    assert found == json.loads(text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"])))
@settings(deadline=None, max_examples=300)
def test_text_survives_every_style(text: str) -> None:
    """A text that YAML's own writer puts into any style is read back as it was."""
    text = text.replace("\ufeff", "")
    for style in ("'", '"', "|", ">"):
        written = yaml.safe_dump({"text": text}, default_style=style, allow_unicode=True)
        assert value(written) == {"text": text}
