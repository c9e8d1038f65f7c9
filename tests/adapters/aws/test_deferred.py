"""A deferred cloud is made by its first call, once, however many threads make it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from controller.adapters.aws.deferred import create_deferred_cloud
from controller.core.model import Target
from controller.ports import Cloud
from tests.contract.fake import Fake

WIDTH = 8


def test_it_is_made_once() -> None:
    """Calls that come at the same time reach one and the same cloud; before them there is none."""
    made: list[Fake] = []
    together = Barrier(WIDTH)

    def make() -> Cloud:
        made.append(Fake())
        return made[-1]

    cloud = create_deferred_cloud(make)
    assert made == []

    def call(_: int) -> None:
        together.wait()
        cloud.get_place(Target())

    with ThreadPoolExecutor(WIDTH) as pool:
        list(pool.map(call, range(WIDTH)))

    assert [len(one.calls) for one in made] == [WIDTH]
