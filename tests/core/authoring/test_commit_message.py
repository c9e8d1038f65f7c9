"""The message of a commit of statuses: a function of its content, with nothing of a stranger's."""

from __future__ import annotations

import pytest

from controller.core.authoring.commit_message import (
    TEMPLATE,
    TemplateError,
    build_message,
    check,
    compute_fingerprint,
)

MOVES = [("a", "", "InProgress"), ("b", "InProgress", "Completed"), ("c", "Failed", "")]
FILES = {"jobs/a.status.json": b"a", "jobs/b.status.json": b"b", "jobs/c.status.json": None}


def test_a_message_tells_what_moved() -> None:
    """Subject, a line for each job and the trailer, each a paragraph."""
    assert build_message(TEMPLATE, MOVES, FILES, skip_ci=True, summary="A pass").split("\n\n") == [
        "Record the status of a, b, c [skip ci]",
        "A pass",
        "- a: InProgress\n- b: InProgress -> Completed\n- c: removed",
        f"Bedrock-Jobs-Pass: {compute_fingerprint(FILES)}\n",
    ]


@pytest.mark.parametrize(
    ("template", "subject"),
    [
        ("{count} moved: {phases}", "3 moved: 1 Completed, 1 InProgress"),
        ("{jobs}", "a, b, c"),
        ("chore: {literal", "chore: {literal"),
    ],
)
def test_a_template_is_filled_in(template: str, subject: str) -> None:
    """Every word in braces stands for what it says; without [skip ci] nothing is added."""
    check(template)

    assert build_message(template, MOVES, FILES, skip_ci=False).splitlines()[0] == subject


@pytest.mark.parametrize("template", ["", " \n", "{job}", "{}", "{jobs} {__class__}"])
def test_a_template_that_cannot_be_filled_in_is_refused(template: str) -> None:
    """It is told before anything is done."""
    with pytest.raises(TemplateError):
        check(template)


def test_many_jobs_are_counted() -> None:
    """A subject stays short, and so does the list."""
    moves = [(f"job-{number}", "", "Completed") for number in range(60)]
    lines = build_message(TEMPLATE, moves, {}, skip_ci=False).splitlines()

    assert lines[0] == "Record the status of 60 jobs"
    assert lines[-3] == "- and 10 more"


def test_a_name_starts_no_line() -> None:
    """What stands in a sidecar cannot add a trailer or a command of its own."""
    made = build_message(
        TEMPLATE, [("a\n\nSigned-off-by: x", "", "\x1b[31mDone")], {}, skip_ci=False
    )

    assert [line for line in made.splitlines() if line.startswith("Signed")] == []
    assert "\x1b" not in made


def test_the_trailer_names_the_content() -> None:
    """Equal content has equal trailers, in whatever order it comes; other content has others."""
    assert compute_fingerprint(FILES) == compute_fingerprint(dict(reversed(FILES.items())))
    assert compute_fingerprint(FILES) != compute_fingerprint({**FILES, "jobs/a.status.json": None})
    assert compute_fingerprint({"a": b"", "b": None}) != compute_fingerprint({"a": None, "b": b""})
