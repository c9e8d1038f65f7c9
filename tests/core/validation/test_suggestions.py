"""What a person probably meant, from the names that a schema has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from controller.adapters.schemas import shipped_schemas
from controller.core.schema.paths import iter_member_paths
from controller.core.validation.suggestions import find_elsewhere, find_nearest

SPELLINGS: dict[str, Callable[[str], str]] = {
    "PascalCase": lambda name: name[0].upper() + name[1:],
    "snake_case": lambda name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(),
    "kebab-case": lambda name: re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower(),
    "UPPER_CASE": lambda name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(),
    "Acronyms": lambda name: name.replace("Uri", "URI").replace("Kms", "KMS").replace("Id", "ID"),
}


def written(path: tuple[str, ...], key: str) -> dict[str, Any]:
    """Return a document in which a member of a mapping is spelled another way."""
    value: dict[str, Any] = {key: "x"}
    for name in reversed(path[:-1]):
        value = {name: value}
    return value


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("stem", shipped_schemas.STEMS)
def test_each_member_is_found_in_each_spelling(stem: str, spell: Callable[[str], str]) -> None:
    """Whatever convention of other tools a member is written in, the hint names it."""
    schema, checker, missed = (
        shipped_schemas.load_schema(stem),
        shipped_schemas.get_checker(stem),
        [],
    )
    reachable = [path for path in iter_member_paths(schema) if written_reaches(schema, path)]
    for path in reachable:
        key = spell(path[-1])
        if key == path[-1]:
            continue
        found = checker.find_mistakes(written(path, key))
        hints = [one.hint for one in found if one.path[-1:] == (key,)]
        if hints != [f"did you mean `{path[-1]}`?"]:
            missed.append((path, key, hints))

    assert len(reachable) > 3
    assert missed == []


def written_reaches(schema: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a member stands in mappings alone: items of lists have no names on their way."""
    node: Any = schema
    for name in path:
        node = node.get("properties", {}).get(name)
        if not isinstance(node, dict):
            return False
    return True


def test_defaulted_members_are_found() -> None:
    """Members that default to the manifest's name are offered although they have a value."""
    spec = {"jobName": "a", "customModelName": "a", "CustomModelName": "b", "job_name": "c"}
    kind = next(
        stem
        for stem in shipped_schemas.STEMS
        if "customModelName" in str(shipped_schemas.load_schema(stem))
    )

    found = shipped_schemas.get_checker(kind).find_mistakes({"spec": spec})

    hints = {one.path[-1]: one.hint for one in found if one.path and one.path[-1] in spec}
    assert hints["CustomModelName"] == "did you mean `customModelName`?"
    assert hints["job_name"] == "did you mean `jobName`?"


def test_separators_alone_resemble_nothing() -> None:
    """A name of separators, and one of a mebibyte, have no near name."""
    assert find_nearest("--", ["jobName"]) is None
    assert find_elsewhere("-", shipped_schemas.load_schema(shipped_schemas.STEMS[0])) is None
    assert find_nearest("a" * (1 << 20), ["jobName"]) is None
