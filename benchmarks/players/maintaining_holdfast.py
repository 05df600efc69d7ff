"""`verify`, `sweep` and `migrate`."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.players.maintained import Caretaker, count, expect
from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.drivers.local import LocalDriver
from holdfast.keys import default_key, new_id
from holdfast.maintenance import migrate, sweep, verify

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="docs"))


class Command(Caretaker):
    """One of the commands."""

    def __init__(self, setting: Setting) -> None:
        now = time.time()
        super().__init__(setting, lambda day: default_key(new_id(now - day * 86_400 - 60), "a.pdf"))
        storages.register_backend(StorageBackend("docs", LocalDriver(self.files, durable=False)))
        self.engine = create_engine(self.url)

    def run(self) -> None:
        """Run it."""
        with Session(self.engine) as session:
            self.report = self.command(session)
        if not self.report.ok:
            raise RuntimeError(self.report.to_dict())

    def command(self, session: Session) -> Any:
        """Run it in a session."""
        raise NotImplementedError


class Verify(Command):
    """Every row has its bytes."""

    def command(self, session: Session) -> Any:
        """Compare rows and objects."""
        return verify(session, Base, storages=["docs"], grace=timedelta(0))

    def check(self) -> None:
        """It has seen them all."""
        expect(self.report.counts["objects"], self.setting.amount, "objects")
        expect(self.report.counts["unreferenced"], len(self.garbage), "without a row")


class Sweep(Command):
    """What no row holds goes."""

    def prepare(self) -> None:
        """Write what the last round has deleted."""
        self.write(self.garbage)

    def command(self, session: Session) -> Any:
        """Delete."""
        return sweep(session, Base, storages=["docs"], grace=timedelta(0), delete=True)

    def check(self) -> None:
        """It has deleted these, and no others."""
        expect(count(self.files), len(self.held), "files")


class Migrate(Command):
    """Files move to another folder."""

    number = 0

    def prepare(self) -> None:
        """Let the rows be as in the beginning, and the new folder empty."""
        self.number += 1
        self.target = self.setting.folder / f"moved-{self.number}"
        storages.register_backend(StorageBackend("new", LocalDriver(self.target, durable=False)))
        self.write_rows("docs")

    def command(self, session: Session) -> Any:
        """Copy, check, and switch the rows; the old files stay, or ext4 would be slow afterwards."""
        return migrate(session, Base, source="docs", target="new", keep=True)

    def check(self) -> None:
        """Files and rows have moved."""
        expect(count(self.target), len(self.held), "files")
        with self.engine.connect() as connection:
            statement = "SELECT count(*) FROM document WHERE json_extract(file, '$.backend') = 'new'"
            expect(connection.scalar(text(statement)), len(self.held), "rows")
