"""Hostile files before the command itself: it ends as documented, without a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.hostile import JSON, YAML
from tests.fuzz.targets import TARGETS
from tests.support.commands import call

FINE, FAILED, CHANGES, INVALID = 0, 1, 2, 4
VERBS = (("validate",), ("status",), ("plan", "--sandbox", "--detailed-exitcode"))
FILES = [
    ("manifest", YAML["aliases of aliases"], INVALID),
    ("manifest", YAML["surrogate as a name"], INVALID),
    ("manifest", YAML["surrogates of bytes"], INVALID),
    ("manifest", YAML["digits five thousand"], INVALID),
    ("manifest", YAML["keys nearly right in spec"], INVALID),
    ("manifest", YAML["brackets fifty deep"], INVALID),
    ("manifest", YAML["NULs"], INVALID),
    ("defaults", YAML["quoted scalar left open"], INVALID),
    ("fleet", YAML["brackets closed"], INVALID),
    ("fleet", YAML["no UTF-8"], INVALID),
    ("sidecar", JSON["surrogates"], FAILED),
    ("sidecar", JSON["surrogate as a name"], FINE),
    ("sidecar", JSON["deep in an entry"], FAILED),
    ("sidecar", JSON["digits five thousand"], FAILED),
    ("sidecar", JSON["no number"], FAILED),
    ("sidecar", JSON["maps in 16 MiB"], FAILED),
]


@pytest.mark.parametrize(("target", "content", "code"), FILES, ids=range(len(FILES)))
def test_commands_end_as_documented(tmp_path: Path, target: str, content: bytes, code: int) -> None:
    """Every verb ends in problems or answers; the words of the file itself do not break it.

    A sidecar that cannot be understood fails the verb that would submit, and no other.
    """
    (tmp_path / "jobs").mkdir()
    TARGETS[target].fill(tmp_path / "jobs", content)

    for verb in VERBS:
        ran = call(tmp_path, *verb)
        assert "Traceback" not in ran.err + ran.out
        expected = {code, CHANGES} if verb[0] == "plan" else {FINE if code == FAILED else code}
        assert ran.code in expected, ran.err
