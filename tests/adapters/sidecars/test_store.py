"""The ledger over real files: written whole or not at all, and only when a byte changes."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.adapters.sidecars.paths import get_sidecar_path
from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Place, Source
from controller.core.planning.orphaned_entries import StrayEntry
from controller.ports import LedgerError

(KIND,) = KINDS.values()
ENTRY: dict[str, Any] = {
    "kind": KIND.name,
    "phase": "InProgress",
    "digest": "0123",
    "token": "bj1-0123",
    "attempt": 0,
    "target": {"accountId": "123456789012", "region": "us-east-1"},
    "jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/a/b",
    "conditions": [{"type": "Synced", "status": "True", "reason": "InProgress", "message": "so"}],
    "live": {"jobName": "support-bot", "status": "InProgress", "clientRequestToken": "bj1-0123"},
    "history": [],
}
HOUR = 3600


def key(name: str = "support-bot") -> JobKey:
    """Return a job's identity."""
    return JobKey(KIND.name, name)


def source(folder: Path, name: str = "support-bot.yaml") -> Source:
    """Return the place of a manifest in a folder."""
    return Source(str(folder / name), 4, 9)


def ledger(*folders: Path) -> SidecarLedger:
    """Return a ledger as a new process would have it."""
    return SidecarLedger(folders, KINDS)


def sidecar(folder: Path, name: str = "support-bot") -> Path:
    """Return the path of a sidecar."""
    return folder / f"{name}.status.json"


def state(path: Path) -> tuple[int, int]:
    """Return what a write would change of a file."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("jobs/a.yaml", "jobs/a.status.json"),
        ("jobs/a.yml", "jobs/a.status.json"),
        ("jobs.d/a.b.yaml", "jobs.d/a.b.status.json"),
    ],
)
def test_sidecar_stands_beside_its_manifest(manifest: str, expected: str) -> None:
    """A sidecar has its manifest's folder and stem."""
    assert get_sidecar_path(manifest) == expected


def test_entry_is_written_as_designed(tmp_path: Path) -> None:
    """Keys are sorted, two spaces indent, text is UTF-8, and a line feed ends the file."""
    entry = {**ENTRY, "phase": "Überprüft"}

    assert ledger(tmp_path).write(source(tmp_path), key(), entry)

    document = {"apiVersion": "bedrock-jobs/v1", "kind": "Status", "jobs": {"support-bot": entry}}
    wanted = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert sidecar(tmp_path).read_bytes() == wanted.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["support-bot.status.json"]


def test_sidecar_of_a_manifest_in_the_top_folder_is_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may mount its manifest at ``/``; the working folder is another one."""
    monkeypatch.chdir(tmp_path)
    opened, tried = os.open, list[os.stat_result]()

    def refusing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT and dir_fd is not None:
            tried.append(os.fstat(dir_fd))
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(LedgerError, match="read-only"):
        ledger(Path("/")).write(source(Path("/")), key(), ENTRY)

    assert [os.path.samestat(one, Path("/").stat()) for one in tried] == [True]


def test_entry_is_read_as_written(tmp_path: Path) -> None:
    """What was written is recorded, with the file's own time."""
    ledger(tmp_path).write(source(tmp_path), key(), ENTRY)

    recorded = ledger(tmp_path).read({key(): source(tmp_path)})[key()]

    assert recorded.entry == ENTRY
    assert (recorded.digest, recorded.token, recorded.arn) == (
        ENTRY["digest"],
        ENTRY["token"],
        ENTRY["jobArn"],
    )
    assert recorded.place == Place("123456789012", "us-east-1")
    assert (recorded.reason, recorded.message) == ("InProgress", "so")
    assert recorded.live is not None
    assert recorded.live.token == ENTRY["token"]
    assert recorded.written_at is not None
    assert recorded.written_at.timestamp() == pytest.approx(
        sidecar(tmp_path).stat().st_mtime, rel=0, abs=60
    )


