"""SQLModel: a file column in a table model, and in the models that go in and out."""

import json

import pytest
from sqlmodel import Column, Field, Session, SQLModel, create_engine, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast import FileObject, StoredObject
from holdfast.errors import ColumnValueError
from tests.orm.conftest import Database, stored
from tests.orm.documents import file

pytestmark = pytest.mark.usefixtures("docs")


class DocumentIn(SQLModel):
    title: str


class Document(DocumentIn, table=True):
    __tablename__ = "sqlmodel_document"
    id: int | None = Field(default=None, primary_key=True)
    file: FileObject | None = Field(default=None, sa_column=Column(StoredObject(backend="docs")))
    pages: list[FileObject] = Field(default_factory=list, sa_type=StoredObject(backend="docs", multiple=True))


class DocumentOut(DocumentIn):
    id: int
    file: FileObject | None


@pytest.fixture
def engine(tmp_path):
    """An SQLite database with the table."""
    made = create_engine(f"sqlite:///{tmp_path}/test.db")
    SQLModel.metadata.create_all(made)
    yield made
    made.dispose()


def test_store_replace_delete(engine, docs) -> None:
    """The life of a file in SQLModel's own session."""
    with Session(engine) as session:
        session.add(Document(title="a", file=file(b"old"), pages=[file(b"page")]))
        session.commit()
        document = session.exec(select(Document)).one()
        assert document.file.get_content() == b"old"
        document.file = file(b"new")
        document.pages.append(file(b"page 2"))
        session.commit()
        assert stored(docs) == [b"new", b"page", b"page 2"]
        session.refresh(document)
        document.file = file(b"not this")
        session.flush()
        session.rollback()
        session.delete(document)
        session.commit()
    assert stored(docs) == []


async def test_async(tmp_path, docs) -> None:
    """And in its AsyncSession."""
    db = await Database(f"sqlite+aiosqlite:///{tmp_path}/test.db", is_async=True).create(SQLModel)
    async with AsyncSession(db.engine) as session:
        session.add(Document(title="a", file=file(b"x")))
        await session.commit()
        document = (await session.exec(select(Document))).one()
        assert await document.file.get_content_async() == b"x"
        assert document.pages == []
    await db.dispose()


def test_models_in_and_out(engine, docs) -> None:
    """A response model shows the description; neither storage nor key."""
    with Session(engine) as session:
        document = Document.model_validate(DocumentIn(title="a"), update={"file": file(b"x")})
        session.add(document)
        session.commit()
        out = DocumentOut.model_validate(document)
        assert out.file is document.file
        text = out.model_dump_json()
        assert json.loads(text)["file"]["size"] == 1
        assert document.file.path not in text
        assert DocumentOut.model_validate_json(text).file.path is None
        assert "filename" in json.dumps(DocumentOut.model_json_schema())


def test_wrong_types(engine) -> None:
    """Assignment is checked by the column, as everywhere."""
    with pytest.raises(ColumnValueError, match=r"Document\.file"):
        Document(title="a", file="a.txt")
    with pytest.raises(ColumnValueError):
        Document(title="a").file = b"x"
