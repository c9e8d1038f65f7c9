"""Which packages may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

from tests.house.source import ROOT, Module, imports, modules

CORE = [module for module in modules() if module.name.startswith("controller.core")]

# What a pure rule may lean on. A module that reads the world (files, clock, network, environment)
# is never added here: the rule that needs it belongs in an adapter.
PURE = frozenset(
    {
        "__future__",
        "abc",
        "bisect",
        "collections",
        "contextlib",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fnmatch",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "html",
        "itertools",
        "json",
        "jsonschema",
        "jsonschema_rs",
        "math",
        "operator",
        "re",
        "rfc8785",
        "string",
        "textwrap",
        "types",
        "typing",
        "unicodedata",
    }
)
IMPURE_CALLS = frozenset({"open", "print", "input", "now", "today", "utcnow", "getenv"})


def test_layer_contract_is_kept() -> None:
    """Imports point down only, according to the contracts in pyproject.toml."""
    # A process of its own, because the linter switches off every logger that exists already.
    lint = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )

    done = subprocess.run(
        [sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_no_import_cycles() -> None:
    """The modules of the package import each other without a cycle."""
    names = {module.name for module in modules()}
    graph = {module.name: (imports(module) & names) - {module.name} for module in modules()}

    order = list(TopologicalSorter(graph).static_order())

    assert set(order) == names


@pytest.mark.parametrize("module", CORE, ids=lambda module: module.name)
def test_core_imports_pure_modules_only(module: Module) -> None:
    """Each module of core imports core and the listed pure modules only."""
    foreign = {
        name
        for name in imports(module)
        if not name.startswith("controller.core") and name.partition(".")[0] not in PURE
    }

    assert foreign - {"controller"} == set()


@pytest.mark.parametrize("module", CORE, ids=lambda module: module.name)
def test_core_reads_neither_clock_nor_files(module: Module) -> None:
    """Each module of core gets `now` and all text as arguments."""
    called = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }

    assert called & IMPURE_CALLS == set()


@pytest.mark.parametrize(
    "module",
    [module for module in modules() if module.path.name == "__init__.py"],
    ids=lambda module: module.name,
)
def test_package_roots_re_export_nothing(module: Module) -> None:
    """Each __init__ has a docstring and nothing else."""
    assert [type(node) for node in module.tree.body] == [ast.Expr]
    assert ast.get_docstring(module.tree)
