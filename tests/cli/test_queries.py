"""--query takes JMESPath expressions of a reasonable size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import call

ABSURD = ["[" * 2_000, "[" * 100_000, "!" * 3_000, "("]


@pytest.mark.parametrize("query", ABSURD, ids=len)
def test_absurd_query_is_a_usage_error(tmp_path: Path, query: str) -> None:
    """A query that is too long, too deep or incomplete exits with 64, without a traceback."""
    ran = call(tmp_path, "status", "--query", query)

    assert (ran.code, ran.out) == (64, "")
    assert "--query" in ran.err
    assert "Traceback" not in ran.err
