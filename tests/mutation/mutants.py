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
        "controller/engine/execute.py",
        "            self.ledger.write(desired.source, desired.key, written)\n",
        "            del written\n",
    ),
    Mutant(
        "a job that shows late is forgotten",
        "controller/engine/execute.py",
        "            if action.verb is not Verb.STOP and self._has_forgotten_create(action):\n",
        "            if not self:\n",
    ),
    Mutant(
        "a refusal ends an intent whose job is there",
        "controller/engine/execute.py",
        "        if not is_open and not self._has_earlier_create(action, failure):\n",
        "        if not is_open:\n",
    ),
    Mutant(
        "a refusal ends an intent that cannot be asked for",
        "controller/engine/execute.py",
        "            return Outcome(action, action, replace(failure, ambiguous=True))\n",
        "            return Outcome(action, action, failure)\n",
    ),
    Mutant(
        "a namesake stands for what Create answered with",
        "controller/engine/execute.py",
        "        if live is None or live.arn != arn:\n",
        "        if live is None:\n",
    ),
    Mutant(
        "a stop forgets an intent that cannot be asked for",
        "controller/engine/execute.py",
        "            self._has_forgotten_create(action)\n        except",
        "            del found\n        except",
    ),
    Mutant(
        "stamps that cannot be read make a job another's",
        "controller/engine/job_lookup.py",
        "            if recorded is None or recorded.arn != live.arn:\n",
        "            if not stamped:\n",
    ),
    Mutant(
        "an answer lost before a retry is forgotten",
        "controller/adapters/aws/botocore_hooks.py",
        "            if not self._mine.lost:\n",
        "            if self:\n",
    ),
    Mutant(
        "a page is an answer",
        "controller/adapters/aws/wire_answers.py",
        "        why = self.check(wire)\n",
        "        why = _accept_any(wire)\n",
    ),
    Mutant(
        "an error of a proxy is the service's",
        "controller/adapters/aws/wire_answers.py",
        "    return None if form.fullmatch(name) else",
        "    return None if form else",
    ),
    Mutant(
        "a strange error hidden by a retry is certain",
        "controller/adapters/aws/botocore_hooks.py",
        "            is_lost = is_lost or ",
        "            is_lost = is_lost and ",
    ),
    Mutant(
        "an error without a code is certain",
        "controller/adapters/aws/errors.py",
        "    if code == NOT_UNDERSTOOD or not has_error_code(code):\n",
        "    if not error:\n",
    ),
    Mutant(
        "an answer that is not understood changed nothing",
        "controller/adapters/aws/errors.py",
        "        ambiguous=not reading,\n",
        "        ambiguous=False,\n",
    ),
    Mutant(
        "another job is an answer",
        "controller/core/jobs/answers.py",
        "    if members[member] != identifier:\n",
        "    if member not in members:\n",
    ),
    Mutant(
        "a nameless job is an answer",
        "controller/core/jobs/answers.py",
        "        if member and not _is_text(members.get(member)):\n",
        "        if not member:\n",
    ),
    Mutant(
        "any text is a job's ARN",
        "controller/core/jobs/answers.py",
        "    if len(parts) == _PARTS:\n",
        "    if isinstance(arn, str):\n        return None\n    if len(parts) == _PARTS:\n",
    ),
    Mutant(
        "a name that a model has is asked for without end",
        "controller/core/call_errors.py",
        '    _ErrorRule("ConflictException", Disposition.REFUSED, MODEL_NAME, reading=False),\n',
        "",
    ),
    Mutant(
        "an intent is forgotten when its next Create fails",
        "controller/core/status/conditions.py",
        "    if recorded is not None and recorded.is_intent:\n"
        "        return _summarize_unconfirmed(",
        "    if recorded is None:\n        return _summarize_unconfirmed(",
    ),
    Mutant(
        "no explicit token",
        "controller/adapters/aws/bedrock.py",
        "{**request, kind.token_member: token}",
        "{**request}",
    ),
    Mutant(
        "spec not in the digest",
        "controller/core/identity/tokens.py",
        '"request": counted,',
        '"request": sorted(counted),',
    ),
    Mutant(
        "attempt not in the digest",
        "controller/core/identity/tokens.py",
        '"attempt": attempt,',
        '"attempt": 0,',
    ),
    Mutant(
        "tags in the digest",
        "controller/core/identity/tokens.py",
        "ignored = {kind.token_member, *kind.tag_members}",
        "ignored = {kind.token_member}",
    ),
    Mutant(
        "no second look at a name in use",
        "controller/engine/execute.py",
        "is_open = failure.disposition is Disposition.CONFLICT or failure.ambiguous\n",
        "is_open = failure.ambiguous\n",
    ),
    Mutant(
        "no second look after a lost answer",
        "controller/engine/execute.py",
        "is_open = failure.disposition is Disposition.CONFLICT or failure.ambiguous\n",
        "is_open = failure.disposition is Disposition.CONFLICT\n",
    ),
    Mutant(
        "another job than the one asked for is taken",
        "controller/engine/execute.py",
        "if live.name == submission.name and live.token in {None, submission.token}:",
        "if live.name:",
    ),
    Mutant(
        "what came meanwhile is written over",
        "controller/adapters/sidecars/store.py",
        "        return entry if there == known else merge_concurrent(self._kinds, entry, there)\n",
        "        return entry\n",
    ),
    Mutant(
        "equal bytes are written again",
        "controller/adapters/sidecars/writes.py",
        "                if after == before:\n",
        "                if not path:\n",
    ),
    Mutant(
        "files are not locked",
        "controller/adapters/sidecars/writes.py",
        "            with shared.folder.lock(name) as descriptor:\n",
        "            for descriptor in (None,):\n",
    ),
    Mutant(
        "a new sidecar takes the place of one that came first",
        "controller/adapters/host/folder_writes.py",
        "                if self.exists(name):\n",
        "                if not name:\n",
    ),
    Mutant(
        "no account guard",
        "controller/core/planning/rules_no_job.py",
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
        "controller/core/planning/plan.py",
        "if action.verb.is_mutating and not wrong.isdisjoint(_get_credentials(action))",
        "if not action.verb.is_mutating and not wrong",
    ),
    Mutant(
        "any owner's token is ours",
        "controller/core/identity/tokens.py",
        "if job_token.startswith(get_owner_prefix(owner)):",
        "if job_token.startswith(SCHEME):",
    ),
    Mutant(
        "somebody's job is ours",
        "controller/core/identity/tokens.py",
        "    return Ownership.FOREIGN\n",
        "    return Ownership.SAME\n",
    ),
    Mutant(
        "a failed Get is absence",
        "controller/adapters/aws/bedrock.py",
        "            if error.failure.disposition is Disposition.ABSENT:\n",
        "            if error.failure:\n",
    ),
    Mutant(
        "a failed call is absence",
        "controller/engine/job_lookup.py",
        "return Observation(Existence.UNKNOWN, place, failure=failure)",
        "return Observation(Existence.ABSENT, place, failure=failure)",
    ),
    Mutant(
        "part of a listing is all of it",
        "controller/adapters/aws/bedrock.py",
        "            if not following:\n                return\n",
        "            return\n",
    ),
    Mutant(
        "an ended job of another digest is settled",
        "controller/core/jobs/attempts.py",
        "if (made.digest, made.token) == (recorded.digest, recorded.token):",
        "if recorded.digest:",
    ),
    Mutant(
        "no limit of submits",
        "controller/core/planning/plan.py",
        "if submits <= max_submits:",
        "if submits >= 0:",
    ),
    Mutant(
        "a refusal is forgotten",
        "controller/core/planning/rules_no_job.py",
        "    _hold_if_refused,\n    _hold_if_missing,",
        "    _hold_if_missing,",
    ),
    Mutant(
        "a missing job is submitted again",
        "controller/core/planning/rules_no_job.py",
        "    _hold_if_refused,\n    _hold_if_missing,",
        "    _hold_if_refused,",
    ),
    Mutant(
        "sensitive values are shown",
        "controller/core/jobs/diff.py",
        "name: MASK if name in kind.sensitive else mask_sensitive(kind, member)",
        "name: mask_sensitive(kind, member)",
    ),
    Mutant(
        "every failure heals",
        "controller/core/jobs/failure_causes.py",
        "return classify_failure(message, fleet).is_retryable",
        "return classify_failure(message, fleet) is not None",
    ),
    Mutant(
        "a retry is not looked for",
        "controller/core/jobs/search.py",
        "found = (yield further.name) if further is not None else None",
        "found = (yield further.name) if following is None and further is not None else None",
    ),
    Mutant(
        "an attempt that policy wants no more is not looked for",
        "controller/core/jobs/search.py",
        "further = following or attempts.find_possible_attempt(made, live, recorded)",
        "further = following",
    ),
    Mutant(
        "a completed job is run again",
        "controller/core/jobs/attempts.py",
        "return self.kind.failed | self.kind.stopped",
        "return self.kind.terminal",
    ),
    Mutant(
        "a suspended job is run again",
        "controller/core/planning/rule_context.py",
        "return self.observation.next_submission if is_wanted else None",
        "return self.observation.next_submission if is_wanted or self.observation.live else None",
    ),
    Mutant(
        "a recorded job is ours whatever its token",
        "controller/core/jobs/attempts.py",
        "        if live.token is not None:\n            return classify_token",
        "        if live.token is not None and not is_recorded:\n            return classify_token",
    ),
    Mutant(
        "an earlier job is ours whatever its token",
        "controller/core/jobs/attempts.py",
        "return live.token is None or live.token.startswith(get_owner_prefix(self.fleet.owner))",
        'return live.name != ""',
    ),
    Mutant(
        "an earlier job is not stopped",
        "controller/core/planning/rules_live_job.py",
        "ours = (context.live, *(one.live for one in context.observation.earlier))",
        "ours = (context.live,)",
    ),
    Mutant(
        "a job is adopted without comparing",
        "controller/core/planning/rules_live_job.py",
        "    if found.changes or found.unknown:\n",
        "    if found is None:\n",
    ),
    Mutant(
        "a job is followed as adopted without comparing",
        "controller/core/jobs/attempts.py",
        "return not found.changes and not found.unknown",
        "return found is not None",
    ),
    Mutant(
        "somebody's job is stopped with its manifest",
        "controller/core/planning/rules_removed.py",
        "        and (one.token is None or one.token.startswith(mark))\n",
        "",
    ),
    Mutant(
        "a prune needs no owner",
        "controller/core/planning/rules_removed.py",
        "    if cleaning.prune and not owner:\n",
        "    if cleaning.prune and owner is None:\n",
    ),
    Mutant(
        "a prune minds no problems",
        "controller/core/planning/rules_removed.py",
        "    if problems:\n",
        "    if problems < 0:\n",
    ),
    Mutant(
        "a prune needs no manifest",
        "controller/core/planning/rules_removed.py",
        "    if not manifests:\n",
        "    if manifests < 0:\n",
    ),
    Mutant(
        "a prune may stop nearly all",
        "controller/core/planning/rules_removed.py",
        "stops > MAX_PRUNED_SHARE * jobs",
        "stops > jobs",
    ),
    Mutant(
        "tags of others are removed",
        "controller/core/identity/tags.py",
        "for key in ours if key not in tags and key in there",
        "for key in {*ours, *there} if key not in tags and key in there",
    ),
    Mutant(
        "tags that cannot be read are not there",
        "controller/core/identity/tags.py",
        "        if isinstance(there, CallFailure):\n            failure = there\n",
        "        there = {} if isinstance(there, CallFailure) else there\n",
    ),
    Mutant(
        "a push is forced",
        "controller/adapters/git/push.py",
        'f"{commit}:{ref}"\n    )',
        'f"+{commit}:{ref}")',
    ),
    Mutant(
        "what a hook adds is pushed",
        "controller/adapters/git/commit.py",
        "    if more:\n",
        "    if not made:\n",
    ),
    Mutant(
        "a commit that a hook adds is pushed",
        "controller/adapters/git/commit.py",
        "if before != ([onto] if onto else []):",
        "if not made:",
    ),
    Mutant(
        "the sidecar of a deleted manifest comes back",
        "controller/adapters/git/pending_statuses.py",
        "ManifestFileState(\n            bool(found), all(",
        "ManifestFileState(True, all(",
    ),
    Mutant(
        "an intent replaces its outcome",
        "controller/core/status/merge.py",
        "        return one.arn is not None\n",
        "        return one.arn is None\n",
    ),
    Mutant(
        "an earlier status replaces a later one",
        "controller/core/status/merge.py",
        "_get_timestamps(kind, one) > _get_timestamps(kind, other)",
        "_get_timestamps(kind, one) < _get_timestamps(kind, other)",
    ),
    Mutant(
        "a merge forgets a history",
        "controller/core/status/merge.py",
        '"history": merge_histories(kind, first, second)',
        '"history": first.entry["history"]',
    ),
    Mutant(
        "a collected entry is forgotten though it was looked at",
        "controller/core/status/merge.py",
        "is_done_with = theirs == base and (",
        "is_done_with = (",
    ),
    Mutant(
        "what the user staged is overwritten",
        "controller/adapters/git/fast_forward.py",
        "    if staged:\n",
        "    if not branch:\n",
    ),
    Mutant(
        "a status that was recorded meanwhile is overwritten",
        "controller/adapters/git/fast_forward.py",
        "if found == after or not _is_unchanged(found, move, here):",
        "if found == after:",
    ),
    Mutant(
        "the user's branch is moved past manifests",
        "controller/adapters/git/fast_forward.py",
        "if not all(one.path.endswith(SUFFIX) and repository.has_path(one.path) for one in moves):",
        "if not moves:",
    ),
    Mutant(
        "a pull request's checkout is taken for its branch",
        "controller/adapters/git/repository.py",
        ' and not environment.get("GITHUB_HEAD_REF"):\n'
        '        name = environment.get("GITHUB_REF", "")\n',
        ':\n        name = BRANCH_PREFIX + environment.get("GITHUB_HEAD_REF", "")\n',
    ),
)
