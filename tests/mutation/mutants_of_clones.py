"""The load-bearing lines of a daemon's clone, as ``mutants`` has those of all else."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a pull changes files while they are read",
        "controller/adapters/git/clone.py",
        "        with self.tree_lock:\n            self._is_dirty = True",
        "        if True:\n            self._is_dirty = True",
    ),
    Mutant(
        "what nobody pushed is read as a manifest",
        "controller/adapters/git/clone.py",
        '        self._git.run("clean"',
        '        self._git.run_unchecked("version") or self._git.run("clean"',
    ),
    Mutant(
        "a move that was broken off counts as made",
        "controller/adapters/git/clone.py",
        "            self._check_out_files(head)\n",
        '            self._git.run("update-ref", "HEAD", head)\n'
        "            self._check_out_files(head)\n",
    ),
    Mutant(
        "what a kill left is believed",
        "controller/adapters/git/clone.py",
        "    _is_dirty = True\n",
        "    _is_dirty = False\n",
    ),
    Mutant(
        "a clone is made in a folder of somebody else's",
        "controller/adapters/git/clone.py",
        "                self._check_empty()\n",
        "",
    ),
    Mutant(
        "a replacement that was broken off loses the tree",
        "controller/adapters/git/clone.py",
        "            old.rename(self.tree)",
        "            pass",
    ),
    Mutant(
        "a clone that is replaced loses its statuses",
        "controller/adapters/git/clone.py",
        "                self._carry_statuses(new)\n",
        "",
    ),
    Mutant(
        "a remote that is away costs the clone",
        "controller/adapters/git/clone.py",
        "            if self._is_ended or self._is_intact() or self._is_ended:",
        "            if False:",
    ),
    Mutant(
        "a clone without its .git changes an outer repository",
        "controller/adapters/git/clone.py",
        "self._git = self._remote.copy_for(self.tree, environment=place)",
        "self._git = self._remote.copy_for(self.tree)",
    ),
    Mutant(
        "any signature is authentic",
        "controller/adapters/http/webhook_signatures.py",
        'hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())',
        "bool(given)",
    ),
    Mutant(
        "a key without a byte signs",
        "controller/adapters/http/webhook_signatures.py",
        '    if not key:\n        return ""\n',
        "",
    ),
    Mutant(
        "half a webhook is believed",
        "controller/adapters/http/webhooks.py",
        "whole = len(body) == int(length)",
        "whole = True",
    ),
    Mutant(
        "a protected branch is stormed",
        "controller/adapters/git/sync_thread.py",
        "turn.due = turn.due if is_put_off else min(turn.due, now)",
        "turn.due = min(turn.due, now)",
    ),
    Mutant(
        "what failed to be written back is forgotten",
        "controller/adapters/git/sync_thread.py",
        "        turn.failing = turn.owed = True",
        "        turn.failing = True",
    ),
    Mutant(
        "a link leads out of the clone",
        "controller/cli/watch/git_sync.py",
        "            if astray is not None:",
        "            if False:",
    ),
    Mutant(
        "the marks of a conflict cost a status",
        "controller/cli/watch/git_sync.py",
        "merge_base = before if theirs and not there else there",
        "merge_base = there",
    ),
    Mutant(
        "half a checkout is read",
        "controller/cli/watch/stable_reader.py",
        "        if why := _find_activity(before):\n            return self._delay_read(why)\n",
        "",
    ),
    Mutant(
        "a checkout during the reading goes unnoticed",
        "controller/cli/watch/stable_reader.py",
        "self._trees.get_states() != before or ",
        "",
    ),
    Mutant(
        "a stale lock holds nothing",
        "controller/cli/watch/stable_reader.py",
        "[top for top, one in before.items() if one.stale]",
        "[]",
    ),
    Mutant(
        "defaults that are away for a moment are gone",
        "controller/adapters/watch/shared_files.py",
        "now - since >= self._interval",
        "now - since >= 0",
    ),
    Mutant(
        "a record is read beside a checkout",
        "controller/cli/watch/ledger.py",
        "            if self._standings() == before:\n                return found",
        "            return found",
    ),
    Mutant(
        "an intent is written beside a checkout",
        "controller/cli/watch/ledger.py",
        'if at_rest or one[2].get("phase") != SUBMITTING',
        "if at_rest or one",
    ),
    Mutant(
        "a folder that became a submodule keeps its manifests",
        "controller/adapters/git/clone.py",
        "        self._clear_submodules()\n",
        "",
    ),
    Mutant(
        "the branch that HEAD named once is followed for ever",
        "controller/adapters/git/clone.py",
        "self._origin.branch or self._get_remote_head() or here",
        "self._origin.branch or here or self._get_remote_head()",
    ),
    Mutant(
        "a watch that went deaf stays so",
        "controller/adapters/watch/tree_watcher.py",
        "whole=False, is_move=True",
        "whole=False, is_move=False",
    ),
    Mutant(
        "a silent connection keeps its thread",
        "controller/adapters/http/server.py",
        " or self._drop_oldest()",
        "",
    ),
    Mutant(
        "a password with a slash is shown",
        "controller/core/urls.py",
        'head.rpartition("@")\n',
        'head.rpartition("@" if "/" not in head else "@@")\n',
    ),
    Mutant(
        "a URL's password is on git's command line",
        "controller/adapters/git/clone.py",
        "        self._url, login = split_credentials(origin.url, os.environ)\n",
        "        self._url, login = origin.url, split_credentials(origin.url, os.environ)[1]\n",
    ),
    Mutant(
        "a helper of the user's stores a URL's password",
        "controller/adapters/git/login.py",
        '[(f"{scope}.helper", ""), (f"{scope}.helper", _HELPER)]',
        '[(f"{scope}.helper", _HELPER)]',
    ),
    Mutant(
        "a clone's folder that cannot be listed is empty",
        "controller/adapters/git/clone_files.py",
        "    if error.errno not in ABSENT:\n",
        "    if not error:\n",
    ),
)
