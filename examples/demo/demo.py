"""Holdfast at work: files are committed, rolled back, replaced, deleted and read back with their rows.

Every line that begins with "ok" was checked, in the database and in the storage, before it was printed.

    python examples/demo/demo.py                       # SQLite and a local folder, both in build/demo
    python examples/demo/demo.py --folder ~/Pictures   # files of your own, which are only read
    python examples/demo/demo.py --database postgresql+asyncpg://me@localhost/test --storage s3://bucket/demo/

The story is told once, over a plain `Session`; an async database runs it in an `AsyncSession`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import os
import shutil
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HERE = Path(__file__).resolve().parent
DATABASE, STORAGE = "holdfast-demo.sqlite", "holdfast-demo-files"  # what the demo makes, and removes when it starts
HUNG_UP = "the sender hung up"
SHOWN = 8  # of a larger folder every file is stored, but not every one is listed


class Base(DeclarativeBase):
    """The demo's tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "holdfast_demo"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="files"))


class CheckFailedError(Exception):
    """What the demo was about to say is not true."""


class Story:
    """What the demo does. `originals` are the files to attach, by the titles of their rows."""

    def __init__(self, session: Session, storage: StorageBackend, originals: dict[str, Path]) -> None:
        self.session, self.storage, self.originals = session, storage, originals
        self.foreign: set[str] = set()  # objects that were in the storage before
        self.checks = 0

    def tell(self) -> int:
        """Do it all; return the number of checks."""
        Base.metadata.create_all(self.session.connection())
        for row in self.session.scalars(select(Document)):
            self.session.delete(row)  # of an earlier demo, and so its file
        self.session.commit()
        self.foreign = self.objects()
        self.commit()
        self.roll_back()
        notes = self.roll_back_to_savepoint()
        self.replace(notes)
        self.fail_midway()
        self.delete(notes)
        self.read_back()
        return self.checks

    def commit(self) -> None:
        """Attach the files."""
        heading(f"Commit: {count(len(self.originals), 'file')}, each with its row")
        for title, path in self.originals.items():
            self.session.add(Document(title=title, file=FileObject(content=path)))
        self.session.commit()
        files = self.session.scalars(select(Document.file).order_by(Document.id)).all()
        show(files)
        self.check("the rows name these objects, and the storage holds no others", self.objects(), self.keys())
        name, number = Counter(file.filename for file in files).most_common(1)[0]
        named = {file.path for file in files if file.filename == name}
        what = f"{number} files are named {name}: {len(named)} keys" if number > 1 else "each file has its own key"
        self.check(what, {(len(named), len(self.objects()))}, {(number, len(self.originals))})

    def roll_back(self) -> None:
        """Add, replace and delete, and take it all back."""
        heading("Rollback: a file added, one replaced, a row deleted, then session.rollback()")
        before = self.keys()
        rows = self.session.scalars(select(Document).order_by(Document.id).limit(2)).all()
        replaced, deleted = rows[0], rows[-1]
        replaced.file = FileObject(filename=replaced.file.filename, content=b"never to be seen")
        draft = self.add("draft.txt", b"a draft")
        self.session.flush()
        new = {draft.file.path, replaced.file.path}
        self.session.delete(deleted)
        self.session.flush()
        self.check("before it, 2 new objects were stored, and no old one was touched", self.objects(), before | new)
        self.session.rollback()
        self.check("after it, they are gone, and every row has its old file", self.objects(), self.keys(), before)

    def roll_back_to_savepoint(self) -> Document:
        """Keep one half of a transaction; return its row."""
        heading("Savepoint: notes.txt added before it, aside.txt after it, rolled back to it")
        before = self.keys()
        notes = self.add("notes.txt", b"first version")
        savepoint = self.session.begin_nested()
        aside = self.add("aside.txt", b"on second thoughts, no")
        self.session.flush()
        kept = before | {notes.file.path}
        self.check("before the rollback, both were stored", self.objects(), kept | {aside.file.path})
        savepoint.rollback()
        self.session.commit()
        self.check("after the commit, notes.txt is there and aside.txt is not", self.objects(), self.keys(), kept)
        return notes

    def replace(self, notes: Document) -> None:
        """Give a row another file."""
        heading("Replace: notes.txt, second version")
        before, old = self.keys(), {notes.file.path}
        notes.file = FileObject(filename="notes.txt", content=b"second version, a longer one")
        self.session.flush()
        both = before | {notes.file.path}
        self.check("before the commit, the old object was there beside the new one", self.objects(), both)
        self.session.commit()
        self.check("after it, only the new one is", self.objects(), self.keys(), both - old)

    def fail_midway(self) -> None:
        """Commit a file whose sender hangs up."""
        heading("Failure: an upload that breaks off after 12 MB")
        before, error = self.keys(), ""
        self.session.add(Document(title="film", file=FileObject(filename="film.mp4", content=broken_upload())))
        try:
            self.session.commit()
        except ConnectionError as raised:
            error = str(raised)
            self.session.rollback()
        self.check(f'commit() raised the cause, "{error}"', {error}, {HUNG_UP})
        self.check("neither a row nor an object is left of it", self.objects(), self.keys(), before)

    def delete(self, notes: Document) -> None:
        """Delete a row."""
        heading("Delete: the row of notes.txt")
        before, old = self.keys(), {notes.file.path}
        self.session.delete(notes)
        self.session.flush()
        self.check("before the commit, its object was still there", self.objects(), before)
        self.session.commit()
        self.check("after it, row and object are gone", self.objects(), self.keys(), before - old)

    def read_back(self) -> None:
        """Load all rows anew and read every byte."""
        heading("Read back: all that is there now")
        self.session.expunge_all()
        rows = self.session.scalars(select(Document)).all()
        for row in rows:
            row.file.verify()  # raises unless the stored bytes have the row's checksum
        found = {(row.title, row.file.checksum) for row in rows}
        wanted = {(title, sha256(path)) for title, path in self.originals.items()}
        self.check("the checksums of objects, rows and original files agree", found, wanted)
        sizes = [size for key, size in listing(self.storage).items() if key not in self.foreign]
        lengths = [path.stat().st_size for path in self.originals.values()]
        what = f"{count(len(rows), 'row')}, {count(len(sizes), 'object')}, {human(sum(sizes))}, and not one file more"
        self.check(what, {(len(rows), len(sizes), sum(sizes))}, {(len(lengths), len(lengths), sum(lengths))})

    def add(self, name: str, content: bytes) -> Document:
        """Add a row with a small file."""
        document = Document(title=name, file=FileObject(filename=name, content=content))
        self.session.add(document)
        return document

    def objects(self) -> set[Any]:
        """Return the keys in the storage, asked anew."""
        return set(listing(self.storage)) - self.foreign

    def keys(self) -> set[Any]:
        """Return the keys in the table, asked anew."""
        return {file.path for file in self.session.scalars(select(Document.file))}

    def check(self, claim: str, *found: set[Any]) -> None:
        """Print a claim if all these sets equal the last of them, else stop."""
        *others, wanted = found
        for other in others:
            if other != wanted:
                difference = f"missing: {sorted(wanted - other)}, too many: {sorted(other - wanted)}"
                raise CheckFailedError(f"{claim}?\n{difference}")
        self.checks += 1
        print(f"  ok  {claim}")


