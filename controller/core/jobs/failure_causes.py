"""A table of the service's failure messages, which tells whether a retry may succeed.

The service explains why a job failed in one sentence and nothing else. The table has the sentences
that it is known to use; the fleet's file adds more and takes precedence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from controller.core.fleet import Fleet, is_match


@dataclass(frozen=True, slots=True)
class FailureCause:
    """A cause of failure: a word for people, and whether another attempt may succeed."""

    label: str
    is_retryable: bool


INTERNAL = FailureCause("internal error", is_retryable=True)
CAPACITY = FailureCause("capacity", is_retryable=True)
PERMISSION = FailureCause("permission", is_retryable=False)
DATA = FailureCause("data", is_retryable=False)
POLICY = FailureCause("policy", is_retryable=False)
UNKNOWN = FailureCause("unknown cause", is_retryable=False)
FLEET_HEALING = FailureCause("listed in failures.healing", is_retryable=True)
FLEET_LASTING = FailureCause("listed in failures.lasting", is_retryable=False)

# The first match wins, in lower case; ``*`` stands for any text. Permanent causes come before
# temporary ones: a wrong retry costs money.
_TABLE: tuple[tuple[str, FailureCause], ...] = (
    ("*could not validate*permissions*", PERMISSION),
    ("*perms missing*", PERMISSION),
    ("*access denied*", PERMISSION),
    ("*not authorized*", PERMISSION),
    ("*could not assume*role*", PERMISSION),
    ("*license terms*", POLICY),
    ("*automated tests flagged*", POLICY),
    ("*unable to parse*", DATA),
    ("*input size exceeded*", DATA),
    ("*token count*exceeds*limit*", DATA),
    ("*token length*exceeds*limit*", DATA),
    ("validation error:*", DATA),
    ("*input data at*must follow*", DATA),
    ("*data issues*", DATA),
    ("*encountered an unexpected error*please try again*", INTERNAL),
    ("*internal error*", INTERNAL),
    ("*internal failure*", INTERNAL),
    ("*internal server error*", INTERNAL),
    ("*insufficient capacity*", CAPACITY),
    ("*not enough capacity*", CAPACITY),
    ("*throttl*", CAPACITY),
    ("*too many requests*", CAPACITY),
    ("*service unavailable*", CAPACITY),
)


@lru_cache(maxsize=1024)
def classify_failure(message: str, fleet: Fleet) -> FailureCause:
    """Return the cause that a failure message indicates; the fleet's own lists come first.

    Case and whitespace do not matter. An empty message, and one that matches nothing, has an
    unknown cause, which is never retried.
    """
    text = _normalize(message)
    if not text:
        return UNKNOWN
    own = fleet.failures
    # When both lists match, the permanent one wins: not retrying costs nothing.
    for patterns, cause in ((own.lasting, FLEET_LASTING), (own.healing, FLEET_HEALING)):
        if any(is_match(_normalize(pattern), text) for pattern in patterns):
            return cause
    return next((cause for pattern, cause in _TABLE if is_match(pattern, text)), UNKNOWN)


def is_retryable(message: str, fleet: Fleet) -> bool:
    """Whether a job that failed with this message may succeed when it is run again unchanged."""
    return classify_failure(message, fleet).is_retryable


def _normalize(text: str) -> str:
    return " ".join(text.split()).lower()
