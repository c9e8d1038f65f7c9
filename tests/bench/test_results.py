from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import results


@pytest.mark.parametrize(
    ("ours", "rival", "bar", "held"),
    [(0.5, 1.0, 1.0, True), (1.0, 1.0, 1.0, True), (1.1, 1.0, 1.0, False), (0.3, 1.0, 0.25, False)],
)
def test_a_time_is_held_against_its_bar(ours: float, rival: float, bar: float, held: bool) -> None:
    """A time may be at most so many times the rival's."""
    assert results.compared("a pass", ours, ("rival", rival), bar).held is held


@pytest.mark.parametrize(
    ("ours", "rival", "held"), [(1.0, 8.0, True), (1.0, 7.9, False), (2.0, 16.0, True)]
)
def test_a_speed_is_held_against_its_bar(ours: float, rival: float, held: bool) -> None:
    """A speed must be at least so many times the rival's."""
    assert results.faster("validate", ours, ("rival", rival), 8.0).held is held


def test_figures_replace_figures_and_nothing_else(tmp_path: Path) -> None:
    """Writing twice leaves the later figures, and the page around them as it was."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{results.BEGIN}\n{results.END}\nafter\n", encoding="utf-8")

    results.write(page, "first")
    results.write(page, "second")

    text = page.read_text(encoding="utf-8")
    assert text == f"before\n{results.BEGIN}\n\nsecond\n\n{results.END}\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    """A page that has no place for figures is refused, with its name."""
    page = tmp_path / "page.md"
    page.write_text("prose\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"page\.md"):
        results.write(page, "figures")

    assert page.read_text(encoding="utf-8") == "prose\n"
