"""What a plain scalar means where no text is asked for: YAML 1.2's core schema, and only that."""

from __future__ import annotations

import math
import re

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUTHS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Beyond these, JSON's numbers are no longer exact, and so neither is a digest.
LARGEST = 2**53 - 1
_DECIMAL = re.compile(r"[-+]?[0-9]+", re.ASCII)
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
# More digits than this cannot be a number within bounds, and Python refuses far longer ones.
_LONGEST = 400


def parse_integer(text: str) -> int | None:
    """Return the integer that a text is; base 8 needs ``0o``, so ``012`` is twelve."""
    if len(text) > _LONGEST:
        return None
    if _DECIMAL.fullmatch(text):
        return int(text)
    return int(text, 0) if _RADIX.fullmatch(text) else None


def parse_number(text: str) -> int | float | None:
    """Return the number that a text is, an integer where it is one; never an infinite one."""
    whole = parse_integer(text)
    if whole is not None:
        return whole
    if len(text) > _LONGEST or not _FLOAT.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def is_numeric(text: str) -> bool:
    """Whether a text has a number's form, be the number finite or not."""
    return bool(_FLOAT.fullmatch(text) or _ENDLESS.fullmatch(text) or _RADIX.fullmatch(text))


def parse_core_scalar(text: str) -> bool | int | float | str | None:
    """Return what a plain scalar is by the core schema alone; an endless number stays text."""
    if text in NULLS:
        return None
    if text in TRUTHS:
        return TRUTHS[text]
    value = parse_number(text)
    return text if value is None else value
