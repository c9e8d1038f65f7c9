"""Patterns mean one thing on every engine, match in full, and hang none of them."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft7Validator, RegexOptions

from controller.adapters.schemas.schema_files import load_service_model
from controller.adapters.schemas.shipped_schemas import load_schema
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.core.schema.manifest_schema import build_manifest_schema
from controller.core.schema.patterns import make_constraint
from controller.core.schema.shapes import list_reachable_shapes
from tests.kinds.rows import NOT_OFFERED

ROWS = (*KINDS.values(), *NOT_OFFERED)
OPERATIONS, SHAPES = load_service_model()["operations"], load_service_model()["shapes"]
PATTERNS = sorted(
    {
        row.patterns.get(SHAPES[name]["pattern"], SHAPES[name]["pattern"])
        for row in ROWS
        for name in list_reachable_shapes(
            SHAPES, OPERATIONS[row.get_operation("Create")]["input"]["shape"]
        )
        if "pattern" in SHAPES[name]
    }
)
REPLACED = sorted({item for row in ROWS for item in row.patterns.items()})
# What Rust's regex, ECMAScript in Unicode mode and Python read alike: no lookaround, no group
# names, no flags, no possessive repetition, no escape but of a sign or a control character.
COMMON = re.compile(
    r"""(?: \[\^?(?:\\(?:[-^\]\\/.+*?(){}|$sS]|[tnrfv]|u[0-9a-f]{4})|[^\]\\\[])+\]
      | \\[-^$\\.*+?()\[\]{}|/] | \\[tnrfv] | \((?:\?:)?(?!\?) | \) | \|
      | (?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})(?![*+?{]) | [\^$] | [^\\\[\](){}*+?|^$] )*""",
    re.VERBOSE,
)
SIGNS = "aA0-_.:/+=@ s3\n\t!é"


def _rust(keywords: dict[str, Any]) -> Draft7Validator:
    return Draft7Validator(keywords, pattern_options=RegexOptions())


def _patterns(node: object) -> list[str]:
    """Return every pattern that stands in a schema."""
    if isinstance(node, list):
        return [found for child in node for found in _patterns(child)]
    if not isinstance(node, dict):
        return []
    here = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    return here + [found for child in node.values() for found in _patterns(child)]


@pytest.mark.parametrize("kind", ROWS, ids=lambda row: row.name)
def test_patterns_keep_to_what_all_engines_read_alike(kind: Kind) -> None:
    """Each pattern compiles on the linear engine and on Python's, in the syntax that all share."""
    for pattern in _patterns(build_manifest_schema(kind, load_service_model())):
        _rust({"pattern": pattern})
        re.compile(pattern)
        assert COMMON.fullmatch(pattern), pattern


@pytest.mark.parametrize(
    "pattern", [r"a(?=b)", r"\Aa", r"a\Z", r"\d", r"a++", r"(?P<n>a)", r"(?i)a", r"[\d]", r"\bA"]
)
def test_the_shared_syntax_leaves_out_what_engines_disagree_on(pattern: str) -> None:
    """The check above would notice a construct that only some engines have."""
    assert not COMMON.fullmatch(pattern)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_constraint_is_a_full_match(pattern: str) -> None:
    """Both engines accept exactly the texts that the model's pattern matches as a whole."""
    keywords = make_constraint(pattern)
    linear, python = _rust(keywords), jsonschema.Draft7Validator(keywords)

    # Short texts: the measure is a backtracking engine, and some patterns are polynomial on it.
    @settings(max_examples=40, deadline=None, database=None)
    @given(st.text(SIGNS, max_size=12) | _matching(pattern))
    def agree(text: str) -> None:
        expected = re.fullmatch(pattern, text, re.ASCII) is not None
        assert linear.is_valid(text) == expected
        assert python.is_valid(text) == expected

    agree()


def _matching(pattern: str) -> st.SearchStrategy[str]:
    """Return texts that match, with and without a sign too many at either end."""
    matching = st.from_regex(
        re.compile(pattern, re.ASCII),
        fullmatch=True,
        alphabet=st.characters(min_codepoint=32, max_codepoint=126),
    ).map(lambda text: text[:48])
    return st.builds(
        lambda before, text, after: before + text + after,
        st.sampled_from(["", "", "!", "\n"]),
        matching,
        st.sampled_from(["", "", "!", "\n"]),
    )


@pytest.mark.parametrize(("original", "replacement"), REPLACED)
def test_replacement_takes_the_same_texts(original: str, replacement: str) -> None:
    """A row's replacement matches what the exponential original matches, on short texts."""

    @settings(max_examples=300, deadline=None, database=None)
    @given(st.text("aZ09-.+_\n ", max_size=14))
    def agree(text: str) -> None:
        assert bool(re.fullmatch(original, text)) == bool(re.fullmatch(replacement, text))

    agree()


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_hangs_even_a_backtracking_engine(kind: str) -> None:
    """Python's own engine refuses the hostile name at once, by the pattern that is shipped."""
    node = load_schema(kind)["properties"]["spec"]["properties"]["jobName"]
    began = time.thread_time()
    assert not jsonschema.Draft7Validator(node).is_valid("a" + "-" * 61 + "!")
    assert not _rust(node).is_valid("a" + "-" * 61 + "!")
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    ("pattern", "text", "taken"),
    [
        ("a", "a", True),
        ("a", "xax", False),
        ("a", "a\n", False),
        ("a|b", "ab", False),
        (r"[a\s]*", "a\n", True),
        (r"[a\s]*", "a\N{NO-BREAK SPACE}", False),
        (r"\d+", "12", True),
        (r"\d+", "\N{ARABIC-INDIC DIGIT ONE}", False),
        (r"[\S]+", "a b", False),
        (r"[\s\S]+", "a\n b\n", True),
        (r".+", "a\u2028", False),
        (r"(?:a|b\s)?", "b\n", True),
        (r"\s?a", "\na\n", False),
        (r"(a$|b)", "a", True),
    ],
)
def test_constraint_by_example(pattern: str, text: str, taken: bool) -> None:
    """Anchors, alternatives, line breaks and classes come out as a full match in ASCII."""
    keywords = make_constraint(pattern)
    assert _rust(keywords).is_valid(text) == taken
    assert jsonschema.Draft7Validator(keywords).is_valid(text) == taken


def test_other_types_are_left_to_their_keyword() -> None:
    """A number meets the constraint of a text, because an editor may take a text for one."""
    assert _rust(make_constraint("a")).is_valid(5)
    assert json.loads(json.dumps(make_constraint("a"))) == make_constraint("a")
