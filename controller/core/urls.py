"""Redacts URLs: no users, passwords, tokens or queries."""

from __future__ import annotations

import re

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>\S*)")
_USER = re.compile(r"(?<=://)[^/\s]*@")
_TAIL = re.compile(r"[?#]")
_SEPARATORS = re.compile(r"[/:?#&=@]")
# Shorter parts, such as a port, also occur in ordinary text.
_SHORTEST_SECRET = 6
HIDDEN = "***"


def mask_urls(text: str) -> str:
    """Return a text in which no URL shows a user, a password, a query or a fragment.

    A password may contain any character, even a slash: if in doubt, everything before the last
    ``@`` is masked.
    """
    return _URL.sub(lambda found: found["scheme"] + _mask_rest(found["rest"]), text)


def strip_credentials(url: str) -> str:
    """Return a URL without credentials, query and fragment."""
    return _TAIL.split(_USER.sub("", url), maxsplit=1)[0]


def find_secrets(url: str) -> tuple[str, ...]:
    """Return the parts of a URL that must not be printed, even where a program takes it apart."""
    found = _URL.search(url)
    if found is None:
        return ()
    before, _, after = found["rest"].rpartition("@")
    tail = _TAIL.split(after, maxsplit=1)[1:]
    words = [before, *_SEPARATORS.split(before), *tail, *_SEPARATORS.split("".join(tail))]
    long = {word for word in words if len(word) >= _SHORTEST_SECRET}
    return tuple(sorted(long, key=len, reverse=True))


def _mask_rest(rest: str) -> str:
    head, *tail = _TAIL.split(rest, maxsplit=1)
    if tail and "@" in tail[0]:
        # It is impossible to tell where the password ends and the query begins.
        return HIDDEN
    user, at, place = head.rpartition("@")
    # An @ in the last segment of a path is part of it, unless a password may begin before it.
    is_path = "/" in user and "/" not in place and not {":", "@"} & set(user)
    shown = f"{HIDDEN}@{place}" if at and not is_path else head
    return f"{shown}?{HIDDEN}" if tail else shown
