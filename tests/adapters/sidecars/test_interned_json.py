"""JSON read with what repeats held once says the same as JSON read plainly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.sidecars.interned_json import InterningDecoder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5))
@settings(deadline=None, max_examples=60)
def test_it_reads_what_json_says(documents: list[Any]) -> None:
    """Text after text is read as by json, however many were read before."""
    alike = InterningDecoder()

    assert [alike.decode(json.dumps(one).encode()) for one in documents] == documents


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b'{"a": 1, "a": 2}', b"\xef\xbb\xbf[]", b"[NaN]" * 2, b"[" * 9999],
)
def test_it_fails_where_json_does(content: bytes) -> None:
    """What is no JSON, or too deep, is refused as by json; of equal names the last one counts."""

    def said(read: Any) -> Any:
        try:
            return read(content)
        except (ValueError, RecursionError) as error:
            return type(error)

    assert said(InterningDecoder().decode) == said(json.loads)


def test_what_repeats_is_held_once() -> None:
    """Equal names and values are one string, within a text and from an earlier one on."""
    alike = InterningDecoder()
    first, second = (
        alike.decode(json.dumps({"status": "Completed", "arn": arn, "again": arn}).encode())
        for arn in ("arn:first", "arn:second")
    )

    assert second["arn"] is second["again"]
    assert second["status"] is first["status"]
    assert next(iter(second)) is next(iter(first))
