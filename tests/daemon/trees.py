"""Trees of any size that change at once, and the checks of their jobs afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.trees import KIND
from tests.daemon.process import Watch
from tests.git.support import GIT
from tests.support.project import Project

PATIENCE = 120.0
REGION = "us-east-1"
MANIFEST = """\
apiVersion: bedrock-jobs/v1
kind: {kind}
metadata: {{name: job-{number:05d}}}
target: {{region: {region}}}
policy: {{onSpecChange: NewRevision}}
spec:
  roleArn: arn:aws:iam::123456789012:role/BedrockCustomization
  baseModelIdentifier: amazon.nova-micro-v1:0:128k
  trainingDataConfig: {{s3Uri: {data}}}
  outputDataConfig: {{s3Uri: s3://acme-training/support/output/}}
"""

Edition = tuple[int, int]
"""A manifest's number, and how often its spec was edited."""


def plant(folder: Path, editions: Iterable[Edition], regions: Sequence[str] = (REGION,)) -> None:
    """Write manifests into a folder, in alternating regions; other files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for edition in editions:
        region = regions[edition[0] % len(regions)]
        values = {"kind": KIND, "number": edition[0], "data": data_of(edition), "region": region}
        text = MANIFEST.format(**values)
        (folder / f"m{edition[0]:05d}.yaml").write_text(text, encoding="utf-8")


def two_trees(size: int) -> tuple[set[Edition], set[Edition]]:
    """Return two trees: in the second a quarter is gone, one is edited and a quarter is new."""
    quarter = size // 4
    edited = {(number, 1) for number in range(quarter, 2 * quarter)}
    same = {(number, 0) for number in range(2 * quarter, size + quarter)}
    return {(number, 0) for number in range(size)}, edited | same


def data_of(edition: Edition) -> str:
    """Return the training data of an edition, which no other has."""
    return f"s3://acme-training/support/train-{edition[0]:05d}-{edition[1]}.jsonl"


def commit(folder: Path, message: str) -> None:
    """Commit everything in a repository."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def git(folder: Path, *arguments: str) -> None:
    """Run git in a repository."""
    env = {**os.environ, **GIT}
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, env=env)


def submits(daemon: Watch) -> list[int]:
    """Return the number of submits of each pass that had any."""
    passes = [line for line in daemon.said("pass") if not line["refused"]]
    verbs = [line["verbs"].get("SUBMIT", 0) for line in passes]
    return [count for count in verbs if count]


def until(holds: Callable[[], bool], *, every: float = 0.05) -> None:
    """Return once a condition holds; fail after a long timeout."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(every)


def live(tree: Project, regions: Sequence[str] = (REGION,)) -> list[str]:
    """Return the names of all jobs in some regions."""
    names: list[str] = []
    for region in regions:
        pages = tree.sandbox.bedrock(region).get_paginator("list_model_customization_jobs")
        for page in pages.paginate(PaginationConfig={"PageSize": 1000}):
            names += [one["jobName"] for one in page["modelCustomizationJobSummaries"]]
    return sorted(names)


def entries(folder: Path) -> list[dict[str, Any]]:
    """Return every job's entry; all sidecars must be intact."""
    files = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.status.json"))]
    return [entry for content in files for entry in content["jobs"].values()]


def recorded(folder: Path) -> int:
    """Return the number of sidecars."""
    return sum(1 for _ in folder.glob("*.status.json"))


def sent(tree: Project) -> dict[str, list[tuple[str, str]]]:
    """Return the accepted names and tokens of each spec, by its training data."""
    found = defaultdict(list)
    for call in tree.calls("Create"):
        if call["status"] == 201:
            members = call["members"]
            data = members["trainingDataConfig"]["s3Uri"]
            found[data].append((members["jobName"], members["clientRequestToken"]))
    return found


def check_jobs(
    tree: Project,
    must: Iterable[Edition],
    may: Iterable[Edition] = (),
    regions: Sequence[str] = (REGION,),
) -> int:
    """Assert that each edition made one job, or at most one where it need not have any.

    Returns how often a token was sent again.
    """
    found = sent(tree)
    twice = {data: set(jobs) for data, jobs in found.items() if len(set(jobs)) > 1}
    wanted = {data_of(edition) for edition in must}
    assert twice == {}
    assert wanted - found.keys() == set()
    assert found.keys() - wanted - {data_of(edition) for edition in may} == set()
    assert live(tree, regions) == sorted(jobs[0][0] for jobs in found.values())
    return sum(len(jobs) - 1 for jobs in found.values())


def check_sidecars(folder: Path, wanted: Iterable[Edition], phase: str = "InProgress") -> None:
    """Assert that the sidecars record the job of each edition, and its phase."""
    told = {entry["live"]["trainingDataConfig"]["s3Uri"]: entry for entry in entries(folder)}
    missing = [edition for edition in wanted if data_of(edition) not in told]
    assert missing == []
    assert {told[data_of(edition)]["phase"] for edition in wanted} == {phase}
