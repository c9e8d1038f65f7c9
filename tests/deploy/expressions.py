"""The conditions of pipelines: GitHub's ``if`` and GitLab's ``rules:if``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Value = str | bool | None

TOKEN = re.compile(
    r"""\s*(?:(?P<sign>&&|\|\||==|!=|\(|\))|'(?P<single>[^']*)'|"(?P<double>[^"]*)\""""
    r"""|(?P<name>\$?[A-Za-z_][\w.-]*))"""
)


class Unread:
    """The rest of an expression that is still to be parsed."""

    def __init__(self, text: str, names: Mapping[str, Value]) -> None:
        self.names = names
        self.tokens: list[tuple[str, str]] = []
        end = 0
        while text[end:].strip():
            found = TOKEN.match(text, end)
            assert found, f"cannot read {text[end:]!r}"
            assert found.lastgroup
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            end = found.end()

    def took(self, sign: str) -> bool:
        """Consume a token, if it is next."""
        if self.tokens[:1] != [("sign", sign)]:
            return False
        self.tokens.pop(0)
        return True

    def either(self) -> Value:
        """Parse alternatives."""
        return self._chain("||", self.both, lambda left, right: left or right)

    def both(self) -> Value:
        """Parse a conjunction."""
        return self._chain("&&", self.compared, lambda left, right: left and right)

    def compared(self) -> Value:
        """Parse one comparison, or a value that is true if it is neither empty nor missing."""
        left = self.operand()
        for sign, equal in (("==", True), ("!=", False)):
            if self.took(sign):
                return (left == self.operand()) is equal
        return left

    def operand(self) -> Value:
        """Parse a string, the value of a name, or a parenthesized expression."""
        if self.took("("):
            value = self.either()
            assert self.took(")")
            return value
        kind, text = self.tokens.pop(0)
        if kind != "name":
            return text
        return None if text == "null" else self.names[text]

    def _chain(
        self, sign: str, part: Callable[[], Value], join: Callable[[Value, Value], Value]
    ) -> Value:
        value = part()
        while self.took(sign):
            value = join(value, part())
        return value


def holds(expression: str, names: Mapping[str, Value]) -> bool:
    """Return whether a condition is true; an unknown name is an error."""
    unread = Unread(expression, names)
    value = unread.either()
    assert unread.tokens == []
    return bool(value)
