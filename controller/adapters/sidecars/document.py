"""The bytes of a sidecar: which entries they hold, and what in them cannot be understood."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.model import API_VERSION

MAX_SIDECAR_BYTES = 12 << 20
"""Several times what 2,000 entries take, the most that one file of manifests can lead to."""
_MAX_PARTS = 400_000
_SMALL_BYTES = 300_000
_MAX_DEPTH = 64
_BEFORE = f'{{\n  "apiVersion": "{API_VERSION}",\n  "jobs": '.encode()
_AFTER = b',\n  "kind": "Status"\n}\n'
_OURS = API_VERSION.partition("/")[0] + "/"


@dataclass(frozen=True, slots=True)
class SidecarContent:
    """What a sidecar's bytes say.

    ``jobs`` holds the entries by ``Kind/name``, whatever their key in the file is. ``broken`` says
    why the bytes are not a whole sidecar, and ``foreign`` that they are well-formed JSON of
    another program.
    """

    jobs: Mapping[str, Any]
    broken: str = ""
    foreign: bool = False


def parse_sidecar(content: bytes, loads: Callable[[bytes], Any] = json.loads) -> SidecarContent:
    """Return what a sidecar's bytes say; never raises for any bytes."""
    if not content:
        return SidecarContent({}, "it is empty")
    if is_large(content):
        return SidecarContent({}, "it is larger than any sidecar")
    try:
        document = loads(content)
    except RecursionError:
        return SidecarContent({}, "it nests too deep")
    except ValueError:
        return SidecarContent(
            {}, "it is cut, has conflict markers, or is no JSON for another reason"
        )
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, dict):
        return SidecarContent({}, "it has no jobs", foreign=not _is_ours(document))
    # Only a file with many brackets can be deep, and few have them.
    if content.count(b"{") + content.count(b"[") > _MAX_DEPTH and _is_deep(jobs):
        return SidecarContent({}, "it nests too deep")
    return SidecarContent(_expand_keys(jobs))


def parse_entries(content: bytes) -> dict[str, Any]:
    """Return the entries of a sidecar by ``Kind/name``; what is not one has none."""
    jobs = parse_sidecar(content).jobs
    return {name: raw for name, raw in jobs.items() if isinstance(raw, dict)}


class SidecarText:
    """The text of a sidecar, entry by entry, so that a change of few renders only those."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self.entries = dict(entries)
        self._texts: dict[str, bytes] = {}

    def update(self, changes: Mapping[str, Any]) -> SidecarText:
        """Return this text with other entries in it."""
        for key, entry in changes.items():
            if self.entries.get(key) != entry or key not in self.entries:
                self.entries[key] = entry
                self._texts.pop(key, None)
        return self

    def render(self) -> bytes:
        """Return the bytes: those of ``json.dumps`` with two spaces and sorted keys."""
        lines = b",\n".join(
            b"    %b: %b"
            % (_encode(json.dumps(short, ensure_ascii=False)), self._render_entry(key))
            for short, key in sorted(_make_short_keys(self.entries).items())
        )
        return _BEFORE + (b"{\n%b\n  }" % lines if lines else b"{}") + _AFTER

    def _render_entry(self, key: str) -> bytes:
        # Bytes, because one wide character makes Python keep four bytes for each of a text.
        text = self._texts.get(key)
        if text is None:
            made = json.dumps(self.entries[key], indent=2, sort_keys=True, ensure_ascii=False)
            text = self._texts[key] = _encode(made).replace(b"\n", b"\n    ")
        return text


def _encode(text: str) -> bytes:
    # Half of a surrogate pair is no UTF-8, but what stands for it here is its JSON escape.
    return text.encode(errors="backslashreplace")


def render_sidecar(jobs: Mapping[str, Any]) -> bytes:
    """Return the bytes of a sidecar with these entries: the same entries, the same bytes.

    An entry's key is the manifest's name, or ``Kind/name`` where two kinds share a name.
    """
    return SidecarText({_make_full_key(name, raw): raw for name, raw in jobs.items()}).render()


def get_name(key: str) -> str:
    """Return the manifest's name in an entry's key."""
    return key.rpartition("/")[2]


def _is_ours(document: Any) -> bool:
    version = document.get("apiVersion") if isinstance(document, dict) else None
    return isinstance(version, str) and version.startswith(_OURS)


def _expand_keys(jobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries by ``Kind/name``; a key that has its kind wins over one that has none."""
    made = {_make_full_key(name, raw): raw for name, raw in jobs.items() if "/" not in name}
    return made | {name: raw for name, raw in jobs.items() if "/" in name}


def _make_full_key(name: str, raw: Any) -> str:
    kind = raw.get("kind") if isinstance(raw, dict) and "/" not in name else None
    return f"{kind}/{name}" if isinstance(kind, str) and kind else name


def _make_short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Return the entries' keys by those that they have in the file."""
    shared = Counter(map(get_name, keys))
    return {name if shared[name := get_name(key)] == 1 else key: key for key in keys}


def is_large(content: bytes) -> bool:
    """Return whether a sidecar is larger, or has more parts, than any that we write."""
    if len(content) <= _SMALL_BYTES:
        return False  # each part takes a byte at least
    return (
        len(content) > MAX_SIDECAR_BYTES or sum(map(content.count, (b",", b"{", b"["))) > _MAX_PARTS
    )


def _is_deep(jobs: Mapping[str, Any]) -> bool:
    """Whether a value nests deeper than an entry ever does, and than can safely be walked."""
    layer: Iterable[Any] = [one for one in jobs.values() if isinstance(one, dict | list)]
    for _ in range(_MAX_DEPTH):
        layer = [
            part
            for one in layer
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, dict | list)
        ]
        if not layer:
            return False
    return True
