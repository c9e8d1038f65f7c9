"""The load-bearing lines of slots, conflicts and parts of a tree, each with its replacement."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a recorded end frees a slot",
        "controller/engine/reconcile.py",
        "    plan, occupancy = confirm_room(plan, kinds, recorded, fleet, occupancy, looking)\n",
        "",
    ),
    Mutant(
        "an end in the history frees a slot",
        "controller/core/planning/slots.py",
        "        lane.arns.update(known.arns)\n",
        "        lane.arns.add(str(known.arn))\n",
    ),
    Mutant(
        "a job is known as active by its ARN alone",
        "controller/core/planning/slots.py",
        "            if one.arn in self.arns or one.name in self.names:\n",
        "            if one.arn in self.arns:\n",
    ),
    Mutant(
        "a missing job frees its slot",
        "controller/core/planning/slots.py",
        "        if recorded.arn not in seen and _can_be_running(kind, recorded):\n",
        "        if recorded.arn in seen and _can_be_running(kind, recorded):\n",
    ),
    Mutant(
        "a job takes a slot where its manifest points",
        "controller/core/planning/slots.py",
        "known.place or action.place",
        "action.place or known.place",
    ),
    Mutant(
        "slots that cannot be counted are free",
        "controller/engine/count_active_jobs.py",
        "            failed[place] = error.failure\n",
        "            running |= {} if error else {}\n",
    ),
    Mutant(
        "what is collected is not asked for",
        "controller/engine/observe.py",
        "return self.full or (self.collects and job.removed)",
        "return self.full",
    ),
    Mutant(
        "a young job is collected",
        "controller/core/planning/rules_removed.py",
        "is_within_read_lag(kind, recorded, now) or _can_still_appear(",
        "_can_still_appear(",
    ),
    Mutant(
        "a conflict is sent for ever",
        "controller/core/status/conditions.py",
        "    if count_conflicts(outcome, recorded) >= MAX_CONFLICTS:\n",
        "    if count_conflicts(outcome, recorded) < 0:\n",
    ),
    Mutant(
        "a stalled conflict ends its intent",
        "controller/core/status/conditions.py",
        "    kept = UNOBSERVED_REASONS | {Reason.SUBMIT_REFUSED}\n",
        "    kept = UNOBSERVED_REASONS\n",
    ),
    Mutant(
        "conflicts of another spec are counted",
        "controller/core/status/conditions.py",
        "    return recorded.is_intent and is_same\n",
        "    return recorded.is_intent\n",
    ),
    Mutant(
        "a part passes over wrong places in sidecars",
        "controller/core/planning/claims.py",
        "            if known is not None and _is_recorded_elsewhere(",
        "            if known is not None and not known and _is_recorded_elsewhere(",
    ),
    Mutant(
        "a daemon over a part judges on the part",
        "controller/cli/watch/tree_reader.py",
        "        return self._whole is not None and is_narrow(self._whole[0])\n",
        "        return self._whole is None\n",
    ),
    Mutant(
        "a stop by hand takes the record's word",
        "controller/cli/commands/stop.py",
        "Mode.PLAN, PassScope(full=True))",
        "Mode.PLAN)",
    ),
)
