"""Pass a URL's user and password to git without exposing them to other users.

On a command line they would appear in the process list, and git would write them into the clone's
configuration. A process's environment is readable by its user only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

_HTTP = re.compile(
    r"(?P<scheme>https?)://(?P<login>[^/?#\s]+)@(?P<host>[^/?#\s@]+)(?P<rest>.*)", re.IGNORECASE
)
_USER, _PASSWORD = "BEDROCK_JOBS_GIT_USERNAME", "BEDROCK_JOBS_GIT_PASSWORD"
# printf is a shell builtin, so it appears in no process list either. Only `get` is answered:
# git also calls helpers to store credentials.
_HELPER = (
    r"""!f() { if test "$1" = get; then printf "username=%s\npassword=%s\n" """
    f'"${_USER}" "${_PASSWORD}"; fi; }}; f'
)
_COUNT = "GIT_CONFIG_COUNT"


def split_credentials(url: str, outer: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return a URL without its credentials, and the environment that makes git use them there.

    ``outer`` is the environment that it extends. A URL that is not HTTP is returned unchanged.
    """
    found = _HTTP.fullmatch(url)
    if found is None:
        return url, {}
    site = f"{found['scheme']}://{found['host']}"
    plain = f"{site}{found['rest']}"
    user, colon, password = found["login"].partition(":")
    scope = f"credential.{site}"
    if not colon:
        return plain, _build_config_variables([(f"{scope}.username", _decode(user))], outer)
    # An empty value clears the list of helpers: no other one answers, or stores the password.
    settings = [(f"{scope}.helper", ""), (f"{scope}.helper", _HELPER)]
    login = {_USER: _decode(user), _PASSWORD: _decode(password)}
    return plain, {**_build_config_variables(settings, outer), **login}


def _decode(word: str) -> str:
    """Percent-decode a part of a URL, unless the result would break the helper's line format."""
    decoded = unquote(word, errors="surrogateescape")
    return decoded if decoded.isprintable() else word


def _build_config_variables(
    settings: Iterable[tuple[str, str]], outer: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that append settings to those already in the environment."""
    number = int(known) if (known := outer.get(_COUNT, "0")).isdecimal() else 0
    made: dict[str, str] = {}
    for name, value in settings:
        made |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        number += 1
    return {**made, _COUNT: str(number)}
