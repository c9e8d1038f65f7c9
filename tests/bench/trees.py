"""Trees of manifests to measure on, and what a pass leaves of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from controller.core.kinds.registry import KINDS

KIND = next(iter(KINDS))
MANIFEST = """\
apiVersion: bedrock-jobs/v1
kind: {kind}
metadata:
  name: support-bot-{number:05d}
  labels: {{team: support}}
spec:
  roleArn: arn:aws:iam::123456789012:role/BedrockCustomization
  baseModelIdentifier: amazon.nova-micro-v1:0:128k
  customizationType: FINE_TUNING
  trainingDataConfig: {{s3Uri: s3://acme-training/support/train-{number:05d}.jsonl}}
  outputDataConfig: {{s3Uri: s3://acme-training/support/output/}}
  hyperParameters: {{epochCount: 2, learningRate: 0.00001}}
"""


def grow(folder: Path, count: int) -> Path:
    """Write a tree of ``count`` one-document manifests and return its folder."""
    jobs = folder / "jobs"
    jobs.mkdir(parents=True)
    for number in range(count):
        text = MANIFEST.format(kind=KIND, number=number)
        (jobs / f"m{number:05d}.yaml").write_text(text, encoding="utf-8")
    return jobs


def names(count: int) -> list[str]:
    """Return the names of a tree's first jobs."""
    return [f"support-bot-{number:05d}" for number in range(count)]


def bytes_of(folder: Path) -> dict[str, tuple[int, str]]:
    """Return time of writing and digest of every file, so that any write at all shows."""
    return {
        str(path): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".bedrock-jobs" not in path.parts
    }
