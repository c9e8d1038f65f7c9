"""However a file is laid out, mending its modelines changes no value and no other byte."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.authoring.modelines import find_modeline_mismatches, fix_modelines
from controller.adapters.schemas import shipped_schemas
from controller.core.kinds.registry import KINDS

KIND = next(iter(KINDS))
FILE = shipped_schemas.make_file_name(KIND)
RIGHT = f"# yaml-language-server: $schema=../schemas/{FILE}"
BODIES = (
    f"kind: {KIND}\nmetadata: {{name: a}}\n",
    f"metadata:\n  name: a  # b\nkind: {KIND}\ntext: |\n  # no comment\n  --- none\n",
    f'{{"kind": "{KIND}"}}\n',
    f"'kind': {KIND}\n# behind\n\n",
    "just: a mapping\n",
)
ABOVE = (
    "",
    "# a note",
    RIGHT,
    "# yaml-language-server: $schema=nowhere.json",
    "#yaml-language-server: $schema=no-line.json",
    f"# $schema: ../schemas/{FILE} # mine",
)
STARTS = ("---\n", "--- # here\n", "...\n---\n", "--- ")

document = st.tuples(
    st.sampled_from(STARTS), st.lists(st.sampled_from(ABOVE), max_size=3), st.sampled_from(BODIES)
)


@contextmanager
def tree(data: bytes) -> Iterator[Path]:
    """While the context lasts there is a tree with one file and the schemas."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "jobs", "a.yaml")
        path.parent.mkdir()
        path.write_bytes(data)
        (schema := Path(folder, "schemas", FILE)).parent.mkdir()
        schema.touch()
        yield path


def laid_out(
    documents: list[tuple[str, list[str], str]], first: str, ends: str, mark: str
) -> bytes:
    """Return the bytes of a file with some documents."""
    text = ""
    for index, (start, above, body) in enumerate(documents):
        # What begins on the line of its --- has no header of its own.
        head = "" if start == "--- " else "".join(f"{line}\n" for line in above)
        flow = body if body.startswith("{") or start != "--- " else "{}\n"
        text += (start if index else first) + head + flow
    return (mark + text.replace("\n", ends)).encode()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(document, min_size=1, max_size=3),
    st.sampled_from(["", "# top\n", "---\n", "# top\n---\n"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_mending_changes_nothing_else(
    documents: list[tuple[str, list[str], str]], first: str, ends: str, mark: str
) -> None:
    """The same documents come out, all other lines are kept, and only what has no place is left."""
    before = laid_out(documents, first, ends, mark)
    with tree(before) as path:
        found = find_modeline_mismatches([path], path.parents[1] / "schemas")
        for one in found.mismatches:
            assert one.wanted == f"../schemas/{FILE}"
        fix_modelines(str(path), found.mismatches)
        after = path.read_bytes()
        left = find_modeline_mismatches([path], path.parents[1] / "schemas").mismatches

    assert [one for one in left if one.is_fixable] == []
    assert len(left) == sum(not one.is_fixable for one in found.mismatches)
    assert [*yaml.safe_load_all(after)] == [*yaml.safe_load_all(before)]
    assert after.startswith(mark.encode())
    assert others(after, mark) == others(before, mark)


def others(data: bytes, mark: str) -> list[bytes]:
    """Return a file's lines but those that name a schema, each with its break."""
    lines = data.removeprefix(mark.encode()).splitlines(keepends=True)
    return [line for line in lines if b"$schema" not in line]