def listing(storage: StorageBackend) -> dict[str, int]:
    """Return sizes by key; on a local disk of all files there are, whatever the library says."""
    root = storage.native
    if isinstance(root, Path):
        return {path.relative_to(root).as_posix(): path.stat().st_size for path in root.rglob("*") if path.is_file()}
    return {info.key: info.size for info in storage.list()}


def broken_upload() -> Iterator[bytes]:
    """Yield 12 MB of a film, then fail."""
    yield from [bytes(1_000_000)] * 12
    raise ConnectionError(HUNG_UP)


def sha256(path: Path) -> str:
    """Return a file's checksum as rows have it."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def show(files: Sequence[FileObject]) -> None:
    """Print what was stored where."""
    for file in files[:SHOWN]:
        size, checksum = human(file.size or 0), str(file.checksum)[:15]
        print(f"  {column(file.filename, 36)} {size:>7}  {file.content_type:15}  {checksum}")
        print(f"    -> {file.path}")
    if len(files) > SHOWN:
        print(f"  ... and {len(files) - SHOWN} more")


def column(text: str, width: int) -> str:
    """Return a text cut or padded to the columns that it takes in a terminal: an emoji takes two, an accent none."""
    text = text if len(text) <= width else f"{text[: width - 3]}..."
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return text + " " * (width - len(text) - wide + sum(map(bool, map(unicodedata.combining, text))))


def count(number: int, noun: str) -> str:
    """Return a number of things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def human(size: int) -> str:
    """Return a size for people."""
    return f"{size} B" if size < 1000 else f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"  # noqa: PLR2004


