"""The conditions of pipelines, as GitHub's ``if`` and GitLab's ``rules:if`` have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Value = str | bool | None

TOKEN = re.compile(
    r"""\s*(?:(?P<sign>&&|\|\||==|!=|\(|\))|'(?P<single>[^']*)'|"(?P<double>[^"]*)\""""
    r"""|(?P<name>\$?[A-Za-z_][\w.-]*))"""
)


class Unread:
    """What is left to read of an expression."""

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
        """Take a sign, if it is next."""
        if self.tokens[:1] != [("sign", sign)]:
            return False
        self.tokens.pop(0)
        return True

    def either(self) -> Value:
        """Read alternatives."""
        return self._chain("||", self.both, lambda left, right: left or right)

    def both(self) -> Value:
        """Read what must hold together."""
        return self._chain("&&", self.compared, lambda left, right: left and right)

    def compared(self) -> Value:
        """Read one comparison, or a value that is true where it is neither empty nor missing."""
        left = self.operand()
        for sign, equal in (("==", True), ("!=", False)):
            if self.took(sign):
                return (left == self.operand()) is equal
        return left

    def operand(self) -> Value:
        """Read a text, a name's value, or what stands in parentheses."""
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
    """Return whether a condition is met; a name that is not known is a mistake in it."""
    unread = Unread(expression, names)
    value = unread.either()
    assert unread.tokens == []
    return bool(value)
