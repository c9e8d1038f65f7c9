"""The bytes of a sidecar: which entries they hold, and what in them cannot be understood."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.model import API_VERSION

LARGEST = 12 << 20
"""Several times what 2,000 entries take, the most that one file of manifests can lead to."""
_MOST_PARTS = 400_000
_FEWEST_PARTS = 300_000
_DEEPEST = 64
_BEFORE = f'{{\n  "apiVersion": "{API_VERSION}",\n  "jobs": '.encode()
_AFTER = b',\n  "kind": "Status"\n}\n'
_OURS = API_VERSION.partition("/")[0] + "/"


@dataclass(frozen=True, slots=True)
class Document:
    """What a sidecar's bytes say.

    ``jobs`` holds the entries by ``Kind/name``, whatever their key in the file is. ``broken`` says
    why the bytes are not a whole sidecar, and ``foreign`` that they are well-formed JSON of
    another program.
    """

    jobs: Mapping[str, Any]
    broken: str = ""
    foreign: bool = False


def document_of(content: bytes, loads: Callable[[bytes], Any] = json.loads) -> Document:
    """Return what a sidecar's bytes say; never raises for any bytes."""
    if not content:
        return Document({}, "it is empty")
    if is_large(content):
        return Document({}, "it is larger than any sidecar")
    try:
        document = loads(content)
    except RecursionError:
        return Document({}, "it nests too deep")
    except ValueError:
        return Document({}, "it is cut, has conflict markers, or is no JSON for another reason")
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, dict):
        return Document({}, "it has no jobs", foreign=not _says_ours(document))
    # Only a file with many brackets can be deep, and few have them.
    if content.count(b"{") + content.count(b"[") > _DEEPEST and _is_deep(jobs):
        return Document({}, "it nests too deep")
    return Document(_expanded(jobs))


def entries_of(content: bytes) -> dict[str, Any]:
    """Return the entries of a sidecar by ``Kind/name``; what is not one has none."""
    jobs = document_of(content).jobs
    return {name: raw for name, raw in jobs.items() if isinstance(raw, dict)}


class Text:
    """The text of a sidecar, entry by entry, so that a change of few renders only those."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self.entries = dict(entries)
        self._texts: dict[str, bytes] = {}

    def put(self, changes: Mapping[str, Any]) -> Text:
        """Return this text with other entries in it."""
        for key, entry in changes.items():
            if self.entries.get(key) != entry or key not in self.entries:
                self.entries[key] = entry
                self._texts.pop(key, None)
        return self

    def rendered(self) -> bytes:
        """Return the bytes: those of ``json.dumps`` with two spaces and sorted keys."""
        lines = b",\n".join(
            b"    %b: %b" % (_encoded(json.dumps(short, ensure_ascii=False)), self._text(key))
            for short, key in sorted(_shortened(self.entries).items())
        )
        return _BEFORE + (b"{\n%b\n  }" % lines if lines else b"{}") + _AFTER

    def _text(self, key: str) -> bytes:
        # Bytes, because one wide character makes Python keep four bytes for each of a text.
        text = self._texts.get(key)
        if text is None:
            made = json.dumps(self.entries[key], indent=2, sort_keys=True, ensure_ascii=False)
            text = self._texts[key] = _encoded(made).replace(b"\n", b"\n    ")
        return text


def _encoded(text: str) -> bytes:
    # Half of a surrogate pair is no UTF-8, but what stands for it here is its JSON escape.
    return text.encode(errors="backslashreplace")


def rendered(jobs: Mapping[str, Any]) -> bytes:
    """Return the bytes of a sidecar with these entries: the same entries, the same bytes.

    An entry's key is the manifest's name, or ``Kind/name`` where two kinds share a name.
    """
    return Text({_full(name, raw): raw for name, raw in jobs.items()}).rendered()


def name_of(key: str) -> str:
    """Return the manifest's name in an entry's key."""
    return key.rpartition("/")[2]


def _says_ours(document: Any) -> bool:
    version = document.get("apiVersion") if isinstance(document, dict) else None
    return isinstance(version, str) and version.startswith(_OURS)


def _expanded(jobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries by ``Kind/name``; a key that has its kind wins over one that has none."""
    made = {_full(name, raw): raw for name, raw in jobs.items() if "/" not in name}
    return made | {name: raw for name, raw in jobs.items() if "/" in name}


def _full(name: str, raw: Any) -> str:
    kind = raw.get("kind") if isinstance(raw, dict) and "/" not in name else None
    return f"{kind}/{name}" if isinstance(kind, str) and kind else name


def _shortened(keys: Iterable[str]) -> dict[str, str]:
    """Return the entries' keys by those that they have in the file."""
    shared = Counter(map(name_of, keys))
    return {name if shared[name := name_of(key)] == 1 else key: key for key in keys}


def is_large(content: bytes) -> bool:
    """Return whether a sidecar is larger, or has more parts, than any that we write."""
    if len(content) <= _FEWEST_PARTS:
        return False  # each part takes a byte at least
    return len(content) > LARGEST or sum(map(content.count, (b",", b"{", b"["))) > _MOST_PARTS


def _is_deep(jobs: Mapping[str, Any]) -> bool:
    """Whether a value nests deeper than an entry ever does, and than can safely be walked."""
    layer: Iterable[Any] = [one for one in jobs.values() if isinstance(one, dict | list)]
    for _ in range(_DEEPEST):
        layer = [
            part
            for one in layer
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, dict | list)
        ]
        if not layer:
            return False
    return True
