"""In GitHub Actions and GitLab CI the right outputs are chosen without asking."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.support.project import Project
from tests.views import runner
from tests.views.pages import read

VERBS = ("validate", "plan", "reconcile")
REPORTS = ("bedrock-jobs-validate.codequality.json", "bedrock-jobs-validate.junit.xml")


@pytest.fixture
def mixed(tree: Project) -> Project:
    """Return a checkout with a valid manifest and an invalid one."""
    (tree.folder / ".git").mkdir()
    tree.add("good")
    tree.add("bad", {"roleArn": "nonsense"})
    return tree


def github(tree: Project) -> dict[str, str]:
    """Return the variables of a step in GitHub Actions."""
    summary = str(tree.folder.parent / "summary.md")
    return {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_STEP_SUMMARY": summary}


def summary_of(tree: Project) -> str:
    """Return what was added to the step's summary."""
    return Path(github(tree)["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", VERBS)
def test_github_gets_text_annotations_and_a_summary(mixed: Project, verb: str) -> None:
    """The log has the usual text and annotations; the summary has Markdown."""
    mixed.call("reconcile")
    usual = mixed.call(verb)
    ran = mixed.call(verb, **github(mixed))
    assert (ran.code, ran.out) == (usual.code, usual.out)
    annotated = runner.commands(ran.err)
    assert {one.properties["file"] for one in annotated if one.name == "error"} == {"jobs/bad.yaml"}
    assert [line for line in ran.said if not line.startswith("::")] == usual.said
    assert f"bedrock-jobs {verb}" in read(summary_of(mixed)).text


def test_summaries_of_one_step_follow_each_other(mixed: Project) -> None:
    """A second command in a step appends to the summary, within the remaining room."""
    path = Path(github(mixed)["GITHUB_STEP_SUMMARY"])
    mixed.call("validate", **github(mixed))
    mixed.call("plan", **github(mixed))
    titles = [line for line in summary_of(mixed).splitlines() if line.startswith("### ")]
    assert titles == ["### bedrock-jobs validate", "### bedrock-jobs plan"]
    path.write_text("")
    for number in range(40):
        mixed.add(f"bad-{number}", {"roleArn": "nonsense"})
    mixed.call("validate", "--max-bytes", "5000", **github(mixed))
    assert 4000 < path.stat().st_size <= 5000
    path.write_text("x" * (1024 * 1024 - 2000))
    assert mixed.call("plan", **github(mixed)).code == 4
    assert path.stat().st_size == 1024 * 1024 - 2000


@pytest.mark.parametrize(
    "arguments", [("--output", "text"), ("--output", "json"), ("--query", "problems")]
)
@pytest.mark.parametrize("system", [{"GITHUB_ACTIONS": "true"}, {"GITLAB_CI": "true"}])
def test_what_is_asked_for_wins(
    mixed: Project, arguments: tuple[str, str], system: dict[str, str]
) -> None:
    """With --output or --query only the requested output is printed."""
    usual = mixed.call("validate", *arguments)
    ran = mixed.call("validate", *arguments, **{**github(mixed), "GITHUB_ACTIONS": "", **system})
    assert ran == usual
    assert not Path(github(mixed)["GITHUB_STEP_SUMMARY"]).exists()
    assert not list(mixed.folder.glob("*.xml"))


@pytest.mark.parametrize("summary", ["", "nowhere/summary.md", "."])
def test_no_summary_is_no_failure(mixed: Project, summary: str) -> None:
    """A summary that cannot be written is one line; result and exit code stay."""
    usual = mixed.call("validate")
    ran = mixed.call("validate", **{**github(mixed), "GITHUB_STEP_SUMMARY": summary})
    assert (ran.code, ran.out) == (4, usual.out)
    told = [line for line in ran.said if "summary" in line and not line.startswith("::")]
    assert len(told) == (1 if summary else 0)


def test_a_summary_that_nobody_reads_is_not_waited_for(mixed: Project) -> None:
    """A pipe in place of the summary file does not block the command."""
    pipe = mixed.folder.parent / "pipe"
    os.mkfifo(pipe)
    ran = mixed.call("validate", **{**github(mixed), "GITHUB_STEP_SUMMARY": str(pipe)})
    assert ran.code == 4
    assert "no job summary" in ran.err


def test_manifests_give_no_commands(tree: Project) -> None:
    """Content of a manifest never becomes a workflow command."""
    (tree.jobs / "a.yaml").write_text("::set-output name=a::b\n##[add-mask]x: y\n: ##[error]z\n")
    (tree.jobs / "::error file=a::b.yaml").write_text("kind: [##[add-mask]x, '::error::y']\n")
    for verb in VERBS:
        for output in ("", "text", "json", "markdown", "github", "sarif", "junit", "codequality"):
            ran = tree.call(verb, *(("--output", output) if output else ()), **github(tree))
            found = runner.commands(ran.out) + runner.commands(ran.err)
            assert {one.name for one in found} <= {"error"}
            files = {one.properties["file"] for one in found}
            assert files <= {"jobs/a.yaml", "jobs/::error file=a::b.yaml"}


def test_gitlab_gets_text_and_two_reports(mixed: Project) -> None:
    """The log has the usual text; JUnit and code quality are files for the artifacts."""
    usual = mixed.call("validate")
    ran = mixed.call("validate", GITLAB_CI="true", CI_PROJECT_DIR=str(mixed.folder))
    assert (ran.code, ran.out) == (usual.code, usual.out)
    assert sorted(path.name for path in mixed.folder.glob("bedrock-jobs-*")) == list(REPORTS)
    (suite,) = JUnitXml.fromfile(str(mixed.folder / REPORTS[1]))
    assert (suite.tests, suite.failures) == (2, 1)
    (entry, *_) = json.loads((mixed.folder / REPORTS[0]).read_text())
    assert entry["location"]["path"] == "jobs/bad.yaml"


def test_gitlab_keeps_the_last_report(mixed: Project) -> None:
    """Another run of a command replaces its reports; other commands have their own."""
    system = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(mixed.folder)}
    mixed.call("validate", **system)
    (mixed.jobs / "bad.yaml").unlink()
    mixed.call("validate", **system)
    mixed.call("plan", **system)
    assert json.loads((mixed.folder / REPORTS[0]).read_text()) == []
    assert len(list(mixed.folder.glob("bedrock-jobs-*"))) == 4


def test_no_reports_are_no_failure(mixed: Project) -> None:
    """A read-only project folder is one line; the exit code stays."""
    system = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(mixed.folder / "nowhere")}
    ran = mixed.call("validate", **system)
    assert ran.code == 4
    assert len([line for line in ran.said if "no reports for GitLab" in line]) == 1


def test_a_report_is_not_written_through_a_link(mixed: Project) -> None:
    """A link in a report's place is not followed; the exit code stays."""
    target = mixed.folder.parent / "target"
    target.write_text("kept")
    (mixed.folder / REPORTS[1]).symlink_to(target)
    ran = mixed.call("validate", GITLAB_CI="true", CI_PROJECT_DIR=str(mixed.folder))
    assert ran.code == 4
    assert "no reports for GitLab" in ran.err
    assert target.read_text() == "kept"
