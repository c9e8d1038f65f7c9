"""Outside text is printed without control characters and commands, with the same meaning."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from controller.core.printable import OutputSyntax, escape_commands, escape_line, escape_output
from controller.views.serialize import format_data
from tests.support.hostile import HOSTILE, TEXTS, terminal_sees
from tests.views import runner

VALUES = st.recursive(
    TEXTS | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(TEXTS)
def test_one_line_is_printable(text: str) -> None:
    """A text becomes one line of printable characters; a printable text stays unchanged."""
    shown = escape_line(text)
    assert shown.isprintable()
    assert escape_line(shown) == shown
    assert not text.isprintable() or shown == text


@given(TEXTS, st.sampled_from(OutputSyntax))
def test_a_whole_output_keeps_its_lines(text: str, form: OutputSyntax) -> None:
    """Lines and tabs of an output are kept in every syntax, but no other control character."""
    shown = escape_output(text, form)
    assert not terminal_sees(shown)
    assert shown.count("\n") == text.count("\n")


@pytest.mark.parametrize("unicode", [True, False])
@given(value=VALUES)
@example(value={"::stop-commands::x": ["a\n::error::b", "##[error]c", "\U0002ebe1\u202e\x7f"]})
def test_data_are_read_back(value: object, unicode: bool) -> None:
    """JSON and YAML hold the same values, with no control character and no command."""
    for form, read in ((OutputSyntax.JSON, json.loads), (OutputSyntax.YAML, yaml.safe_load)):
        printed = escape_output(format_data(value, form, unicode=unicode), form)
        log = escape_commands(printed, form)
        assert read(printed) == read(log) == value
        assert not terminal_sees(log)
        assert runner.commands(log) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_a_log_has_no_injected_command(text: str) -> None:
    """What the runner would treat as a command is plain text, wherever its line begins."""
    for form in (OutputSyntax.TEXT, OutputSyntax.XML):
        assert runner.commands(escape_commands(escape_output(text, form), form)) == []
