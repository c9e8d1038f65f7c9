"""What editors say: every member of every shipped schema has words of ours, and none is idle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from controller.adapters.schemas import shipped_schemas
from controller.adapters.schemas.schema_files import load_service_model
from controller.core.kinds.descriptions import Description, Node, describe_node
from controller.core.kinds.registry import KINDS
from controller.core.schema.envelope_docs import FLEET, MANIFEST
from controller.core.schema.shape_texts import COMMON
from controller.core.schema.shapes import strip_markup
from controller.core.validation.schema_checker import SchemaChecker

STEMS = [*KINDS, shipped_schemas.FLEET]
TABLES = {
    "common": COMMON,
    "manifest": MANIFEST,
    "fleet": FLEET,
    **{kind.name: kind.descriptions for kind in KINDS.values()},
}
EACH = [
    pytest.param(words, id=f"{table}-{key}")
    for table, entries in TABLES.items()
    for key, words in entries.items()
]
LONGEST = 200
RUN = 6


def members(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Yield every node that a person writes a value for, by its dotted member."""
    inner = {f"{path}.{name}": child for name, child in node.get("properties", {}).items()}
    inner |= {
        f"{path}{mark}": node[keyword]
        for keyword, mark in (("items", "[]"), ("additionalProperties", "{}"))
        if isinstance(node.get(keyword), dict)
    }
    for name, child in inner.items():
        yield name.lstrip("."), child
        yield from members(child, name)


def every_member() -> list[Any]:
    """Return the members of all shipped schemas."""
    return [
        pytest.param(shipped_schemas.load_schema(stem), node, id=f"{stem}-{name}")
        for stem in STEMS
        for name, node in members(dict(shipped_schemas.load_schema(stem)))
    ]


def texts(words: Description) -> list[str]:
    """Return all sentences of an entry."""
    return [words.text, *words.values.values()]


@pytest.mark.parametrize(("schema", "node"), every_member())
def test_each_member_is_explained(schema: Node, node: Node) -> None:
    """A member of a shipped schema says what it is, and what each of its values means."""
    assert node["description"]
    assert len(node["description"]) <= LONGEST or "https://" in node["description"]
    assert len(node.get("enumDescriptions", ())) == len(node.get("enum", ()))


@pytest.mark.parametrize(("schema", "node"), every_member())
def test_each_example_is_valid(schema: Node, node: Node) -> None:
    """An example is a value that its own member takes."""
    checked = SchemaChecker({**node, "definitions": schema.get("definitions", {})})
    for example in node.get("examples", ()):
        assert checked.find_mistakes(example) == ()


@pytest.mark.parametrize("words", EACH)
def test_no_entry_is_idle(words: Description) -> None:
    """What a table says stands in a shipped schema."""
    said = [
        node["description"]
        for stem in STEMS
        for _, node in [
            ("", dict(shipped_schemas.load_schema(stem))),
            *members(dict(shipped_schemas.load_schema(stem))),
        ]
    ]
    assert any(text.startswith(words.text) for text in said)


@pytest.mark.parametrize("words", EACH)
def test_entries_are_written_in_one_style(words: Description) -> None:
    """A text is a sentence or two, and carries neither markup nor an example in its prose."""
    for text in texts(words):
        assert text[0].isupper() or text.startswith(("true ", "`"))
        assert text.endswith(".")
        assert not re.search(r"Example:|e\.g\.|<[a-z]|  |[*_]{2}", text)


def test_no_entry_repeats_the_service() -> None:
    """No text shares six words in a row with the service's own documentation."""
    theirs = {
        run
        for shape in load_service_model()["shapes"].values()
        for holder in (shape, *shape.get("members", {}).values())
        for run in runs(strip_markup(str(holder.get("documentation", ""))))
    }
    assert len(theirs) > 1_000
    ours = [text for table in TABLES.values() for words in table.values() for text in texts(words)]
    assert [text for text in ours if theirs & set(runs(text))] == []


def runs(text: str) -> list[str]:
    """Return each row of six words in a text, signs and case aside."""
    words = re.findall(r"[a-z0-9-]+", text.lower())
    return [" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1)]


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"minLength": 1, "maxLength": 63}, "1 to 63 characters."),
        ({"maxLength": 1}, "At most 1 character."),
        ({"minLength": 1}, ""),
        ({"maxLength": 2048}, ""),
        ({"minItems": 3, "maxItems": 3}, "3 items."),
        ({"minItems": 2}, "At least 2 items."),
        ({"minimum": 0, "default": 0}, "At least 0. Default: 0."),
        ({"minimum": 1e-07, "maximum": 0.001}, "0.0000001 to 0.001."),
        ({"minimum": -(2**31), "maximum": 2**31 - 1}, ""),
        ({"minProperties": 1, "maxProperties": 1, "properties": {}}, "Exactly one of its members."),
        ({"minProperties": 1, "maxProperties": 1}, "Exactly one entry."),
        ({"default": None}, "Default: null."),
        ({"default": False}, "Default: false."),
        ({"default": "Hold"}, "Default: Hold."),
    ],
)
def test_bounds_and_defaults_are_read_off_the_node(node: Node, said: str) -> None:
    """What a node knows stands in plain words behind the sentence; endless bounds are silent."""
    assert describe_node(node, Description("It is.")) == {
        "description": f"It is. {said}".rstrip(),
        **node,
    }


def test_nothing_is_said_where_nobody_has_words() -> None:
    """Without words of ours a node is as it was; with the service's it says those alone."""
    assert describe_node({"minimum": 1}, None) == {"minimum": 1}
    assert describe_node({"minimum": 1}, None, "Theirs.") == {
        "description": "Theirs.",
        "minimum": 1,
    }
