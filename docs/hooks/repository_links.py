"""A hook of MkDocs: links from docs/ to other files of the repository.

On a forge such a link opens the file. The site holds docs/ alone, so there it leads to the forge
if `repo_url` names one, and is plain text otherwise.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

# Code is matched first, so that a link inside a code block stays as it is.
_CODE_OR_LINK = re.compile(
    r"(?P<code>^```.*?^```|`[^`\n]+`)"
    r"|(?<!!)\[(?P<text>(?:`[^`]*`|[^\]`])+)\]\((?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>[^)\s]*)\)",
    re.MULTILINE | re.DOTALL,
)


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_rest: Any) -> str:
    """Return a page's Markdown with every link that leaves docs/ replaced."""
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def replace(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        path = posixpath.normpath(posixpath.join(folder, match["path"]))
        if path.startswith("docs/"):
            return match[0]
        if not config.repo_url:
            return match["text"]
        return f"[{match['text']}]({config.repo_url.rstrip('/')}/blob/HEAD/{path}{match['anchor']})"

    return _CODE_OR_LINK.sub(replace, markdown)
