"""`adopt` gives each object to one row, and takes no copy back that a row holds."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject
from holdfast.drivers.local import LocalDriver
from tests.moving.conftest import House, keys


class Base(DeclarativeBase):
    pass


class Sheet(Base):
    __tablename__ = "sheet"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str | None] = mapped_column(String(20))
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="sheets"))


async def test_a_row_whose_json_reads_back_as_another_value(house: House, register: Any, tmp_path: Any) -> None:
    """It has its files all the same, so that its copy of a shared object is not taken back."""
    sheets = register("sheets", StorageBackend("sheets", LocalDriver(tmp_path / "sheets", durable=False)))
    sheets.put("a.txt", b"a")
    await house.database.create(Base)
    with house.session() as session:
        session.add_all([Sheet(id=number, path="a.txt") for number in (1, 2)])
        session.commit()

    def mapping(path: str) -> FileObject:
        return FileObject(backend="sheets", to_filename=path, filename=path, metadata={"of": ("x", 1e23)})

    report = await house.adopt(Base, column=Sheet.file, source=Sheet.path, mapping=mapping)
    assert (report.ok, report.counts["adopted"], report.counts["copied"]) == (True, 2, 1)
    with house.session() as session:
        assert {session.get_one(Sheet, number).file.path for number in (1, 2)} == keys(sheets)


async def test_an_object_that_a_row_holds_under_another_name_of_its_storage(
    house: House, register: Any, tmp_path: Any
) -> None:
    """Two storages of one folder are one place: the second row gets a copy, and can be deleted."""
    register("sheets", StorageBackend("sheets", LocalDriver(tmp_path / "sheets", durable=False)))
    other = register("other", StorageBackend("other", LocalDriver(tmp_path / "sheets", durable=False)))
    other.put("a.txt", b"a")
    await house.database.create(Base)
    with house.session() as session:
        session.add(Sheet(id=1, file=FileObject(backend="other", to_filename="a.txt", filename="a.txt")))
        session.add(Sheet(id=2, path="a.txt"))
        session.commit()

    def mapping(path: str) -> FileObject:
        return FileObject(backend="sheets", to_filename=path, filename=path)

    report = await house.adopt(Base, column=Sheet.file, source=Sheet.path, mapping=mapping)
    assert report.counts["copied"] == 1
    with Session(house.engine) as session:
        session.delete(session.get_one(Sheet, 2))
        session.commit()
    assert keys(other) == {"a.txt"}
