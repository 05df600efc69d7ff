"""Both halves of a storage."""

from contextlib import closing

import pytest

from holdfast.testing.half import Half


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def in_half(request):
    """Make the half of a storage, under the test's own folder."""
    made = []

    def make(storage):
        made.append(closing(Half(storage, is_async=request.param, abilities=storage.abilities)))
        return made[-1].__enter__()

    yield make
    for half in made:
        runner = half.thing._runner
        if runner is not None:
            runner.close()
