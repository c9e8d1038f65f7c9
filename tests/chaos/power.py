"""Power failure: at no boundary may the disk lose what a call that was sent rests on.

What was written and not flushed may be lost, and so may a rename whose folder was not flushed. As
long as nothing is renamed before its content is on disk, and nothing is sent that changes
anything before the renames are, each disk that a power failure can leave is one that a kill at an
earlier boundary leaves; and each of those has a run of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_CHANGING = ("send POST", "send PUT", "send PATCH", "send DELETE")
_CREDENTIALS = "send POST /"
"""STS is asked by POST, at its root; it changes nothing."""


def losses(boundaries: Iterable[str]) -> Iterator[str]:
    """Yield what a power failure could lose, from a pass's boundaries in their order."""
    unflushed: set[str] = set()
    renamed = ""
    for number, name in enumerate(boundaries, 1):
        verb, _, path = name.partition(" ")
        if verb == "create" and path.endswith(".tmp"):
            unflushed.add(path)
        elif name == "after flush":
            # A file is flushed before it is renamed, and its folder after that.
            renamed = renamed if unflushed else ""
            unflushed.clear()
        elif verb == "rename":
            if path in unflushed:
                yield f"{number} {name}: its content is not on disk"
            renamed = path
        elif name.startswith(_CHANGING) and name != _CREDENTIALS and renamed:
            yield f"{number} {name}: the rename of {renamed} is not on disk"
