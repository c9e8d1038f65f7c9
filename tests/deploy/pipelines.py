"""The shipped pipelines, parsed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.house.source import ROOT

SHIPPED = ROOT / "deploy" / "ci"
GITHUB = SHIPPED / "github"
WORKFLOWS = tuple(sorted((GITHUB / "workflows").glob("*.yml")))
ACTIONS = tuple(sorted((GITHUB / "actions").glob("*/action.yml")))
GITLAB = SHIPPED / "gitlab" / "bedrock-jobs.yml"
INCLUDE = SHIPPED / "gitlab" / "include.yml"


def read(path: Path) -> dict[Any, Any]:
    """Return the content of a YAML file."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def workflow(verb: str) -> dict[Any, Any]:
    """Return the workflow of a command."""
    return read(GITHUB / "workflows" / f"bedrock-jobs-{verb}.yml")


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell script in a pipeline, and its location."""

    place: str
    text: str


def shells() -> list[Shell]:
    """Return all shell scripts of the shipped pipelines."""
    found = [
        Shell(f"{path.stem}:{name}:{number}", step["run"])
        for path in WORKFLOWS
        for name, job in read(path)["jobs"].items()
        for number, step in enumerate(job["steps"])
        if "run" in step
    ]
    found += [
        Shell(f"{path.parent.name}:{number}", step["run"])
        for path in ACTIONS
        for number, step in enumerate(read(path)["runs"]["steps"])
        if "run" in step
    ]
    # GitLab runs what comes before with the script, in one shell.
    pipeline = read(GITLAB)
    found += [
        Shell(name, "\n".join([*_before(pipeline, job), *job["script"]]))
        for name, job in pipeline.items()
        if isinstance(job, Mapping) and "script" in job
    ]
    return found


def _before(pipeline: Mapping[str, Any], job: Mapping[str, Any]) -> list[str]:
    base = pipeline[job["extends"]]
    lines: list[str] = base["before_script"]
    return lines


def commands(shell: Shell) -> Iterator[list[str]]:
    """Yield the arguments of each call of bedrock-jobs in a shell script."""
    for line in shell.text.splitlines():
        words = shlex.split(line, comments=True)
        if "bedrock-jobs" in words and words[0] in {"bedrock-jobs", *_settings(words)}:
            yield words[words.index("bedrock-jobs") + 1 :]


def _settings(words: list[str]) -> set[str]:
    """Return the words that set a variable for one command."""
    return {word for word in words if word.partition("=")[0].isupper() and "=" in word}