@pytest.mark.parametrize("reads_first", [True, False])
def test_same_bytes_are_not_written(tmp_path: Path, reads_first: bool) -> None:
    """An entry that stands there already leaves the file as it is: inode, time and all."""
    ledger(tmp_path).write(source(tmp_path), key(), ENTRY)
    before = state(sidecar(tmp_path))
    later = ledger(tmp_path)
    if reads_first:
        later.read({key(): source(tmp_path)})

    assert not later.write(source(tmp_path), key(), dict(reversed(ENTRY.items())))
    assert state(sidecar(tmp_path)) == before


def test_reading_writes_nothing(tmp_path: Path) -> None:
    """A read leaves folder and file untouched."""
    ledger(tmp_path).write(source(tmp_path), key(), ENTRY)
    before = state(sidecar(tmp_path)), state(tmp_path)

    ledger(tmp_path).read({key(): source(tmp_path)})

    assert (state(sidecar(tmp_path)), state(tmp_path)) == before


def test_other_entries_are_kept(tmp_path: Path) -> None:
    """Jobs of one file share a sidecar; writing one leaves the other as it stands."""
    one = ledger(tmp_path)
    one.write(source(tmp_path), key("first"), ENTRY)
    one.write(source(tmp_path), key("second"), {**ENTRY, "phase": "Completed"})

    recorded = ledger(tmp_path).read({key("first"): source(tmp_path)})

    assert {name.name: entry.phase for name, entry in recorded.items()} == {
        "first": "InProgress",
        "second": "Completed",
    }


def test_change_behind_the_back_is_seen(tmp_path: Path) -> None:
    """A file that was changed since it was read is read again before it is written."""
    one = ledger(tmp_path)
    one.write(source(tmp_path), key(), ENTRY)
    one.read({key(): source(tmp_path)})
    ledger(tmp_path).write(source(tmp_path), key(), {**ENTRY, "phase": "Completed"})

    assert one.write(source(tmp_path), key(), ENTRY)
    assert ledger(tmp_path).read({})[key()].phase == "InProgress"


def test_moved_manifest_keeps_its_job(tmp_path: Path) -> None:
    """An entry is found by kind and name in any sidecar of the folders."""
    old, new = tmp_path / "old", tmp_path / "new" / "deeper"
    for folder in (old, new):
        folder.mkdir(parents=True)
    ledger(tmp_path).write(source(old), key(), ENTRY)

    recorded = ledger(tmp_path).read({key(): source(new, "renamed.yaml")})

    assert recorded[key()].arn == ENTRY["jobArn"]


@pytest.mark.parametrize("order", [("a", "z"), ("z", "a")])
def test_own_sidecar_comes_first(tmp_path: Path, order: tuple[str, str]) -> None:
    """Where two sidecars hold one job, the one beside the manifest is right."""
    own, other = (tmp_path / name for name in order)
    for folder in (own, other):
        folder.mkdir()
    ledger(tmp_path).write(source(other), key(), {**ENTRY, "phase": "Stopped"})
    ledger(tmp_path).write(source(own), key(), ENTRY)

    recorded = ledger(tmp_path).read({key(): source(own)})

    assert recorded[key()].phase == "InProgress"


GARBAGE = {
    "nothing": b"",
    "truncated": b'{"apiVersion": "bedrock-jobs/v1", "jobs": {"support-bot": {"kind"',
    "a list": b"[]",
    "a text": b'"jobs"',
    "no jobs": b"{}",
    "jobs that are a list": b'{"jobs": []}',
    "a job that is a list": b'{"jobs": {"support-bot": []}}',
    "another kind": b'{"jobs": {"support-bot": {"kind": "Elsewhere"}}}',
    "a kind that is a map": b'{"jobs": {"support-bot": {"kind": {}}}}',
    "no UTF-8": b'{"jobs": "\xff"}',
    "too deep to read": b"[" * 100_000,
    "too deep to write": b'{"jobs": {"deep": ' + b'{"a":' * 600 + b"1" + b"}" * 602,
    "an endless number": b'{"jobs": {"support-bot": ' + b"9" * 10_000 + b"}}",
    "conflict marks": b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> main\n",
}


WHOLE = {"another kind", "a kind that is a map", "a job that is a list"}
"""Files that are sidecars, with an entry that is none."""


