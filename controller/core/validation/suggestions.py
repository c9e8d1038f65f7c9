"""What a person probably meant, from what stands near it in the schema."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from controller.core.schema.paths import iter_member_paths

DID_YOU_MEAN: Final = "did you mean"

# `subnets` must find `subnetIds`, but `kmsKeyId` must not find `s3Uri`.
_NEAR: Final = 0.6
_LISTED: Final = 12
_LONGEST: Final = 200
_SEPARATORS: Final = re.compile(r"[-_. ]")
_BUCKET: Final = re.compile(r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]")
_PATH_SIGN: Final = re.compile(r"[^-!_*'().a-zA-Z0-9/]")
_PLACEHOLDER: Final = re.compile(r"<[a-z][a-z0-9-]*>")


def find_placeholder(text: str) -> str | None:
    """Return the first placeholder such as ``<role-arn>`` that was left in a text."""
    found = _PLACEHOLDER.search(text)
    return found.group() if found else None


def find_respelled(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that is a word in another convention (Pascal, snake, kebab), or None."""
    plain = _squeeze(word)
    return next((choice for choice in choices if _squeeze(choice) == plain), None)


def find_nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that a word most resembles, whatever its case and separators, or None."""
    by_plain = {_squeeze(choice): choice for choice in choices}
    found = difflib.get_close_matches(_squeeze(word), by_plain, n=1, cutoff=_NEAR)
    return by_plain[found[0]] if found else None


def format_names(names: Iterable[str]) -> str:
    """Return names in backticks, separated by commas, the tail cut off where there are many."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > _LISTED:
        quoted[_LISTED:] = [f"and {len(quoted) - _LISTED} more"]
    return ", ".join(quoted)


def find_elsewhere(word: str, schema: Mapping[str, Any]) -> str | None:
    """Return the dotted path of a member by that name, or with a name that ends like it."""
    if not (plain := _squeeze(word)):
        return None
    # The service prefixes names with what they belong to, so a tail is as good as the name.
    found = [path for path in iter_member_paths(schema) if _squeeze(path[-1]) == plain]
    found = found or [
        path for path in iter_member_paths(schema) if _squeeze(path[-1]).endswith(plain)
    ]
    if not found:
        return None
    shallowest = min(found, key=len)
    return ".".join(shallowest)


def _squeeze(word: str) -> str:
    """Return a name without what conventions differ in; a long one is cut, for it is none."""
    return _SEPARATORS.sub("", word[:_LONGEST]).lower()


def make_s3_hint(text: str) -> str:
    """Return what the service dislikes about an S3 location, or the empty string."""
    if not text.startswith("s3://"):
        return "begin with `s3://`: the service takes no URL, ARN or path here"
    bucket, _, path = text.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket):
        return f"`{bucket}` cannot be a bucket of S3"
    # The commonest is `=`, from Hive-style folders.
    if sign := _PATH_SIGN.search(path):
        return f"the service refuses {sign.group()!r} in a path, though S3 itself takes it"
    if path.startswith("/") or "//" in path:
        return "there is an empty folder name between two slashes"
    return ""
