"""Parsed arguments: paths, their fleet and a label selector."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from controller.adapters.host.tree_bounds import PathLocation, locate_path
from controller.adapters.manifests.fleet_file import load_rules
from controller.adapters.manifests.loader import PathMissingError
from controller.core.documents.file_names import ENDINGS
from controller.core.fleet import Fleet
from controller.core.label_selector import Selector, SelectorError, parse_selector
from controller.core.model import Problem, Source
from controller.core.severity import convert_to_errors
from controller.core.validation.suggestions import DID_YOU_MEAN, find_nearest

DEFAULT_PATH = Path("jobs")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Arguments:
    """The paths, fleet and selector of a command; ``problems`` are those of the fleet file.

    ``top`` is the folder of the fleet file, or the current folder without one.
    """

    paths: tuple[Path, ...]
    selector: Selector
    fleet: Fleet
    problems: tuple[Problem, ...]
    top: Path


def parse_arguments(paths: Sequence[Path], given: dict[str, Any]) -> Arguments:
    """Return the parsed arguments of a command; raises usage errors with what to do.

    They report a path or fleet file that does not exist, paths of two fleets, and a selector that
    does not parse.
    """
    chosen = convert_errors(lambda: parse_selector(given["selector"]))
    where = tuple(paths) or (_get_default_path(),)
    config: Path | None = given["config"]
    grounds = [locate_path(path, named=config is not None) for path in where]
    if config is None and len({ground.fleet_folder for ground in grounds}) > 1:
        raise click.UsageError(
            "these paths lie under different bedrock-jobs.yaml files: run once for each, or name "
            "one with --config"
        )
    fleet, problems = convert_errors(lambda: _load_rules(config, grounds))
    problems = convert_to_errors(problems) if given.get("strict") else problems
    leading = tuple(Path(ground.path) for ground in grounds)
    return Arguments(leading, chosen, fleet, problems, _find_top(config, grounds[0]))


def _load_rules(
    config: Path | None, grounds: Sequence[PathLocation]
) -> tuple[Fleet, tuple[Problem, ...]]:
    """Return the fleet that applies to all paths, and the problems of its file."""
    found = [load_rules(config, ground) for ground in grounds]
    # Each path reports the problems of the same file.
    problems = dict.fromkeys(problem for _, reported in found for problem in reported)
    return found[0][0], tuple(problems)


def _find_top(config: Path | None, ground: PathLocation) -> Path:
    if config is not None:
        return config.parent
    return Path() if ground.fleet is None else Path(ground.fleet).parent


def convert_errors(ask: Callable[[], _Answer]) -> _Answer:
    """Return a result; errors about the command line become usage errors."""
    try:
        return ask()
    except PathMissingError as error:
        raise click.UsageError(f"{error}{_suggest_path(error.path)}") from error
    except SelectorError as error:
        raise click.UsageError(str(error)) from error


def make_relative(source: Source) -> Source:
    """Return a place with its path from the current folder, if it lies below."""
    absolute = source.path.startswith(os.sep)
    path = os.path.relpath(source.path) if absolute else os.path.normpath(source.path)
    # A path with several ``..`` is harder to read than an absolute one.
    return source if path.startswith("..") or path == source.path else replace(source, path=path)


def _suggest_path(path: Path) -> str:
    """Return a suggestion for a path that does not exist."""
    # A common mistake is a job's name instead of the path of its manifest.
    manifests = [DEFAULT_PATH / f"{path.name}{suffix}" for suffix in ENDINGS]
    near = next((one for one in manifests if one.exists()), None) or _find_similar(path)
    return f"; {DID_YOU_MEAN} {near}?" if near else ""


def _find_similar(path: Path) -> Path | None:
    try:
        beside = [one.name for one in path.parent.iterdir() if one.name[0] != "."]
    except OSError:
        return None
    found = find_nearest(path.name, beside)
    return path.parent / found if found else None


def _get_default_path() -> Path:
    if not DEFAULT_PATH.exists():
        raise click.UsageError(
            f"there is no folder {DEFAULT_PATH}/ here: name the folder of your manifests, write a "
            "first one with `bedrock-jobs new`, or lay out a repository with `bedrock-jobs init`"
        )
    return DEFAULT_PATH