FOREIGN = {"a list", "a text", "no jobs", "jobs that are a list"}
"""Files that are JSON, and do not say that they are ours."""


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_a_doubt_and_not_an_absence(tmp_path: Path, name: str) -> None:
    """What makes no sense records nothing, says so, and is replaced only where that is allowed."""
    sidecar(tmp_path).write_bytes(GARBAGE[name])
    one = ledger(tmp_path)

    found = one.read({key(): source(tmp_path)})[key()].doubt

    assert found is not None
    assert (found.path, found.broken, found.own) == (str(sidecar(tmp_path)), True, True)
    if name not in WHOLE:
        with pytest.raises(LedgerError, match="cannot be read"):
            one.write(source(tmp_path), key(), ENTRY)
        assert sidecar(tmp_path).read_bytes() == GARBAGE[name]
        one.allow_rebuild()
    assert one.write(source(tmp_path), key(), ENTRY)
    assert ledger(tmp_path).read({})[key()].entry == ENTRY


@pytest.mark.parametrize("name", sorted(GARBAGE))
def test_garbage_elsewhere_may_be_the_record_of_a_moved_manifest(tmp_path: Path, name: str) -> None:
    """A job without a record is doubted for what makes no sense beside another manifest."""
    sidecar(tmp_path).write_bytes(GARBAGE[name])
    other = key("other")
    sources = {key(): source(tmp_path), other: source(tmp_path, "other.yaml")}

    found = ledger(tmp_path).read(sources)

    assert (other in found) is (name not in WHOLE | FOREIGN)


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"status": "ok"}'])
def test_files_of_other_programs_hold_nothing_up(tmp_path: Path, content: bytes) -> None:
    """Well-formed JSON of another program is no sidecar, unless a manifest stands beside it."""
    (tmp_path / "build.status.json").write_bytes(content)

    assert ledger(tmp_path).read({key(): source(tmp_path)}) == {}
    assert ledger(tmp_path).read({key(): source(tmp_path, "build.yaml")})[key()].doubt is not None


def test_a_record_is_enough_where_another_file_is_broken(tmp_path: Path) -> None:
    """The sidecar beside the manifest comes first: what another one may say is older."""
    ledger(tmp_path).write(source(tmp_path), key(), ENTRY)
    sidecar(tmp_path, "other").write_text("<<<<<<< HEAD")

    assert ledger(tmp_path).read({key(): source(tmp_path)})[key()].doubt is None


def test_entries_of_another_form_stay(tmp_path: Path) -> None:
    """Writing one entry leaves the others of the file, also those that nobody understands."""
    sidecar(tmp_path).write_text('{"jobs": {"odd": [1], "later": {"kind": "Later", "phase": "x"}}}')

    assert ledger(tmp_path).write(source(tmp_path), key(), ENTRY)

    jobs = json.loads(sidecar(tmp_path).read_bytes())["jobs"]
    assert jobs == {"later": {"kind": "Later", "phase": "x"}, "odd": [1], "support-bot": ENTRY}


MISSHAPEN: dict[str, dict[str, Any]] = {
    "an ARN that is a number": {"jobArn": 5},
    "an ARN that cannot be sent": {"jobArn": "arn:\ud800"},
    "a name that is a list": {"jobName": ["bot"]},
    "an attempt that is a text": {"attempt": "1"},
    "a history that is a map": {"history": {}},
    "a history of texts": {"history": ["arn"]},
    "a target without a Region": {"target": {"accountId": "123456789012"}},
    "no phase": {"phase": None},
}


