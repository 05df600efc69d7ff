"""What a switched row keeps, and which rows a model stands for."""

from datetime import datetime
from typing import ClassVar

import pytest
from sqlalchemy import String, text
from sqlalchemy.dialects.mysql import TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject
from holdfast.errors import ConfigurationError
from tests.maintenance.rewriting.moves import Moves, name


class Dated(DeclarativeBase):
    """Tables as they are declared for MySQL."""


class Stamped(Dated):
    __tablename__ = "stamped"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))
    changed: Mapped[datetime] = mapped_column(
        TIMESTAMP, server_default=text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")
    )


class Family(DeclarativeBase):
    """Models that share a table."""


class Beast(Family):
    __tablename__ = "beast"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(9))
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "beast"}


class Cat(Beast):
    __mapper_args__: ClassVar = {"polymorphic_identity": "cat"}


@pytest.mark.parametrize("driver", ["pymysql", "asyncmy"], indirect=True)
async def test_a_time_that_the_database_updates_by_its_default(moves: Moves) -> None:
    """The application changed nothing, so the row's time of change stays."""
    await moves.world.database.create(Dated)
    moves.old.put("1.txt", b"1")
    moves.world.sql("INSERT INTO stamped VALUES (1, :value, '2001-02-03 04:05:06')", value=name("1.txt"))
    assert (await Moves(moves.world, moves.old, moves.new, Dated).migrate()).counts["moved"] == 1
    with moves.world.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT changed FROM stamped").scalar() == datetime.fromisoformat(
            "2001-02-03 04:05:06"
        )


@pytest.mark.parametrize("driver", ["pysqlite"], indirect=True)
@pytest.mark.parametrize("model", [Cat, "Cat"])
async def test_a_model_in_its_parents_table(moves: Moves, model: object) -> None:
    """It is refused, because all rows of the table would move; a condition chooses them."""
    await moves.world.database.create(Family)
    family = Moves(moves.world, moves.old, moves.new, Family)
    for number, kind in enumerate(("cat", "beast"), 1):
        moves.old.put(f"{kind}.txt", b"1")
        moves.world.sql("INSERT INTO beast VALUES (:id, :kind, :file)", id=number, kind=kind, file=name(f"{kind}.txt"))
    with pytest.raises(ConfigurationError, match=r"'Cat' is a part of table 'beast'.*kind"):
        await family.migrate(models=model)
    assert (await family.migrate(models=Beast, where="kind = 'cat'")).counts["moved"] == 1
    assert moves.json(2, "beast")["backend"] == "old"
