"""Selection by labels, as kubectl's ``-l`` reads it: ``team=a,env!=b,tier,!legacy``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class SelectorError(ValueError):
    """The selector has a part that is none of ``key``, ``!key``, ``key=value``, ``key!=value``."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One part of a selector; ``value`` None asks only whether the label is there."""

    key: str
    value: str | None
    wanted: bool

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; a missing label is different from any value."""
        found = self.key in labels if self.value is None else labels.get(self.key) == self.value
        return found is self.wanted


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector, parsed; without requirements it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet every requirement."""
        return all(requirement.holds(labels) for requirement in self.requirements)


def selector(text: str | None) -> Selector:
    """Return a selector, parsed; raises SelectorError."""
    parts = (part.strip() for part in (text or "").split(","))
    return Selector(tuple(_requirement(part) for part in parts if part))


def _requirement(part: str) -> Requirement:
    for operator, wanted in (("!=", False), ("==", True), ("=", True)):
        key, found, value = part.partition(operator)
        if found:
            return Requirement(_key(key, part), value.strip(), wanted)
    return Requirement(_key(part.removeprefix("!"), part), None, not part.startswith("!"))


def _key(key: str, part: str) -> str:
    stripped = key.strip()
    if not stripped or any(sign in stripped for sign in "!=() "):
        raise SelectorError(
            f"{part!r} is not a label selector: write key=value, key!=value, key or !key, "
            "with commas between"
        )
    return stripped
