"""``validate``, ``plan`` and ``reconcile`` report the same to CI systems as to people."""

from __future__ import annotations

import json
from itertools import chain, product

import pytest
from junitparser import JUnitXml

from controller.views.serialize import REPORTS
from tests.support.commands import Ran
from tests.support.manifests import as_yaml, failing, manifest, spec
from tests.support.project import Project
from tests.views import runner
from tests.views.pages import read
from tests.views.test_output_schemas import FOLDER, faults

VERBS = (("validate",), ("plan",), ("reconcile", "--dry-run"), ("reconcile",))
FILTERS = """\
  trainingDataConfig:
    invocationLogsConfig:
      invocationLogSource: {s3Uri: s3://acme-training/logs}
      requestMetadataFilters:
        equals:
          patient: [Mustermann]
        notEquals: Musterfrau
"""
JUDGING = ("validate", "plan", "reconcile")


@pytest.fixture
def mixed(tree: Project) -> Project:
    """Return a checkout with a valid manifest and an invalid one."""
    (tree.folder / ".git").mkdir()
    tree.add("good")
    tree.add("bad", {"roleArn": "nonsense"})
    return tree


def errors(ran: Ran) -> list[str]:
    """Return the places of the errors that a log annotates."""
    found = [one for one in runner.commands(ran.out) if one.name == "error"]
    return [f"{one.properties['file']}:{one.properties['line']}" for one in found]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_each_form_names_the_same_problems(mixed: Project, verb: tuple[str, ...]) -> None:
    """Every format has every problem, with its line, and the exit code is 4."""
    problems = mixed.call("validate", "--output", "json").data["problems"]
    places = [f"{one['path']}:{one['line']}" for one in problems]
    out = {output: mixed.call(*verb, "--output", output) for output in REPORTS}
    assert {ran.code for ran in out.values()} == {4}
    assert errors(out["github"]) == places
    page = read(out["markdown"].out)
    assert [row[0].strip() for row in page.rows if row[0].startswith("jobs/")] == places
    (suite,) = JUnitXml.fromstring(out["junit"].out.encode())
    assert [case.name for case in suite if case.result] == ["bad"]
    (run,) = out["sarif"].data["runs"]
    found = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert [
        f"{one['artifactLocation']['uri']}:{one['region']['startLine']}" for one in found
    ] == places
    assert [
        f"{one['location']['path']}:{one['location']['lines']['begin']}"
        for one in out["codequality"].data
    ] == places


def test_paths_begin_at_the_repository(mixed: Project) -> None:
    """Also from a subfolder, reports name files relative to the repository."""
    (mixed.folder / "deep").mkdir()
    here = Project(mixed.folder / "deep", mixed.sandbox)
    for output in REPORTS:
        ran = here.call("validate", "../jobs", "--output", output)
        assert "jobs/bad.yaml" in ran.out
        assert "../jobs" not in ran.out
        assert str(mixed.folder) not in ran.out


def test_without_a_checkout_the_workspace_is_the_root(mixed: Project) -> None:
    """Without .git, as in an exported tree, paths are relative to the CI workspace."""
    (mixed.folder / ".git").rmdir()
    mixed.folder.rename(mixed.folder.parent / "inner")
    inner = Project(mixed.folder.parent / "inner", mixed.sandbox)
    ran = inner.call("validate", "--output", "github", GITHUB_WORKSPACE=str(mixed.folder.parent))
    assert set(errors(ran)) == {f"inner/jobs/bad.yaml:{line}" for line in (5, 6)}


@pytest.mark.parametrize("verb", JUDGING)
def test_a_query_picks_from_data_alone(mixed: Project, verb: str) -> None:
    """--query with a report is a usage error, in either order, before anything is done."""
    for output, turned in product(REPORTS, (False, True)):
        given = (("--query", "a"), ("--output", output))
        arguments = chain.from_iterable(reversed(given) if turned else given)
        ran = mixed.call(verb, *arguments)
        assert (ran.code, ran.out) == (64, "")
        assert "--query" in ran.err
        assert f"--output {output}" in ran.err
    assert mixed.sandbox.list_calls() == []


def test_other_commands_print_no_report(mixed: Project) -> None:
    """Commands that check no manifests offer no report."""
    assert {mixed.call("status", "--output", output).code for output in REPORTS} == {64}


def test_data_of_a_plan_has_its_problems(mixed: Project) -> None:
    """The plan's data has the problems that stderr shows, in the form of validate."""
    problems = mixed.call("validate", "--output", "json").data["problems"]
    assert mixed.call("plan", "--output", "json").data["problems"] == problems != []
    whole = mixed.call("plan", str(mixed.jobs), "--output", "json")
    assert whole.data["problems"] == problems


def test_data_of_every_command_fits_its_schema(tree: Project) -> None:
    """The JSON of commands, and the sidecars, are valid against their schemas."""
    tree.fleet(owner="acme-ml")
    for name in ("fails", "gone", "runs"):
        tree.add(name, failing() if name == "fails" else None)
    tree.settle()
    tree.add("later")
    tree.call("reconcile")
    arn = tree.bystand({"jobName": "theirs", "customModelName": "theirs", **spec()})
    tree.add("theirs")
    (tree.jobs / "gone.yaml").unlink()
    told = [
        tree.call("validate", "--output", "json").data,
        tree.call("plan", "--output", "json").data,
        tree.call("status", "--output", "json").data,
        tree.call("wait", "--timeout", "0", "--output", "json").data,
        tree.call("status", "--orphans", "--output", "json").data,
        *(json.loads(text) for text in tree.sidecars().values()),
        tree.call("adopt", "theirs", "--arn", arn, "--dry-run", "--output", "json").data,
        tree.call("retry", "--dry-run", "--output", "json", "fails", "runs").data,
        tree.call("stop", "--dry-run", "--output", "json", "fails", "later").data,
        tree.call("stop", "--yes", "--output", "json", "later").data,
    ]
    assert [
        (one["kind"], faults(one["kind"], one)) for one in told if faults(one["kind"], one)
    ] == []
    kinds = {path.name.partition(".")[0] for path in FOLDER.glob("*.json")} - {"PlanFile"}
    assert {one["kind"] for one in told} == kinds
    assert all(one.get("jobs") or one.get("orphans") for one in told[2:])


