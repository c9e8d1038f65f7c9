"""Texts that a stranger may put where we print them, and what a terminal would make of them."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

HOSTILE = (
    "\x1b[2J\x1b]0;title\x07\x1b]8;;https://example.com\x1b\\link",
    "\x9b31mred\x90q\x9c",
    "a\rb\x08\x7f\x00",
    "\u202egnp.exe\u2066\u2069\u200f\u061c",
    "zero\u200bwidth\u2060\ufeff",
    "line\u2028paragraph\u2029next\x85end",
    "\udc80\ud800",
    "::stop-commands::x\n::error file=a::b",
    "\n  ::set-output name=x::y\r\t::warning::z",
    "\xa0::error::after a blank",
    "##[error]x ##[add-mask]y",
    "[/] [link=https://example.com]x[/link] [bold",
    "\x1b[0Ksection_start:1:x\r\x1b[0Khidden",
)
_PIECES = (*HOSTILE, "plain", " ", "\n", "\t", "::", "##[", "漢字", "🦊")

TEXTS = st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=4).map("".join)
"""Texts of hostile pieces and of anything else."""

# Of its format characters a terminal or editor acts on some; none of them is to reach either.
_ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def terminal_sees(printed: str) -> set[str]:
    """Return the characters of an output that are more than text; tabs and line ends are meant."""
    return {one for one in printed if unicodedata.category(one) in _ACTING} - {"\n", "\t"}
