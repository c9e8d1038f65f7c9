"""What docs/how-to/ci.md says about our files and hooks is true."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml

from tests.deploy.pipelines import GITLAB, WORKFLOWS
from tests.deploy.test_cloudformation import TEMPLATE, Loader
from tests.house.source import ROOT
from tests.support.commands import understood

PAGE = (ROOT / "docs" / "how-to" / "ci.md").read_text("utf-8")
OIDC = TEMPLATE.with_name("oidc.yaml")
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
VARIABLE = re.compile(r"BEDROCK_JOBS_(?:PLAN|RECONCILE|STOP)_ROLE\b")


def template() -> dict[str, Any]:
    """Return the template of the roles."""
    found: dict[str, Any] = yaml.load(OIDC.read_text("utf-8"), Loader)  # noqa: S506 - a safe one
    return found


def blocks(language: str) -> list[str]:
    """Return the page's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_pages_commands_are_valid() -> None:
    """Each call of bedrock-jobs on the page, whole or in part, is valid."""
    calls = re.findall(r"^ +(?:- run: )?bedrock-jobs ([^|\n]+)", PAGE, re.MULTILINE)
    calls += re.findall(r"`((?:reconcile|plan|validate|stop)\b[^`]*)`", PAGE)

    assert len(calls) > 5
    for call in calls:
        words = shlex.split(call, comments=True)
        understood(*words, *(("--yes", "name") if words == ["stop"] else ()))


def test_the_pages_parameters_are_the_templates() -> None:
    """The page's parameters exist, and no required one is missing."""
    parameters = template()["Parameters"]
    given = set(re.findall(r"\b([A-Z][A-Za-z]+)=", PAGE))
    required = {name for name, one in parameters.items() if "Default" not in one}

    assert required <= given <= parameters.keys()


def test_the_variables_are_those_of_the_outputs() -> None:
    """Pipelines read the variables of the outputs, and the page names them."""
    named = set(VARIABLE.findall(PAGE))
    read = [path.read_text("utf-8") for path in WORKFLOWS]
    outputs = str(template()["Outputs"])

    assert len(named) == 3
    assert set(VARIABLE.findall("".join(read))) == named
    assert set(VARIABLE.findall(GITLAB.read_text("utf-8"))) == named
    assert set(VARIABLE.findall(outputs)) == named


def test_the_pages_examples_are_valid() -> None:
    """Each example in YAML is valid, and its hooks exist."""
    read = [yaml.safe_load(block) for block in blocks("yaml")]
    hooks = [
        hook["id"] for one in read if isinstance(one, dict) for hook in one["repos"][0]["hooks"]
    ]

    assert hooks == [hook["id"] for hook in HOOKS]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_hooks_run_when_manifests_change(hook: dict[str, Any]) -> None:
    """A hook runs for manifests, but not for files that a pass writes; its command is valid."""
    program, *words = shlex.split(hook["entry"])
    understood(*words)

    assert program == "bedrock-jobs"
    assert hook["pass_filenames"] is False
    for path in ("jobs/a.yaml", "jobs/b/_defaults.yml", "jobs/c.YAML", "jobs/d/e.json"):
        assert re.search(hook["files"], path)
    for path in ("bedrock-jobs.yaml", "bedrock-jobs.yml", "Bedrock-Jobs.json"):
        assert re.search(hook["files"], path)
    for path in ("jobs/a.status.json", "README.md", "my/jobs/a.yaml", "bedrock-jobs.yaml.orig"):
        assert not re.search(hook["files"], path)
