"""Only a few modules touch the disk themselves; all others go through the tree's own module.

The standard library's questions take an unreadable file for an absent one, and follow links out of
the tree: ``os.path.exists``, ``Path.is_file``, ``os.walk``, ``glob`` and their like.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.house.source import modules

OF_OS = re.compile(
    "access|link|listdir|l?stat|makedirs|mkdir|open|readlink|remove|removedirs|rename|replace|"
    "rmdir|scandir|symlink|truncate|unlink|walk"
)
OF_PATHS = re.compile("l?exists|getmtime|getsize|isdir|isfile|islink|samefile")
OF_A_PATH = re.compile(
    "glob|hardlink_to|is_dir|is_symlink|iterdir|mkdir|read_bytes|read_text|rglob|rmdir|"
    "symlink_to|touch|unlink|write_bytes|write_text"
)
WITHOUT_ARGUMENTS = frozenset({"exists", "is_file", "lstat", "stat"})
"""Methods of a path that a tree's root has too, with the path as their argument."""
WHOLE_MODULES = frozenset({"glob", "shutil", "tempfile"})

THE_ONE = "it is the tree's own module"
SHIPPED = "files of the package itself"
OPERATOR = "a path that the operator typed, whose kind decides how the command line is read"
GIT = "git's own files, and a work tree that only git and this command write"
HINT = "what exists only decides what is suggested or watched; nothing is read"

MAY: dict[str, str] = {
    "controller/adapters/watch/file_events.py": HINT,
    "controller/adapters/aws/service_models.py": "botocore's own folders of models",
    "controller/adapters/git/clone.py": GIT,
    "controller/adapters/git/clone_files.py": GIT,
    "controller/adapters/git/commit.py": GIT,
    "controller/adapters/manifests/discovery.py": "finds manifests; refuses links that lead out",
    "controller/adapters/git/command.py": GIT,
    "controller/adapters/host/tree_bounds.py": HINT,
    "controller/adapters/http/webhook_signatures.py": "a secret's file, named on the command line",
    "controller/adapters/host/daemon_lock.py": OPERATOR,
    "controller/adapters/authoring/modelines.py": HINT,
    "controller/adapters/host/ci_host.py": "the CI system's own files, named by its environment",
    "controller/adapters/git/repository.py": OPERATOR,
    "controller/adapters/authoring/scaffold.py": SHIPPED,
    "controller/adapters/schemas/shipped_schemas.py": SHIPPED,
    "controller/adapters/manifests/process_pool.py": "pipes between this command's own processes",
    "controller/adapters/sidecars/paths.py": "finds sidecars before they are read",
    "controller/adapters/host/file_stamp.py": "states alone, compared and never shown",
    "controller/adapters/watch/snapshots.py": "states alone, compared and never shown",
    "controller/adapters/host/folder_writes.py": THE_ONE,
    "controller/adapters/host/tree_files.py": THE_ONE,
    "controller/adapters/host/tree_writes.py": THE_ONE,
    "controller/adapters/git/work_trees.py": GIT,
    "controller/cli/workspace/arguments.py": OPERATOR,
    "controller/cli/edits/job_selection.py": OPERATOR,
    "controller/cli/workspace/coverage.py": OPERATOR,
    "controller/cli/commands/import_jobs.py": OPERATOR,
    "controller/cli/watch/tree_reader.py": OPERATOR,
    "controller/cli/commands/new.py": HINT,
    "controller/cli/watch/git_sync.py": OPERATOR,
    "controller/cli/workspace/whole_tree.py": OPERATOR,
    "controller/sandbox/state/store.py": "SQLite opens its own file, once no link has its name",
}
"""Modules that touch the disk themselves, each with the reason; the list only gets shorter."""


def touches(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every call that touches the disk."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _touches(node):
            yield node.lineno, ast.unparse(node.func)


def _touches(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id == "open"
    if not isinstance(call.func, ast.Attribute):
        return False
    owner, name = ast.unparse(call.func.value), call.func.attr
    if owner in {"os", "os.path"}:
        return bool((OF_OS if owner == "os" else OF_PATHS).fullmatch(name))
    if owner in WHOLE_MODULES or (owner, name) == ("sqlite3", "connect"):
        return True
    return bool(OF_A_PATH.fullmatch(name)) or (name in WITHOUT_ARGUMENTS and not call.args)


def test_only_some_modules_touch_the_disk() -> None:
    """A module that opens, asks, lists or writes by itself has its reason above."""
    found = {
        module.place: [f"{line} {name}" for line, name in touches(module.tree)]
        for module in modules()
    }
    touching = {place: calls for place, calls in found.items() if calls}

    assert {place: calls for place, calls in touching.items() if place not in MAY} == {}


def test_the_lint_sees_what_it_forbids() -> None:
    """Each way to the disk is seen, and the tree's own questions are not."""
    forbidden = (
        "open(p)",
        "os.open(p, 0)",
        "os.path.lexists(p)",
        "os.walk(p)",
        "p.is_file()",
        "p.exists()",
        "p.read_bytes()",
        "p.unlink(missing_ok=True)",
        "sqlite3.connect(p)",
        "shutil.rmtree(p)",
    )
    for line in (*forbidden, "root.is_file(p)", "root.read(p)", "os.path.join(p, p)"):
        assert bool([*touches(ast.parse(line))]) is (line in forbidden), line


def drops_errors(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each call that takes a folder which cannot be listed for an empty one."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        is_walk = ast.unparse(node.func) == "os.walk"
        is_told = any(one.arg == "onerror" for one in node.keywords)
        if (is_walk and not is_told) or node.func.attr in {"glob", "rglob", "iglob"}:
            yield node.lineno, ast.unparse(node.func)


def test_no_walk_drops_errors() -> None:
    """A folder that cannot be listed is never an empty one, but for files of the package itself."""
    found = {module.place: calls for module in modules() if (calls := [*drops_errors(module.tree)])}
    assert {place for place in found if MAY.get(place) != SHIPPED} == set()
    for line in ("os.walk(p)", "p.glob(q)", "p.rglob(q)", "glob.iglob(q)"):
        assert [*drops_errors(ast.parse(line))], line
    assert not [*drops_errors(ast.parse("os.walk(p, onerror=f)"))]
