"""What a file in a tree is by its name: a manifest, defaults, the fleet's file or a sidecar."""

from __future__ import annotations

from itertools import product
from typing import Final

FLEET_FILE: Final = "bedrock-jobs.yaml"
SIDECAR: Final = ".status.json"
JSON: Final = ".json"
YAML: Final = (".yaml", ".yml")
ENDINGS: Final = (*YAML, JSON)
"""How manifests' names end, in letters of either case."""
SPELLINGS: Final = tuple(
    f".{''.join(letters)}"
    for ending in ENDINGS
    for letters in product(*((one, one.upper()) for one in ending[1:]))
)
"""Those endings in every case of their letters."""
_DEFAULTS: Final = frozenset(f"_defaults{ending}" for ending in YAML)
FLEET_FILES: Final = frozenset(f"bedrock-jobs{ending}" for ending in ENDINGS)
BINDING: Final = _DEFAULTS | FLEET_FILES
"""The names, in small letters, of files that count for every manifest below their folders."""


def is_manifest(name: str) -> bool:
    """Whether passes over a folder read a file of this name.

    A JSON file is read to see whether it is a manifest.
    """
    lower = name.lower()
    if not lower.endswith(ENDINGS) or name[0] in "._":
        return False
    return not is_sidecar(name) and lower not in FLEET_FILES


def is_sidecar(name: str) -> bool:
    """Whether a file of this name holds the records of the manifest beside it."""
    return name.lower().endswith(SIDECAR)


def is_json(name: str) -> bool:
    """Whether a name ends as that of a JSON file."""
    return name.lower().endswith(JSON)


def is_defaults(name: str) -> bool:
    """Whether a file of this name holds defaults for its folder."""
    return name.lower() in _DEFAULTS


def is_fleet_file(name: str) -> bool:
    """Whether a file of this name is the fleet's, or would be if it were spelled right."""
    return name.lower() in FLEET_FILES


def is_binding(name: str) -> bool:
    """Whether a file of this name counts for every manifest below its folder."""
    return name.lower() in BINDING


def is_relevant(name: str) -> bool:
    """Whether reading a tree depends on a file of this name."""
    return is_manifest(name) or is_binding(name)


def get_stem(name: str) -> str | None:
    """Return what a manifest's file shares with its sidecar's name; None for any other file."""
    lower = name.lower()
    ending = next((one for one in (SIDECAR, *ENDINGS) if lower.endswith(one)), None)
    return None if ending is None else name[: -len(ending)]
