"""Where a document's modeline stands, where one belongs, and what writing it leaves alone."""

from __future__ import annotations

import pytest

from controller.core.authoring.modelines import DocumentHeader, find_headers, set_modelines

S = "schemas/a.json"
LINE = f"# yaml-language-server: $schema={S}\n"


@pytest.mark.parametrize(
    ("text", "starts", "found"),
    [
        (f"{LINE}a: 1\n", [1], [DocumentHeader(0, S)]),
        (f"# first\n\n{LINE}a: 1\n", [3], [DocumentHeader(2, S)]),
        (f"{LINE}---\na: 1\n", [2], [DocumentHeader(0, S)]),
        (f"{LINE}%YAML 1.2\n--- # on\na: 1\n", [3], [DocumentHeader(0, S)]),
        (f"---\n{LINE}a: 1\n", [2], [DocumentHeader(1, S)]),
        ("# $schema: b.json\na: 1\n", [1], [DocumentHeader(0, "b.json")]),
        (
            "#   yaml-language-server :  $schema: b.json x\na: 1\n",
            [1],
            [DocumentHeader(0, "b.json")],
        ),
        (f"{LINE}# yaml-language-server: $schema=other\na: 1\n", [2], [DocumentHeader(0, S)]),
        ("a: 1\n", [0], [DocumentHeader(0)]),
        ("--- {a: 1}\n", [0], [DocumentHeader(0)]),
        (f"a: 1\n{LINE}", [0], [DocumentHeader(0)]),
        ("#yaml-language-server: $schema=x\na: 1\n", [1], [DocumentHeader(0)]),
        (f"{LINE}a: 1\n---\nb: 1\n", [1, 3], [DocumentHeader(0, S), DocumentHeader(3)]),
        (
            f"{LINE}a: 1\n---\n# b\n\n{LINE}b: 1\n",
            [1, 6],
            [DocumentHeader(0, S), DocumentHeader(5, S)],
        ),
        (f"{LINE}a: 1\n---\n# b\n\nb: 1\n", [1, 5], [DocumentHeader(0, S), DocumentHeader(3)]),
        (f"{LINE}a: 1\n--- {{b: 1}}\n", [1, 2], [DocumentHeader(0, S), DocumentHeader(None)]),
        (f"{LINE}a: |\n  # x\n---\nb: 1\n", [1, 4], [DocumentHeader(0, S), DocumentHeader(4)]),
        ("a: \x85 1\n", [0], [DocumentHeader(None)]),
    ],
)
def test_headers(text: str, starts: list[int], found: list[DocumentHeader]) -> None:
    """A header is what stands above a document's first key, and the first modeline in it counts."""
    assert find_headers(text, starts) == found


@pytest.mark.parametrize(
    ("text", "starts", "after"),
    [
        ("a: 1\n", [0], f"{LINE}a: 1\n"),
        ("a: 1", [0], f"{LINE}a: 1"),
        ("# why\r\na: 1\r\n", [1], f"{LINE[:-1]}\r\n# why\r\na: 1\r\n"),
        ("# $schema: a  # kept\na: 1\n", [1], f"# $schema: {S}  # kept\na: 1\n"),
        ("a: 1\n---\nb: 1\n", [0, 2], f"{LINE}a: 1\n---\n{LINE}b: 1\n"),
        ("a: 1\n--- # b\n# c\nb: 1\n", [0, 3], f"{LINE}a: 1\n--- # b\n{LINE}# c\nb: 1\n"),
        ("a: 1\n--- {b: 1}\n", [0, 1], f"{LINE}a: 1\n--- {{b: 1}}\n"),
    ],
)
def test_led(text: str, starts: list[int], after: str) -> None:
    """Each document gets its line, in the file's own line breaks, and all else stays."""
    found = find_headers(text, starts)
    assert set_modelines(text, dict.fromkeys(found, S)) == after
    assert set_modelines(text, {}) == text
