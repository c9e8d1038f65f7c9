"""SECURITY.md names a test for each threat, and the test exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.source import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_each_threat_has_a_test_that_exists(row: str) -> None:
    """A row ends with a test, by its file and name."""
    found = NAMED.search(row.split("|")[-2])

    assert found is not None
    tree = ast.parse((ROOT / found[1]).read_text(encoding="utf-8"))
    assert found[2] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
