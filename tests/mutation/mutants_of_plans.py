"""The load-bearing lines of what a plan may conclude from records and from a part of the tree."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a sidecar's word leads to another attempt",
        "controller/engine/job_lookup.py",
        "if self.is_answered_by_record and found.can_submit:",
        "if self.is_answered_by_record and not found:",
    ),
    Mutant(
        "a job that only the history names is not looked up",
        "controller/core/jobs/search.py",
        "other or (yield from _search_running(attempts, recorded)), None",
        "other, None",
    ),
    Mutant(
        "a job that may be another manifest's is stopped",
        "controller/core/planning/claims.py",
        "if not _is_same(other, job) and self._find_proof(other, live) >= own:",
        "if not _is_same(other, job) and self._find_proof(other, live) > Proof.MADE:",
    ),
    Mutant(
        "a copy in a file that cannot be read does not count",
        "controller/core/planning/claims.py",
        "if own is Proof.RECORDED and self.tree.unreadable and not job.removed:",
        "if own is Proof.MADE and self.tree.unreadable:",
    ),
    Mutant(
        "a part submits what the whole tree holds",
        "controller/core/planning/plan.py",
        "    if action.verb is not Verb.SUBMIT:\n",
        "    if claims:\n",
    ),
)
