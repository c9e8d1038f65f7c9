"""Answers that never arrive: a submit is carried out once, whatever is heard of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.support.lossy import CREATE, GET, LIST, LOST, Answer, Service, between, refusal
from tests.support.project import Project


@pytest.fixture
def service(tree: Project) -> Iterator[Service]:
    """A service in front of the tree's sandbox that can lose answers."""
    with between(tree.sandbox.url) as made:
        yield made


def made(tree: Project) -> int:
    """Return how many jobs the service has."""
    jobs = tree.sandbox.bedrock().list_model_customization_jobs(maxResults=1000)
    return len(jobs["modelCustomizationJobSummaries"])


@pytest.mark.parametrize("times", [1, 2, 3, 99])
def test_lost_answer_to_create(tree: Project, service: Service, times: int) -> None:
    """However many answers to Create are lost, there is one job, and the pass finds it."""
    tree.add("support-bot")
    service.break_down(CREATE, LOST, times=times)
    ran = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert ran.code == 0, ran.err
    assert made(tree) == 1
    entry = tree.entry("support-bot")
    assert (entry["phase"], entry["jobArn"]) == (
        "InProgress",
        tree.sandbox.get("support-bot")["jobArn"],
    )


def test_lost_answer_and_nothing_heard_since(tree: Project, service: Service) -> None:
    """Create's answer is lost and so is every look: the intent stays, the next pass adopts."""
    tree.add("support-bot")
    service.break_down(CREATE, LOST)
    service.break_down(GET, refusal("InternalServerException", 500), spared=1)
    first = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert first.code == 1
    assert made(tree) == 1
    assert tree.entry("support-bot")["phase"] == "Submitting"
    tree.hush()
    service.mend()
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 0
    assert tree.entry("support-bot")["phase"] == "InProgress"
    assert tree.changes() == []


def test_job_that_does_not_show_yet(tree: Project, service: Service) -> None:
    """Reads may lag behind Create: a short absence is waited out."""
    tree.add("support-bot")
    service.break_down(GET, refusal("ResourceNotFoundException", 404), times=4)
    ran = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert ran.code == 0, ran.err
    assert tree.entry("support-bot")["phase"] == "InProgress"
    assert made(tree) == 1


def test_job_that_does_not_show_at_all(tree: Project, service: Service) -> None:
    """A job that was answered and is not shown for long is recorded by its ARN, never repeated."""
    tree.add("support-bot")
    service.break_down(GET, refusal("ResourceNotFoundException", 404))
    ran = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert ran.code == 0, ran.err
    entry = tree.entry("support-bot")
    assert (entry["phase"], entry["jobArn"]) == (
        "Submitting",
        tree.sandbox.get("support-bot")["jobArn"],
    )
    sidecar = tree.jobs / "support-bot.status.json"
    young = tree.call("plan", "--output", "json", AWS_ENDPOINT_URL=service.url)
    assert young.data["actions"][0]["reason"] == "IntentUnconfirmed"
    os.utime(sidecar, (0, sidecar.stat().st_mtime - 3600))
    held = tree.call("plan", "--output", "json", AWS_ENDPOINT_URL=service.url)
    assert held.data["actions"][0]["reason"] == "LiveMissing"
    service.mend()
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 0
    assert tree.entry("support-bot")["phase"] == "InProgress"
    assert made(tree) == 1


@pytest.mark.parametrize(
    ("code", "status", "phase", "exit_code"),
    [
        ("ValidationException", 400, "Stalled", 1),
        ("TooManyTagsException", 400, "Stalled", 1),
        ("AccessDeniedException", 403, "Pending", 1),
        ("ServiceQuotaExceededException", 400, "Queued", 0),
        ("ThrottlingException", 429, "Pending", 1),
        ("SomethingNewException", 400, "Pending", 1),
    ],
)
def test_refused_create(
    tree: Project, service: Service, code: str, status: int, phase: str, exit_code: int
) -> None:
    """Each way of being refused is told verbatim, recorded, and stops no other job."""
    tree.add("refused")
    tree.add("other")
    service.break_down(CREATE, refusal(code, status), holding='"jobName": "refused"')
    ran = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert ran.code == exit_code, ran.err
    assert f"{code}: a text of the service's own" in ran.err
    assert tree.entry("refused")["phase"] == phase
    assert tree.entry("other")["phase"] == "InProgress"


