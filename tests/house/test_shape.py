"""Limits on length, required docstrings, and the number of exceptions."""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter
from itertools import pairwise

import botocore.session
import pytest

from controller.core.kinds.registry import KINDS
from tests.house.source import PACKAGE, ROOT, Function, Module, functions, length, modules

LONGEST_MODULE = 350
LONGEST_FUNCTION = 50
MEDIAN_FUNCTION = 12
NINE_IN_TEN = 35
MOST_MODULES = 20

# How many exceptions the package makes of each rule. A number here only ever falls.
EXCEPTIONS = {"type: ignore": 1, "noqa": 4, "pragma: no cover": 2}
EXCEPTION = re.compile(r"#\s*(type: ignore|noqa|pragma: no cover)\b(?P<rest>.*)")
REASONED = re.compile(r"(?:\[[\w, -]+\]|:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?\s+[-#] \w.{7,}")

each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)


def exceptions() -> list[tuple[str, str, str]]:
    """Return rule, location and the rest of the comment of each exception in the package."""
    return [
        (match[1], f"{module.place}:{line}", match["rest"])
        for module in modules()
        for line, comment in module.comments
        for match in EXCEPTION.finditer(comment)
    ]


def public(tree: ast.Module) -> list[Function]:
    """Return the functions and methods that other modules may call."""
    bodies: list[ast.Module | ast.ClassDef] = [tree]
    bodies += [
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    return [
        node
        for body in bodies
        for node in body.body
        if isinstance(node, Function) and not node.name.startswith("_")
    ]


@each_module
def test_modules_are_short(module: Module) -> None:
    """No module is longer than can be read in one go."""
    assert module.text.count("\n") <= LONGEST_MODULE, f"{module.place}: split it"


@each_module
def test_public_functions_have_docstrings(module: Module) -> None:
    """Every public function and method has a docstring."""
    silent = [node.name for node in public(module.tree) if not ast.get_docstring(node)]

    assert silent == []


def test_functions_are_short() -> None:
    """Functions stay within the limits of median, ninth decile and maximum."""
    sizes = sorted(
        (length(node), f"{module.place}:{node.lineno} {node.name}")
        for module in modules()
        for node in functions(module.tree)
    )
    lengths = [size for size, _ in sizes]

    assert statistics.median(lengths) <= MEDIAN_FUNCTION
    assert lengths[len(lengths) * 9 // 10] <= NINE_IN_TEN
    assert [place for size, place in sizes if size > LONGEST_FUNCTION] == []


def test_exceptions_are_counted() -> None:
    """The package has exactly as many exceptions to its rules as recorded above."""
    counted = Counter(rule for rule, _, _ in exceptions())

    assert {rule: counted[rule] for rule in EXCEPTIONS} == EXCEPTIONS, (
        "mend the exception; or, where one has gone, lower its number in EXCEPTIONS:\n"
        + "\n".join(f"{place}: {rule}" for rule, place, _ in exceptions())
    )


def test_exceptions_have_reasons() -> None:
    """Beside each exception is the rule that it breaks, and the reason."""
    bare = [place for _, place, rest in exceptions() if not REASONED.match(rest)]

    assert bare == []


def test_kinds_are_named_in_their_rows_only() -> None:
    """No kind's name, offered or not, stands in the package outside core/kinds.py.

    Of a kind that is not offered, the name as a whole word; of an offered one, any part of a word.
    """
    service = botocore.session.get_session().get_service_model("bedrock")
    stems = {name[6:] for name in service.operation_names if re.fullmatch(r"Create\w+Job", name)}
    words = [rf"\b{stem}s?\b" for stem in sorted(stems)]
    names = re.compile("|".join([*words, *KINDS]))
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"]

    named = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if names.search(path.read_text(encoding="utf-8"))
    }

    assert set(KINDS) <= stems
    assert named == {"controller/core/kinds/registry.py"}


@each_module
def test_comments_are_short(module: Module) -> None:
    """No comment is longer than six lines: longer explanations are decisions."""
    own = [
        line
        for line, _ in module.comments
        if module.text.splitlines()[line - 1].lstrip().startswith("#")
    ]
    run = longest = 1 if own else 0
    for before, after in pairwise(own):
        run = run + 1 if after == before + 1 else 1
        longest = max(longest, run)

    assert longest <= 6


def test_no_folder_is_crowded() -> None:
    """A folder of the package has few enough modules to find one by looking."""
    folders = Counter(module.place.rpartition("/")[0] for module in modules())

    assert max(folders.values()) <= MOST_MODULES, folders.most_common(1)
