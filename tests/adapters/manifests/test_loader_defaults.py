"""Defaults lie under a folder's manifests: maps merge, the nearest wins, the rest is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.adapters.manifests.loader import load

MANIFEST = """\
apiVersion: bedrock-jobs/v1
kind: ModelCustomizationJob
metadata: {name: small}
spec:
  trainingDataConfig: {s3Uri: s3://acme-training/train.jsonl}
"""
SHARED = """\
metadata:
  labels: {team: support, stage: test}
target: {region: us-east-1}
spec:
  roleArn: arn:aws:iam::123456789012:role/BedrockCustomization
  baseModelIdentifier: amazon.nova-micro-v1:0:128k
  outputDataConfig: {s3Uri: s3://acme-training/output/}
  hyperParameters: {epochCount: 02, learningRate: 1e-5}
  jobTags: [{key: team, value: support}]
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """Return a folder of manifests with one file of defaults, in a repository."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "jobs"
    (folder / "deep").mkdir(parents=True)
    (folder / "_defaults.yaml").write_text(SHARED)
    (folder / "deep" / "small.yaml").write_text(MANIFEST)
    return folder


def places(folder: Path) -> list[str]:
    """Return file, line, column and code of each problem in a folder."""
    return [
        f"{Path(one.source.path).name}:{one.source.line}:{one.source.column} {one.code}"
        for one in load([folder]).problems
    ]


def test_defaults_complete_a_manifest(jobs: Path) -> None:
    """What a manifest leaves out comes from the defaults, as it is written there."""
    (manifest,) = load([jobs]).manifests

    assert manifest.problems == ()
    assert manifest.spec is not None
    assert manifest.spec["hyperParameters"] == {"epochCount": "02", "learningRate": "1e-5"}
    assert manifest.labels == {"team": "support", "stage": "test"}
    assert manifest.target.region == "us-east-1"


def test_nearest_wins_and_maps_merge(jobs: Path) -> None:
    """Maps merge key by key from the nearest file outward; lists and scalars are replaced."""
    (jobs / "deep" / "_defaults.yaml").write_text(
        "metadata: {labels: {stage: live}}\n"
        "spec: {hyperParameters: {batchSize: 1}, jobTags: [{key: cost, value: a}]}\n"
    )
    with (jobs / "deep" / "small.yaml").open("a") as file:
        file.write("  hyperParameters: {epochCount: 5}\n")

    (manifest,) = load([jobs]).manifests

    assert manifest.spec is not None
    assert manifest.spec["hyperParameters"] == {
        "epochCount": "5",
        "learningRate": "1e-5",
        "batchSize": "1",
    }
    assert manifest.spec["jobTags"] == [{"key": "cost", "value": "a"}]
    assert manifest.labels == {"team": "support", "stage": "live"}


def test_manifest_means_the_same_by_whatever_path(jobs: Path) -> None:
    """Defaults above the given path count too: a job does not change with the command."""
    found = [
        load([path]).manifests[0].spec for path in (jobs, jobs / "deep", jobs / "deep/small.yaml")
    ]

    assert found[0] is not None
    assert found == [found[0]] * 3


def test_defaults_may_name_the_kind(jobs: Path) -> None:
    """What every manifest of a folder says at its top may stand in the defaults."""
    head, rest = MANIFEST.split("metadata", 1)
    (jobs / "deep" / "_defaults.yaml").write_text(head)
    (jobs / "deep" / "small.yaml").write_text("metadata" + rest)

    tree = load([jobs])

    assert tree.problems == ()
    assert str(tree.manifests[0].key) == "ModelCustomizationJob/small"


def test_problem_in_defaults_is_told_once_at_its_place(jobs: Path) -> None:
    """A mistake in the defaults is one problem, and every manifest that rests on it is invalid."""
    (jobs / "_defaults.yaml").write_text(SHARED + "  extra: 1\n  roleArn: x\n  vpcConfig: ~\n")
    (jobs / "deep" / "other.yaml").write_text(MANIFEST.replace("small", "other"))

    tree = load([jobs])

    assert places(jobs) == [
        "_defaults.yaml:10:3 BJ203",
        "_defaults.yaml:11:3 BJ106",
        "_defaults.yaml:12:14 BJ206",
    ]
    assert [manifest.spec for manifest in tree.manifests] == [None, None]
    assert all(len(manifest.problems) == 3 for manifest in tree.manifests)


def test_problem_of_the_merged_whole_points_at_the_value(jobs: Path) -> None:
    """What is wrong only once all is merged is told where the value that is wrong stands."""
    (jobs / "_defaults.yaml").write_text(SHARED + "  customizationConfig: {}\n")
    (jobs / "deep" / "small.yaml").write_text(MANIFEST.replace("s3Uri: s3", "s3Uri: S3"))

    assert places(jobs) == ["_defaults.yaml:10:3 BJ210", "small.yaml:5:31 BJ208"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metadata: {name: many}\n", ["_defaults.yaml:1:12 BJ203"]),
        ("spec: {jobName: many}\n", ["_defaults.yaml:1:8 BJ203"]),
        ("spec: {customModelName: many}\n", ["_defaults.yaml:1:8 BJ203"]),
        ("spec: [\n", ["_defaults.yaml:2:1 BJ104"]),
        ("- spec\n", ["_defaults.yaml:1:1 BJ112"]),
        ("spec: {}\n---\nspec: {}\n", ["_defaults.yaml:3:1 BJ112"]),
    ],
)
def test_defaults_are_for_many(jobs: Path, text: str, expected: list[str]) -> None:
    """Defaults cannot name a job, and are one mapping in one document."""
    (jobs / "deep" / "_defaults.yaml").write_text(text)

    assert places(jobs) == expected


def test_defaults_that_cannot_be_read_stop_only_what_rests_on_them(jobs: Path) -> None:
    """An unreadable file of defaults makes the manifests below it invalid, and no others."""
    (jobs / "deep" / "_defaults.yaml").symlink_to("nowhere")
    (jobs / "whole.yaml").write_text(MANIFEST.replace("small", "whole"))

    tree = load([jobs])

    assert [problem.code for problem in tree.problems] == ["BJ113"]
    assert {one.key.name: one.spec is None for one in tree.manifests} == {
        "small": True,
        "whole": False,
    }


def test_defaults_given_by_name_are_checked(jobs: Path) -> None:
    """A file of defaults that is named is checked as what it is."""
    (jobs / "_defaults.yaml").write_text(SHARED + "  extra: 1\n")

    tree = load([jobs / "_defaults.yaml"])

    assert tree.manifests == ()
    assert [problem.code for problem in tree.problems] == ["BJ203"]
