"""The fleet's file is the outermost one, and a broken one gives no rules to go by."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.adapters.manifests.discovery import PathMissingError
from controller.adapters.manifests.fleet_file import load_fleet
from controller.core.fleet import Fleet

FILE = "bedrock-jobs.yaml"
WHOLE = """\
owner: acme-ml
target: {region: us-east-1, accountId: "123456789012"}
limits: {maxSubmits: 50, maxActive: 2}
allow:
  accounts: ["123456789012"]
  regions: [us-east-1]
  roleArns: ["arn:aws:iam::123456789012:role/Bedrock*"]
  baseModels: [amazon.nova-*]
  s3Prefixes: [s3://acme-*/]
require: {tags: [team], kms: true, vpc: false}
failures:
  healing: ["*no accelerators*"]
  lasting: ["Encountered an unexpected error*"]
stampTags: true
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """Return a folder for manifests, inside a repository."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "jobs" / "team"
    folder.mkdir(parents=True)
    return folder


def test_no_file_is_a_fleet_without_rules(jobs: Path) -> None:
    """Without a file there is no owner and no rule, and that is no problem."""
    assert load_fleet(None, jobs) == (Fleet(), ())


def test_file_is_found_upward(jobs: Path) -> None:
    """The nearest file above the manifests is the fleet's."""
    (jobs.parents[1] / FILE).write_text(WHOLE)

    fleet, problems = load_fleet(None, jobs / "any.yaml")

    assert problems == ()
    assert (fleet.owner, fleet.require.tags, fleet.limits.max_active) == ("acme-ml", ("team",), 2)
    assert fleet.failures.healing == ("*no accelerators*",)
    assert fleet.failures.lasting == ("Encountered an unexpected error*",)
    assert fleet.stamp_tags


def test_search_ends_at_the_repository(tmp_path: Path) -> None:
    """A file outside the repository is somebody else's."""
    (tmp_path / "inner" / ".git").mkdir(parents=True)
    (tmp_path / FILE).write_text(WHOLE)

    assert load_fleet(None, tmp_path / "inner") == (Fleet(), ())


def test_file_given_by_name_goes_first(jobs: Path) -> None:
    """With --config no other file counts, whatever it is called."""
    (jobs / FILE).write_text("owner: found\n")
    given = jobs / "another.yaml"
    given.write_text("owner: given\n")

    fleet, problems = load_fleet(given, jobs)

    assert (fleet.owner, fleet.named, problems) == ("given", True, ())


def test_file_given_by_name_must_exist(jobs: Path) -> None:
    """A file that was named and is not there is a mistake in the command."""
    with pytest.raises(PathMissingError, match=r"nothing\.yaml"):
        load_fleet(jobs / "nothing.yaml", jobs)


@pytest.mark.parametrize(
    "text", ["", "# rules to come\n", "---\n", "null\n", "~ # none\n", "\ufeff"]
)
def test_file_that_says_nothing_is_an_error(jobs: Path, text: str) -> None:
    """A file that was cut off looks like one without rules, and so is not taken for one."""
    (jobs / FILE).write_text(text)

    fleet, (problem,) = load_fleet(None, jobs)

    assert (fleet, problem.code) == (Fleet(), "BJ117")


def test_empty_mapping_says_nothing_on_purpose(jobs: Path) -> None:
    """An empty mapping is a fleet without rules."""
    (jobs / FILE).write_text("{} # rules to come\n")

    assert load_fleet(None, jobs) == (Fleet(), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner: a\nowner: b\n", ["2:1 BJ106"]),
        ("owner:\n", ["1:7 BJ206"]),
        ("allow: {account: []}\n", ["1:9 BJ203"]),
        ("limits: {maxSubmits: 1.0}\nrequire: {kms: yes}\n", ["1:22 BJ205", "2:16 BJ205"]),
        ("limits: {maxSubmits: -1}\n", ["1:22 BJ209"]),
        ("- owner\n", ["1:1 BJ205"]),
        ("stampTags: yes\n", ["1:12 BJ205"]),
        ("failures: {retry: [x]}\n", ["1:12 BJ203"]),
        ('failures: {healing: [""], lasting: x}\n', ["1:22 BJ209", "1:36 BJ205"]),
        ("owner: a\n---\nowner: b\n", ["3:1 BJ112"]),
        ("owner: [\n", ["2:1 BJ104"]),
        ("owner: \x00\n", ["1:8 BJ111"]),
    ],
)
def test_broken_file_gives_no_rules(jobs: Path, text: str, expected: list[str]) -> None:
    """Every mistake in the file is a problem at its place, and no rule of it is used."""
    (jobs / FILE).write_text(text)

    fleet, problems = load_fleet(None, jobs)

    assert [f"{one.source.line}:{one.source.column} {one.code}" for one in problems] == expected
    assert fleet == Fleet()


def test_folder_in_its_place_is_a_problem(jobs: Path) -> None:
    """Something else under the file's name is not passed over."""
    (jobs / FILE).mkdir()

    _, (problem,) = load_fleet(None, jobs)

    assert problem.code == "BJ101"
