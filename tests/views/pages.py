"""An independent reader of our Markdown, which renders it as GitHub does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

VOID = {"br"}
OURS = {
    *("h3", "h4", "p", "strong", "em", "code", "blockquote", "details", "summary", "br"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
"""The tags that our Markdown leads to; a text must never add another."""


@dataclass
class Page:
    """A rendered page: the rows of its tables, its other texts, and every tag."""

    rows: list[list[str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All texts outside the tables."""
        return " ".join(" ".join(self.texts).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append(tag)
        self.page.attributes += [name for name, _ in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.page.rows.append([])
        if tag in {"td", "th"}:
            self.page.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.page.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.page.rows[-1][-1] += data
        else:
            self.page.texts.append(data)


def read(markdown: str) -> Page:
    """Return the page that GitHub's flavour of Markdown renders, with raw HTML as HTML."""
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    reader = _Reader()
    reader.feed(html.render(markdown))
    reader.close()
    reader.page.unbalanced += reader.open
    return reader.page
