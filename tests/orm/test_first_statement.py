"""A bulk statement that is the first thing a process does with its models."""

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject
from tests.orm.conftest import Database, contents


async def test_a_statement_finds_the_file_columns_of_models_that_nobody_has_used(
    database: Database, docs: StorageBackend
) -> None:
    """Content is uploaded and dropped files are deleted, although no mapper was configured before."""
    for statement in (insert, update, delete):

        class Base(DeclarativeBase):
            pass

        class Document(Base):
            __tablename__ = "document"
            id: Mapped[int] = mapped_column(primary_key=True)
            file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))

        def execute(session: Session, statement=statement, model=Document) -> None:
            file = FileObject(filename="a.txt", content=statement.__name__.encode())
            session.execute(statement(model) if statement is delete else statement(model).values(file=file))
            session.commit()

        await database.create(Base)
        await database.run(execute)
        assert list(contents(docs).values()) == ([] if statement is delete else [statement.__name__.encode()])
