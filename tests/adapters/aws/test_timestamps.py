"""Times are read as botocore reads them, whatever they look like."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.utils import parse_timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.aws.timestamps import install_time_parser, parse_time
from controller.core.kinds.registry import KINDS


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 6))
@settings(deadline=None, max_examples=100)
def test_usual_times_are_read_alike(when: datetime, digits: int) -> None:
    """A time as the service writes it, with however many digits, is the same moment in UTC."""
    fraction = f".{when:%f}"[: digits + 1] if digits else ""
    text = f"{when:%Y}".zfill(4) + f"{when:-%m-%dT%H:%M:%S}{fraction}Z"

    assert parse_time(text) == parse_timestamp(text)
    assert parse_time(text).utcoffset() == parse_timestamp(text).utcoffset()


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21T19:56:55+02:00",
        "2026-11-21",
        "20261121",
        "2026-W47-6T10:00:00Z",
        "Sat, 21 Nov 2026 19:56:55 GMT",
        1_700_000_000,
        1_700_000_000.25,
        "1700000000",
        "2026-11-21T24:00:00Z",
        "2026-02-30T10:00:00Z",
        "٢026-11-21T19:56:55Z",
        "soon",
        "",
    ],
)
def test_other_times_are_botocores_to_judge(value: Any) -> None:
    """Anything else is the moment that botocore takes it for, or fails as there."""
    try:
        expected = parse_timestamp(value)
    except ValueError:
        with pytest.raises(ValueError, match=r".+"):
            parse_time(value)
    else:
        assert parse_time(value) == expected


def test_a_sessions_answers_are_read_so() -> None:
    """Every answer of a session has its times read by it, through botocore's own setting."""
    (kind,) = KINDS.values()
    session = botocore.session.Session()
    install_time_parser(session)
    shape = (
        session.get_service_model("bedrock").operation_model(kind.get_operation("Get")).output_shape
    )
    parser = session.get_component("response_parser_factory").create_parser("rest-json")
    body = json.dumps({"creationTime": "2026-11-21T19:56:55.123Z"}).encode()

    read = parser.parse({"status_code": 200, "headers": {}, "body": body}, shape)

    assert read["creationTime"] == datetime(2026, 11, 21, 19, 56, 55, 123_000, UTC)
    assert read["creationTime"].tzinfo is UTC
