"""The load-bearing lines, each with what takes its place to show that a test misses it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change that breaks a promise: in a file, one text for another."""

    name: str
    path: str
    before: str
    after: str


MUTANTS = (
    Mutant(
        "no intent before the call",
        "controller/acting.py",
        "            self.ledger.write(desired.source, desired.key, written)\n",
        "            del written\n",
    ),
    Mutant(
        "no explicit token",
        "controller/adapters/aws.py",
        "{**request, kind.token_member: token}",
        "{**request}",
    ),
    Mutant(
        "spec not in the digest",
        "controller/core/identity.py",
        '"request": counted,',
        '"request": sorted(counted),',
    ),
    Mutant(
        "attempt not in the digest",
        "controller/core/identity.py",
        '"attempt": attempt,',
        '"attempt": 0,',
    ),
    Mutant(
        "tags in the digest",
        "controller/core/identity.py",
        "outside = {kind.token_member, *kind.tag_members}",
        "outside = {kind.token_member}",
    ),
    Mutant(
        "no second look at a name in use",
        "controller/acting.py",
        "if failure.disposition is not Disposition.CONFLICT and not failure.ambiguous:",
        "if not failure.ambiguous:",
    ),
    Mutant(
        "no second look after a lost answer",
        "controller/acting.py",
        "if failure.disposition is not Disposition.CONFLICT and not failure.ambiguous:",
        "if failure.disposition is not Disposition.CONFLICT:",
    ),
    Mutant(
        "another job than the one asked for is taken",
        "controller/acting.py",
        "if live.name == submission.name and live.token in {None, submission.token}:",
        "if live.name:",
    ),
    Mutant(
        "equal bytes are written again",
        "controller/adapters/sidecars.py",
        "    if after == before:\n        return False\n",
        "",
    ),
    Mutant(
        "files are not locked",
        "controller/adapters/sidecars.py",
        "            with locked(path):\n",
        "            if path:\n",
    ),
    Mutant(
        "no account guard",
        "controller/core/decision.py",
        "if declared is not None and declared != place.account_id:",
        "if declared is not None and not declared:",
    ),
    Mutant(
        "a recorded place binds nothing",
        "controller/core/model.py",
        "return (self.arn is None and not self.is_intent) or self.place in {None, place}",
        "return place is not None",
    ),
    Mutant(
        "wrong credentials stop nothing else",
        "controller/core/planning.py",
        "if action.verb.mutates and not wrong.isdisjoint(_used(action))",
        "if not action.verb.mutates and not wrong",
    ),
    Mutant(
        "any owner's token is ours",
        "controller/core/identity.py",
        "if job_token.startswith(owner_mark(owner)):",
        "if job_token.startswith(SCHEME):",
    ),
    Mutant(
        "somebody's job is ours",
        "controller/core/identity.py",
        "    return Ownership.FOREIGN\n",
        "    return Ownership.SAME\n",
    ),
    Mutant(
        "a failed Get is absence",
        "controller/adapters/aws.py",
        "            if error.failure.disposition is Disposition.ABSENT:\n",
        "            if error.failure:\n",
    ),
    Mutant(
        "a failed call is absence",
        "controller/observing.py",
        "return Observation(Existence.UNKNOWN, place, failure=failure)",
        "return Observation(Existence.ABSENT, place, failure=failure)",
    ),
    Mutant(
        "part of a listing is all of it",
        "controller/adapters/aws.py",
        "            if not following:\n                return\n",
        "            return\n",
    ),
    Mutant(
        "an ended job of another digest is settled",
        "controller/observing.py",
        "recorded.digest == submission.digest and recorded.token == submission.token",
        "bool(recorded.digest)",
    ),
    Mutant(
        "no limit of submits",
        "controller/core/planning.py",
        "if submits <= max_submits:",
        "if submits >= 0:",
    ),
    Mutant(
        "a refusal is forgotten",
        "controller/core/decision.py",
        "    _refused,\n    _missing,",
        "    _missing,",
    ),
    Mutant(
        "a missing job is submitted again",
        "controller/core/decision.py",
        "    _refused,\n    _missing,",
        "    _refused,",
    ),
    Mutant(
        "sensitive values are shown",
        "controller/core/diff.py",
        "name: MASK if name in kind.sensitive else masked(kind, member)",
        "name: masked(kind, member)",
    ),
)
