"""The load-bearing lines of records that cannot be read, each with what takes its place."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

MUTANTS = (
    Mutant(
        "an unread record is none",
        "controller/core/planning/rules_no_job.py",
        "    _hold_if_unknown,\n    _hold_if_record_unreadable,\n",
        "    _hold_if_unknown,\n",
    ),
    Mutant(
        "an unread record is written over",
        "controller/adapters/sidecars/store.py",
        "        if trouble is not None and not self._rebuilds:\n",
        "        if trouble is not None and not path:\n",
    ),
    Mutant(
        "what broke since the read is written over",
        "controller/adapters/sidecars/writes.py",
        "        if found.broken and not self._may_replace(path):\n",
        "        if found.broken and not path:\n",
    ),
    Mutant(
        "a part of the manifests is enough to rebuild",
        "controller/engine/garbage.py",
        "    if coverage is None or coverage.index.problems or not coverage.index.keys <= keys:\n",
        "    if coverage is not None and not coverage.index.keys <= keys:\n",
    ),
    Mutant(
        "a held record is rebuilt",
        "controller/engine/garbage.py",
        "    return not any(is_withheld(",
        "    return True or any(is_withheld(",
    ),
    Mutant(
        "what another file may record is not doubted",
        "controller/adapters/sidecars/unreadable.py",
        "        counting = (path for path, one in self.troubles.items() if one.counts)\n",
        "        counting = (path for path, one in self.troubles.items() if not one)\n",
    ),
    Mutant(
        "an entry of another form is none",
        "controller/adapters/sidecars/store.py",
        "                misshapen.append(name if kind else get_name(name))\n",
        "",
    ),
    Mutant(
        "the last record that can be read is collected",
        "controller/engine/reconcile.py",
        "        if result.write_error is None and not actor.is_withheld(result.outcome)\n",
        "        if result.write_error is None\n",
    ),
    Mutant(
        "a withheld entry is written",
        "controller/engine/apply.py",
        "if not self.executor.is_withheld(one.outcome)]",
        "if one.outcome]",
    ),
)
