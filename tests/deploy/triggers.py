"""Which jobs of the shipped pipelines an event starts: replays the rules of GitHub and GitLab."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.deploy.expressions import Value, holds

SKIPPING = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]")
GITLAB_SKIPPING = re.compile(r"\[(?:ci[ -_]skip|skip[ -_]ci)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a repository.

    ``name`` is GitHub's; ``own_token`` says that a running job caused it with the token that its
    host gave it. ``roles`` are the roles that the repository's variables hold.
    """

    name: str
    branch: str = "main"
    paths: tuple[str, ...] = ()
    message: str = "Change something"
    own_token: bool = False
    fork: bool = False
    roles: tuple[str, ...] = ("PLAN", "RECONCILE", "STOP")
    more: Mapping[str, Value] = field(default_factory=dict)


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches one of GitHub's filter patterns, without its ``!``."""
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "?", "+": "+"}
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\+|\[[^\]]*\]|.", pattern.removeprefix("!"))
    regex = "".join(
        signs.get(part, part if part.startswith("[") and len(part) > 1 else re.escape(part))
        for part in parts
    )
    return re.fullmatch(regex, text) is not None


def chosen(patterns: Iterable[str], text: str) -> bool:
    """Return whether patterns select a text: the last one that matches decides."""
    verdict = False
    for pattern in patterns:
        if matches(pattern, text):
            verdict = not pattern.startswith("!")
    return verdict


def github_starts(workflow: Mapping[Any, Any], event: Event) -> bool:
    """Return whether an event starts a workflow."""
    # YAML 1.1 reads the key `on` as true.
    triggers = workflow[True]
    if event.name not in triggers:
        return False
    if event.own_token and event.name != "workflow_dispatch":
        return False
    if event.name in {"push", "pull_request"} and SKIPPING.search(event.message):
        return False
    filters = triggers[event.name]
    if not isinstance(filters, Mapping):
        return True
    if "branches" in filters and not chosen(filters["branches"], event.branch):
        return False
    return "paths" not in filters or any(chosen(filters["paths"], path) for path in event.paths)


def github_jobs(workflow: Mapping[Any, Any], event: Event) -> set[str]:
    """Return the jobs of a workflow that an event runs, as long as none fails."""
    if not github_starts(workflow, event):
        return set()
    names: dict[str, Value] = {
        "github.ref_name": event.branch,
        "github.repository": "acme/fleet",
        "github.event.pull_request.head.repo.full_name": "else/fork"
        if event.fork
        else "acme/fleet",
        # No variable reaches a fork's run.
        **{
            f"vars.BEDROCK_JOBS_{role}_ROLE": role if role in event.roles and not event.fork else ""
            for role in ("PLAN", "RECONCILE", "STOP")
        },
        **event.more,
    }
    return {
        name for name, job in workflow["jobs"].items() if "if" not in job or holds(job["if"], names)
    }


def gitlab_names(event: Event) -> dict[str, Value]:
    """Return the variables of an event's pipeline."""
    sources = {"pull_request": "merge_request_event", "workflow_dispatch": "web"}
    merging = event.name == "pull_request"
    return {
        "$CI_PIPELINE_SOURCE": sources.get(event.name, event.name),
        "$CI_COMMIT_BRANCH": None if merging else event.branch,
        "$CI_DEFAULT_BRANCH": "main",
        "$BEDROCK_JOBS_STOP": None,
        **{
            f"$BEDROCK_JOBS_{role}_ROLE": role if role in event.roles and not event.fork else None
            for role in ("PLAN", "RECONCILE", "STOP")
        },
        **event.more,
    }


def gitlab_jobs(pipeline: Mapping[str, Any], event: Event) -> set[str]:
    """Return the jobs of a GitLab pipeline that an event starts, including manual ones."""
    pushed = event.name == "push"
    if pushed and (event.own_token or GITLAB_SKIPPING.search(event.message)):
        return set()
    return {
        name
        for name, job in pipeline.items()
        if isinstance(job, Mapping) and "script" in job and _gitlab_includes(job["rules"], event)
    }


def _gitlab_includes(rules: Iterable[Mapping[str, Any]], event: Event) -> bool:
    """Return whether the first rule that matches includes a job."""
    for rule in rules:
        if not holds(rule.get("if", "'always'"), gitlab_names(event)):
            continue
        if "changes" in rule and not any(
            matches(pattern, path) for pattern in rule["changes"] for path in event.paths
        ):
            continue
        return bool(rule.get("when") != "never")
    return False
