"""What the tests of `migrate` share: models, two storages, and the command in each world."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import VARBINARY, LargeBinary, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StorageBackend, StoredObject
from holdfast.maintenance import MigrateReport, VerifyReport, migrate, migrate_async
from tests.maintenance.conftest import World
from tests.maintenance.stacks import Hooked, Shouted

BIG = bytes(range(256)) * 40_000
"""Ten megabytes: more than goes in one request."""


class Base(DeclarativeBase):
    pass


class Deed(Base):
    __tablename__ = "deed"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="old", multiple=True))
    title: Mapped[str | None] = mapped_column(String(20))


class Leaf(Base):
    """A table whose primary key is binary."""

    __tablename__ = "leaf"

    id: Mapped[bytes] = mapped_column(LargeBinary(16).with_variant(VARBINARY(16), "mysql", "mariadb"), primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))


class Crate(Base):
    """A table whose primary key has two columns of odd types."""

    __tablename__ = "crate"

    number: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Shouted(), primary_key=True)
    lid: Mapped[FileObject | None] = mapped_column("cover", StoredObject(backend="old"))


class Logged(DeclarativeBase):
    """Tables with an outbox that triggers write."""


class Scroll(Logged):
    __tablename__ = "scroll"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))


outbox = Outbox(Logged.metadata, triggers=True)


class Noted(DeclarativeBase):
    """Tables with an outbox that only the unit of work writes."""


class Memo(Noted):
    __tablename__ = "memo"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))


plain_outbox = Outbox(Noted.metadata)


class Watched(Hooked):
    """A driver that also notes and hooks puts, and fails on cue."""

    def __init__(self, driver: Any) -> None:
        super().__init__(driver)
        self.written: list[str] = []
        self.failing: Callable[[str], BaseException | None] = lambda _: None

    def put(self, key: str, body: Any, options: Any) -> Any:
        """Write, unless it is to fail."""
        if not key.endswith("-probe.txt"):
            self._happen("put")
        if (error := self.failing(key)) is not None:
            raise error
        info = self.driver.put(key, body, options)
        self.written.append(key)
        return info


class Moves:
    """A world with its two storages."""

    def __init__(self, world: World, old: StorageBackend, new: StorageBackend, base: Any = Base) -> None:
        self.world, self.old, self.new, self.base = world, old, new, base

    async def migrate(self, **options: Any) -> MigrateReport:
        """Run the command, from old to new, past the tables of the other tests."""
        options = {"shared": True, "source": "old", "target": "new"} | options
        if self.world.database.is_async:
            async with AsyncSession(self.world.database.engine) as session:
                return await migrate_async(session, self.base, **options)
        with Session(self.world.database.engine) as session:
            return migrate(session, self.base, **options)

    @property
    def copied(self) -> list[str]:
        """The keys of all files that were written to the new storage."""
        return [key for key in self.new._plain.written if not key.endswith("-probe.txt")]

    async def verify(self) -> VerifyReport:
        """Read all files of all rows."""
        return await self.world.verify(self.base, deep=True)

    async def add(self, *rows: Any) -> None:
        """Add rows with a session."""

        def work(session: Session) -> None:
            session.add_all(rows)
            session.commit()

        await self.world.run(work)

    def lay(self, key: str, content: bytes, table: str = "deed", *, number: int, **fields: Any) -> None:
        """Put an object by hand, and a row that names it as raw SQL would."""
        self.old.put(key, content)
        self.insert(number, name(key, **fields), table)

    def insert(self, number: int, value: str, table: str = "deed", column: str = "file") -> None:
        """Insert a row with any JSON."""
        self.world.sql(f"INSERT INTO {table} (id, {column}) VALUES (:number, :value)", number=number, value=value)

    def json(self, number: int, table: str = "deed", column: str = "file") -> Any:
        """Return what a row says, as plain data."""
        with self.world.engine.connect() as connection:
            text = connection.exec_driver_sql(f"SELECT {column} FROM {table} WHERE id = {number}").scalar_one()
        return json.loads(text) if isinstance(text, (str, bytes)) else text


def name(key: str, storage: str = "old", **fields: Any) -> str:
    """Return a row's JSON."""
    return json.dumps({"backend": storage, "filename": "a.txt", "to_filename": key} | fields)


def file(content: bytes = b"bytes", **fields: Any) -> FileObject:
    """Return a pending file."""
    return FileObject(**{"filename": "a.txt", "content": content} | fields)


def wrong(report: MigrateReport) -> list[tuple[str, str | None]]:
    """Return what a run could not do."""
    return sorted((finding.kind, finding.key) for finding in report.findings)
