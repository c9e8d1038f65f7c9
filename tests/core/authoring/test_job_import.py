"""Manifests from requests and from live jobs, and the texts that they are written as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.schemas import shipped_schemas
from controller.adapters.schemas.kind_readers import get_kind_reader
from controller.adapters.yaml.parser import parse
from controller.core.authoring.job_import import (
    ManifestDraft,
    build_target,
    derive_name,
    draft_from_job,
    draft_from_request,
)
from controller.core.authoring.manifest_writer import write_manifest
from controller.core.documents.decoder import compile_schema, read
from controller.core.identity.tokens import fill_names
from controller.core.jobs.diff import compare_members
from controller.core.kinds.registry import KINDS
from controller.core.model import LiveJob, Place, Target
from tests.support.manifests import KIND, spec

DATA = Path(__file__).parents[2] / "data"
ROW = KINDS[KIND]
SCHEMA = shipped_schemas.load_schema(KIND)
LIVE: list[dict[str, Any]] = json.loads((DATA / "live_get.json").read_text())
ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0/abc"
SHOWN: dict[str, Any] = {
    "jobArn": ARN,
    "jobName": "support-bot",
    "outputModelName": "support-bot",
    "status": "Completed",
    "clientRequestToken": "351997e1",
    "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k",
    **spec(baseModelIdentifier=None),
    "validationDataConfig": {"validators": []},
    "validationMetrics": [],
}


def read_back(text: str) -> Any:
    """Return what our reader makes of a manifest's text."""
    known = get_kind_reader(KIND)
    assert known is not None
    (document,) = parse(text.encode()).documents
    value, flaws = read(document.root, known.grammar)
    assert flaws == ()
    return value


def text_of(draft: ManifestDraft) -> str:
    """Return a draft's text."""
    return write_manifest(draft.document, SCHEMA, draft.comments, "../schemas/x.json")


def live(members: dict[str, Any]) -> LiveJob:
    """Return a job as Get shows it."""
    token = members.get("clientRequestToken")
    return LiveJob(members["jobArn"], members["jobName"], members["status"], token, members)


def imported(members: dict[str, Any], **tags: dict[str, str]) -> ManifestDraft:
    """Return the draft of a live job whose place is the fleet's."""
    one = live(members)
    return draft_from_job(ROW, SCHEMA, one, tags, derive_name(one.name), Target())


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff\ufffe\uffff"), max_size=20
)
LOOKALIKES = """
1 2.50 0x1f 012 1e-5 .5 1_000 0o7 12:30:45 2001-01-01 .inf .nan true yes No on null ~
- ? : a: #a &a *a !a {a [a @a `a %a 'a "a --- ... << = |- > a#b a,b arn:aws:x::y s3://a/b
"""
CONFUSING = st.sampled_from(LOOKALIKES.split())
JSON = st.recursive(
    st.one_of(TEXTS, CONFUSING, st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.one_of(TEXTS, CONFUSING), st.one_of(TEXTS, CONFUSING), max_size=4))
def test_every_text_is_read_back(values: dict[str, str]) -> None:
    """Whatever a text looks like, it is read back as that text, and so is any key."""
    schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}

    text = write_manifest({"values": values}, schema, {}, "x")

    (document,) = parse(text.encode()).documents
    found, flaws = read(document.root, compile_schema(schema))
    assert (found, flaws) == ({"values": values}, ())


@settings(max_examples=300, deadline=None)
@given(value=JSON, remark=TEXTS)
def test_every_structure_is_read_back(value: Any, remark: str) -> None:
    """Lists, mappings, numbers and booleans in any order come back, whatever stands above them."""
    comments = {("a",): remark, ("b", 0, "c"): "beside the first key"}
    document = {"a": value, "b": [{"c": value}], "d": 0.00005}

    text = write_manifest(document, {}, comments, "x")

    assert text.count("# beside the first key") == 1
    (root,) = parse(text.encode()).documents
    assert read(root.root, compile_schema({}))[0] == document


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("arn:aws:iam::123456789012:role/X", "arn:aws:iam::123456789012:role/X"),
        ("s3://acme/a.jsonl", "s3://acme/a.jsonl"),
        ("2", '"2"'),
        ("yes", '"yes"'),
        ("", '""'),
        (0.00001, "0.00001"),
        (32, "32"),
        (True, "true"),
    ],
)
def test_texts_stand_plain_where_all_agree(value: Any, text: str) -> None:
    """What every reader takes for text has no quotes; what one takes for more has them."""
    assert write_manifest({"a": value}, {}, {}, "x").splitlines()[-1] == f"a: {text}"


def test_members_stand_in_the_apis_order() -> None:
    """The members of a spec are written as the API has them, comments above."""
    lines = text_of(imported(dict(reversed(SHOWN.items())))).splitlines()
    members = [line.strip().partition(":")[0] for line in lines if line.startswith("  ")]
    order = list(SCHEMA["properties"]["spec"]["properties"])
    top = [name for name in members if name in order]

    assert top == sorted(top, key=order.index)


