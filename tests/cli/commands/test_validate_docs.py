"""The page of problems lists every code, and an example shows each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.core.problems import Code

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "problems.md").read_text()
ENTRIES = re.findall(r"^### (BJ\d+)\n\*\*([^*]+)\*\* \S", PAGE, re.MULTILINE)
OF_DOCUMENTS = [code for code in Code if code.code > "BJ2"]


def test_page_lists_every_problem_in_order() -> None:
    """The page has an entry for each code, with the code's meaning."""
    entries = [(code, " ".join(meaning.split())) for code, meaning in ENTRIES]
    assert entries == [(code.code, code.meaning) for code in Code]


def test_no_code_stands_for_two_problems() -> None:
    """Codes are distinct, and ordered by number."""
    codes = [code.code for code in Code]

    assert codes == sorted(set(codes))


@pytest.mark.parametrize(
    "code", [one for one in Code if one.code > "BJ2"], ids=lambda one: one.code
)
def test_problem_of_a_document_is_met_by_a_test(code: Code) -> None:
    """Each code that a document can have is named in an example or a test."""
    texts = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "tests/data/manifests").rglob("*.yaml")]
    wanted = re.compile(rf"{code.code}\b|Code\.{code.name}\b")

    assert any(wanted.search(path.read_text()) for path in texts if path != Path(__file__))
