"""A little application in a folder of its own, on which the real command is run."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import JSON, Column, Integer, MetaData, Table, create_engine, delete, select
from sqlalchemy.dialects.postgresql import JSONB

from holdfast import Outbox
from holdfast.backends.obstore import ObstoreBackend
from holdfast.keys import default_key, new_id

MODELS = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

    from holdfast import FileObject, Outbox, StoredObject

    class Base(DeclarativeBase):
        pass

    class Document(Base):
        __tablename__ = "document"
        id: Mapped[int] = mapped_column(primary_key=True)
        file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))

    outbox = Outbox(Base)
"""
STORAGE = """
    from pathlib import Path
    from holdfast import storages

    def register():
        storages.register_backend((Path(__file__).parent.parent / "files").as_uri(), key="docs")
"""
DATABASE = """
    from sqlalchemy import create_engine
    engine = create_engine({url!r})
"""
PROJECT = """
    [tool.holdfast]
    app = "shop.models:Base"
    engine = "shop.db:engine"
    setup = "shop.storage:register"
"""


RUN_EACH = """
    import json, sys
    from pathlib import Path
    from click.testing import CliRunner
    from holdfast.cli import main

    found = []
    for arguments in json.loads(sys.argv[1]):
        for each in arguments:
            name, sign, text = each.partition("=")
            if sign and name.endswith(".toml"):
                Path(name).write_text(text)
        result = CliRunner().invoke(main, [each for each in arguments if ".toml=" not in each])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        found.append((result.exit_code, result.stdout, result.stderr))
    print(json.dumps(found))
"""


class Shop:
    """The application: a package, a database and a folder of files.

    Its tables and objects are written from here, without its models.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder}/shop.sqlite"
        self.storage = ObstoreBackend("docs", (folder / "files").as_uri())
        for name, text in {
            "shop/__init__.py": "",
            "shop/models.py": MODELS,
            "shop/storage.py": STORAGE,
            "shop/db.py": DATABASE.format(url=self.url),
            "pyproject.toml": PROJECT,
        }.items():
            self.write(name, text)
        metadata = MetaData()
        kind = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
        self.documents = Table("document", metadata, Column("id", Integer, primary_key=True), Column("file", kind))
        self.outbox = Outbox(metadata)
        self.engine = create_engine(self.url)
        metadata.create_all(self.engine)

    def write(self, name: str, text: str) -> None:
        """Write a file of the application."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def store(self, name: str = "a.txt", content: bytes = b"bytes", *, age: float = 0.0) -> str:
        """Store an object that no row holds, with a key that was made some seconds ago, and return the key."""
        key = default_key(new_id(time.time() - age), name)
        self.storage.put(key, content)
        return key

    def add(self, name: str = "a.txt", content: bytes = b"bytes", *, key: str | None = None) -> str:
        """Store an object, if no key is given, and add a row that holds it."""
        key = key or self.store(name, content)
        info = self.storage.stat(key)
        value = {"backend": "docs", "filename": name, "to_filename": key, "size": info.size}
        value["checksum"] = self.storage.put("other", content).checksum
        self.storage.delete("other")
        with self.engine.begin() as connection:
            connection.execute(self.documents.insert(), {"file": value})
        return key

    def drop(self, key: str) -> None:
        """Remove all rows, and note in the outbox that one of them held a key."""
        self.note(key)
        with self.engine.begin() as connection:
            connection.execute(delete(self.documents))

    def note(self, key: str, backend: str = "docs") -> None:
        """Note in the outbox that a row let go of a key, an hour ago."""
        entry = {"kind": "drop", "backend": backend, "path": key, "owner_table": "document", "owner_key": '["1"]'}
        with self.engine.begin() as connection:
            connection.execute(self.outbox.table.insert(), {**entry, "created_at": int(time.time()) - 3600})

    def rows(self) -> int:
        """Count the rows."""
        with self.engine.connect() as connection:
            return len(connection.execute(select(self.documents.c.id)).all())

    def keys(self) -> list[str]:
        """Return the keys of all objects."""
        return [info.key for info in self.storage.list()]

    def run(self, *arguments: str, **environment: str) -> "Outcome":
        """Run the command in the application's folder."""
        return self.start([sys.executable, "-m", "holdfast.cli", *arguments], self.folder, environment)

    def run_each(self, *runs: list[str]) -> list["Outcome"]:
        """Run the command several times in one process, which saves the start of a Python for each.

        An argument like ``pyproject.toml=…`` writes that file first.
        """
        command = [sys.executable, "-c", dedent(RUN_EACH), json.dumps(runs)]
        done = self.start(command, self.folder, {})
        assert done.status == 0, done
        return [Outcome(*each) for each in done.json]

    def start(self, command: list[str], folder: Path, environment: dict[str, str]) -> "Outcome":
        """Run any command."""
        # Without bytecode every start would compile SQLAlchemy anew.
        left_out = {"DATABASE_URL", "PYTHONDONTWRITEBYTECODE"}
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        done = subprocess.run(
            command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=60, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)


class Outcome:
    """How a command went."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> dict:
        """The document on standard output, where nothing else is."""
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"status {self.status}\n--- out\n{self.out}--- err\n{self.err}"


@pytest.fixture
def shop(tmp_path):
    """The application on SQLite."""
    found = Shop(tmp_path)
    yield found
    found.engine.dispose()
