"""``validate`` reports every problem at once, offline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import call, environment

DATA = Path(__file__).parents[2] / "data" / "manifests"
VALID = (DATA / "valid" / "least.yaml").read_text()
FILTERS = """\
  customizationType: DISTILLATION
  customizationConfig:
    distillationConfig:
      teacherModelConfig: {teacherModelIdentifier: amazon.nova-pro-v1:0}
  trainingDataConfig:
    invocationLogsConfig:
      invocationLogSource: {s3Uri: s3://acme-training/logs}
      requestMetadataFilters:
        equals:
          patient: Mustermann
          patient: Musterfrau
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one valid manifest and one that has a problem."""
    (tmp_path / "jobs" / "team").mkdir(parents=True)
    (tmp_path / "jobs" / "least.yaml").write_text(
        VALID.replace("  name: least\n", "  name: least\n  labels: {stage: live}\n")
    )
    (tmp_path / "jobs" / "team" / "broken.yaml").write_text(
        VALID.replace("least", "broken") + "  vpcConfig: {subnets: [a]}\n"
    )
    return tmp_path


def test_valid_tree_is_fine(folder: Path) -> None:
    """Without a problem stdout is empty, the summary is on stderr, and the exit code is 0."""
    (folder / "jobs" / "team" / "broken.yaml").unlink()

    done = call(folder, "validate")

    assert (done.code, done.out, done.said) == (0, "", ["1 of 1 manifest valid"])


def test_problem_is_shown_with_its_line(folder: Path) -> None:
    """A problem has its place, code and message, the line that it is about, and a hint."""
    done = call(folder, "validate", "jobs")

    assert done.code == 4
    assert done.said == [
        "Explanations: docs/reference/problems.md#bj203, #bj204",
        "2 problems, 1 of 2 manifests valid",
    ]
    lines = done.out.splitlines()
    assert lines[0].startswith("jobs/team/broken.yaml:10:3: BJ204 ")
    assert lines[4].startswith("jobs/team/broken.yaml:10:15: BJ203 ")
    assert lines[5:8] == [
        "  10 |   vpcConfig: {subnets: [a]}",
        "     |               ^",
        "  hint: did you mean `subnetIds`?",
    ]


def test_data_says_the_same(folder: Path) -> None:
    """As JSON the result is one document; problems have path, place, code, hint and job."""
    done = call(folder, "validate", str(folder / "jobs"), "--output", "json")

    assert done.code == 4
    assert {key: value for key, value in done.data.items() if key != "problems"} == {
        "apiVersion": "bedrock-jobs/v1",
        "kind": "Validation",
        "manifests": 2,
        "valid": 1,
    }
    assert done.data["problems"][1] == {
        "path": "jobs/team/broken.yaml",
        "line": 10,
        "column": 15,
        "code": "BJ203",
        "severity": "error",
        "message": "`spec.vpcConfig` has no member `subnets`",
        "hint": "did you mean `subnetIds`?",
        "job": "ModelCustomizationJob/broken",
    }


def test_query_picks_from_the_data(folder: Path) -> None:
    """A JMESPath expression prints only its result."""
    done = call(folder, "validate", "--query", "problems[].code", "--output", "yaml")

    assert done.out == "- BJ204\n- BJ203\n"


def test_explanations_lead_to_the_published_site(folder: Path) -> None:
    """With the URL of a published site, the codes are explained there."""
    site = {"BEDROCK_JOBS_DOCS_URL": "https://docs.example.com/jobs/"}

    done = call(folder, "validate", env={**environment(folder), **site})

    link = "https://docs.example.com/jobs/reference/problems/#bj203"
    assert done.said[0] == f"Explanations: {link}, #bj204"


def test_an_invalid_site_is_ignored(folder: Path) -> None:
    """A site that is not a plain URL cannot become markup in a report."""
    site = {"BEDROCK_JOBS_DOCS_URL": "javascript:alert(1)"}

    done = call(folder, "validate", "--output", "markdown", env={**environment(folder), **site})

    assert "BJ203" in done.out
    assert "javascript" not in done.out


def test_selector_leaves_out_other_manifests(folder: Path) -> None:
    """Problems of manifests that are not selected are not reported, and do not count."""
    done = call(folder, "validate", "-l", "stage=live")

    assert (done.code, done.out, done.said) == (0, "", ["1 of 1 manifest valid"])


def test_color_is_only_for_those_who_ask(folder: Path) -> None:
    """Without a terminal there is no colour unless --color is on."""
    assert "\x1b[" not in call(folder, "validate").out
    assert "\x1b[" in call(folder, "validate", "--color", "on").out


def test_broken_fleet_file_invalidates_the_run(folder: Path) -> None:
    """A mistake in the fleet file is a problem like any other, and exits with 4."""
    (folder / "jobs" / "team" / "broken.yaml").unlink()
    (folder / "bedrock-jobs.yaml").write_text("owner: a\nowner: b\n")

    done = call(folder, "validate")

    assert done.code == 4
    assert done.out.startswith("bedrock-jobs.yaml:2:1: BJ106 ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        (["jobs", "-l", "=b"], "selector"),
        (["jobs", "--config", "nothing.yaml"], "nothing.yaml"),
        (["jobs", "--query", "["], "--query"),
        (["jobs", "--output", "xml"], "xml"),
    ],
)
def test_mistake_in_the_command_is_no_problem(
    folder: Path, arguments: list[str], said: str
) -> None:
    """An invalid path, option or selector exits with 64 and is named."""
    done = call(folder, "validate", *arguments)

    assert (done.code, done.out) == (64, "")
    assert said in done.err


def test_missing_default_folder_is_explained(tmp_path: Path) -> None:
    """Without a path and without jobs/ the error says what to do."""
    done = call(tmp_path, "validate")

    assert done.code == 64
    assert "jobs" in done.said[-1]


def test_paths_of_two_fleets_are_refused(folder: Path) -> None:
    """Paths under different fleet files have no rules in common."""
    (folder / "other").mkdir()
    (folder / "other" / "bedrock-jobs.yaml").write_text("owner: one\n")
    (folder / "jobs" / "bedrock-jobs.yaml").write_text("owner: two\n")
    config = ("--config", "other/bedrock-jobs.yaml")

    assert call(folder, "validate", "jobs", "other").code == 64
    assert call(folder, "validate", "jobs", "other", *config).code == 4


def test_sensitive_line_is_not_shown(folder: Path) -> None:
    """A problem inside a sensitive member is reported without its line."""
    text = VALID.replace("least", "secret").splitlines(keepends=True)
    kept = [line for line in text if "trainingDataConfig" not in line]
    (folder / "jobs" / "team" / "broken.yaml").write_text("".join(kept) + FILTERS)

    done = call(folder, "validate")

    assert "BJ106" in done.out
    assert "patient" not in done.out
    assert "Muster" not in done.out


def test_control_characters_never_reach_the_terminal(folder: Path) -> None:
    """Control characters are escaped, in paths and in lines."""
    (folder / "jobs" / "team" / "\x1b[31m.yaml").write_text("a: \x1b[2J\n")

    done = call(folder, "validate", "jobs/team")

    assert "\x1b" not in done.out
    assert "\\x1b[31m.yaml:1:4: BJ111" in done.out


def test_neither_aws_nor_rich_is_loaded(folder: Path) -> None:
    """Validation imports neither the AWS client nor rich, so it starts fast."""
    code = (
        "import sys; from controller.cli.main import main\n"
        "sys.argv = ['bedrock-jobs', 'validate']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'boto3', 'botocore', 'rich', 'structlog', 'uvicorn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "[]"
