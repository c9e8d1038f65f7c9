"""docs/reference/problems.md, generated from the problem codes and their help texts."""

from __future__ import annotations

import textwrap

from controller.core.problems import Code
from controller.views.rule_help import ADVICE
from tests.house.source import ROOT

PAGE = ROOT / "docs" / "reference" / "problems.md"
_HEAD = """# Problems

Every problem has a code, which never changes its meaning, a location, and usually a hint.
`bedrock-jobs validate` reports all problems at once and exits with 4; `plan` and `reconcile` hold
the manifests that have one and process the others.

This page is generated from `controller/views/rule_help.py`: `make docs` updates it. Each code is
a link target, such as `problems.md#bj203`.
"""
_SECTIONS = {
    "BJ1": "The file",
    "BJ2": "The document",
    "BJ3": "The tree and the policy",
    "BJ4": "The fleet's rules",
}


def rendered() -> str:
    """Return the page: a heading for each code, so that its anchor is the code itself."""
    parts = [_HEAD]
    section = ""
    for code in Code:
        if code.code[:3] != section:
            section = code.code[:3]
            parts.append(f"## {_SECTIONS[section]}\n")
        text = textwrap.fill(f"**{code.meaning}** {ADVICE[code]}", 120, break_on_hyphens=False)
        parts.append(f"### {code.code}\n{text}\n")
    return "\n".join(parts)
