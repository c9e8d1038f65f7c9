from __future__ import annotations

from tests.house.reference import PAGE, rendered


def test_the_page_of_commands_is_current() -> None:
    """Every verb and option stands in docs/commands.md as --help prints it; `make docs` renews."""
    assert PAGE.read_text(encoding="utf-8") == rendered()
