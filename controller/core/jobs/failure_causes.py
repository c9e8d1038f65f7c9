"""A table of the service's failure messages, which tells whether a retry may succeed.

The service explains why a job failed in one sentence and nothing else. The table has the sentences
that it is known to use; the fleet's file adds more and takes precedence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from controller.core.fleet import Fleet, matches


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of failure: a word for people, and whether another attempt may succeed."""

    word: str
    heals: bool


INTERNAL = Cause("internal error", heals=True)
CAPACITY = Cause("capacity", heals=True)
PERMISSION = Cause("permission", heals=False)
DATA = Cause("data", heals=False)
POLICY = Cause("policy", heals=False)
UNKNOWN = Cause("unknown cause", heals=False)
FLEET_HEALING = Cause("listed in failures.healing", heals=True)
FLEET_LASTING = Cause("listed in failures.lasting", heals=False)

# The first match wins, in lower case; ``*`` stands for any text. Permanent causes come before
# temporary ones: a wrong retry costs money.
_TABLE: tuple[tuple[str, Cause], ...] = (
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
def cause_of(message: str, fleet: Fleet) -> Cause:
    """Return the cause that a failure message indicates; the fleet's own lists come first.

    Case and whitespace do not matter. An empty message, and one that matches nothing, has an
    unknown cause, which is never retried.
    """
    text = _plain(message)
    if not text:
        return UNKNOWN
    own = fleet.failures
    # When both lists match, the permanent one wins: not retrying costs nothing.
    for patterns, cause in ((own.lasting, FLEET_LASTING), (own.healing, FLEET_HEALING)):
        if any(matches(_plain(pattern), text) for pattern in patterns):
            return cause
    return next((cause for pattern, cause in _TABLE if matches(pattern, text)), UNKNOWN)


def heals(message: str, fleet: Fleet) -> bool:
    """Whether a job that failed with this message may succeed when it is run again unchanged."""
    return cause_of(message, fleet).heals


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()
