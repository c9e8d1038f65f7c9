"""Which job failures are retried: the built-in table, and the fleet's lists over it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import Failures, Fleet
from controller.core.jobs.failure_causes import (
    CAPACITY,
    DATA,
    FLEET_HEALING,
    FLEET_LASTING,
    INTERNAL,
    PERMISSION,
    POLICY,
    UNKNOWN,
    classify_failure,
    is_retryable,
)
from controller.sandbox.jobs.job_failures import FAILURES, SimulatedFailure

NO_FILE = Fleet()
UNEXPECTED = "Encountered an unexpected error when processing the request, please try again"
CAUSES = {cause.label: cause for cause in (INTERNAL, CAPACITY, PERMISSION, DATA, POLICY)}
# As the service was seen to write them, by what is behind them; the names are made up.
SEEN = json.loads((Path(__file__).parents[2] / "data" / "failures.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("word", "message"), [(word, message) for word in SEEN for message in SEEN[word]]
)
def test_each_message_has_its_cause(word: str, message: str) -> None:
    """Every known message has its cause; only internal errors and capacity are retried."""
    assert classify_failure(message, NO_FILE) == CAUSES[word]
    assert is_retryable(message, NO_FILE) == (CAUSES[word] in {INTERNAL, CAPACITY})


def test_each_cause_was_seen() -> None:
    """Every cause in the table has a test message."""
    assert set(SEEN) == set(CAUSES)


@pytest.mark.parametrize(
    "message", ["", " \n", "Something else happened", "please try again", "an unexpected guest"]
)
def test_unknown_message_is_not_retried(message: str) -> None:
    """An unknown or missing message is never a reason to pay again."""
    assert classify_failure(message, NO_FILE) == UNKNOWN
    assert not is_retryable(message, NO_FILE)


def test_case_and_whitespace_do_not_matter() -> None:
    """Case and line breaks in a message do not matter."""
    assert is_retryable(UNEXPECTED.upper().replace(" ", " \n"), NO_FILE)


def test_permanent_cause_wins_within_one_message() -> None:
    """A message with both kinds of causes is not retried."""
    both = f"{UNEXPECTED}: Could not validate GetObject permissions to access the bucket"

    assert classify_failure(both, NO_FILE) == PERMISSION


def test_fleet_adds_failures_that_heal() -> None:
    """A message that the fleet lists as healing is retried, in that fleet only."""
    fleet = Fleet(failures=Failures(healing=("*out of *Accelerators*",)))
    message = "The Region is out of p5 accelerators today"

    assert classify_failure(message, fleet) == FLEET_HEALING
    assert is_retryable(message, fleet)
    assert not is_retryable(message, NO_FILE)
    assert not is_retryable("Something else", fleet)


def test_fleet_overrules_the_table_both_ways() -> None:
    """The fleet's lists take precedence over the built-in rows."""
    stricter = Fleet(failures=Failures(lasting=("Encountered an unexpected error*",)))
    bolder = Fleet(failures=Failures(healing=("*flagged*",)))

    assert classify_failure(UNEXPECTED, stricter) == FLEET_LASTING
    assert not is_retryable(UNEXPECTED, stricter)
    assert is_retryable("Automated tests flagged this job", bolder)


def test_lasting_wins_over_healing() -> None:
    """A message in both of the fleet's lists is not retried."""
    fleet = Fleet(failures=Failures(healing=("*",), lasting=("*quota*",)))

    assert not is_retryable("The quota is used up", fleet)
    assert is_retryable("Anything else", fleet)


def test_star_does_not_match_a_missing_message() -> None:
    """A job that failed without a message is not retried, whatever the fleet lists."""
    assert not is_retryable("", Fleet(failures=Failures(healing=("*",))))


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=300)
def test_every_message_has_a_cause(message: str) -> None:
    """Any text has a cause, and is retried only if that cause is temporary."""
    assert is_retryable(message, NO_FILE) == classify_failure(message, NO_FILE).is_retryable


def test_patterns_are_linear() -> None:
    """Matching a pattern of many stars takes linear time."""
    fleet = Fleet(failures=Failures(lasting=("*a" * 1000 + "*b",)))
    began = time.thread_time()

    assert classify_failure("a" * 50_000, fleet) == UNKNOWN
    assert time.thread_time() - began < 2


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.mode)
def test_sandbox_fails_with_messages_that_are_known(failure: SimulatedFailure) -> None:
    """The table knows every failure that the sandbox simulates."""
    assert classify_failure(failure.message, NO_FILE) != UNKNOWN
