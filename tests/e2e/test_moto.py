"""Against a bare moto server, whose jobs never end and whose answers are odd."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.support.commands import CREDENTIALS, Ran, call, environment
from tests.support.manifests import manifest, write

MANY = 12
"""More than are looked up one by one."""


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The endpoint of a moto server in a process of its own."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            found = (re.search(r"http://[\d.]+:\d+", line) for line in server.stderr)
            yield next(match[0] for match in found if match)
        finally:
            server.kill()


def names(endpoint: str, region: str) -> list[str]:
    """Return the names of the jobs that moto has in a region."""
    keys = {key.lower(): value for key, value in CREDENTIALS.items()}
    client = boto3.client(
        "bedrock",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=keys["aws_access_key_id"],
        aws_secret_access_key=keys["aws_secret_access_key"],
    )
    try:
        jobs = client.list_model_customization_jobs(maxResults=1000)
    finally:
        client.close()
    return sorted(job["jobName"] for job in jobs["modelCustomizationJobSummaries"])


def reconciled(folder: Path, endpoint: str, region: str, *options: str) -> Ran:
    """Run a pass against moto."""
    arguments = ("--endpoint-url", endpoint, "--region", region, *options)
    return call(folder, "reconcile", *arguments, env=environment(folder))


@pytest.mark.parametrize(("count", "region"), [(2, "us-east-1"), (MANY, "us-west-2")])
def test_jobs_are_submitted_once(tmp_path: Path, moto: str, count: int, region: str) -> None:
    """Jobs are submitted and recorded, and neither a second pass nor lost sidecars repeat one."""
    wanted = [f"job-{number:02}" for number in range(count)]
    for name in wanted:
        write(tmp_path / "jobs" / f"{name}.yaml", manifest(name))
    assert reconciled(tmp_path, moto, region).code == 0
    assert names(moto, region) == wanted
    sidecars = {path: path.read_bytes() for path in (tmp_path / "jobs").glob("*.json")}
    assert len(sidecars) == count
    for path in sidecars:
        (entry,) = json.loads(sidecars[path])["jobs"].values()
        assert entry["phase"] == "InProgress"
        assert entry["jobArn"].startswith("arn:aws:bedrock:")
    assert reconciled(tmp_path, moto, region).code == 0
    for path in sidecars:
        path.unlink()
    assert reconciled(tmp_path, moto, region).code == 0
    assert names(moto, region) == wanted
    assert {path: path.read_bytes() for path in sidecars} == sidecars


def test_stop_goes_as_far_as_moto_does(tmp_path: Path, moto: str) -> None:
    """Moto finds no job by its ARN: that is told as it says it, and nothing crashes."""
    region = "eu-west-1"
    path = tmp_path / "jobs" / "stopped.yaml"
    write(path, manifest("stopped"))
    reconciled(tmp_path, moto, region)
    write(path, manifest("stopped", policy={"state": "Stopped"}))
    ran = reconciled(tmp_path, moto, region)
    assert ran.code == 1
    assert "ResourceNotFoundException" in ran.err
    assert "Traceback" not in ran.err


def test_wait_is_left_when_time_is_up(tmp_path: Path, moto: str) -> None:
    """Moto's jobs stay InProgress for ever, so a wait with a timeout ends with 6."""
    write(tmp_path / "jobs" / "endless.yaml", manifest("endless"))
    options = ("--wait", "--every", "0.05", "--timeout", "0.1")
    assert reconciled(tmp_path, moto, "eu-west-2", *options).code == 6
