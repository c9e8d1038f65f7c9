"""The queue behind a quota, checked through random steps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.sandbox.http.server import start_sandbox
from tests.sandbox.support import Sandbox, request_named, speaking_to

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient

ENDED = {"Completed", "Failed", "Stopped"}
places = count(1)

steps = st.lists(
    st.one_of(
        st.just(("create", 0)),
        st.tuples(st.just("advance"), st.sampled_from([1, 61, 600, 4000])),
        st.tuples(st.just("stop"), st.integers(0, 5)),
        st.tuples(st.just("quota"), st.integers(1, 3)),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def queueing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose quotas queue."""
    folder = tmp_path_factory.mktemp("queue")
    with (
        start_sandbox(folder, speed=0, behaviour={"overQuota": "queue"}) as url,
        speaking_to(url, folder) as sandbox,
    ):
        yield sandbox


def take(sandbox: Sandbox, client: BedrockClient, step: tuple[str, int], made: list[str]) -> None:
    """Execute one step; a Stop of a job that is missing or has ended does nothing."""
    verb, number = step
    if verb == "create":
        made.append(f"job-{len(made)}")
        data = f"s3://acme-training/{'sandbox-fail' if len(made) % 3 == 0 else 'fine'}"
        request = request_named(made[-1], trainingDataConfig={"s3Uri": data})
        client.create_model_customization_job(**request)
    elif verb == "advance":
        sandbox.advance(number)
    elif verb == "quota":
        sandbox.change_settings(quota=number)
    elif number < len(made) and shown(client)[number]["status"] not in ENDED:
        client.stop_model_customization_job(jobIdentifier=made[number])


def shown(client: BedrockClient) -> list[Any]:
    """Return all jobs as shown by List, the oldest first."""
    listing: Any = client.list_model_customization_jobs(sortOrder="Ascending", maxResults=1000)
    summaries: list[Any] = listing["modelCustomizationJobSummaries"]
    return summaries


def begun(job: Any) -> bool:
    """Whether a job's first stage has started."""
    return bool(job["statusDetails"]["validationDetails"]["status"] != "NotStarted")


@settings(deadline=None, max_examples=20)
@given(steps)
def test_slots_are_neither_exceeded_nor_idle(
    queueing: Sandbox, taken: list[tuple[str, int]]
) -> None:
    """No job starts above the quota, waits beside a free slot, or overtakes another."""
    client = queueing.bedrock(f"us-test-{next(places)}")
    made: list[str] = []
    quota = queueing.change_settings(quota=2)["quota"]
    most = 0
    for step in taken:
        take(queueing, client, step, made)
        quota = step[1] if step[0] == "quota" else quota
        jobs = shown(client)
        running_jobs = [job for job in jobs if begun(job) and job["status"] not in ENDED]
        waiting = [place for place, job in enumerate(jobs) if waits(job)]

        # Jobs that began under a higher quota run on under a lower one.
        most = max(quota, min(most, len(running_jobs)))
        assert len(running_jobs) <= most
        assert not waiting or len(running_jobs) >= quota
        newer = jobs[min(waiting, default=len(jobs)) :]
        assert all(waits(job) or job["status"] != "InProgress" for job in newer)


def waits(job: Any) -> bool:
    """Whether a job waits for a slot: it is InProgress, and no stage has started."""
    return bool(job["status"] == "InProgress" and not begun(job))
