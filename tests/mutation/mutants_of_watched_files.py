"""Mutants of what a daemon sees of its files, and of manifests that no pass reads."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

_UNREAD = "controller/adapters/manifests/unread_files.py"
_SNAPSHOTS = "controller/adapters/watch/snapshots.py"
_WORK_TREES = "controller/adapters/git/work_trees.py"

MUTANTS = (
    Mutant(
        "a stale git lock lets changed files count",
        "controller/cli/watch/tree_reader.py",
        "            gone.union(*(find_changed_since_head(top, asked_of) for top in stale))\n",
        "            gone\n",
    ),
    Mutant(
        "a changed file counts as one that equals HEAD",
        _WORK_TREES,
        "not held[name].plain or not _has_content(path, held[name].identity)",
        "not held[name].plain",
    ),
    Mutant(
        "a JSON manifest of another kind counts as removed",
        _UNREAD,
        "not is_manifest(name) or is_json(name) or",
        "not is_manifest(name) or",
    ),
    Mutant(
        "a manifest in a hidden folder counts as removed",
        _UNREAD,
        'is_json(name) or f"{os.sep}." in folder.removeprefix(root.path)\n',
        "is_json(name)\n",
    ),
    Mutant(
        "a manifest that is empty for a moment counts as removed",
        _UNREAD,
        "                found = found.merge(_check_empty(root, ",
        "                found.merge(_check_empty(root, ",
    ),
    Mutant(
        "a skipped file that cannot be read holds no manifest",
        _UNREAD,
        "    except (FileUnreadableError, OutsideTreeError):\n        return _list_sidecars",
        "    except (FileUnreadableError, OutsideTreeError):\n"
        "        return UnreadManifests() or _list_sidecars",
    ),
    Mutant(
        "a skipped file that cannot be parsed holds no manifest",
        _UNREAD,
        "    return found.merge(_list_sidecars(path, own)) if broken else found\n",
        "    return found\n",
    ),
    Mutant(
        "a manifest that was moved within the repository counts as removed",
        _UNREAD,
        "    for top in sorted({find_bounds(folder).top for folder in named}",
        "    for top in sorted(set[str]()",
    ),
    Mutant(
        "a manifest that only git holds counts as removed",
        _UNREAD,
        "            found = found.merge(_search_git(repository, fleet))\n",
        "            found.merge(_search_git(repository, fleet))\n",
    ),
    Mutant(
        "without an answer from git manifests count as removed",
        _UNREAD,
        "        return found.merge(UnreadManifests(unknown=frozenset({folder})))\n",
        "        return found\n",
    ),
    Mutant(
        "a folder that cannot be listed is an empty one",
        _UNREAD,
        "    if unlisted:\n",
        "    if not root:\n",
    ),
    Mutant(
        "descriptors of a refused watch are closed again",
        "controller/adapters/watch/file_events.py",
        "    for failed in {id(one): one for one in objects if",
        "    for failed in {number: one for number, one in enumerate(objects) if",
    ),
    Mutant(
        "a folder that cannot be read looks unchanged",
        _SNAPSHOTS,
        '            states[""] = _get_missing_state(error)\n',
        "            del error\n",
    ),
    Mutant(
        "a folder that was replaced looks unchanged",
        _SNAPSHOTS,
        '        states[f"{os.path.basename(path)}/"], is_folder = _get_place(real)\n',
        "        _, is_folder = _get_place(real)\n",
    ),
    Mutant(
        "rules above the manifests look unchanged",
        _SNAPSHOTS,
        "        for folder in walk_up(parent):\n",
        "        for folder in ():\n",
    ),
    Mutant(
        "a linked folder is not watched",
        _SNAPSHOTS,
        "            return [real] if os.path.commonpath((top, real)) == top else []\n",
        "            return []\n",
    ),
    Mutant(
        "a link that leads elsewhere looks unchanged",
        _SNAPSHOTS,
        "            states[entry.name] = hash((real, _get_state(real)))\n",
        "            states[entry.name] = 1\n",
    ),
    Mutant(
        "a deleted file stays in the snapshot",
        _SNAPSHOTS,
        "        if state == _ABSENT:\n            seen[folder].pop(name, None)\n",
        "        if not name:\n            seen[folder].pop(name, None)\n",
    ),
    Mutant(
        "a file in a folder that nobody knew is taken for seen",
        _SNAPSHOTS,
        "if folder not in seen or not is_relevant(name)",
        "if not is_relevant(name)",
    ),
)
