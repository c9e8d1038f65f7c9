"""When a burst counts as over, by value: the time comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.adapters.watch.debounce import Debouncer


def test_single_save_is_over_at_once() -> None:
    """A file that is whole waits for the debounce, and no longer."""
    calm = Debouncer(0.02)
    assert calm.get_due() is None

    calm.note("a", 5.0, whole=True)
    assert calm.get_due() == pytest.approx(5.02)

    assert calm.take().paths == {"a"}
    assert calm.get_due() is None


def test_each_change_puts_the_end_off() -> None:
    """A burst is over when nothing has changed for the debounce."""
    calm = Debouncer(0.02)
    calm.note("a", 5.0, whole=True)
    calm.note("b", 5.01, whole=True)

    assert calm.get_due() == pytest.approx(5.03)


def test_unfinished_file_is_waited_for() -> None:
    """A file that is open, or gone and perhaps to come back, is waited for with patience."""
    calm = Debouncer(0.02)
    calm.note("a", 5.0, whole=False)
    assert calm.get_due() == pytest.approx(5.25)

    calm.note("a", 5.1, whole=True)
    assert calm.get_due() == pytest.approx(5.12)


def test_many_files_are_waited_for() -> None:
    """A checkout has pauses, which are not its end."""
    calm = Debouncer(0.02)
    for number in range(20):
        calm.note(str(number), 5.0, whole=True)

    assert calm.get_due() == pytest.approx(5.25)


def test_burst_that_goes_on_keeps_its_beginning() -> None:
    """What is put back has not begun anew, and is not put back for ever."""
    calm = Debouncer(0.02)
    calm.note("a", 5.0, whole=True)
    burst = calm.take()

    assert calm.put_back(burst, 9.9)
    assert calm.get_due() == pytest.approx(10.0)
    assert not calm.put_back(calm.take(), 10.0)


@given(
    pauses=st.lists(st.floats(0, 0.4), min_size=1, max_size=60),
    files=st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.booleans()), min_size=60),
)
def test_endless_writing_starves_nobody(pauses: list[float], files: list[tuple[str, bool]]) -> None:
    """However changes follow each other, the first is told of within 250 times the debounce."""
    calm, now = Debouncer(0.02), 100.0
    for pause, (name, whole) in zip(pauses, files, strict=False):
        calm.note(name, now, whole=whole)
        due = calm.get_due()
        assert due is not None
        assert due <= 105.0
        now = min(now + pause, 104.9)
