"""The files around the package: what is tracked, locked, shipped and run by CI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from controller.core.kinds.registry import KINDS
from controller.version import __version__
from tests.house.source import ROOT, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
DEVELOPMENT = [Requirement(line) for line in PROJECT["optional-dependencies"]["dev"]]

# Written as patterns that do not match themselves: this file is tracked too.
HOSTS = [r"pypi[.]org", r"pythonhosted[.]org", r"registry[.]npmjs"]
WORKPLACES = [re.escape(f"{ROOT}/"), *(rf"(?<![\w.-])/{top}[/]" for top in ("home", "root", "tmp"))]


def locked() -> dict[str, str]:
    """Return the version of every distribution in the lock."""
    text = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel, offline, with the tools of the lock."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.parametrize("pattern", HOSTS + WORKPLACES)
def test_tracked_files_name_no_machine(pattern: str) -> None:
    """No tracked file has the host of a package registry or an absolute path of a machine."""
    text = re.compile(pattern.encode())

    holding = [
        path.relative_to(ROOT).as_posix() for path in tracked() if text.search(path.read_bytes())
    ]

    assert holding == []


@pytest.mark.parametrize("requirement", RUNTIME + DEVELOPMENT, ids=lambda each: each.name)
def test_the_lock_has_every_requirement(requirement: Requirement) -> None:
    """The lock has a version that pyproject.toml allows; `make lock` updates it."""
    version = locked().get(canonicalize_name(requirement.name))

    assert version, f"{requirement.name} is not locked"
    assert requirement.specifier.contains(version, prereleases=True)


@pytest.mark.parametrize("requirement", RUNTIME, ids=lambda each: each.name)
def test_runtime_dependencies_are_ranged_and_explained(requirement: Requirement) -> None:
    """A runtime dependency has a lower and an upper bound, and a line in the index of decisions."""
    operators = {clause.operator for clause in requirement.specifier}
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")

    assert operators == {">=", "<"}
    assert f"| {requirement.name} |" in index


def test_wheel_ships_the_schemas(wheel: zipfile.ZipFile) -> None:
    """Every tracked schema is in the wheel, beside the code that reads it."""
    shipped = {name for name in wheel.namelist() if name.startswith("controller/schemas/")}
    checked_in = {
        f"controller/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "schemas").rglob("*")
        if path.is_file()
    }

    assert shipped == checked_in
    assert {f"controller/schemas/{kind}.schema.json" for kind in KINDS} <= shipped


def test_wheel_ships_the_scaffold(wheel: zipfile.ZipFile) -> None:
    """Every file that `init` writes is in the wheel, also hidden ones."""
    folder = "controller/scaffold/"
    shipped = {name: wheel.read(name) for name in wheel.namelist() if name.startswith(folder)}
    top = ROOT / "deploy" / "ci"

    assert shipped == {
        f"{folder}{path.relative_to(top).as_posix()}": path.read_bytes()
        for path in top.rglob("*")
        if path.is_file()
    }


def test_an_installation_sets_up_a_repository(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Without this repository around it, `init` finds what it writes, and that is valid."""
    wheel.extractall(tmp_path / "installed")
    (tmp_path / "fleet").mkdir()
    for verb in ("init", "validate"):
        done = subprocess.run(
            [sys.executable, "-m", "controller", verb],
            cwd=tmp_path / "fleet",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "installed")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    assert (tmp_path / "fleet" / ".github" / "workflows" / "bedrock-jobs-plan.yml").is_file()


def test_wheel_has_the_package_only(wheel: zipfile.ZipFile) -> None:
    """The wheel has only the typed package and its metadata."""
    roots = {name.partition("/")[0] for name in wheel.namelist()}

    assert roots == {"controller", f"bedrock_jobs-{__version__}.dist-info"}
    assert "controller/py.typed" in wheel.namelist()


def test_wheel_names_its_licence_and_command(wheel: zipfile.ZipFile) -> None:
    """The metadata of the wheel has the licence, the Python version and the command."""
    root = f"bedrock_jobs-{__version__}.dist-info"
    metadata = Parser().parsestr(wheel.read(f"{root}/METADATA").decode())

    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert f"{root}/licenses/LICENSE" in wheel.namelist()
    assert b"bedrock-jobs = controller.cli.main:main" in wheel.read(f"{root}/entry_points.txt")


def test_ci_runs_what_people_run() -> None:
    """CI's script is executable, and runs only `make test`."""
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if re.search(r"\b(make|pytest|ruff|mypy|pip)\b", line)]

    assert os.access(script, os.X_OK)
    assert [line for line in commands if not line.startswith("#")] == ["exec make test </dev/null"]


def test_changelog_has_this_version() -> None:
    """The version of the code has a heading in the changelog."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"^## \[{re.escape(__version__)}\]", text, re.MULTILINE)


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=str)
def test_decisions_fit_a_page(page: Path) -> None:
    """A decision has its four headings, at most 40 lines, and a line in the index."""
    text = page.read_text(encoding="utf-8")
    index = (page.parent / "README.md").read_text(encoding="utf-8")

    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Alternatives", "Consequences"]
    assert text.count("\n") <= 40
    assert f"({page.name})" in index


def test_every_target_is_explained() -> None:
    """`make help` has a line for every target."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^\.PHONY: ([a-z]+)$", text, re.MULTILINE)

    explained = re.findall(r"^([a-z]+):.* ## \w", text, re.MULTILINE)

    assert targets
    assert explained == targets
