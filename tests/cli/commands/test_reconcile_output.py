"""The output of reconcile, plan and status, for people and for programs."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.support.manifests import failing
from tests.support.project import Project


@pytest.fixture
def mixed(tree: Project) -> Project:
    """Return a tree with one running job and one failed job."""
    tree.add("fails", failing())
    tree.settle()
    tree.add("runs")
    tree.call("reconcile")
    return tree


@pytest.mark.parametrize("verb", ["plan", "reconcile", "status"])
def test_yaml_and_json_say_the_same(mixed: Project, verb: str) -> None:
    """--output yaml and --output json print the same value."""
    as_json = mixed.call(verb, "--output", "json")
    as_yaml = mixed.call(verb, "--output", "yaml")
    assert as_json.code == as_yaml.code == 0
    assert yaml.safe_load(as_yaml.out) == json.loads(as_json.out)


def test_query_selects_from_the_data(mixed: Project) -> None:
    """--query prints scalars bare, one per line, as the AWS CLI does."""
    ran = mixed.call("status", "--query", "jobs[].[name, phase]")
    assert ran.out.splitlines() == ["fails\tFailed", "runs\tInProgress"]


def test_query_functions_take_every_value(mixed: Project) -> None:
    """Reasons are plain strings to JMESPath functions, also directly after a pass."""
    wanted = "jobs[?starts_with(conditions[0].reason, 'Fail')].name"
    ran = mixed.call("reconcile", "--output", "json", "--query", wanted)
    assert (ran.code, ran.data) == (0, ["fails"])


@pytest.mark.parametrize("verb", ["plan", "reconcile", "status", "wait"])
def test_query_that_does_not_parse_is_a_usage_error(tree: Project, verb: str) -> None:
    """A malformed expression exits with 64 and the parser's message, before anything is done."""
    tree.add("support-bot")
    ran = tree.call(verb, "--query", "jobs[")
    assert ran.code == 64
    assert "--query" in ran.err
    assert ran.out == ""
    assert tree.sandbox.list_calls() == []


def test_query_that_does_not_fit_is_a_usage_error(mixed: Project) -> None:
    """An expression that fails on the data is one line, without a traceback."""
    ran = mixed.call("status", "--query", "length(jobs[0].missing)")
    assert ran.code == 64
    assert "--query" in ran.err


def test_data_goes_to_stdout_and_the_rest_to_stderr(tree: Project) -> None:
    """With invalid manifests and progress to print, stdout still has only JSON."""
    tree.add("good")
    tree.add("bad", {"roleArn": "nonsense"})
    ran = tree.run("reconcile", "--output", "json")
    assert ran.code == 4
    assert [job["name"] for job in ran.data["jobs"]] == ["bad", "good"]
    assert "jobs/bad.yaml" in ran.err


def test_status_data_is_the_sidecars(mixed: Project) -> None:
    """Each job in the data is its sidecar entry, with its name and path."""
    for job in mixed.call("status", "--output", "json").data["jobs"]:
        name, path = job.pop("name"), job.pop("path")
        assert path == f"jobs/{name}.yaml"
        assert job == mixed.entry(name)


def test_table_shows_each_job_once(mixed: Project) -> None:
    """The table has a line per job, and a final count by phase."""
    lines = mixed.call("status").out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["fails", "Failed"],
        ["runs", "InProgress"],
    ]
    assert lines[-1] == "2 jobs: 1 Failed, 1 InProgress."


def test_two_regions_read_well(tree: Project) -> None:
    """The plan's summary names each account once, with its regions."""
    tree.add("near")
    tree.add("far", target={"region": "eu-west-1"})
    last = tree.call("plan").out.splitlines()[-1]
    assert (
        last == "Plan: 2 jobs: 2 to submit in account 123456789012, regions eu-west-1, us-east-1."
    )


def test_sandboxed_output_says_so(tree: Project) -> None:
    """Every output of a sandboxed command says that nothing in it is real."""
    tree.add("support-bot")
    told = ["reconcile", "plan", "wait"]
    options = ("--sandbox", "--speed", "36000", "--every", "0.05")
    for verb in told:
        ran = tree.call(verb, *(options if verb == "wait" else options[:3]))
        assert ran.code == 0, ran.err
        assert "sandbox: nothing here is real" in ran.out
    data = tree.call("plan", "--sandbox", "--output", "json").data
    assert data["sandbox"] is True


@pytest.mark.parametrize(
    ("arguments", "env", "coloured"),
    [
        (("--color", "on"), {}, True),
        (("--color", "on"), {"NO_COLOR": "1"}, True),
        (("--color", "off"), {}, False),
        ((), {}, False),
        ((), {"NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_those_who_want_it(
    mixed: Project, arguments: tuple[str, ...], env: dict[str, str], *, coloured: bool
) -> None:
    """Without a terminal there is no colour unless --color is on."""
    ran = mixed.call("status", *arguments, **env)
    assert ("\x1b[" in ran.out) is coloured
