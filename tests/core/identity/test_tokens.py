"""Golden vectors that freeze identity: another result would pay for running jobs twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from controller.core.identity import tokens
from controller.core.identity.tokens import Ownership
from controller.core.kinds.registry import KINDS
from controller.core.model import Submission

Vector = dict[str, Any]

FILE = Path(__file__).parents[2] / "data" / "identity" / "vectors.json"
GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
KIND = KINDS[GOLDEN["kind"]]
VECTORS = cast("list[Vector]", GOLDEN["vectors"])
BY_TITLE = {vector["title"]: vector for vector in VECTORS}
DESIGN = VECTORS[0]

_NAMES = set(KIND.suffixed_members)

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["title"])


def submission_of(vector: Vector) -> Submission:
    """Derive the submission that a vector describes."""
    return tokens.derive_submission(
        KIND,
        vector["spec"],
        vector["name"],
        vector["owner"],
        attempt=vector["attempt"],
        revision=vector["revision"],
    )


@each_vector
def test_vector_keeps_its_identity(vector: Vector) -> None:
    """Names, digest and token of a frozen manifest never change."""
    made = submission_of(vector)

    expect = vector["expect"]
    assert made.request["customModelName"] == expect["customModelName"]
    assert (made.name, made.digest, made.token) == (
        expect["jobName"],
        expect["digest"],
        expect["token"],
    )


@each_vector
def test_vector_keeps_its_revision(vector: Vector) -> None:
    """A revision's eight digits come from the unsuffixed request at attempt 0."""
    revision = tokens.compute_revision(KIND, vector["spec"], vector["name"])

    assert revision == vector["expect"]["revision"]


@each_vector
def test_vector_sends_what_is_written(vector: Vector) -> None:
    """A request has every value of the spec unchanged, except names."""
    request = submission_of(vector).request

    kept = {name: value for name, value in vector["spec"].items() if name not in _NAMES}
    assert {name: value for name, value in request.items() if name not in _NAMES} == kept


def test_first_vector_is_the_published_one() -> None:
    """The design's example has the token in the documentation."""
    published = "bj1-d3d3f2d9-255231391ff06b197279a35d8a905e0c8f1976b1c97f6a6fdddef81da8ce1ff3"

    assert submission_of(DESIGN).token == published


@pytest.mark.parametrize(
    "title",
    [
        "every key in another order",
        "tags do not count",
        "a token in the request does not count",
    ],
)
def test_what_does_not_count_gives_the_same_token(title: str) -> None:
    """Key order, tags and the token itself are not part of a job's identity."""
    assert submission_of(BY_TITLE[title]).token == submission_of(DESIGN).token


def test_all_other_vectors_differ() -> None:
    """Two vectors share a token only where they say so."""
    tokens = {submission_of(vector).token for vector in VECTORS}

    assert len(tokens) == len(VECTORS) - 3


def test_floats_of_one_value_are_one_job() -> None:
    """A float without a fraction equals the integer of its value."""
    vector = BY_TITLE["reinforcement, a float without a fraction"]
    text = json.dumps(vector["spec"])
    assert "1.0" in text

    whole = json.loads(text.replace("1.0", "1"))

    assert submission_of({**vector, "spec": whole}).token == vector["expect"]["token"]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (DESIGN["expect"]["token"], Ownership.SAME),
        (BY_TITLE["the first retry"]["expect"]["token"], Ownership.CHANGED),
        (BY_TITLE["no owner"]["expect"]["token"], Ownership.FOREIGN),
        ("351997e1-336f-40c9-99a7-e1fd05e819b3", Ownership.FOREIGN),
        ("", Ownership.FOREIGN),
        ("bj2-" + DESIGN["expect"]["token"][4:], Ownership.FOREIGN),
    ],
)
def test_ownership_is_read_from_the_token(token: str, expected: Ownership) -> None:
    """A token shows whether a job is this manifest's, this owner's or foreign."""
    assert tokens.classify_token(token, submission_of(DESIGN), DESIGN["owner"]) is expected


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (DESIGN["expect"]["token"], DESIGN["expect"]["digest"]),
        ("351997e1-336f-40c9-99a7-e1fd05e819b3", ""),
        (None, ""),
    ],
)
def test_digest_is_read_back_from_our_tokens_only(token: str | None, expected: str) -> None:
    """Our tokens contain their digest; other tokens contain none."""
    assert tokens.parse_digest(token) == expected
