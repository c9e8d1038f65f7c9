"""Only one module prints, and it escapes: there is no other way to a terminal or a log."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.source import Module, modules

PRINTS = {"controller/cli/output/console.py", "controller/adapters/host/logs.py"}
"""The one that prints, and the one that logs: both escape what they are given."""

CALLS = {
    "click.echo",
    "click.secho",
    "click.echo_via_pager",
    "click.prompt",
    "click.confirm",
    "click.progressbar",
    "logging.StreamHandler",
    "logging.basicConfig",
    "traceback.print_exc",
    "traceback.print_exception",
    "warnings.warn",
}
NAMES = {"print", "input", "Console", "StreamHandler"}
ASKED = {"isatty", "flush"}
"""What others may ask of a stream, or have it do."""


def ways(module: Module) -> Iterator[str]:
    """Yield each way to print that a module uses, with its line."""
    tree = module.tree
    asked = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ASKED
    }
    for node in ast.walk(tree):
        found = ""
        if not isinstance(node, ast.expr):
            continue
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            # Click's own errors print what they quote, as it is.
            prints = name in CALLS | NAMES or (name.endswith(".show") and not node.args)
            found = name if prints else ""
        elif isinstance(node, ast.Attribute) and id(node) not in asked:
            name = ast.unparse(node)
            found = name if name in {"sys.stdout", "sys.stderr", "sys.__stdout__"} else ""
        if found:
            yield f"{module.place}:{node.lineno}: {found}"


def test_one_module_prints() -> None:
    """No other module writes to stdout or stderr, by any name."""
    others = [module for module in modules() if module.place not in PRINTS]
    assert [way for module in others for way in ways(module)] == []


def test_the_search_finds_allowed_printing() -> None:
    """The search finds what it looks for where it is allowed."""
    assert all(list(ways(module)) for module in modules() if module.place in PRINTS)
