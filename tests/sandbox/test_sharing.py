"""One store, many threads and processes, some of them killed."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from controller.sandbox.http.server import start_sandbox
from tests.sandbox.support import (
    DEADLINE,
    LONG_ENOUGH,
    Sandbox,
    poll,
    process,
    request_named,
    speaking_to,
)

IN_USE = "The provided job name is currently in use."


def create(sandbox: Sandbox, name: str, **changes: Any) -> str:
    """Create a job and return its ARN, or the error code."""
    try:
        request = request_named(name, **changes)
        return sandbox.bedrock().create_model_customization_job(**request)["jobArn"]
    except ClientError as error:
        return error.response["Error"]["Message"]


def names(sandbox: Sandbox) -> list[str]:
    """Return the names of all jobs, sorted."""
    answer = sandbox.bedrock().list_model_customization_jobs(maxResults=1000)
    return sorted(summary["jobName"] for summary in answer["modelCustomizationJobSummaries"])


def test_state_is_persistent(tmp_path: Path) -> None:
    """Jobs, tags, clock and journal are there when the next sandbox opens the folder."""
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        arn = create(sandbox, "job", clientRequestToken="t", jobTags=[{"key": "k", "value": "v"}])
        sandbox.advance(LONG_ENOUGH)
        before, calls = sandbox.get("job"), sandbox.list_calls()
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        assert sandbox.list_calls()[: len(calls)] == calls
        assert sandbox.get("job") == before
        assert create(sandbox, "job", clientRequestToken="t") == arn
        listed = sandbox.bedrock().list_tags_for_resource(resourceARN=arn)["tags"]
        assert listed == [{"key": "k", "value": "v"}]


def test_many_threads_create_each_job_once(sandbox: Sandbox) -> None:
    """If sixteen threads create the same twenty names, each name goes to one of them."""
    sandbox.bedrock()
    wanted = [f"job-{number % 20}" for number in range(160)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda name: create(sandbox, name), wanted))

    made = [answer for answer in answers if answer != IN_USE]

    assert len(made) == len(set(made)) == 20
    assert len(sandbox.list_calls()) == 160


def test_two_processes_share_one_store(tmp_path: Path) -> None:
    """Two processes on one folder see each other's jobs, and no name is used twice."""
    with process(tmp_path) as (_, one), process(tmp_path) as (_, other):
        one.bedrock(), other.bedrock()
        wanted = [(sandbox, f"job-{number}") for number in range(30) for sandbox in (one, other)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda pair: create(*pair), wanted))

        assert answers.count(IN_USE) == 30
        assert names(one) == names(other) == sorted({name for _, name in wanted})
        one.advance(LONG_ENOUGH)
        assert other.get("job-0") == one.get("job-0")


def test_a_token_is_replayed_across_processes(tmp_path: Path) -> None:
    """The same token creates one job, in whichever process and however concurrently."""
    with process(tmp_path) as (_, one), process(tmp_path) as (_, other):
        one.bedrock(), other.bedrock()
        with ThreadPoolExecutor(8) as pool:
            arns = set(
                pool.map(
                    lambda sandbox: create(sandbox, "job", clientRequestToken="same"),
                    [one, other] * 10,
                )
            )

        assert len(arns) == 1
        assert names(one) == ["job"]


def test_a_killed_process_loses_no_confirmed_job(tmp_path: Path) -> None:
    """After SIGKILL during Creates, every confirmed job exists and is complete."""
    confirmed: list[str] = []

    def make(sandbox: Sandbox, number: int) -> None:
        try:
            request = request_named(f"job-{number}")
            sandbox.bedrock().create_model_customization_job(**request)
            confirmed.append(request["jobName"])
        except Exception:  # noqa: S110 - the process is killed under these calls
            pass

    with process(tmp_path) as (server, sandbox), ThreadPoolExecutor(4) as pool:
        sandbox.bedrock()
        made = [pool.submit(make, sandbox, number) for number in range(500)]
        poll(lambda: len(confirmed) >= 20)
        server.send_signal(signal.SIGKILL)
        server.wait(DEADLINE)
        for future in made:
            future.cancel()
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as after:
        kept = names(after)
        calls = [call for call in after.list_calls() if call["status"] == 201]

        assert set(confirmed) <= set(kept)
        assert len(calls) == len(kept)
        assert all(after.get(name)["status"] == "InProgress" for name in kept)


@pytest.mark.parametrize("speed", [3600.0, 100_000.0])
def test_time_passes_at_the_requested_speed(tmp_path: Path, speed: float) -> None:
    """At a high speed a job completes within moments."""
    with start_sandbox(tmp_path, speed=speed) as url, speaking_to(url, tmp_path) as sandbox:
        create(sandbox, "job")
        poll(lambda: sandbox.get("job")["status"] == "Completed")


def test_speed_can_change_from_run_to_run(tmp_path: Path) -> None:
    """Another speed continues from the current time, without a jump."""
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        sandbox.advance(1_000_000)
        before = sandbox.control("GET", "clock")
    with start_sandbox(tmp_path, speed=0.001) as url, speaking_to(url, tmp_path) as sandbox:
        after = sandbox.control("GET", "clock")

    assert after["speed"] == 0.001
    assert before["now"][:16] == after["now"][:16]
