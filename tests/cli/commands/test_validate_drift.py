"""`validate` with a botocore that knows more of the service than the shipped schemas."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import botocore
import pytest

from controller.adapters.aws.model_drift import find_drift_problems, load_installed_model
from controller.adapters.schemas.schema_files import load_service_model
from tests.support.commands import Ran, call, environment
from tests.support.manifests import KIND, manifest, spec, write

MODEL = Path(botocore.__file__).parent / "data" / "bedrock" / "2023-04-20" / "service-2.json.gz"
CREATE = "CreateModelCustomizationJobRequest"
LACKS = f"{KIND} lacks spec.customizationType: DREAMING, spec.dreams"


def newer(shapes: dict[str, Any]) -> None:
    """Add a value and a member."""
    shapes["CustomizationType"]["enum"].append("DREAMING")
    shapes[CREATE]["members"]["dreams"] = {"shape": "JobName"}


def beside(folder: Path, edit: Callable[[dict[str, Any]], object], *arguments: str) -> Ran:
    """Validate in this process, with an edited model."""
    model = json.loads(gzip.decompress(MODEL.read_bytes()))
    edit(model["shapes"])
    path = folder / "models" / "bedrock" / "2023-04-20" / "service-2.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(model))
    env = environment(folder, AWS_DATA_PATH=str(folder / "models"))
    return call(folder, "validate", *arguments, env=env)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a tree with one valid manifest."""
    write(tmp_path / "jobs" / "bot.yaml", manifest("bot"))
    return tmp_path


def test_newer_model_is_a_warning(folder: Path) -> None:
    """It is reported once, with what is missing and what to do, and the exit code is 0."""
    write(folder / "jobs" / "other.yaml", manifest("other"))

    ran = beside(folder, newer)

    assert ran.code == 0
    first, *rest = ran.out.splitlines()
    assert first.startswith("jobs: BJ213 warning: botocore ")
    assert first.endswith(f" is newer than the shipped schemas: {LACKS}")
    assert rest == ["  hint: install a newer bedrock-jobs; until then no manifest can use these"]
    assert ran.said == [
        "Explanations: docs/reference/problems.md#bj213",
        "1 warning, 2 of 2 manifests valid",
    ]


def test_strict_makes_it_an_error(folder: Path) -> None:
    """With --strict the tree is invalid, but no manifest is."""
    ran = beside(folder, newer, "--strict")

    assert ran.code == 4
    assert ran.out.startswith("jobs: BJ213 botocore ")
    assert ran.said == [
        "Explanations: docs/reference/problems.md#bj213",
        "1 problem, 1 of 1 manifest valid",
    ]


WARNED = {
    "text": "BJ213 warning: ",
    "json": '"severity": "warning"',
    "yaml": "severity: warning",
    "github": "::warning file=jobs,title=BJ213::",
    "markdown": "1 warning, 1 of 1 manifest valid",
    "sarif": '"level": "warning"',
    "junit": "BJ213",
    "codequality": '"severity": "minor"',
}


@pytest.mark.parametrize("output", WARNED)
def test_every_format_shows_a_warning(folder: Path, output: str) -> None:
    """Every format has it, as a warning."""
    ran = beside(folder, newer, "--output", output)

    assert ran.code == 0
    assert WARNED[output] in ran.out
    assert "DREAMING" in ran.out
    for error in ("::error", '"level": "error"', "<failure", '"major"', "severity: error"):
        assert error not in ran.out


def test_problems_beside_it_stay_errors(folder: Path) -> None:
    """A manifest's own mistake is an error, and counted separately."""
    write(folder / "jobs" / "bad.yaml", manifest("bad", spec(roleArn="nobody")))

    ran = beside(folder, newer)

    assert ran.code == 4
    assert ran.said == [
        "Explanations: docs/reference/problems.md#bj208, #bj213",
        "1 problem, 1 warning, 1 of 2 manifests valid",
    ]


@pytest.mark.parametrize(
    "edit",
    [
        lambda shapes: shapes[CREATE].update(documentation="<p>New words.</p>"),
        lambda shapes: shapes[CREATE]["members"].pop("vpcConfig"),
        lambda shapes: shapes.pop(CREATE),
        lambda shapes: shapes["JobName"].update(pattern="(?<=a)b"),
        lambda shapes: shapes["CustomizationType"].update(enum=7),
    ],
    ids=["same", "older", "no shape", "unknown pattern", "no list"],
)
def test_any_other_model_is_no_warning(
    folder: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    """The same model, an older one, and an unreadable one are not reported."""
    ran = beside(folder, edit)

    assert (ran.code, ran.out, ran.said) == (0, "", ["1 of 1 manifest valid"])


def test_installed_model_is_read_as_botocore_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast way to read the model finds the one that botocore uses."""
    monkeypatch.delenv("AWS_DATA_PATH", raising=False)
    monkeypatch.setenv("HOME", "/nowhere")

    assert load_installed_model() == load_service_model()


@pytest.mark.parametrize(
    "content",
    [b"", b"plain", gzip.compress(b"{}", mtime=0)[:-9], gzip.compress(b"[]", mtime=0)],
    ids=["empty", "plain", "cut", "a list"],
)
def test_model_that_cannot_be_read_is_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """A broken installation of botocore is no mistake in the manifests."""
    package = tmp_path / "botocore"
    path = package / "data" / "bedrock" / "2023-04-20" / MODEL.name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setenv("HOME", "/nowhere")
    spec = ModuleSpec("botocore", None, origin=str(package / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)

    assert find_drift_problems([KIND], "jobs") == ()


def test_many_members_are_counted(folder: Path) -> None:
    """Only the first are listed."""

    def much_newer(shapes: dict[str, Any]) -> None:
        members = shapes[CREATE]["members"]
        members |= {f"dream{number}": {"shape": "JobName"} for number in range(8)}

    told = beside(folder, much_newer).out.splitlines()[0]

    assert told.endswith("spec.dream3, spec.dream4, and 3 more")


def test_tree_without_manifests_needs_no_model(tmp_path: Path) -> None:
    """Without manifests there is nothing to warn about."""
    (tmp_path / "jobs").mkdir()

    assert beside(tmp_path, newer).out == ""
