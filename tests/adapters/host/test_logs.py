"""How log lines are rendered, on a terminal and off it."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest

from controller.adapters.host.logs import ROOT, log_to_stderr

SECRET = "s3cr3t-of-the-spec"  # noqa: S105 - seeded, to be looked for
CONTROL = "evil\x1b[2J\n.yaml"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(params=[io.StringIO, Terminal], ids=["json", "console"])
def stream(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Where stderr leads, once logging is set up."""
    made = request.param()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("NO_COLOR", "1")
    log_to_stderr("debug")
    return made


def broken() -> None:
    """Fail as a defect would that trips over a value of a spec."""
    role = f"arn:aws:iam::123456789012:role/{SECRET}"
    try:
        dict[str, str]()[role]
    except KeyError as error:
        raise ValueError(f"{role} is not what was expected") from error


def test_exceptions_show_where_and_not_what(stream: io.StringIO) -> None:
    """A traceback has its frames and types, the cause first, and no text that quotes a value."""
    try:
        broken()
    except ValueError:
        logging.getLogger(f"{ROOT}.daemon").exception("a pass failed unexpectedly")

    said = stream.getvalue()
    assert "in broken" in said
    assert 0 < said.index("KeyError") < said.rindex("ValueError")
    assert SECRET not in said


def test_exceptions_of_the_system_say_which(stream: io.StringIO) -> None:
    """What the operating system says of a failed call is kept."""
    try:
        raise FileNotFoundError(2, "No such file or directory", SECRET)
    except OSError:
        logging.getLogger(f"{ROOT}.daemon").debug("a file is gone", exc_info=True)

    assert "FileNotFoundError: No such file or directory" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_exceptions_in_a_ring_end(stream: io.StringIO) -> None:
    """Two exceptions that name each other as their cause are each told once."""
    one, other = ValueError("one"), TypeError("other")
    one.__cause__, other.__cause__ = other, one

    logging.getLogger(ROOT).error("odd", exc_info=one)

    assert stream.getvalue().count("TypeError") == stream.getvalue().count("ValueError") == 1


def test_a_line_stays_one_line(stream: io.StringIO) -> None:
    """Control characters of a path reach neither a terminal nor the line's end."""
    logging.getLogger(ROOT).warning("problem", extra={"problem": CONTROL})

    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
    assert "evil" in stream.getvalue()


def test_other_libraries_stay_silent(stream: io.StringIO) -> None:
    """Requests, which botocore would show, are no matter of ours at any level."""
    logging.getLogger("botocore.endpoint").debug("body: %s", SECRET)

    assert stream.getvalue() == ""


def test_json_lines_are_sorted_objects(stream: io.StringIO) -> None:
    """Off a terminal a line is one object with its level, logger and moment."""
    logging.getLogger(f"{ROOT}.daemon").info("tree", extra={"jobs": 3, "changed": 1})

    said = stream.getvalue()
    if isinstance(stream, Terminal):
        assert "jobs=3" in said
        return
    line = json.loads(said)
    assert list(line) == sorted(line)
    assert (line["level"], line["logger"], line["jobs"]) == ("info", "controller.daemon", 3)
