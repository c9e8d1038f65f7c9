"""Load-bearing lines of rules that tell late from missing, and what a part of the tree may do."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a young job is called missing",
        "controller/core/planning/rules_no_job.py",
        "    if context.recorded is not None and is_within_read_lag(\n",
        "    if not context and is_within_read_lag(\n",
    ),
    Mutant(
        "an ARN goes with its digest",
        "controller/core/status/entry.py",
        "    is_known = bool(recorded.digest or recorded.arn)\n",
        "    is_known = bool(recorded.digest)\n",
    ),
    Mutant(
        "refused tags are asked for in every pass",
        "controller/core/identity/tags.py",
        "        if full or (before != tags and refused.get(member) != tags):\n",
        "        if full or before != tags:\n",
    ),
    Mutant(
        "metrics that come late are not asked for",
        "controller/engine/job_lookup.py",
        "        if self.now and is_awaiting_members(self.attempts.kind, recorded.live, "
        "self.now):\n",
        "        if not self:\n",
    ),
    Mutant(
        "a role's account is not its target's",
        "controller/core/sharding.py",
        "    words = target.known_place\n",
        "    words = (target.account_id, target.region)\n",
    ),
    Mutant(
        "a file that only git holds is not missed",
        "controller/adapters/manifests/missing_files.py",
        "        if not is_there:\n",
        "        if not path:\n",
    ),
    Mutant(
        "a git that gave no answer misses nothing",
        "controller/adapters/manifests/missing_files.py",
        "            unanswered[top] = str(error)\n",
        "            del error\n",
    ),
    Mutant(
        "a daemon does not ask what git holds",
        "controller/adapters/manifests/incremental_loader.py",
        "self._read_all(found), fleet, find_missing(found))",
        "self._read_all(found), fleet, find_missing(DiscoveredFiles()))",
    ),
    Mutant(
        "a wait is over before its time",
        "controller/engine/wait.py",
        "        is_last = timeout is not None and not _compute_remaining(clock, began, timeout)\n",
        "        is_last = timeout is not None and _compute_remaining(clock, began, timeout) < "
        "every\n",
    ),
    Mutant(
        "too many submits bar a stop",
        "controller/engine/reconcile.py",
        "    if mode is Mode.APPLY and barred is None:\n",
        "    if mode is Mode.APPLY and barred is None and over is None:\n",
    ),
    Mutant(
        "a rule of the fleet bars a stop",
        "controller/core/planning/rules_no_job.py",
        "    if problems and all(problem.code in FLEET_RULE_CODES for problem in problems):\n",
        "    if not case:\n",
    ),
    Mutant(
        "what botocore does not know is dropped",
        "controller/adapters/aws/bedrock.py",
        "        members = read_wire_members(answer, declared)\n",
        "        members = _convert_to_json(answer)\n        del declared\n",
    ),
    Mutant(
        "a control character is printed",
        "controller/core/printable.py",
        "    return _SUSPECT.sub(_ESCAPES.get(form, _escape_text), text)\n",
        "    return text\n",
    ),
    Mutant(
        "a workflow command is printed",
        "controller/core/printable.py",
        "    if form is OutputSyntax.COMMANDS:\n",
        "    if form:\n",
    ),
    Mutant(
        "a name in another spelling is not found",
        "controller/core/validation/schema_messages.py",
        "    close = find_respelled(key, known) or find_nearest(key, unused)\n",
        "    close = find_nearest(key, unused)\n",
    ),
)
