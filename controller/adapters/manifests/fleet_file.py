"""The fleet's own file, ``bedrock-jobs.yaml``: read and checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from controller.adapters.host.tree_bounds import (
    PathLocation,
    format_path,
    get_filesystem_root,
    locate_path,
    make_unreadable_problem,
)
from controller.adapters.host.tree_files import FileUnreadableError, TreeRoot
from controller.adapters.manifests.discovery import (
    PathMissingError,
    UnusableFileError,
    read_content,
)
from controller.adapters.manifests.source_lines import is_empty, make_empty_problem, make_problem
from controller.adapters.schemas import shipped_schemas
from controller.adapters.yaml.parser import parse
from controller.core.documents.decoder import compile_schema, locate_mistake, read
from controller.core.documents.nodes import Node, locate_node
from controller.core.findings import ValueFinding
from controller.core.fleet import Fleet, parse_fleet
from controller.core.model import Problem, Source
from controller.core.problems import Code
from controller.core.validation.truncation import list_member_names, truncate_value


def load_fleet(config: Path | None, start: Path) -> tuple[Fleet, tuple[Problem, ...]]:
    """A fleet's file that has problems gives no rules to go by: nothing may be done under it.

    ``config`` names the file; without it, it is the one that governs ``start``. No file is a
    fleet without owner and rules. Raises PathMissingError when ``config`` does not exist.
    """
    return load_rules(config, locate_path(start, named=config is not None))


def load_rules(config: Path | None, ground: PathLocation) -> tuple[Fleet, tuple[Problem, ...]]:
    """Return the rules that govern a ground, as ``load_fleet`` does."""
    if config is not None:
        return _load_named(config, ground)
    if ground.problems or ground.fleet is None:
        return Fleet(), ground.problems
    try:
        root = ground.bounds.find_root(str(Path(ground.fleet).parent))
    except FileUnreadableError as error:
        return Fleet(), (make_unreadable_problem(error.path, error.text),)
    return _read_rules(format_path(ground.fleet), root)


def _load_named(config: Path, ground: PathLocation) -> tuple[Fleet, tuple[Problem, ...]]:
    """Return the rules of a file that an operator names: it may lie anywhere."""
    if not get_filesystem_root().exists(str(config)):
        raise PathMissingError(str(config), "file")
    fleet, problems = _read_rules(format_path(str(config)), get_filesystem_root())
    problems = (*ground.problems, *problems)
    return Fleet() if problems else replace(fleet, named=True), problems


def _read_rules(path: str, root: TreeRoot) -> tuple[Fleet, tuple[Problem, ...]]:
    try:
        text = parse(read_content(path, root))
    except UnusableFileError as error:
        return Fleet(), (error.make_problem(path),)
    problems = [make_problem(flaw, path) for flaw in text.problems]
    roots = [document.root for document in text.documents]
    if not roots or is_empty(roots[0]):
        return Fleet(), (*problems, make_empty_problem(path))
    if len(roots) > 1:
        message = "the fleet's file is one document"
        flaw = locate_mistake(
            Code.NOT_A_MAPPING, roots[1].start_mark, message, "keep the first one"
        )
        problems.append(make_problem(flaw, path))
    if any(document.broken for document in text.documents):
        return Fleet(), tuple(problems)
    return _check_rules(path, roots[0], problems)


def _check_rules(
    path: str, root: Node, problems: list[Problem]
) -> tuple[Fleet, tuple[Problem, ...]]:
    value, misread = read(root, compile_schema(shipped_schemas.load_schema(shipped_schemas.FLEET)))
    problems += [make_problem(flaw, path) for flaw in misread]
    taken = {problem.source for problem in problems}
    for finding in _find_mistakes(value):
        mark, _ = locate_node(root, finding.path, on_key=finding.on_key)
        source = Source(path, mark.line + 1, mark.column + 1)
        if source not in taken:
            problems.append(Problem(finding.code.code, finding.message, source, finding.hint))
    return (Fleet() if problems else parse_fleet(value)), tuple(problems)


def _find_mistakes(value: Any) -> tuple[ValueFinding, ...]:
    """Return what is wrong with a fleet's rules, in bounded time however many keys they hold."""
    checker = shipped_schemas.get_checker(shipped_schemas.FLEET)
    if checker.is_valid(value):
        return ()
    small, _ = truncate_value(
        value, list_member_names(shipped_schemas.load_schema(shipped_schemas.FLEET))
    )
    message = "the file holds more values than any fleet's, and one of the last is wrong"
    return checker.find_mistakes(small) or (ValueFinding(Code.OUT_OF_BOUNDS, (), message),)