@pytest.mark.parametrize("change", MISSHAPEN.values(), ids=MISSHAPEN)
def test_entry_of_another_form_is_a_doubt(tmp_path: Path, change: dict[str, Any]) -> None:
    """An entry that cannot be read as we write it may hide the job that it is about."""
    document = {"jobs": {"support-bot": {**ENTRY, **change}, "fine": ENTRY}}
    sidecar(tmp_path).write_text(json.dumps(document))

    found = ledger(tmp_path).read(
        {key(): source(tmp_path), key("fine"): source(tmp_path), key("new"): source(tmp_path)}
    )

    assert found[key()].doubt is not None
    assert found[key("fine")].doubt is None
    assert key("new") not in found


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.EACCES])
@pytest.mark.parametrize("call", ["open", "read"])
def test_unread_sidecar_is_unknown_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """A file that cannot be read is neither taken for absent nor written over."""
    ledger(tmp_path).write(source(tmp_path), key(), ENTRY)
    one, content = ledger(tmp_path), sidecar(tmp_path).read_bytes()
    real = getattr(os, call)

    def failing(target: Any, *given: Any, **more: Any) -> Any:
        at = target if isinstance(target, str) else str(Path(f"/proc/self/fd/{target}").readlink())
        if at.endswith(".status.json"):
            raise OSError(number, os.strerror(number), at)
        return real(target, *given, **more)

    monkeypatch.setattr(os, call, failing)
    found = one.read({key(): source(tmp_path), key("new"): source(tmp_path, "new.yaml")})

    for name in ("support-bot", "new"):
        doubt = found[key(name)].doubt
        assert doubt is not None
        assert (doubt.broken, doubt.own) == (False, name == "support-bot")
        assert os.strerror(number) in doubt.cause
    with pytest.raises(LedgerError, match=r"support-bot\.status\.json.*cannot be read"):
        one.write(source(tmp_path), key(), {**ENTRY, "phase": "Completed"})
    monkeypatch.undo()
    assert sidecar(tmp_path).read_bytes() == content


def test_folder_that_cannot_be_listed_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A moved manifest's record may be in a folder that cannot be listed."""
    (tmp_path / "old").mkdir()
    real = os.scandir

    def failing(path: str) -> Any:
        if path.endswith("/old"):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path)

    monkeypatch.setattr(os, "scandir", failing)
    found = ledger(tmp_path).read({key(): source(tmp_path)})[key()].doubt

    assert found is not None
    assert (found.path, found.broken, found.own) == (str(tmp_path / "old"), False, False)


def test_file_that_broke_since_the_read_is_not_replaced(tmp_path: Path) -> None:
    """A merge that leaves its marks while a pass runs loses nothing to that pass."""
    ledger(tmp_path).write(source(tmp_path), key(), ENTRY)
    one = ledger(tmp_path)
    one.read({key(): source(tmp_path)})
    sidecar(tmp_path).write_text("<<<<<<< HEAD")

    with pytest.raises(LedgerError, match="cannot be read"):
        one.write(source(tmp_path), key(), {**ENTRY, "phase": "Completed"})
    assert sidecar(tmp_path).read_text() == "<<<<<<< HEAD"


@pytest.mark.parametrize("name", ["truncated", "a list", "conflict marks", "no UTF-8"])
def test_unreadable_sidecars_are_named(tmp_path: Path, name: str) -> None:
    """A file that could not be understood is told, so that nobody thinks it was read."""
    sidecar(tmp_path).write_bytes(GARBAGE[name])
    one = ledger(tmp_path)
    one.read({})

    assert one.unreadable == [str(sidecar(tmp_path))]


def test_half_a_surrogate_pair_is_kept(tmp_path: Path) -> None:
    """Text that UTF-8 cannot hold stops no write of another job's entry in the file."""
    content = b'{"jobs": {"odd": {"kind": "%s", "phase": "\\ud800"}}}' % KIND.name.encode()
    sidecar(tmp_path).write_bytes(content)

    assert ledger(tmp_path).write(source(tmp_path), key(), ENTRY)

    recorded = ledger(tmp_path).read({})
    assert recorded[key("odd")].phase == "\ud800"
    assert recorded[key()].entry == ENTRY


def test_folder_in_the_way_is_told(tmp_path: Path) -> None:
    """A folder that has the sidecar's name is an error with what to do, and stays."""
    sidecar(tmp_path).mkdir()
    one = ledger(tmp_path)

    assert one.read({key(): source(tmp_path)})[key()].doubt is not None
    with pytest.raises(LedgerError, match="move it away"):
        one.write(source(tmp_path), key(), ENTRY)
    assert [path.name for path in tmp_path.iterdir()] == [sidecar(tmp_path).name]


def test_missing_folder_is_told(tmp_path: Path) -> None:
    """A folder that went away since discovery is an error of that one sidecar."""
    with pytest.raises(LedgerError, match="cannot be written"):
        ledger(tmp_path).write(source(tmp_path / "gone"), key(), ENTRY)


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe in a sidecar's place is never read from; the write replaces it."""
    os.mkfifo(sidecar(tmp_path))
    one = ledger(tmp_path)

    assert one.read({key(): source(tmp_path)})[key()].doubt is not None
    one.allow_rebuild()
    assert one.write(source(tmp_path), key(), ENTRY)
    assert sidecar(tmp_path).is_file()


