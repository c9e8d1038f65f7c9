"""Which failures of jobs heal: the built-in table, and the fleet's own word over it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import Failures, Fleet
from controller.core.healing import (
    CAPACITY,
    DATA,
    FLEET_HEALING,
    FLEET_LASTING,
    INTERNAL,
    PERMISSION,
    POLICY,
    UNKNOWN,
    Cause,
    cause_of,
    heals,
)
from controller.sandbox.failures import FAILURES, Failure

NO_FILE = Fleet()
UNEXPECTED = "Encountered an unexpected error when processing the request, please try again"
# As the service was seen to write them; the names are made up.
SEEN = (
    (UNEXPECTED, INTERNAL),
    (
        (
            "Could not validate GetObject permissions to access Amazon S3 bucket: `acme-training` at"
            " key `train.jsonl`"
        ),
        PERMISSION,
    ),
    (
        (
            "Amazon S3 perms missing (PutObject): Could not validate PutObject permissions to access"
            " S3 bucket: `acme-training` at key `output/.write_access_check_file.tmp`"
        ),
        PERMISSION,
    ),
    (
        "Unable to parse Amazon S3 file: `train.jsonl`. Data files must conform to JSONL format.",
        DATA,
    ),
    ("Input size exceeded in file `train.jsonl` for record starting with...", DATA),
    ("Maximum input token count 4097 exceeds limit of 4096", DATA),
    ("Maximum output token count 4097 exceeds limit of 4096", DATA),
    ("Max sum of input and output token length 4097 exceeds total limit of 4096", DATA),
    (
        (
            "Validation error: After preprocessing, duplicates and large examples were removed.At least"
            " 32 examples needed if passing only train file"
        ),
        DATA,
    ),
    (
        (
            "Input data at fine-tuning-datasets/train/train-5K.jsonl must follow"
            ' \'{"prompt": "<input text>", "completion": "<output text>"}\' format'
        ),
        DATA,
    ),
    ("The training job failed due to data issues", DATA),
    (
        (
            "Automated tests flagged this fine-tuning job as including materials that are potentially"
            " inconsistent with Anthropic's third-party license terms. Please contact support."
        ),
        POLICY,
    ),
    ("Insufficient capacity for the job; try again later", CAPACITY),
    ("The job was throttled", CAPACITY),
)


@pytest.mark.parametrize(("message", "cause"), SEEN)
def test_each_message_has_its_cause(message: str, cause: Cause) -> None:
    """Every message that is known is told apart; only internal errors and capacity heal."""
    assert cause_of(message, NO_FILE) == cause
    assert heals(message, NO_FILE) == (cause in {INTERNAL, CAPACITY})


@pytest.mark.parametrize(
    "message", ["", " \n", "Something else happened", "please try again", "an unexpected guest"]
)
def test_what_is_not_known_does_not_heal(message: str) -> None:
    """A message that no row matches, or none at all, is never a reason to pay again."""
    assert cause_of(message, NO_FILE) == UNKNOWN
    assert not heals(message, NO_FILE)


def test_case_and_blanks_do_not_count() -> None:
    """The service's capitals and line breaks are not what a message is told by."""
    assert heals(UNEXPECTED.upper().replace(" ", " \n"), NO_FILE)


def test_what_lasts_wins_within_one_message() -> None:
    """A message that names a cause of either sort is not retried."""
    both = f"{UNEXPECTED}: Could not validate GetObject permissions to access the bucket"

    assert cause_of(both, NO_FILE) == PERMISSION


def test_fleet_adds_failures_that_heal() -> None:
    """A message that the table does not know heals where the fleet says so, and nowhere else."""
    fleet = Fleet(failures=Failures(healing=("*out of *Accelerators*",)))
    message = "The Region is out of p5 accelerators today"

    assert cause_of(message, fleet) == FLEET_HEALING
    assert heals(message, fleet)
    assert not heals(message, NO_FILE)
    assert not heals("Something else", fleet)


def test_fleet_overrules_the_table_both_ways() -> None:
    """The fleet's lists come before the built-in rows."""
    stricter = Fleet(failures=Failures(lasting=("Encountered an unexpected error*",)))
    bolder = Fleet(failures=Failures(healing=("*flagged*",)))

    assert cause_of(UNEXPECTED, stricter) == FLEET_LASTING
    assert not heals(UNEXPECTED, stricter)
    assert heals("Automated tests flagged this job", bolder)


def test_lasting_wins_over_healing() -> None:
    """A message in both lists of the fleet is not retried."""
    fleet = Fleet(failures=Failures(healing=("*",), lasting=("*quota*",)))

    assert not heals("The quota is used up", fleet)
    assert heals("Anything else", fleet)


def test_star_alone_does_not_heal_silence() -> None:
    """A job that failed without a message is not retried, whatever the fleet lists."""
    assert not heals("", Fleet(failures=Failures(healing=("*",))))


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=300)
def test_no_message_is_an_error(message: str) -> None:
    """Whatever text the service writes, it has a cause; it heals only where that one does."""
    assert heals(message, NO_FILE) == cause_of(message, NO_FILE).heals


def test_patterns_are_linear() -> None:
    """A pattern of stars takes no longer than it is long, on a text that almost matches."""
    fleet = Fleet(failures=Failures(lasting=("*a" * 1000 + "*b",)))
    began = time.perf_counter()

    assert cause_of("a" * 50_000, fleet) == UNKNOWN
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.word)
def test_sandbox_fails_with_messages_that_are_known(failure: Failure) -> None:
    """No failure that the sandbox acts out is one that the table has to guess at."""
    assert cause_of(failure.message, NO_FILE) != UNKNOWN
