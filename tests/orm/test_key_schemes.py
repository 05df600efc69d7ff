"""Key schemes of columns: a template or a function of the row, as far as the row is known when its file is stored."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.errors import ConfigurationError, InvalidKeyError
from holdfast.keys import find_id
from tests.orm.conftest import Database, contents, stored
from tests.orm.documents import file

pytestmark = pytest.mark.usefixtures("docs")


class Base(DeclarativeBase):
    pass


def by_tenant(row, file: FileObject) -> str:
    """Name a file as a careless function would."""
    return f"by/{row.tenant}/{file.filename}"


class Invoice(Base):
    __tablename__ = "invoice"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[UUID] = mapped_column(default=uuid4)
    tenant: Mapped[str | None]
    template: Mapped[FileObject | None] = mapped_column(
        StoredObject(backend="docs", key_scheme="{model}/{row.tenant}/{date:%Y}/{column}/{id}-{name}")
    )
    function: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs", key_scheme=by_tenant))
    by_id: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs", key_scheme="{row.id}/{id}"))
    by_uid: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs", key_scheme="{row.uid}/{id}"))
    pages: Mapped[list[FileObject] | None] = mapped_column(
        StoredObject(backend="docs", multiple=True, key_scheme="{row.tenant}/pages/{name}")
    )
    plain: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with the table of invoices."""
    return await database.create(Base)


async def path_of(db: Database, column: str, **fields: object) -> str:
    """Store a file in a column and return its key."""

    def work(session: Session) -> str:
        row = Invoice(**{column: file(filename="Plan B.pdf")} | fields)
        session.add(row)
        session.commit()
        return getattr(row, column).path

    return await db.run(work)


async def test_a_template(db: Database) -> None:
    """Model, date, column and the row's own fields."""
    path = await path_of(db, "template", tenant="acme")
    year = datetime.now(UTC).year
    assert re.fullmatch(rf"invoice/acme/{year}/template/[0-9a-z]{{29}}-Plan-B\.pdf", path)


async def test_a_function(db: Database) -> None:
    """Its result gets a unique part in front of the last segment, and is held to the rules of keys."""

    def work(session: Session) -> str:
        row = Invoice(tenant="acme", function=file(filename="a.txt"))
        session.add(row)
        session.commit()
        return row.function.path

    path = await db.run(work)
    assert path == f"by/acme/{find_id(path)}-a.txt"
    with pytest.raises(InvalidKeyError):
        await path_of(db, "function", tenant="../..")


@pytest.mark.parametrize(
    "tenant", ["../../etc", "a/b", "..", "", " ", "\x00", "{id}", "é/../x", "C:\\x", "~root", "-rf"]
)
async def test_a_hostile_tenant(db: Database, tenant: str) -> None:
    """A client's text is one clean part of the key, and the unique part is kept."""
    path = await path_of(db, "template", tenant=tenant)
    parts = path.split("/")
    assert len(parts) == 5
    assert parts[0] == "invoice"
    assert parts[1] not in {"", ".", ".."}
    assert find_id(path)


async def test_what_is_not_set_yet(db: Database, docs) -> None:
    """An autoincrement id, and a default that the flush will make, are unknown when the file is stored."""
    for column in ("by_id", "by_uid", "template"):
        with pytest.raises(ConfigurationError, match="which is not set"):
            await path_of(db, column)
    assert stored(docs) == []
    assert (await path_of(db, "by_id", id=7)).startswith("7/")
    uid = uuid4()
    assert (await path_of(db, "by_uid", uid=uid)).startswith(f"{uid}/")


async def test_what_a_persistent_row_knows(db: Database) -> None:
    """Once the row is in the database its id is known, loaded or expired."""
    await path_of(db, "plain", id=1, tenant="acme")

    def work(session: Session) -> list[str]:
        row = session.get(Invoice, 1)
        session.expire(row)
        row.by_id = file()
        row.template = file()
        session.commit()
        return [row.by_id.path, row.template.path]

    by_id, template = await db.run(work)
    assert by_id.startswith("1/")
    assert template.startswith("invoice/acme/")


async def test_lists_saves_and_copies_follow_the_scheme(db: Database, docs) -> None:
    """Every new object of the column is named by it: pages, new content, copies."""

    def work(session: Session) -> None:
        row = Invoice(tenant="acme", pages=[file(), file()], plain=file())
        session.add(row)
        session.commit()
        row.pages.append(row.plain)
        row.pages[0].save(b"new")
        session.commit()
        assert all(page.path.startswith("acme/pages/") for page in row.pages)
        assert row.plain.path.startswith("20")

    await db.run(work)
    assert len(contents(docs)) == 4


async def test_the_column_outranks_the_storage(db: Database) -> None:
    """A storage's scheme is for the columns that have none; to_filename outranks both."""
    storages.register_backend("memory://", key="docs", key_scheme="storage/{id}")
    assert (await path_of(db, "plain")).startswith("storage/")
    assert (await path_of(db, "by_id", id=9)).startswith("9/")
    assert await path_of(db, "template", template=file(to_filename="own/name.txt")) == "own/name.txt"
