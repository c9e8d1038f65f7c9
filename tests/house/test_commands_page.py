from __future__ import annotations

from collections.abc import Iterator

from controller.adapters.schemas import shipped_schemas
from controller.core.kinds.descriptions import Node
from controller.core.kinds.registry import KINDS
from controller.core.kinds.schema_keywords import FORM
from tests.house import manifest_page, problems_page
from tests.house.reference import PAGE, rendered


def test_the_page_of_commands_is_current() -> None:
    """Every command and option is documented as --help prints it; `make docs` updates the page."""
    assert PAGE.read_text(encoding="utf-8") == rendered()


def test_the_page_of_the_manifest_is_current() -> None:
    """Every key is documented as the shipped schemas have it; `make docs` updates the page."""
    assert manifest_page.PAGE.read_text(encoding="utf-8") == manifest_page.rendered()


def test_the_page_of_problems_is_current() -> None:
    """Every problem code is documented with the texts that SARIF has; `make docs` updates it."""
    assert problems_page.PAGE.read_text(encoding="utf-8") == problems_page.rendered()


def test_the_page_of_the_manifest_has_all_keys() -> None:
    """Each key has a row, with every description and pattern of the schemas."""
    page = manifest_page.rendered()
    kinds = [dict(shipped_schemas.load_schema(stem)) for stem in (*KINDS, shipped_schemas.FLEET)]
    told = [node for schema in kinds for node in nodes(schema)]
    assert len(told) > 90
    for name, node in told:
        assert f"`{name}`" in page
        assert name == "spec" or manifest_page.as_markdown(node["description"]) in page
        assert manifest_page.as_markdown(node.get(FORM, "")) in page


def nodes(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield all keys below a node, each with its node."""
    for name, child in node.get("properties", {}).items():
        yield name, child
        yield from nodes(child)
        yield from nodes(child.get("items", {}))
