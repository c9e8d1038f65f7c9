"""Which failed jobs may do better when they run again: a table of the service's messages.

The service tells why a job failed in a sentence and nothing else. These are the sentences that it
has been seen to use; the fleet's file adds more, and overrules these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from controller.core.fleet import Fleet, matches


@dataclass(frozen=True, slots=True)
class Cause:
    """What a failure comes from, in a word for people, and whether another attempt can heal it."""

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

# First match wins, in lower case; ``*`` stands for any text. What lasts stands before what heals:
# a wrong retry is paid for.
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
    """Return what a job's failure message tells, the fleet's own lists before the built-in table.

    Case and runs of blanks do not count. An empty message, and one that nothing matches, has an
    unknown cause, which does not heal.
    """
    text = _plain(message)
    if not text:
        return UNKNOWN
    own = fleet.failures
    for patterns, cause in ((own.lasting, FLEET_LASTING), (own.healing, FLEET_HEALING)):
        if any(matches(_plain(pattern), text) for pattern in patterns):
            return cause
    return next((cause for pattern, cause in _TABLE if matches(pattern, text)), UNKNOWN)


def heals(message: str, fleet: Fleet) -> bool:
    """Whether a job that failed with a message may succeed when it runs again as it is."""
    return cause_of(message, fleet).heals


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()
