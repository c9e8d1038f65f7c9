"""What recipes say about our files is true: parameters, variables, hooks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.pipelines import GITLAB, WORKFLOWS
from tests.deploy.test_ci import checked
from tests.deploy.test_cloudformation import Loader
from tests.house.source import ROOT
from tests.recipes.run import FOLDER, PAGES

_SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_YAML = re.compile(r"(?<!-->\n)^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
READERS = {"github": WORKFLOWS, "gitlab": (GITLAB,)}


def shell(page: Path) -> str:
    """Return what a page tells people to type where no test can run it."""
    return "\n".join(_SHELL.findall(page.read_text(encoding="utf-8")))


def commands(page: Path, *first: str) -> list[list[str]]:
    """Return the commands of a page that begin with given words."""
    lines = shell(page).replace("\\\n", " ").splitlines()
    found = [shlex.split(line) for line in lines]
    return [words for words in found if words[: len(first)] == [*first]]


@pytest.mark.parametrize("page", [page for page in PAGES if shell(page)], ids=lambda p: p.stem)
def test_the_shell_is_sound(page: Path) -> None:
    """What people type passes shellcheck."""
    checked("shellcheck", "--shell", "sh", "-", text=shell(page))


@pytest.mark.parametrize("name", READERS)
def test_the_stack_has_the_parameters(name: str) -> None:
    """The stack's file exists, has each parameter, and requires no other."""
    (command,) = commands(FOLDER / f"{name}.md", "aws", "cloudformation", "deploy")
    text = (ROOT / command[command.index("--template-file") + 1]).read_text(encoding="utf-8")
    template: Any = yaml.load(text, Loader)  # noqa: S506 - a safe one
    given = dict(one.split("=", 1) for one in command[command.index("--parameter-overrides") + 1 :])
    known = template["Parameters"]
    assert set(given) <= set(known)
    assert {one for one, parameter in known.items() if "Default" not in parameter} <= set(given)
    assert given.get("Host", known["Host"]["Default"]) == name


@pytest.mark.parametrize("name", READERS)
def test_the_pipelines_read_the_variables(name: str) -> None:
    """Each variable that a recipe sets is read by what `init` writes, and none is missing."""
    tool = {"github": "gh", "gitlab": "glab"}[name]
    told = {words[3] for words in commands(FOLDER / f"{name}.md", tool, "variable", "set")}
    text = "".join(path.read_text() for path in READERS[name])
    assert told == set(re.findall(r"\bBEDROCK_JOBS_[A-Z]+_ROLE\b", text))


def test_the_hooks_are_offered() -> None:
    """The hooks on the page are those of this repository, with an existing version."""
    page = (FOLDER / "pre-commit.md").read_text(encoding="utf-8")
    (shown,) = [yaml.safe_load(block) for block in _YAML.findall(page)]
    (own,) = shown["repos"]
    offered = {one["id"] for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    named = {hook["id"] for hook in own["hooks"]}
    assert named == offered
    assert all(f"| `{name}` |" in page for name in offered)