def test_socket_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket in a sidecar's place is named, and is an error of that one job."""
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(sidecar(tmp_path).name)
        one = ledger(tmp_path)

        assert one.read({key(): source(tmp_path)})[key()].doubt is not None
        assert one.unreadable == [str(sidecar(tmp_path))]
        with pytest.raises(LedgerError, match="cannot be read"):
            one.write(source(tmp_path), key(), ENTRY)


def test_symlink_is_replaced_not_followed(tmp_path: Path) -> None:
    """A sidecar may link elsewhere in the tree; the write leaves what it leads to alone."""
    elsewhere = tmp_path / "elsewhere.json"
    ledger(tmp_path).write(source(tmp_path), key(), ENTRY)
    sidecar(tmp_path).rename(elsewhere)
    sidecar(tmp_path).symlink_to(elsewhere)
    content = elsewhere.read_bytes()
    one = ledger(tmp_path)

    assert one.read({key(): source(tmp_path)})[key()].entry == ENTRY
    assert one.write(source(tmp_path), key(), {**ENTRY, "phase": "Completed"})
    assert not sidecar(tmp_path).is_symlink()
    assert elsewhere.read_bytes() == content


@pytest.mark.parametrize("there", [True, False])
def test_link_out_of_the_tree_is_not_read(tmp_path: Path, there: bool) -> None:
    """What lies outside the tree is never read, and is no absence of a record either."""
    inside, outside = tmp_path / "jobs", tmp_path / "outside.json"
    inside.mkdir()
    if there:
        ledger(tmp_path).write(source(tmp_path, "outside.yaml"), key(), ENTRY)
        sidecar(tmp_path, "outside").rename(outside)
    sidecar(inside).symlink_to(outside)
    one = ledger(inside)

    found = one.read({key(): source(inside)})[key()]

    assert (found.arn, found.doubt is not None) == (None, True)
    with pytest.raises(LedgerError):
        one.write(source(inside), key(), ENTRY)
    assert sidecar(inside).is_symlink()


def test_hidden_folders_are_left_alone(tmp_path: Path) -> None:
    """What lies in a hidden folder is nobody's sidecar."""
    hidden = tmp_path / ".git"
    hidden.mkdir()
    ledger(tmp_path).write(source(hidden), key(), ENTRY)

    assert ledger(tmp_path).read({}) == {}


def test_abandoned_temporary_files_are_removed(tmp_path: Path) -> None:
    """What a killed process left an hour ago goes; what may be in use, or is not ours, stays."""
    old = tmp_path / ".support-bot.status.json.17.42.tmp"
    fresh = tmp_path / ".other.status.json.17.42.tmp"
    foreign = tmp_path / ".notes.tmp"
    for path in (old, fresh, foreign):
        path.write_bytes(b"{")
    then = time.time() - 2 * HOUR
    for path in (old, foreign):
        os.utime(path, (then, then))
    one = ledger(tmp_path)
    one.read({})

    one.clean()

    assert sorted(path.name for path in tmp_path.iterdir()) == [foreign.name, fresh.name]


def test_writers_side_by_side_lose_nothing(tmp_path: Path) -> None:
    """Threads that write entries of one file all find theirs in it."""
    one = ledger(tmp_path)
    names = [f"job-{number}" for number in range(24)]

    with ThreadPoolExecutor(8) as executor:
        written = list(
            executor.map(lambda name: one.write(source(tmp_path), key(name), ENTRY), names)
        )

    assert all(written)
    assert {found.name for found in ledger(tmp_path).read({})} == set(names)
    assert [path.name for path in tmp_path.iterdir()] == [sidecar(tmp_path).name]


