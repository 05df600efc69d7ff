"""Rows are gone through by keys that databases sort in one way and compare in another."""

from sqlalchemy import Enum
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.rewriting.walk import Walk
from holdfast.maintenance.rows import Rows
from tests.maintenance.rewriting.moves import Moves, file


class Zoo(DeclarativeBase):
    pass


class Cage(Zoo):
    __tablename__ = "cage"
    kind: Mapped[str] = mapped_column(Enum("zebra", "ant", "mole", name="cage_kind"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))


async def test_an_enum_in_a_primary_key(moves: Moves) -> None:
    """MySQL sorts it by number and compares it as text: all the same, each row comes once."""
    await moves.world.database.create(Zoo)
    await moves.add(*(Cage(kind=kind, number=n, file=file()) for kind in ("zebra", "ant", "mole") for n in range(3)))

    def walk(session: Session) -> list[tuple[object, ...]]:
        columns = Columns(Zoo)
        pages = Walk(Rows(session, columns), columns.tables[0], size=2).pages()
        return [row.identity for page in pages for row in page]

    found = await moves.world.run(walk)
    assert len(found) == len(set(found)) == 9
