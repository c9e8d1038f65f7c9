"""The load-bearing lines of passes that make no call, each with what takes its place."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

MUTANTS = (
    Mutant(
        "credentials are checked for one region alone",
        "controller/engine/observe.py",
        "            by_role[job.target.assume_role_arn].append(job)\n",
        "            by_role[str(job.target)].append(job)\n",
    ),
    Mutant(
        "a pass that is to ask does not",
        "controller/engine/observe.py",
        "seen = None if self.full or self.identifies else",
        "seen = None if self.full else",
    ),
    Mutant(
        "a daemon does not ask whose its credentials are",
        "controller/daemon/loop.py",
        "is_partial=True, identifies=True)",
        "is_partial=True)",
    ),
    Mutant(
        "a record overrules what the manifest declares",
        "controller/core/model.py",
        "Place(target.account_id or known.account_id, target.region or known.region)",
        "known",
    ),
    Mutant(
        "tags that differ from the record are not read",
        "controller/engine/job_lookup.py",
        "            self.result is not None\n"
        "            and self.result.next_submission is None\n"
        "            and not self.has_tags_to_read\n",
        "            self.result is not None\n",
    ),
    Mutant(
        "a record without a place settles a job",
        "controller/engine/observe.py",
        "            if place is None:\n                return None\n",
        "            if place is None:\n                continue\n",
    ),
)
