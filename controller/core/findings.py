"""A mistake in a value of a document."""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.problems import Code


@dataclass(frozen=True, slots=True)
class ValueFinding:
    """One mistake in a value: its code, the path to it, and what to do.

    ``path`` leads from the document's root through keys and indexes. ``on_key`` says that the last
    key of the path is wrong, not its value.
    """

    code: Code
    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    on_key: bool = False