def heading(text: str) -> None:
    """Print a heading, bold in a terminal."""
    bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(f"\n\033[1m{text}\033[0m" if bold else f"\n{text}")


def begin_transactions_early(engine: Engine) -> None:
    """Have SQLAlchemy begin transactions on SQLite; Python's driver does it too late for a SAVEPOINT.

    The recipe is from SQLAlchemy's documentation of SQLite, and applications that use savepoints need it as well.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))


def run(url: URL, tell: Callable[[Session], int]) -> int:
    """Tell the story in a `Session`."""
    engine = create_engine(url)
    try:
        begin_transactions_early(engine)
        with Session(engine) as session:
            return tell(session)
    finally:
        engine.dispose()


async def run_async(url: URL, tell: Callable[[Session], int]) -> int:
    """Tell the same story in an `AsyncSession`, whose I/O is then awaited."""
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine  # noqa: PLC0415  # needs greenlet

    engine = create_async_engine(url)
    try:
        begin_transactions_early(engine.sync_engine)
        async with AsyncSession(engine) as session:
            return await session.run_sync(tell)
    finally:
        await engine.dispose()


def find_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder and its subfolders by relative name, without hidden ones."""
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name.as_posix(): path for name, path in found.items() if not any(part[0] == "." for part in name.parts)}


def empty(folder: Path) -> None:
    """Remove what an earlier demo left in a folder, and refuse to touch one that holds anything else."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name != STORAGE and not path.name.startswith(DATABASE):
            raise FileExistsError(f"{folder} holds {path.name!r}, not made by a demo: name a new folder with --into")
    shutil.rmtree(folder / STORAGE, ignore_errors=True)
    for path in folder.iterdir():
        path.unlink()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Show Holdfast at work.", allow_abbrev=False)
    parser.add_argument("--folder", type=Path, default=HERE / "files", help="files to attach (default: the samples)")
    parser.add_argument("--into", type=Path, default=HERE.parents[1] / "build/demo", help="folder for what is made")
    parser.add_argument("--database", help="SQLAlchemy URL (default: SQLite, in --into)")
    parser.add_argument("--storage", help="URL such as s3://bucket/prefix/ (default: a folder, in --into)")
    parser.add_argument("--storage-option", metavar="NAME=VALUE", action="append", default=[], help="may be repeated")
    chosen = parser.parse_args()
    options = [option.partition("=") for option in chosen.storage_option]
    if wrong := [name for name, equals, _ in options if not (name and equals)]:
        parser.error(f"--storage-option {wrong[0]}: write NAME=VALUE")
    chosen.options = {name: value for name, _, value in options}
    chosen.originals = find_files(chosen.folder)
    if not chosen.originals:
        problem = "has no files" if chosen.folder.is_dir() else "is not a folder"
        parser.error(f"--folder {chosen.folder} {problem}: name one with a few files to attach")
    return chosen


def demo(chosen: argparse.Namespace) -> None:
    """Open database and storage, tell the story, and say where its traces are."""
    into = chosen.into.resolve()
    if not (chosen.database and chosen.storage):
        empty(into)
    database = make_url(chosen.database or URL.create("sqlite", database=str(into / DATABASE)))
    address = chosen.storage or f"{(into / STORAGE).as_uri()}/"
    is_async = database.get_dialect().is_async
    storage = storages.register_backend(address, key="files", **chosen.options)
    print(f"Holdfast attaches {chosen.folder} to rows")
    print(f"  rows   in {database!r}, with {'an AsyncSession' if is_async else 'a Session'}\n  files  in {address}")

    def tell(session: Session) -> int:
        return Story(session, storage, chosen.originals).tell()

    checks = asyncio.run(run_async(database, tell)) if is_async else run(database, tell)
    if not (chosen.database and chosen.storage):
        print(f"\nLook for yourself: {into}")
    print(f"Files were committed, rolled back, replaced, deleted and read back: all {checks} checks held.")


def main() -> int:
    """Run the demo; return the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Unicode shows "?" in names
    chosen = arguments()
    try:
        demo(chosen)
    except CheckFailedError as error:
        print(f"\nNOT TRUE: {error}", file=sys.stderr)
    except (ImportError, OSError, SQLAlchemyError, ValueError) as error:
        print(f"\nThe demo stopped. {type(error).__name__}: {error}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
