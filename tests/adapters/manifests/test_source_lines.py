from __future__ import annotations

from pathlib import Path

import pytest

from controller.adapters.manifests.source_lines import read_source_lines


def test_lines_are_those_of_a_file_of_the_tree(tmp_path: Path) -> None:
    """A regular file is quoted, and so is one that a link inside the tree stands for."""
    (tmp_path / "a.yaml").write_text("\ufeffa: 1\nb: 2", encoding="utf-8")
    (tmp_path / "b.yaml").symlink_to("a.yaml")

    assert read_source_lines(str(tmp_path / "a.yaml")) == ("a: 1", "b: 2")
    assert read_source_lines(str(tmp_path / "b.yaml")) == ("a: 1", "b: 2")


@pytest.mark.parametrize("target", ["/proc/self/environ", "../secret", "../none", "/dev/zero", "."])
def test_no_line_from_outside_is_quoted(tmp_path: Path, target: str) -> None:
    """A link out of the tree, to a device or a folder has no lines."""
    (tmp_path / "secret").write_text("password: hunter2")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "_defaults.yaml").symlink_to(target)

    assert read_source_lines(str(tmp_path / "tree" / "_defaults.yaml")) == ()