@pytest.mark.parametrize(
    ("job_name", "name"),
    [
        ("support-bot", "support-bot"),
        ("Support.Bot+1", "support-bot-1"),
        ("-a--b.", "a-b"),
        ("a" * 63, "a" * 63),
        ("A" * 62 + ".b", "a" * 62),
        ("+", "job"),
    ],
)
def test_name_is_the_jobs_where_it_may_be(job_name: str, name: str) -> None:
    """A job's name is the manifest's where it is a DNS label, and leads to one elsewhere."""
    assert derive_name(job_name) == name


@pytest.mark.parametrize("model", ["support-bot", "support-bot-v2", None])
@pytest.mark.parametrize("job", ["support-bot", "Support.Bot"])
def test_names_that_the_manifest_stands_for_are_left_out(job: str, model: str | None) -> None:
    """Whether names are written or left out, the request is the one that was given."""
    request = spec(jobName=job, customModelName=model)

    draft = draft_from_request(ROW, request)
    document = read_back(text_of(draft))

    sent = fill_names(ROW, document["spec"], document["metadata"]["name"])
    assert sent == {**request, "customModelName": model or "support-bot"}
    assert ("jobName" in document["spec"]) == (job != "support-bot")
    assert bool(draft.notes) == (model is None)


@pytest.mark.parametrize("recorded", LIVE, ids=lambda one: str(one["source"])[-30:])
def test_recorded_job_is_equal_to_its_manifest(recorded: dict[str, Any]) -> None:
    """Jobs as the service really showed them differ in nothing from what is made of them."""
    members = recorded["get"]
    draft = imported(members)

    document = read_back(text_of(draft))

    request = fill_names(ROW, document["spec"], document["metadata"]["name"])
    assert compare_members(ROW, request, members).changes == ()
    assert document["policy"] == {"adopt": members["jobArn"]}
    assert draft.notes == ()
    known = get_kind_reader(KIND)
    assert known is not None
    assert known.find_mistakes({**document, "spec": request}) == ()


def test_what_get_adds_is_not_written() -> None:
    """Members that only answers have, empty lists and the token are dropped."""
    made = imported({**SHOWN, "customizationType": "IMPORTED", "outputModelArn": "arn:x"})

    assert set(made.document["spec"]) == {
        "roleArn",
        "baseModelIdentifier",
        "trainingDataConfig",
        "outputDataConfig",
        "hyperParameters",
    }


def test_tags_that_are_not_the_manifests_are_left_out() -> None:
    """The service's own tags and our stamps are nobody's to write."""
    tags = {"team": "ml", "aws:cloudformation:stack": "x", "bedrock-jobs/owner": "acme", "a": "1"}

    draft = imported(SHOWN, jobTags=tags, customModelTags={"aws:x": "y"})

    assert draft.document["spec"]["jobTags"] == [
        {"key": "a", "value": "1"},
        {"key": "team", "value": "ml"},
    ]
    assert "customModelTags" not in draft.document["spec"]


def test_what_was_not_sent_so_is_explained() -> None:
    """Defaulted settings and the resolved base model have a comment above them."""
    text = text_of(imported(SHOWN))

    assert "  # As the service shows them; those that were not given hold its defaults.\n" in text
    assert "  # As the service resolved it; what was submitted may have been shorter.\n" in text


def test_sensitive_values_are_not_written() -> None:
    """Values under a sensitive member give way to a placeholder that no schema takes."""
    secret = {"equals": {"project": "hush"}}
    logs = {
        "invocationLogSource": {"s3Uri": "s3://acme-logs/x/"},
        "requestMetadataFilters": {"andAll": [secret, {"notEquals": {"stage": "hush"}}]},
    }
    draft = imported({**SHOWN, "trainingDataConfig": {"invocationLogsConfig": logs}})
    text = text_of(draft)

    assert "hush" not in text + " ".join(draft.notes)
    assert text.count("# Write the value that was submitted") == 2
    assert draft.incomplete
    known = get_kind_reader(KIND)
    assert known is not None
    document = read_back(text)
    named = {**document, "spec": fill_names(ROW, document["spec"], "support-bot")}
    assert any("placeholder" in one.message for one in known.find_mistakes(named))


@pytest.mark.parametrize(
    ("fleet", "target"),
    [
        (Target("us-east-1", "123456789012"), Target()),
        (Target("us-east-1"), Target("us-east-1", "123456789012")),
        (Target("eu-west-1", "123456789012"), Target("us-east-1", "123456789012")),
        (Target(), Target("us-east-1", "123456789012")),
    ],
)
def test_place_is_written_where_the_fleet_does_not_say_it(fleet: Target, target: Target) -> None:
    """A manifest names its place unless the fleet names the very same."""
    assert build_target(Place("123456789012", "us-east-1"), fleet) == target
