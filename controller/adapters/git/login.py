"""A user and a password from a URL, given to git where no other user of the machine sees them.

On a command line they would be in the list of processes, and git would write them into the
configuration of a clone. The environment of a process is its user's alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

_HTTP = re.compile(
    r"(?P<scheme>https?)://(?P<login>[^/?#\s]+)@(?P<host>[^/?#\s@]+)(?P<rest>.*)", re.IGNORECASE
)
_USER, _PASSWORD = "BEDROCK_JOBS_GIT_USERNAME", "BEDROCK_JOBS_GIT_PASSWORD"
# A shell's own printf appears in no list of processes either. Only `get` is answered: git also
# offers what it has used, to be stored.
_HELPER = (
    r"""!f() { if test "$1" = get; then printf "username=%s\npassword=%s\n" """
    f'"${_USER}" "${_PASSWORD}"; fi; }}; f'
)
_COUNT = "GIT_CONFIG_COUNT"


def signed_in(url: str, outer: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return a URL without its credentials, and the environment that has git use them there.

    ``outer`` is the environment that it adds to. Any URL but one of HTTP stays as it is.
    """
    found = _HTTP.fullmatch(url)
    if found is None:
        return url, {}
    site = f"{found['scheme']}://{found['host']}"
    plain = f"{site}{found['rest']}"
    user, colon, password = found["login"].partition(":")
    scope = f"credential.{site}"
    if not colon:
        return plain, _set([(f"{scope}.username", _decoded(user))], outer)
    # An empty name lets no other helper answer, or store what this one says.
    settings = [(f"{scope}.helper", ""), (f"{scope}.helper", _HELPER)]
    login = {_USER: _decoded(user), _PASSWORD: _decoded(password)}
    return plain, {**_set(settings, outer), **login}


def _decoded(word: str) -> str:
    """Return a part of a URL as it is meant, unless a character in it would end a line."""
    decoded = unquote(word, errors="surrogateescape")
    return decoded if decoded.isprintable() else word


def _set(settings: Iterable[tuple[str, str]], outer: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that set a configuration, behind those that are there already."""
    number = int(known) if (known := outer.get(_COUNT, "0")).isdecimal() else 0
    made: dict[str, str] = {}
    for name, value in settings:
        made |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        number += 1
    return {**made, _COUNT: str(number)}