def test_many_entries_of_a_file_are_one_rewrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand documents of one file are written once, and flushed once."""
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    entries = [(source(tmp_path), key(f"job-{number}"), ENTRY) for number in range(1000)]

    assert all(ledger(tmp_path).write_all(entries))

    assert len(flushed) == 2
    assert len(ledger(tmp_path).read({})) == 1000


def test_large_sidecar_keeps_every_entry(tmp_path: Path) -> None:
    """Beyond 8 MiB nothing is dropped: a further entry stands beside the others."""
    one = ledger(tmp_path)
    large = {**ENTRY, "message": "x" * 12_000}
    one.write_all([(source(tmp_path), key(f"job-{number}"), large) for number in range(800)])

    assert one.write(source(tmp_path), key(), ENTRY)

    assert sidecar(tmp_path).stat().st_size > 8 << 20
    assert len(ledger(tmp_path).read({})) == 801


def test_sidecar_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    """What would be larger than a reader takes is refused, and the others stay."""
    one = ledger(tmp_path)
    one.write(source(tmp_path), key(), ENTRY)

    with pytest.raises(LedgerError, match="several files"):
        one.write(source(tmp_path), key("huge"), {**ENTRY, "message": "x" * (33 << 20)})
    assert ledger(tmp_path).read({})[key()].entry == ENTRY


OTHER = replace(KIND, name="OtherJob")
BOTH = {KIND.name: KIND, OTHER.name: OTHER}


def test_two_kinds_of_one_name_keep_an_entry_each(tmp_path: Path) -> None:
    """Where two kinds share a name the keys have the kind; a name alone is read as before."""
    theirs = {**ENTRY, "kind": OTHER.name}
    one, other = key(), JobKey(OTHER.name, "support-bot")
    for name, entry in ((one, ENTRY), (other, theirs)):
        assert SidecarLedger([tmp_path], BOTH).write(source(tmp_path), name, entry)

    jobs = json.loads(sidecar(tmp_path).read_bytes())["jobs"]
    assert jobs == {str(one): ENTRY, str(other): theirs}
    ledger_of_both = SidecarLedger([tmp_path], BOTH)
    recorded = ledger_of_both.read({})
    assert {name: found.entry for name, found in recorded.items()} == {one: ENTRY, other: theirs}
    assert ledger_of_both.remove(
        StrayEntry(str(sidecar(tmp_path)), "", other, recorded[other]), theirs
    )
    assert json.loads(sidecar(tmp_path).read_bytes())["jobs"] == {"support-bot": ENTRY}


def test_rename_that_changes_case_takes_the_sidecar_along(tmp_path: Path) -> None:
    """Two sidecars that are one file on macOS never stand beside each other."""
    old = [(source(tmp_path, "Bots.yaml"), key(name), ENTRY) for name in ("first", "second")]
    ledger(tmp_path).write_all(old)
    new = source(tmp_path, "bots.yaml")
    one = ledger(tmp_path)
    one.read({key("first"): new, key("second"): new})

    assert one.write(new, key("first"), ENTRY)

    assert [path.name for path in tmp_path.iterdir()] == ["bots.status.json"]
    assert len(ledger(tmp_path).read({})) == 2


@pytest.mark.parametrize("manifest", ["Bot.yaml", "Bot.json", "Bot.YAML", "Bot.Json"])
def test_sidecar_of_a_manifest_that_is_there_is_not_taken_along(
    tmp_path: Path, manifest: str
) -> None:
    """Where the case tells files apart, two manifests keep a sidecar each."""
    ledger(tmp_path).write(source(tmp_path, manifest), key(), ENTRY)
    (tmp_path / manifest).write_text("")
    one = ledger(tmp_path)
    one.read({key("new"): source(tmp_path, "bot.yaml")})

    assert one.write(source(tmp_path, "bot.yaml"), key("new"), ENTRY)

    found = {path.name for path in tmp_path.iterdir()}
    assert found == {manifest, "Bot.status.json", "bot.status.json"}


@pytest.mark.parametrize("name", ["bot.yaml", "bot.json", "bot.YML", "bot.Json"])
def test_ledger_of_a_file_that_is_not_there_is_its_folders(tmp_path: Path, name: str) -> None:
    """A file that was named and has gone since is looked up beside its sidecar."""
    ledger(tmp_path).write(source(tmp_path, name), key(), ENTRY)

    assert list(ledger(tmp_path / name).read({})) == [key()]