def test_refused_request_is_not_sent_again(tree: Project, service: Service) -> None:
    """What was refused is held until the manifest changes, and then sent."""
    tree.add("support-bot")
    service.break_down(CREATE, refusal("ValidationException", 400))
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 1
    service.mend()
    tree.hush()
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 0
    assert tree.changes() == []
    assert tree.entry("support-bot")["conditions"][0]["reason"] == "SubmitRefused"
    assert tree.call("status", "--exit-code").code == 3
    tree.edit("support-bot", "epochCount: 2", "epochCount: 3")
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 0
    assert len(tree.changes()) == 1


def test_name_in_use_is_looked_at_again(tree: Project, service: Service) -> None:
    """A name that is taken between the look and the Create is held as NotOwned."""
    request = {
        "jobName": "support-bot",
        "customModelName": "elsewhere",
        "roleArn": "arn:aws:iam::123456789012:role/Other",
        "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
        "trainingDataConfig": {"s3Uri": "s3://acme-other/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://acme-other/output/"},
    }
    tree.add("support-bot")
    arn = tree.bystand(request)
    service.break_down(GET, refusal("ResourceNotFoundException", 404), times=1)
    ran = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert ran.code == 0, ran.err
    entry = tree.entry("support-bot")
    assert entry["conditions"][0]["reason"] == "NotOwned"
    assert arn in entry["conditions"][0]["message"]
    assert made(tree) == 1


def test_server_error_before_anything_happened(tree: Project, service: Service) -> None:
    """After a 5xx nobody knows; the intent stays, and the next pass submits under its token."""
    tree.add("support-bot")
    service.break_down(CREATE, refusal("InternalServerException", 500))
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 1
    assert made(tree) == 0
    token = tree.entry("support-bot")["token"]
    assert tree.entry("support-bot")["phase"] == "Submitting"
    service.mend()
    (action,) = tree.call("plan", "--output", "json").data["actions"]
    assert (action["verb"], action["reason"]) == ("SUBMIT", "IntentUnconfirmed")
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 0
    assert tree.sandbox.get("support-bot")["clientRequestToken"] == token
    assert made(tree) == 1


def test_answer_with_another_job(tree: Project, service: Service) -> None:
    """A Create that answers with a job that was not asked for is held, and not sent again."""
    tree.add("other")
    tree.call("reconcile")
    arn = tree.entry("other")["jobArn"]
    tree.add("support-bot")
    answer = Answer(201, json.dumps({"jobArn": arn}), {"content-type": "application/json"})
    service.break_down(CREATE, answer)
    ran = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert "Traceback" not in ran.err
    entry = tree.entry("support-bot")
    assert (entry["phase"], entry["conditions"][0]["reason"]) == ("Stalled", "TokenReplay")
    assert entry.get("jobArn") != arn
    assert tree.entry("other")["phase"] == "InProgress"
    tree.hush()
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 0
    assert tree.changes() == []
    assert tree.entry("support-bot")["conditions"][0]["reason"] == "TokenReplay"


@pytest.mark.parametrize("body", ["<html>", "[]", '{"jobArn": null}'])
def test_answer_that_makes_no_sense(tree: Project, service: Service, body: str) -> None:
    """An answer to Create without a job's ARN is no traceback, and no second job."""
    tree.add("support-bot")
    service.break_down(CREATE, Answer(201, body, {"content-type": "application/json"}))
    ran = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert "Traceback" not in ran.err
    assert "InternalError" not in ran.err
    assert ran.code == 1
    assert tree.entry("support-bot")["phase"] == "Submitting"
    service.mend()
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 0
    assert made(tree) == 1
    assert tree.entry("support-bot")["phase"] == "InProgress"


@pytest.mark.parametrize("body", ["<html>", "[]", "{}"])
@pytest.mark.parametrize("count", [1, 12], ids=["one by one", "by listing"])
def test_look_that_makes_no_sense(tree: Project, service: Service, body: str, count: int) -> None:
    """An answer to Get or List that no Bedrock gives ends in a line, and in no submit."""
    for number in range(count):
        tree.add(f"job-{number:02}")
    tree.call("reconcile")
    tree.forget()
    tree.hush()
    for call in (GET, LIST):
        service.break_down(call, Answer(200, body, {"content-type": "application/json"}))
    ran = tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    assert "Traceback" not in ran.err
    assert tree.changes() == []
    service.mend()
    assert tree.call("reconcile", AWS_ENDPOINT_URL=service.url).code == 0
    assert tree.changes() == []
