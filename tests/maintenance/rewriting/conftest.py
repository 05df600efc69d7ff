"""Two storages between which files are moved."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast import StorageBackend, storages
from holdfast.drivers.local import LocalDriver
from tests.maintenance.conftest import LOCAL, World
from tests.maintenance.rewriting.moves import Base, Logged, Moves, Noted, Watched


@pytest.fixture
def ends(driver: str, tmp_path: Path) -> Iterator[tuple[StorageBackend, StorageBackend]]:
    """A folder and a storage in memory, in the one order or the other."""
    memory = storages.register_backend("memory://", key="old")._driver
    drivers = [LocalDriver(tmp_path / "ends", durable=False), memory]
    if driver not in LOCAL:
        drivers.reverse()
    yield tuple(
        storages.register_backend(StorageBackend(name, Watched(each)))
        for name, each in zip(("old", "new"), drivers, strict=True)
    )
    storages._backends.pop("old", None), storages._backends.pop("new", None)


@pytest.fixture
async def moves(world: World, ends: tuple[StorageBackend, StorageBackend]) -> Moves:
    """A world with two storages and the tables."""
    await world.database.create(Base)
    return Moves(world, *ends)


@pytest.fixture
async def logged(moves: Moves) -> Moves:
    """The same with tables whose changes triggers write down."""
    await moves.world.database.create(Logged)
    return Moves(moves.world, moves.old, moves.new, Logged)


@pytest.fixture
async def noted(moves: Moves) -> Moves:
    """The same with tables whose changes the unit of work writes down."""
    await moves.world.database.create(Noted)
    return Moves(moves.world, moves.old, moves.new, Noted)


@pytest.fixture
def named() -> Iterator[Callable[[StorageBackend], StorageBackend]]:
    """Register storages under names that are free again afterwards."""
    made: list[str] = []

    def register_one(storage: StorageBackend) -> Any:
        made.append(storage.key)
        return storages.register_backend(storage)

    yield register_one
    for each in made:
        storages._backends.pop(each, None)
