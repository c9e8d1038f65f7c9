from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.sandbox.support import LONG_ENOUGH, Sandbox

FILE = Path(__file__).parents[1] / "data" / "live_get.json"
RECORDED: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
INPUTS: list[dict[str, Any]] = json.loads(
    FILE.with_name("real_inputs.json").read_text(encoding="utf-8")
)
GOOD = [entry for entry in INPUTS if not entry["defects"]]
# The service began to show these after the answers were recorded.
SINCE_THEN: Final = {"customizationType", "statusDetails", "trainingMetrics"}
# What depends on chance and time, and is compared in form only.
OWN: Final = {
    *("jobArn", "outputModelArn", "creationTime", "lastModifiedTime", "endTime"),
    *SINCE_THEN,
}

each_answer = pytest.mark.parametrize(
    "get", [entry["get"] for entry in RECORDED], ids=lambda get: get["jobName"]
)


def request_behind(get: dict[str, Any]) -> dict[str, Any]:
    """Return a request that the recorded response may belong to, without defaults."""
    model = get["baseModelArn"].rpartition("/")[2].partition(":")[0]
    sent = {"epochCount", "batchSize", "learningRate"}
    if "learningRateWarmupSteps" in get["hyperParameters"]:
        sent.add("learningRateWarmupSteps")
    return {
        "jobName": get["jobName"],
        "customModelName": get["outputModelName"],
        "clientRequestToken": get["clientRequestToken"],
        "roleArn": get["roleArn"],
        "baseModelIdentifier": model,
        "trainingDataConfig": get["trainingDataConfig"],
        "outputDataConfig": get["outputDataConfig"],
        "hyperParameters": {key: get["hyperParameters"][key] for key in sent},
    }


@each_answer
def test_responses_have_the_recorded_form(sandbox: Sandbox, get: dict[str, Any]) -> None:
    """A job like the recorded one has the recorded members, defaults and resolved models."""
    region = get["jobArn"].split(":")[3]
    client = sandbox.bedrock(region)
    client.create_model_customization_job(**request_behind(get))
    if get["status"] == "Stopping":
        client.stop_model_customization_job(jobIdentifier=get["jobName"])
    else:
        sandbox.advance(LONG_ENOUGH)

    status, shown = sandbox.wire_get(get["jobName"], region)

    assert status == 200
    assert {name: shown[name] for name in shown if name not in OWN} == {
        name: get[name] for name in get if name not in OWN
    }
    assert set(shown) - SINCE_THEN == set(get) - SINCE_THEN
    assert shown["jobArn"].rpartition("/")[0] == get["jobArn"].rpartition("/")[0]


@each_answer
def test_times_have_the_recorded_form(sandbox: Sandbox, get: dict[str, Any]) -> None:
    """Times are strings in UTC with three digits of milliseconds."""
    region = get["jobArn"].split(":")[3]
    sandbox.bedrock(region).create_model_customization_job(**request_behind(get))

    _, shown = sandbox.wire_get(get["jobName"], region)

    assert len(shown["creationTime"]) == len(get["creationTime"])
    assert shown["creationTime"][10:11] + shown["creationTime"][19:20] == "T."
    assert shown["creationTime"].endswith("Z")


@pytest.mark.parametrize("entry", GOOD, ids=lambda entry: entry["source"].rpartition("/")[2])
def test_published_requests_are_accepted(sandbox: Sandbox, entry: dict[str, Any]) -> None:
    """Requests that people published create jobs, and Get returns their settings unchanged."""
    request = entry["input"]
    sandbox.bedrock().create_model_customization_job(**request)

    shown = sandbox.get(request["jobName"])

    assert shown["hyperParameters"].items() >= request.get("hyperParameters", {}).items()
    for member in ("trainingDataConfig", "customizationConfig", "validationDataConfig"):
        assert shown.get(member) == request.get(member)
