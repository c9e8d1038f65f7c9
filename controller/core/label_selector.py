"""Label selectors in the syntax of kubectl's ``-l``: ``team=a,env!=b,tier,!legacy``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class SelectorError(ValueError):
    """A part of the selector is not ``key``, ``!key``, ``key=value`` or ``key!=value``."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One part of a selector; a ``value`` of None checks only whether the label exists."""

    key: str
    value: str | None
    wanted: bool

    def is_met(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy it; a missing label differs from any value."""
        found = self.key in labels if self.value is None else labels.get(self.key) == self.value
        return found is self.wanted


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed selector; without requirements it matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def is_match(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy every requirement."""
        return all(requirement.is_met(labels) for requirement in self.requirements)


def parse_selector(text: str | None) -> Selector:
    """Parse a selector; raises SelectorError."""
    parts = (part.strip() for part in (text or "").split(","))
    return Selector(tuple(_parse_requirement(part) for part in parts if part))


def _parse_requirement(part: str) -> Requirement:
    # The single = comes last, because the other operators contain it.
    for operator, wanted in (("!=", False), ("==", True), ("=", True)):
        key, found, value = part.partition(operator)
        if found:
            return Requirement(_parse_key(key, part), value.strip(), wanted)
    return Requirement(_parse_key(part.removeprefix("!"), part), None, not part.startswith("!"))


def _parse_key(key: str, part: str) -> str:
    stripped = key.strip()
    if not stripped or any(sign in stripped for sign in "!=() "):
        raise SelectorError(
            f"{part!r} is not a label selector: write key=value, key!=value, key or !key, "
            "separated by commas"
        )
    return stripped
