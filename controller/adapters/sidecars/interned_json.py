"""JSON that is much alike, read so that what many texts have in common is held once."""

from __future__ import annotations

import json
from typing import Any

_MAX_INTERNED = 4_096
"""What repeats in many texts is met in the first of them; the rest is theirs alone."""


class InterningDecoder:
    """Reads JSON as ``json.loads`` does; equal names and values are one string.

    Those of the first texts are known for good, those of each later one as long as it is read.
    Sidecars read so take less than half the memory, at a third more of the time.
    """

    def __init__(self) -> None:
        self._met: dict[str, str] = {}
        self._here: dict[str, str] = {}
        self._decode = json.JSONDecoder(object_pairs_hook=self._intern_pairs).decode

    def decode(self, content: bytes) -> Any:
        """Return what a text says; raises ValueError or RecursionError where it is not JSON."""
        if len(self._met) < _MAX_INTERNED:
            self._met |= self._here
        self._here = {}
        return self._decode(content.decode(json.detect_encoding(content), "surrogatepass"))

    def _intern_pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        met, known = self._met.get, self._here.setdefault
        return {
            met(name) or known(name, name): (
                met(value) or known(value, value) if type(value) is str else value
            )
            for name, value in pairs
        }
