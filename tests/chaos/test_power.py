"""Power failure: which disks a crash can leave, and that a broken product is found by them."""

from __future__ import annotations

import pytest

from tests.chaos.disks import Step, disks
from tests.chaos.power import POWERED, Outage, powered
from tests.chaos.recorder import FILES, FOLDERS
from tests.chaos.scenarios import RENAMED
from tests.chaos.sweep import boundaries
from tests.chaos.world import Universe

BEFORE = {"jobs": "", "jobs/a": "old"}
CREATED = Step("create", "jobs/.a.tmp", "1")
FLUSHED = Step("flush", "", "1")
RENAMED_TO = Step("rename", "jobs/a", "1", "jobs/.a.tmp")
SYNCED = Step("sync", "jobs")
WHOLE = {"jobs": "", "jobs/a": "1"}
CREATE = "send POST /model-customization-jobs"


def left(*steps: Step) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Return the disks that a crash can leave after some steps, and what is cut in them."""
    return [({**one.layout}, {**one.cut}) for one in disks(BEFORE, steps)]


def test_what_is_flushed_is_not_lost() -> None:
    """Content, then the name, then its folder: after that there is one disk alone."""
    assert left(CREATED, FLUSHED, RENAMED_TO, SYNCED) == []


def test_rename_that_is_not_flushed_may_be_lost() -> None:
    """The old file is back, alone or with the new one under its first name."""
    assert left(CREATED, FLUSHED, RENAMED_TO) == [
        (BEFORE, {}),
        ({**BEFORE, "jobs/.a.tmp": "1"}, {}),
    ]


def test_content_that_is_not_flushed_may_be_cut() -> None:
    """A rename that lasts before its content does leaves a file that is empty or half."""
    found = left(CREATED, RENAMED_TO, SYNCED)

    assert found == [(WHOLE, {"1": "empty"}), (WHOLE, {"1": "half"})]


def test_renames_are_lost_in_any_order() -> None:
    """A later rename may last without an earlier one."""
    other = Step("create", "jobs/.b.tmp", "2")
    later = Step("rename", "jobs/b", "2", "jobs/.b.tmp")

    found = left(CREATED, FLUSHED, RENAMED_TO, other, Step("flush", "", "2"), later)

    assert ({**BEFORE, "jobs/.a.tmp": "1", "jobs/b": "2"}, {}) in found
    assert ({**WHOLE, "jobs/.b.tmp": "2"}, {}) in found
    assert found[0] == (BEFORE, {})


def test_removal_may_be_lost() -> None:
    """A file that was removed may be there again."""
    assert left(Step("remove", "jobs/a")) == [(BEFORE, {})]


def test_folder_that_is_not_flushed_takes_its_files_with_it() -> None:
    """What is flushed in a folder is lost with the folder's own name."""
    inside = (
        Step("mkdir", "var"),
        Step("create", "var/b", "2"),
        Step("flush", "", "2"),
        Step("sync", "var"),
    )

    assert left(*inside) == [(BEFORE, {})]
    assert left(*inside, Step("sync", "")) == []


@pytest.mark.parametrize(
    ("broken", "shows"),
    [("", ""), (FOLDERS, "are both paid for"), (FILES, "is torn")],
    ids=["sound", "folders", "files"],
)
def test_product_that_flushes_too_little_is_found(
    everywhere: Universe, broken: str, shows: str
) -> None:
    """Without each flush of folders, or of files, the disk after a Create breaks a promise."""
    names = boundaries(everywhere, RENAMED)
    at = names.index("after answer", names.index(CREATE)) + 1

    run = powered(everywhere, RENAMED, Outage(at, 0, "once paid"), broken)

    assert any(shows in one for one in run.violations) == bool(broken), run


def test_intent_that_a_kill_left_unflushed_is_not_paid_twice(everywhere: Universe) -> None:
    """A pass dies before its rename is flushed; the next pays, and then the power fails."""
    names = boundaries(everywhere, RENAMED)
    renames = [at for at, name in enumerate(names) if name.startswith("rename")]

    run = powered(everywhere, POWERED[0], Outage(renames[0] + 2, 0, "before flush"))

    assert names[renames[0] + 1] == "before flush"
    assert run.violations == ()
