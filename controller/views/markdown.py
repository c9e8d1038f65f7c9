"""GitHub's Markdown, in which no text becomes markup, and which keeps to a size limit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controller.core.printable import escape_line
from controller.views.text import format_count

# One huge message must not take the room of all other rows.
_LONGEST_CELL = 2000
# Bytes that are kept for the sentence about omitted rows.
_NOTICE = 80
# GitHub also links bare URLs and www addresses, hence the colon and the dot.
_MARKUP = re.compile(r"[\\`*_\[\]<>#!|~&$@]|:(?=//)|(?<=www)\.")
# Followed by a word they notify people, or link to issues, labels and milestones.
_BEFORE_WORD = re.compile(r"(?<=[@#!~$%])(?=\w)")
_QUOTED = re.compile(r"`([^`]+)`")
# A zero-width space: it is invisible, and breaks a mention or a reference.
_APART = "&#8203;"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the text before and after it; ``rows`` are lines of Markdown.

    ``share`` is the largest part of the remaining room that it may take. Tables of a lower ``rank``
    get room before those of a higher one, whatever their order.
    """

    before: str
    head: tuple[str, ...]
    rows: tuple[str, ...]
    after: str = ""
    share: float = 1.0
    rank: int = 0

    @property
    def opening(self) -> str:
        """Everything before the rows."""
        rule = "|".join("---" for _ in self.head)
        return f"{self.before}\n\n| {' | '.join(self.head)} |\n|{rule}|\n"

    @property
    def closing(self) -> str:
        """Everything after the rows."""
        return f"\n{self.after}\n\n" if self.after else "\n"


def render_document(title: str, leads: Sequence[str], tables: Sequence[Table], limit: int) -> str:
    """Return Markdown of at most ``limit`` bytes: whole rows, and the number of omitted ones.

    ``leads`` are paragraphs of Markdown, which are never cut.
    """
    head = "".join(f"{paragraph}\n\n" for paragraph in [f"### {title}", *leads])
    left = limit - _NOTICE - len(head.encode())
    written, cut = {}, 0
    # The sort is stable: of equal ranks the first table gets room first.
    for place, table in sorted(enumerate(tables), key=lambda one: one[1].rank):
        written[place], missing = _fit_table(table, left)
        left -= len(written[place].encode())
        cut += missing
    body = "".join(written[place] for place in range(len(tables)))
    remark = f"_{format_count(cut, 'row')} cut, to keep within {limit:,} bytes._\n" if cut else ""
    return f"{head}{body}{remark}"


def _fit_table(table: Table, left: int) -> tuple[str, int]:
    """Return a table with as many rows as fit, and how many do not; empty if none fits."""
    around = len(table.opening.encode()) + len(table.closing.encode())
    fitting = list(_take_fitting_rows(table.rows, int(left * table.share) - around))
    missing = len(table.rows) - len(fitting)
    return "".join([table.opening, *fitting, table.closing]) if fitting else "", missing


def _take_fitting_rows(rows: Sequence[str], left: int) -> Iterator[str]:
    for row in rows:
        left -= len(row.encode())
        if left < 0:
            return
        yield row


def format_row(*cells: str) -> str:
    """Return one row of a table, of cells that are Markdown."""
    return f"| {' | '.join(cells)} |\n"


def fold_table(label: str, head: tuple[str, ...], rows: Sequence[str]) -> Table:
    """Return a table that is folded under a label, which is plain text."""
    before = f"<details><summary>{format_text(label)}</summary>"
    # Folded tables get the room that the others leave.
    return Table(before, head, tuple(rows), "</details>", rank=1)


def format_text(plain: str) -> str:
    """Return plain text as one line of Markdown that shows exactly this text.

    Nothing in it becomes markup, a mention, a reference, an e-mail address or a link; only text
    between two backticks, as in our own messages, is shown as code.
    """
    # The odd parts of the split are the texts between backticks.
    outside = _QUOTED.split(_truncate(escape_line(plain)))
    return "".join(
        format_code(part)
        if index % 2
        else _APART.join(map(_escape_markup, _BEFORE_WORD.split(part)))
        for index, part in enumerate(outside)
    ).strip()


def format_code(plain: str) -> str:
    """Return plain text as Markdown code, in which nothing is a reference."""
    return f"<code>{_escape_markup(_truncate(escape_line(plain)))}</code>" if plain else ""


def _truncate(plain: str) -> str:
    rest = len(plain) - _LONGEST_CELL
    return f"{plain[:_LONGEST_CELL]}… ({rest} more characters)" if rest > 0 else plain


def _escape_markup(plain: str) -> str:
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", plain)


def join_lines(plain: Sequence[str]) -> str:
    """Return several plain texts as lines of one cell."""
    return "<br>".join(map(format_text, plain))
