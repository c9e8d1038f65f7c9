"""Properties of identity, for random requests."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.identity import tokens
from controller.core.kinds.registry import KINDS

KIND = next(iter(KINDS.values()))
GRAMMAR = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?")

# Numbers stay where every JSON reader agrees on them; RFC 8785 refuses the rest.
safe_integers = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.text() | safe_integers | st.booleans()
basic_keys = st.text(st.characters(max_codepoint=0xD7FF), max_size=6)


def trees(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> Any:
    """Build the strategy of requests: maps of leaves, lists and maps."""
    values = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(keys, inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    )
    return st.dictionaries(keys, values, min_size=1, max_size=5)


requests = trees(scalars | floats, st.text(max_size=6))
plain_requests = trees(scalars, basic_keys)


def turned(value: Any) -> Any:
    """Return the value with the keys of every map reversed."""
    if isinstance(value, dict):
        return {key: turned(inner) for key, inner in reversed(value.items())}
    return [turned(inner) for inner in value] if isinstance(value, list) else value


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every leaf; an empty map or list is one."""
    if isinstance(value, dict) and value:
        return [place for key, inner in value.items() for place in places(inner, (*path, key))]
    if isinstance(value, list) and value:
        return [place for i, inner in enumerate(value) for place in places(inner, (*path, i))]
    return [path]


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """Return the value with another leaf at the path."""
    if not path:
        return new
    head, *rest = path
    made: Any = dict(value) if isinstance(value, dict) else list(value)
    made[head] = replaced(value[head], tuple(rest), new)
    return made


def digest(request: dict[str, Any], attempt: int = 0) -> str:
    """Return the digest under the customization kind."""
    return tokens.compute_digest(KIND, request, attempt)


@settings(deadline=None, max_examples=200)
@given(request=requests)
def test_key_order_never_counts(request: dict[str, Any]) -> None:
    """The order of keys at any level does not change the digest."""
    assert digest(turned(request)) == digest(request)


@settings(deadline=None, max_examples=200)
@given(request=requests, data=st.data())
def test_any_counted_value_counts(request: dict[str, Any], data: st.DataObject) -> None:
    """Changing any leaf of a request changes the digest."""
    counted = {"kept": request}
    path = data.draw(st.sampled_from(places(counted)))

    changed = replaced(counted, path, {"not": "what stood there"})

    assert digest(changed) != digest(counted)


@settings(deadline=None, max_examples=200)
@given(
    request=requests,
    others=st.dictionaries(
        st.sampled_from([KIND.token_member, *KIND.tag_members]), scalars, min_size=1
    ),
)
def test_tags_and_token_never_count(request: dict[str, Any], others: dict[str, Any]) -> None:
    """Tag members and the token member do not change the digest."""
    assert digest({**request, **others}) == digest({**others, **request})
    bare = {name: value for name, value in request.items() if name not in others}
    assert digest({**bare, **others}) == digest(bare)


@settings(deadline=None, max_examples=200)
@given(request=plain_requests, attempt=st.integers(min_value=0, max_value=99))
def test_digest_agrees_with_another_canonical_form(request: dict[str, Any], attempt: int) -> None:
    """The digest equals that of the standard library's sorted JSON, where that is canonical.

    That is for requests without floats, and with keys that sort alike by code point and by UTF-16.
    """
    document = {"v": 1, "kind": KIND.name, "attempt": attempt, "request": request}
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    assert digest(request, attempt) == hashlib.sha256(text.encode()).hexdigest()


@settings(deadline=None, max_examples=200)
@given(owner=st.text(), request=plain_requests)
def test_token_is_valid_for_the_service(owner: str, request: dict[str, Any]) -> None:
    """Every token matches the service's pattern, whatever the owner."""
    made = tokens.build_token(owner, digest(request))

    assert GRAMMAR.fullmatch(made)
    assert made.startswith(tokens.get_owner_prefix(owner))
    assert tokens.parse_digest(made) == digest(request)


@settings(deadline=None, max_examples=200)
@given(
    first=st.tuples(st.integers(0, 9), st.sampled_from(["", "0a1b2c3d"]), st.text(max_size=3)),
    second=st.tuples(st.integers(0, 9), st.sampled_from(["", "0a1b2c3d"]), st.text(max_size=3)),
)
def test_attempt_revision_and_owner_change_the_token(
    first: tuple[int, str, str], second: tuple[int, str, str]
) -> None:
    """Submissions of one spec share a token only if attempt, revision and owner are equal."""
    made = {
        tokens.derive_submission(KIND, {}, "job", owner, attempt=attempt, revision=revision).token
        for attempt, revision, owner in (first, second)
    }

    assert len(made) == len({first, second})