def test_a_refused_plan_is_reported(tree: Project) -> None:
    """A plan that exceeds a limit exits with 5, and every report that can say so does."""
    tree.add("first")
    for output in ("markdown", "github", "sarif", "junit"):
        ran = tree.call("plan", "--max-submits", "0", "--output", output)
        assert ran.code == 5
        assert "1 submits and the limit is 0" in ran.out


def test_markdown_is_as_small_as_asked(tree: Project) -> None:
    """With --max-bytes Markdown keeps to the limit, and counts the omitted rows."""
    for number in range(60):
        tree.add(f"bad-{number}", {"roleArn": "nonsense"})
        (tree.jobs / f"a{'ü' * 90}-{number}.yaml").write_text("kind: ü\n", encoding="utf-8")
    whole = tree.call("validate", "--output", "markdown").out
    cut = tree.call("validate", "--output", "markdown", "--max-bytes", "9000").out
    assert 8000 < len(cut.encode()) <= 9000 < len(whole.encode())
    missing = len(read(whole).rows) - len(read(cut).rows)
    assert f"{missing} rows cut" in read(cut).text
    assert tree.call("validate", "--max-bytes", "10").code == 64
    cut_json = ("--max-bytes", "9000", "--output", "json")
    for given in (cut_json, (*cut_json[2:], *cut_json[:2])):
        assert "--max-bytes limits Markdown" in tree.call("validate", *given).err
    assert tree.call("validate", *cut_json[:2]).code == 4
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LANG": "C"}
    asked = ("--output", "markdown", "--max-bytes", "4096")
    assert len(tree.run("validate", *asked, **ascii_only).out) <= 4096


def test_sandboxed_reports_say_so(mixed: Project) -> None:
    """In every format a sandboxed command says that nothing in it is real."""
    real = mixed.call("validate", "--output", "sarif").data["runs"][0]
    for verb in ("validate", "plan"):
        told = {one: mixed.call(verb, "--sandbox", "--output", one) for one in REPORTS}
        assert "sandbox: nothing here is real" in read(told["markdown"].out).text
        assert "(sandbox: nothing here is real)" in told["github"].out.splitlines()
        assert "nothing here is real" in told["codequality"].data[0]["description"]
        assert told["sarif"].data["runs"][0]["properties"] == {"sandbox": True}
        assert '<property name="sandbox" value="true" />' in told["junit"].out
    assert "properties" not in real


def test_no_report_shows_what_is_secret(mixed: Project) -> None:
    """Sensitive values are in no report, whatever is wrong with them."""
    text = as_yaml(manifest("secret", spec(customizationType="DISTILLATION")))
    (mixed.jobs / "secret.yaml").write_text(text + FILTERS)
    for output in ("text", "json", *REPORTS):
        ran = mixed.call("plan", "--output", output)
        assert "jobs/secret.yaml" in ran.out + ran.err
        assert "Muster" not in ran.out + ran.err


def test_a_pass_reports_failed_jobs_first(tree: Project) -> None:
    """After a pass, failed jobs are errors with the service's message, and come first."""
    tree.add("fails", failing())
    tree.add("runs")
    tree.settle()
    ran = tree.call("reconcile", "--output", "github")
    (error,) = runner.commands(ran.out)
    assert error.name == "error"
    assert error.properties["title"] == "Failed: fails"
    rows = read(tree.call("reconcile", "--output", "markdown").out).rows
    assert [row[0].strip() for row in rows] == ["job", "fails", "job", "runs"]


def test_a_failed_call_is_reported(tree: Project) -> None:
    """A failed call is an error under the service's code, and exits with 1."""
    tree.add("first")
    ran = tree.call("plan", "--output", "github", AWS_PROFILE="nobody")
    assert ran.code == 1
    (error,) = runner.commands(ran.out)
    assert error.properties["title"] == "ObservationFailed: first"


def test_columns_count_characters(tree: Project) -> None:
    """SARIF declares that columns count code points, and they do."""
    line = '{"🦊🦊": 1, "kind": a, "kind": b}'
    (tree.jobs / "a.yaml").write_text(f"{line}\n", encoding="utf-8")
    (run,) = tree.call("validate", "--output", "sarif").data["runs"]
    (twice,) = [one for one in run["results"] if one["ruleId"] == "BJ106"]
    region = twice["locations"][0]["physicalLocation"]["region"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert line[region["startColumn"] - 1 :].startswith('"kind": b')


def test_reports_are_ascii_where_nothing_else_goes(tree: Project) -> None:
    """Without Unicode, references and escapes represent every character."""
    (tree.jobs / "ü.yaml").write_text("kind: ü\n", encoding="utf-8")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LANG": "C"}
    forms = ("markdown", "junit", "codequality")
    out = {one: tree.run("validate", "--output", one, **ascii_only).out for one in forms}
    assert all(text.isascii() for text in out.values())
    assert "jobs/ü.yaml" in read(out["markdown"]).rows[1][0]
    assert any("jobs/ü.yaml" in case.name for s in JUnitXml.fromstring(out["junit"]) for case in s)
    assert json.loads(out["codequality"])[0]["location"]["path"] == "jobs/ü.yaml"
