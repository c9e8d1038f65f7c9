from __future__ import annotations

from pathlib import Path

from tests.adapters.watches import woken
from tests.support.manifests import manifest, write


def test_a_deaf_watch_listens_anew(tmp_path: Path) -> None:
    """A watch whose ear has gone deaf gets a new one, tells of a change, and hears the next."""
    write(tmp_path / "a.yaml", manifest("a"))
    with woken(tmp_path) as (wakes, watch):
        deaf = watch._ear
        assert deaf is not None
        deaf.close()
        watch.listen_again()
        wakes.reach(1)
        assert watch._ear is not deaf

        write(tmp_path / "b.yaml", manifest("b"))

        wakes.reach(2)
