"""Links from problem codes and reasons to the pages that document them."""

from __future__ import annotations

from collections.abc import Iterable

from controller.core.planning.actions import Reason
from controller.core.problems import Code

VARIABLE = "BEDROCK_JOBS_DOCS_URL"
"""The environment variable with the URL at which the documentation is published."""

_PAGES = {
    **{code.code: "problems" for code in Code},
    **{str(reason): "reasons" for reason in Reason},
}


def build_link(rule: str, site: str = "") -> str:
    """Return a link to the documentation of a problem code or reason; empty for any other name.

    With the URL of a published ``site`` it is a URL, else a path in the project's repository.
    """
    page = _PAGES.get(rule)
    if page is None:
        return ""
    if site:
        # The site has a folder per page, and anchors in lower case.
        return f"{site.rstrip('/')}/reference/{page}/#{rule.lower()}"
    return f"docs/reference/{page}.md#{rule.lower()}"


def format_links(codes: Iterable[str], site: str = "") -> str:
    """Return links to several problem codes in one line: the first in full, then anchors only."""
    first, *rest = sorted(set(codes))
    return ", ".join([build_link(first, site), *(f"#{code.lower()}" for code in rest)])
