"""``python -m tests.house.measures`` measures how readable the package is, with a goal for each."""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.house.source import ROOT

PACKAGE = ROOT / "controller"
VERBS = frozenset(Path(__file__).with_name("verbs.txt").read_text("utf-8").split())
"""First words of function names that say what is done, or what is asked."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measured figure and its goal."""

    name: str
    value: str
    goal: str


def measures() -> Sequence[Measure]:
    """Return the current figures of the package."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in _modules()}
    names = [one.name.strip("_") for tree in trees.values() for one in _functions(tree)]
    lengths = sorted(_length(one) for tree in trees.values() for one in _functions(tree))
    folders = Counter(path.parent for path in trees if path.name != "__init__.py")
    twice = [name for name, count in _classes(trees.values()).items() if count > 1]
    ninth = lengths[int(len(lengths) * 0.9)]
    return (
        Measure("files in the largest folder", str(max(folders.values())), "at most 20"),
        Measure("function names that begin with a verb", _share(names, _is_verbal), "55 % or more"),
        Measure("names that begin with an -ed word", _share(names, _is_past), "at most 2 %"),
        Measure("comments per 100 lines", f"{_comments(trees):.1f}", "3 to 6"),
        Measure("type names with two meanings", str(len(twice)), "0"),
        Measure(
            "function lines: median, 90 %, longest",
            f"{statistics.median(lengths):.0f}, {ninth}, {lengths[-1]}",
            "7, 17, 49",
        ),
    )


def _modules() -> Iterator[Path]:
    yield from sorted(PACKAGE.rglob("*.py"))


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("__"):
            yield node


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _classes(trees: Iterable[ast.Module]) -> Counter[str]:
    public = [
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    return Counter(public)


def _is_verbal(name: str) -> bool:
    return name.partition("_")[0] in VERBS


def _is_past(name: str) -> bool:
    first = name.partition("_")[0]
    return first.endswith("ed") and first not in VERBS and len(first) > 3


def _share(names: Sequence[str], holds: Callable[[str], bool]) -> str:
    count = sum(map(holds, names))
    return f"{100 * count / len(names):.0f} %"


def _comments(trees: dict[Path, ast.Module]) -> float:
    comments = lines = 0
    for path in trees:
        text = path.read_text("utf-8")
        lines += sum(bool(line.strip()) for line in text.splitlines())
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        comments += sum(token.type == tokenize.COMMENT for token in tokens)
    return 100 * comments / lines


def main() -> int:
    """Print each figure beside its goal."""
    for one in measures():
        sys.stdout.write(f"{one.name:40} {one.value:>12}   goal: {one.goal}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
