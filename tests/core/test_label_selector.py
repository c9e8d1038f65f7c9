"""Label selectors, as in kubectl's -l."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.label_selector import SelectorError, parse_selector

LABELS = {"team": "support", "tier": "", "env": "test"}


@pytest.mark.parametrize(
    ("text", "selects"),
    [
        (None, True),
        ("", True),
        (" , ", True),
        ("team=support", True),
        ("team==support", True),
        (" team = support ", True),
        ("team=sales", False),
        ("team!=sales", True),
        ("team != support", False),
        ("team", True),
        ("tier", True),
        ("tier=", True),
        ("tier!=", False),
        ("!team", False),
        ("!owner", True),
        ("owner", False),
        ("owner=", False),
        ("owner!=any", True),
        ("team=support,env=test", True),
        ("team=support,env=production", False),
        ("team=support,!owner,tier", True),
        ("Team=support", False),
        ("team=Support", False),
    ],
)
def test_selector_selects(text: str | None, selects: bool) -> None:
    """Every requirement must be met, and a missing label differs from any value."""
    assert parse_selector(text).is_match(LABELS) is selects


@pytest.mark.parametrize("text", ["=x", "!=x", "!", "a b", "a=b,=c", "!a=b", "a in (b)", "(a)"])
def test_malformed_selector_is_reported(text: str) -> None:
    """A malformed part is quoted, with the valid forms."""
    with pytest.raises(SelectorError, match="key=value, key!=value, key or !key"):
        parse_selector(text)


NAMES = st.from_regex(r"[a-z][a-z0-9./-]{0,10}", fullmatch=True)
VALUES = st.from_regex(r"[A-Za-z0-9._-]{0,10}", fullmatch=True)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), NAMES, VALUES)
def test_part_and_its_opposite_never_agree(labels: dict[str, str], key: str, value: str) -> None:
    """Of a requirement and its opposite exactly one is met; all labels of a manifest select it."""
    for part, opposite in ((f"{key}={value}", f"{key}!={value}"), (key, f"!{key}")):
        assert parse_selector(part).is_match(labels) is not parse_selector(opposite).is_match(
            labels
        )
    assert parse_selector(",".join(f"{name}={each}" for name, each in labels.items())).is_match(
        labels
    )
