"""CONTRIBUTING's table of typical changes: its files exist, and three rows are tried on a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

_PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_TABLE = _PAGE.partition("## Where does a change go?")[2].partition("## ")[0]
_ROWS = dict(re.findall(r"^\| (?!to add|-)(.+?) \| (.+) \|$", _TABLE, re.MULTILINE))
_MANIFEST = """\
apiVersion: bedrock-jobs/v1
kind: ModelImportJob
metadata: {name: my-import}
spec:
  roleArn: arn:aws:iam::123456789012:role/Import
  modelDataSource: {s3DataSource: {s3Uri: s3://acme-models/llama/}}
"""
_KIND = """
from controller.core.kinds.kind import Variant

_MODEL_IMPORT_JOB = Kind(
    name="ModelImportJob",
    plural="ModelImportJobs",
    summaries_member="modelImportJobSummaries",
    stoppable=False,
    name_member="jobName",
    suffixed_members=("jobName", "importedModelName"),
    token_member="clientRequestToken",
    tag_members=("jobTags", "importedModelTags"),
    identifier_member="jobIdentifier",
    arn_member="jobArn",
    resource="model-import-job",
    status_member="status",
    failure_member="failureMessage",
    created_member="creationTime",
    modified_member="lastModifiedTime",
    ended_member="endTime",
    active=frozenset({"InProgress"}),
    stopping=frozenset(),
    succeeded=frozenset({"Completed"}),
    failed=frozenset({"Failed"}),
    stopped=frozenset(),
    listed_as_active="InProgress",
    echoes_token=False,
    unique_names=True,
    settle_seconds=0,
    variants={"import": Variant(title="Import a model.", spec={"roleArn": "<role-arn>"})},
)
KINDS = {row.name: row for row in (_MODEL_CUSTOMIZATION_JOB, _MODEL_IMPORT_JOB)}
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, whose files a test may change."""
    for name in ("controller", "schemas"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "copy" / name, ignore=ignored)
    (tmp_path / "tree" / "jobs").mkdir(parents=True)
    (tmp_path / "tree" / ".git").mkdir()
    return tmp_path / "copy"


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the copy in the tree beside it."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "controller", *arguments],
        cwd=copy.parent / "tree",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )


def edit(path: Path, old: str, new: str) -> None:
    """Replace the one occurrence of a text in a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_each_file_of_the_table_exists() -> None:
    """Every path in the table is a file or a folder below controller/."""
    assert len(_ROWS) >= 8
    for row, files in _ROWS.items():
        named = re.findall(r"`([\w./]+(?:\.py|/))`", files)
        folders = {Path(name).parent for name in named if "/" in name}
        found = [
            name
            for name in named
            if any(
                (ROOT / "controller" / one).exists() for one in [name, *(f / name for f in folders)]
            )
        ]
        assert found == named, row


def test_a_kind_is_one_row(copy: Path) -> None:
    """A row is enough to generate schemas, write, validate and plan manifests of the kind."""
    registry = copy / "controller" / "core" / "kinds" / "registry.py"
    registry.write_text(registry.read_text(encoding="utf-8") + _KIND, encoding="utf-8")
    written = run(copy, "schema", "--output-dir", str(copy / "schemas"))
    assert written.returncode == 0, written.stderr
    (copy.parent / "tree" / "jobs" / "a.yaml").write_text(_MANIFEST, encoding="utf-8")

    assert run(copy, "validate").returncode == 0
    assert "ModelImportJob" in run(copy, "new", "ModelImportJob", "another").stdout
    planned = run(copy, "plan", "--sandbox")
    # The row has no simulation, so the sandbox does not know the operations.
    assert "UnknownOperationException" in planned.stderr


def test_an_output_format_is_a_view(copy: Path) -> None:
    """A module in views, its name and its case are enough for validate and plan to print it."""
    package = copy / "controller"
    (package / "views" / "count.py").write_text(
        "def count(review):\n    return f'{len(review.findings)} findings\\n'\n", encoding="utf-8"
    )
    edit(package / "views" / "serialize.py", '"codequality")', '"codequality", "count")')
    edit(
        package / "cli" / "output" / "reports.py",
        '        case "sarif":',
        '        case "count":\n'
        "            from controller.views.count import count\n"
        "            return count(findings), OutputSyntax.TEXT\n"
        '        case "sarif":',
    )
    (copy.parent / "tree" / "jobs" / "a.yaml").write_text("- none\n", encoding="utf-8")

    assert run(copy, "validate", "--output", "count").stdout == "1 findings\n"
    planned = run(copy, "plan", "--sandbox", "--output", "count")
    assert planned.stdout == "1 findings\n", planned.stderr


def test_a_problem_code_is_a_row_its_help_and_a_rule(copy: Path) -> None:
    """A code, its help text and a rule are enough to report it in every output."""
    package = copy / "controller"
    edit(
        package / "core" / "problems.py",
        "\n    def __init__(",
        '    OF_JOB = "BJ409", "The name is reserved."\n\n    def __init__(',
    )
    edit(
        package / "views" / "rule_help.py",
        "        Code.VPC_REQUIRED: ",
        '        Code.OF_JOB: "Rename the manifest.",\n        Code.VPC_REQUIRED: ',
    )
    rules = package / "core" / "validation" / "manifest_rules.py"
    edit(
        rules,
        "    yield from find_unfit_tags(",
        '    if document["metadata"]["name"] == "reserved":\n'
        '        yield ValueFinding(Code.OF_JOB, ("metadata", "name"), "reserved is reserved")\n'
        "    yield from find_unfit_tags(",
    )
    text = _MANIFEST.replace("ModelImportJob", "ModelCustomizationJob").replace(
        "my-import", "reserved"
    )
    spec = (
        "  baseModelIdentifier: amazon.nova-micro-v1:0:128k\n"
        "  trainingDataConfig: {s3Uri: s3://acme/train.jsonl}\n"
        "  outputDataConfig: {s3Uri: s3://acme/output/}\n"
    )
    text = text.partition("  modelDataSource")[0] + spec
    (copy.parent / "tree" / "jobs" / "a.yaml").write_text(text, encoding="utf-8")

    assert "jobs/a.yaml:3:18: BJ409 reserved is reserved" in run(copy, "validate").stdout
    sarif = run(copy, "validate", "--output", "sarif").stdout
    assert '"The name is reserved."' in sarif
    assert "Rename the manifest." in sarif
