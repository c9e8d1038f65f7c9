"""The load-bearing lines of what a tree holds, each with what takes its place."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a warning is an error",
        "controller/core/severity.py",
        "    return tuple(one for one in problems if one.is_error)\n",
        "    return tuple(problems)\n",
    ),
    Mutant(
        "a strict verb submits what it calls wrong",
        "controller/core/severity.py",
        "problems=convert_to_errors(manifest.problems), spec=None)",
        "problems=convert_to_errors(manifest.problems))",
    ),
    Mutant(
        "a work tree that cannot be seen is at rest",
        "controller/adapters/git/work_trees.py",
        "            return WorkTreeState(locked=f\"git's folder of {top} cannot be read "
        '({error.strerror})")\n',
        "            return WorkTreeState(stale=str(error) and '')\n",
    ),
    Mutant(
        "a lock is left behind at once",
        "controller/adapters/git/work_trees.py",
        "        if self._now() - held.st_mtime < STALE_LOCK_SECONDS:\n",
        "        if self._now() - held.st_mtime < 0:\n",
    ),
    Mutant(
        "a merge under way is a commit",
        "controller/adapters/git/work_trees.py",
        '    "MERGE_HEAD": "merge",\n',
        "",
    ),
    Mutant(
        "a file that HEAD lacks counts as unchanged",
        "controller/adapters/git/work_trees.py",
        "        if name not in held or not held[name].plain or not _has_content(",
        "        if name in held and not _has_content(",
    ),
    Mutant(
        "the nearest fleet file rules",
        "controller/adapters/host/tree_bounds.py",
        "    fleet = right[-1] if right else None\n",
        "    fleet = right[0] if right else None\n",
    ),
    Mutant(
        "a submodule ends the way to the fleet's file",
        "controller/adapters/host/tree_bounds.py",
        "    end = tops[-1] if tops else _select_end(levels)\n",
        "    end = tops[0] if tops else _select_end(levels)\n",
    ),
    Mutant(
        "a way that cannot be read has no rules",
        "controller/adapters/host/tree_bounds.py",
        "        found = PathLocation(\n"
        "            typed, bounds, None, (make_unreadable_problem(error.path, error.text),)\n"
        "        )\n",
        "        found = PathLocation(typed, bounds, None if error else None)\n",
    ),
    Mutant(
        "git that does not answer holds nothing",
        "controller/adapters/manifests/unread_files.py",
        "        return found.merge(UnreadManifests(unknown=frozenset({folder})))\n",
        "        return found\n",
    ),
    Mutant(
        "the index holds nothing",
        "controller/adapters/manifests/unread_files.py",
        "    known += _list_index(git, wanted)\n",
        "",
    ),
    Mutant(
        "a broken manifest in git is none",
        "controller/adapters/manifests/unread_files.py",
        "    return found.merge(_list_sidecars(path, own)) if broken else found\n",
        "    return found\n",
    ),
    Mutant(
        "a file of two names counts twice",
        "controller/adapters/manifests/discovery.py",
        "        elif real not in self._met:\n",
        "        elif path not in self._met:\n",
    ),
    Mutant(
        "a folder that cannot be listed is empty",
        "controller/adapters/manifests/discovery.py",
        "            self.problems.append(make_unreadable_problem(folder, error.text))\n"
        "            return ()\n",
        "            return () if error else ()\n",
    ),
    Mutant(
        "a link leads to another fleet's manifests",
        "controller/adapters/manifests/discovery.py",
        "        if self._named or other.fleet_folder in {ground.fleet_folder, None}:\n",
        "        if self._named or other:\n",
    ),
    Mutant(
        "defaults that cannot be listed are none",
        "controller/adapters/manifests/defaults.py",
        "            yield DefaultsLayer(folder, None, (make_unreadable_problem(folder, "
        "error.text),))\n",
        "            yield DefaultsLayer(folder, None, ())\n",
    ),
    Mutant(
        "empty defaults mean nothing",
        "controller/adapters/manifests/defaults.py",
        "        return DefaultsLayer(path, None, problems or (make_empty_problem(path),))\n",
        "        return DefaultsLayer(path, None, problems)\n",
    ),
    Mutant(
        "a fleet's file below is passed over",
        "controller/adapters/manifests/defaults.py",
        "                yield DefaultsLayer(path, None, (make_nested_problem(path, "
        "bounds.top),))\n",
        "                yield from ()\n",
    ),
    Mutant(
        "an empty fleet file lifts the rules",
        "controller/adapters/manifests/fleet_file.py",
        "        return Fleet(), (*problems, make_empty_problem(path))\n",
        "        return Fleet(), tuple(problems)\n",
    ),
    Mutant(
        "a fleet file that cannot be read lifts the rules",
        "controller/adapters/manifests/fleet_file.py",
        "        return Fleet(), (error.make_problem(path),)\n",
        "        return Fleet(), () if error else ()\n",
    ),
)
